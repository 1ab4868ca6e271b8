/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <glib/gstdio.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bridge/cmd_check.h"

/* A temporary directory, with files in it; the command runs there. */
typedef struct {
    char *directory, *before;
    int code;
    char *out, *err;
} Run;

static void write_file(const char *name, const char *text)
{
    assert_true(g_file_set_contents(name, text, -1, NULL));
}

static void enter(Run *run)
{
    *run = (Run){.directory = g_dir_make_tmp("check-XXXXXX", NULL),
                 .before = g_get_current_dir()};
    assert_int_equal(g_chdir(run->directory), 0);
    write_file("good.yml", "route: {receiver: r}\nreceivers: [{name: r}]\n");
    write_file("noted.yml", "route: {receiver: r}\n"
                            "receivers: [{name: r, slack_configs: [{channel: x}]}]\n");
    write_file("bad.yml", "route: {receiver: r, x: y}\nreceivers: [{nam: r}]\n");
}

/* What was written to STREAM while it went to the file NAME. */
static int redirect(FILE *stream, const char *name)
{
    fflush(stream);
    int kept = dup(fileno(stream));
    assert_non_null(freopen(name, "w", stream));
    return kept;
}

static char *restore(FILE *stream, int kept, const char *name)
{
    fflush(stream);
    assert_true(dup2(kept, fileno(stream)) >= 0);
    close(kept);
    char *text = NULL;
    assert_true(g_file_get_contents(name, &text, NULL, NULL));
    g_unlink(name);
    return text;
}

/* Runs LINE, its words separated by blanks. */
static void check(Run *run, const char *line)
{
    g_free(run->out);
    g_free(run->err);
    g_auto(GStrv) words = g_strsplit(line, " ", -1);
    guint n = g_strv_length(words);
    /* the parser moves and drops words: it gets a list that owns none of them */
    g_autofree char **argv = g_memdup2(words, (n + 1) * sizeof *words);
    int out = redirect(stdout, "out"), err = redirect(stderr, "err");
    run->code = cmd_run(&cmd_check, (int)n, argv);
    run->out = restore(stdout, out, "out");
    run->err = restore(stderr, err, "err");
}

static void leave(Run *run)
{
    g_unlink("good.yml");
    g_unlink("noted.yml");
    g_unlink("bad.yml");
    assert_int_equal(g_chdir(run->before), 0);
    g_rmdir(run->directory);
    g_free(run->directory);
    g_free(run->before);
    g_free(run->out);
    g_free(run->err);
}

static void a_good_file_is_summed_up_in_one_line(void **state)
{
    (void)state;
    Run run;
    enter(&run);
    check(&run, "check good.yml");
    assert_int_equal(run.code, 0);
    assert_string_equal(run.out, "good.yml: good: 1 receiver, 1 route, 0 template files, "
                                 "0 relays, 1 source\n");
    assert_string_equal(run.err, "");
    leave(&run);
}

static void every_error_of_every_file_is_told(void **state)
{
    (void)state;
    Run run;
    enter(&run);
    check(&run, "check bad.yml good.yml missing.yml");
    assert_int_equal(run.code, 1);
    assert_string_equal(
        run.err, "bad.yml:1:19: route.receiver: undefined receiver \"r\" used in route\n"
                 "bad.yml:1:22: route.x: unknown key\n"
                 "bad.yml:2:13: receivers[0]: missing name in receiver\n"
                 "bad.yml:2:14: receivers[0].nam: unknown key; did you mean \"name\"?\n"
                 "missing.yml: No such file or directory\n");
    assert_true(g_str_has_prefix(run.out, "good.yml: good: "));
    leave(&run);
}

static void other_receivers_are_errors_unless_they_are_ignored(void **state)
{
    (void)state;
    Run run;
    enter(&run);
    check(&run, "check noted.yml");
    assert_int_equal(run.code, 1);
    check(&run, "check --ignore-other-receivers noted.yml");
    assert_int_equal(run.code, 0);
    assert_string_equal(run.err, "warning: noted.yml:1:19: route.receiver: receiver \"r\" has no "
                                 "email_configs: this route mails nobody\n"
                                 "warning: noted.yml:2:38: receivers[0].slack_configs: ignored: "
                                 "alertpost only sends mail\n");
    leave(&run);
}

static void bad_usage_is_told_apart(void **state)
{
    (void)state;
    Run run;
    enter(&run);
    check(&run, "check");
    assert_int_equal(run.code, 2);
    assert_string_equal(run.err,
                        "alertpost check: needs a FILE (see alertpost check --help)\n");
    check(&run, "check --nonsense good.yml");
    assert_int_equal(run.code, 2);
    check(&run, "check --help");
    assert_int_equal(run.code, 0);
    assert_non_null(strstr(run.out, "--ignore-other-receivers"));
    leave(&run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_file_is_summed_up_in_one_line),
        cmocka_unit_test(every_error_of_every_file_is_told),
        cmocka_unit_test(other_receivers_are_errors_unless_they_are_ignored),
        cmocka_unit_test(bad_usage_is_told_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
