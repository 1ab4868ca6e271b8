/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bridge/json.h"
#include "bridge/log.h"

/* All that is in the pipe until its writing end is closed. */
static char *drain(int fd)
{
    GString *out = g_string_new(NULL);
    char buffer[4096];
    for (ssize_t n; (n = read(fd, buffer, sizeof buffer)) > 0;) {
        g_string_append_len(out, buffer, n);
    }
    close(fd);
    return g_string_free(out, FALSE);
}

/* What one line with one pair looks like, without its time. */
static char *line_of(LogFormat format, const char *value)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    Log *log = log_new(ends[1], LOG_LEVEL_INFO, format);
    log_line(log, LOG_LEVEL_INFO, "a thing happened", "key", value, NULL);
    log_free(log);
    close(ends[1]);
    g_autofree char *text = drain(ends[0]);
    const char *level = strstr(text, format == LOG_JSON ? "\"level\"" : "level=");
    assert_non_null(level);
    return g_strdup(level);
}

static void a_logfmt_line_is_one_line_whatever_it_holds(void **state)
{
    (void)state;
    static const struct {
        const char *value, *written;
    } table[] = {
        {"word", "word"},
        {"a/b:c@d;[1]", "a/b:c@d;[1]"},
        {"", "\"\""},
        {NULL, "\"\""},
        {"two words", "\"two words\""},
        {"a=b", "\"a=b\""},
        {"say \"hi\"", "\"say \\\"hi\\\"\""},
        {"\"", "\"\\\"\""},
        {"a\\b", "\"a\\\\b\""},
        {"a\r\nlevel=error", "\"a\\r\\nlevel=error\""},
        {"\x1b[31m", "\"\\u001b[31m\""},
        {"\xFFx", "\"\xEF\xBF\xBDx\""},
        {"\xC3\xA9", "\"\xC3\xA9\""},
        {"\xC2\x9B", "\"\\u009b\""},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        g_autofree char *line = line_of(LOG_LOGFMT, table[i].value);
        g_autofree char *wanted = g_strdup_printf(
            "level=info msg=\"a thing happened\" key=%s\n", table[i].written);
        assert_string_equal(line, wanted);
    }
}

static void numbers_of_any_size_are_written(void **state)
{
    (void)state;
    static const struct {
        int64_t number;
        const char *text;
    } rows[] = {{0, "0"}, {7, "7"}, {-10, "-10"}, {INT64_MAX, "9223372036854775807"},
                {INT64_MIN, "-9223372036854775808"}};
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        assert_string_equal(LOG_NUMBER(rows[i].number), rows[i].text);
    }
}

static void a_json_line_is_one_object_whatever_it_holds(void **state)
{
    (void)state;
    static const char *const values[] = {"word", "", "\"},{\"", "\n", "\xFF\x01", "\\"};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        int ends[2];
        assert_int_equal(pipe(ends), 0);
        Log *log = log_new(ends[1], LOG_LEVEL_INFO, LOG_JSON);
        log_line(log, LOG_LEVEL_WARN, "m", "key", values[i], "n", LOG_NUMBER(-5), NULL);
        log_free(log);
        close(ends[1]);
        g_autofree char *text = drain(ends[0]);
        assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
        g_autoptr(Json) json =
            json_parse(text, strlen(text), &JSON_LIMITS_DEFAULT, NULL);
        assert_non_null(json);
        assert_int_equal(json_size(json), 5);
        assert_string_equal(json_text(json_get(json, "level")), "warn");
        assert_string_equal(json_text(json_get(json, "msg")), "m");
        assert_string_equal(json_text(json_get(json, "n")), "-5");
        g_autofree char *valid = g_utf8_make_valid(values[i], -1);
        assert_string_equal(json_text(json_get(json, "key")), valid);
    }
}

static void every_line_begins_with_its_time_in_utc(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    Log *log = log_new(ends[1], LOG_LEVEL_DEBUG, LOG_LOGFMT);
    log_line(log, LOG_LEVEL_DEBUG, "tick", NULL);
    log_free(log);
    close(ends[1]);
    g_autofree char *text = drain(ends[0]);
    assert_true(g_regex_match_simple(
        "^time=20\\d\\d-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z "
        "level=debug msg=tick\n$",
        text, G_REGEX_DOLLAR_ENDONLY, 0));
}

static void a_long_value_is_cut_between_characters(void **state)
{
    (void)state;
    g_autofree char *ascii = g_strnfill(5000, 'a');
    g_autofree char *line = line_of(LOG_LOGFMT, ascii);
    assert_int_equal(strlen(line),
                     strlen("level=info msg=\"a thing happened\" key=\"…\"\n") + 1000);
    g_autoptr(GString) wide = g_string_new("a");
    for (int i = 0; i < 500; i++) {
        g_string_append(wide, "€");
    }
    g_autofree char *cut = line_of(LOG_LOGFMT, wide->str);
    assert_null(strstr(cut, "\xEF\xBF\xBD"));
    assert_true(g_str_has_suffix(cut, "€…\"\n"));
    ascii[1000] = '\0';
    g_autofree char *whole = line_of(LOG_LOGFMT, ascii);
    assert_null(strstr(whole, "…"));
}

static void lines_below_the_level_are_not_written(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    Log *log = log_new(ends[1], LOG_LEVEL_WARN, LOG_LOGFMT);
    log_line(log, LOG_LEVEL_INFO, "quiet", NULL);
    log_line(log, LOG_LEVEL_ERROR, "loud", NULL);
    log_free(log);
    close(ends[1]);
    g_autofree char *text = drain(ends[0]);
    assert_null(strstr(text, "quiet"));
    assert_non_null(strstr(text, "loud"));
    log_line(NULL, LOG_LEVEL_ERROR, "no log", NULL);
    assert_int_equal(log_dropped(NULL), 0);
    log_free(NULL);
}

static unsigned count(const char *text, const char *needle)
{
    unsigned n = 0;
    for (const char *at = text; (at = strstr(at, needle)) != NULL; at++) {
        n++;
    }
    return n;
}

static void *read_lines(void *data)
{
    return drain(*(int *)data);
}

static void a_blocked_reader_costs_lines_that_are_counted_and_said(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    Log *log = log_new(ends[1], LOG_LEVEL_INFO, LOG_LOGFMT);
    unsigned lines = 0;
    while (log_dropped(log) < 10) {
        log_line(log, LOG_LEVEL_INFO, "line", "n", "0123456789012345678901234567890",
                 NULL);
        lines++;
    }
    pthread_t reader;
    pthread_create(&reader, NULL, read_lines, &ends[0]);
    log_free(log);
    close(ends[1]);
    void *text = NULL;
    pthread_join(reader, &text);
    long said = 0;
    for (const char *at = text;
         (at = strstr(at, "msg=\"log lines dropped\" lines=")) != NULL; at++) {
        said += strtol(strstr(at, "lines=") + 6, NULL, 10);
    }
    assert_true(said >= 10);
    assert_int_equal(said, lines - count(text, "msg=line"));
    g_free(text);
}

static void the_end_does_not_wait_for_a_reader_that_never_reads(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    Log *log = log_new(ends[1], LOG_LEVEL_INFO, LOG_LOGFMT);
    while (log_dropped(log) == 0) {
        log_line(log, LOG_LEVEL_INFO, "line", NULL);
    }
    log_free(log);
    close(ends[0]);
    close(ends[1]);
}

static void a_descriptor_that_refuses_costs_lines_only(void **state)
{
    (void)state;
    int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    Log *log = log_new(fd, LOG_LEVEL_INFO, LOG_LOGFMT);
    log_line(log, LOG_LEVEL_INFO, "one", NULL);
    while (log_dropped(log) < 1) {
        g_thread_yield();
    }
    log_free(log);
    close(fd);
}

typedef struct {
    Log *log;
    char name[2];
} Writer;

static void *write_lines(void *data)
{
    Writer *writer = data;
    for (int i = 0; i < 500; i++) {
        log_line(writer->log, LOG_LEVEL_INFO, "line", "by", writer->name, "n",
                 LOG_NUMBER(i), NULL);
    }
    return NULL;
}

static void lines_of_several_threads_do_not_mix(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    Log *log = log_new(ends[1], LOG_LEVEL_INFO, LOG_LOGFMT);
    pthread_t reader, threads[4];
    Writer writers[4];
    pthread_create(&reader, NULL, read_lines, &ends[0]);
    for (int i = 0; i < 4; i++) {
        writers[i] = (Writer){log, {(char)('a' + i), '\0'}};
        pthread_create(&threads[i], NULL, write_lines, &writers[i]);
    }
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
    }
    uint64_t dropped = log_dropped(log);
    log_free(log);
    close(ends[1]);
    void *text = NULL;
    pthread_join(reader, &text);
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    unsigned good = 0;
    for (char **line = lines; **line != '\0'; line++) {
        assert_true(g_str_has_prefix(*line, "time="));
        good += count(*line, " msg=line by=") == 1;
    }
    assert_int_equal(good + dropped, 2000);
    g_free(text);
}

static void what_was_flushed_is_written_when_the_next_moment_is_the_last(void **state)
{
    (void)state;
    int ends[2];
    char buffer[4096];
    assert_int_equal(pipe2(ends, O_NONBLOCK), 0);
    Log *log = log_new(ends[1], LOG_LEVEL_INFO, LOG_LOGFMT);
    for (unsigned i = 0; i < 20; i++) { /* the second one would gather */
        log_line(log, LOG_LEVEL_INFO, "a thing happened", "number", LOG_NUMBER(i), NULL);
        log_flush(log);
        ssize_t n = read(ends[0], buffer, sizeof buffer - 1);
        assert_true(n > 0);
        buffer[n] = '\0';
        g_autofree char *number = g_strdup_printf(" number=%u\n", i);
        assert_true(g_str_has_suffix(buffer, number));
    }
    log_flush(log); /* nothing is left */
    log_free(log);
    close(ends[0]);
    close(ends[1]);
}

static void no_write_ends_within_a_line(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(pipe2(ends, O_DIRECT), 0); /* a read takes what one write put there */
    Log *log = log_new(ends[1], LOG_LEVEL_INFO, LOG_LOGFMT);
    for (int i = 0; i < 200; i++) {
        log_line(log, LOG_LEVEL_INFO, "a line of some length", "number", LOG_NUMBER(i), NULL);
    }
    log_free(log);
    close(ends[1]);
    char buffer[4096];
    ssize_t n, writes = 0;
    for (; (n = read(ends[0], buffer, sizeof buffer)) > 0; writes++) {
        assert_int_equal(buffer[n - 1], '\n');
    }
    assert_in_range(writes, 2, 200);
    close(ends[0]);
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_logfmt_line_is_one_line_whatever_it_holds),
        cmocka_unit_test(numbers_of_any_size_are_written),
        cmocka_unit_test(a_json_line_is_one_object_whatever_it_holds),
        cmocka_unit_test(every_line_begins_with_its_time_in_utc),
        cmocka_unit_test(a_long_value_is_cut_between_characters),
        cmocka_unit_test(lines_below_the_level_are_not_written),
        cmocka_unit_test(a_blocked_reader_costs_lines_that_are_counted_and_said),
        cmocka_unit_test(the_end_does_not_wait_for_a_reader_that_never_reads),
        cmocka_unit_test(a_descriptor_that_refuses_costs_lines_only),
        cmocka_unit_test(lines_of_several_threads_do_not_mix),
        cmocka_unit_test(what_was_flushed_is_written_when_the_next_moment_is_the_last),
        cmocka_unit_test(no_write_ends_within_a_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
