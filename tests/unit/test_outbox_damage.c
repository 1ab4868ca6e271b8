/* SPDX-License-Identifier: MIT */
/* Databases that are damaged, or not ours. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <glib/gstdio.h>
#include <string.h>

#include "bridge/outbox/store.h"
#include "rules/fault.h"

enum { MAILS = 200, PAGE = 4096 };
#define BODY "spam and eggs, "

typedef struct {
    char *folder, *path, *to, *reason;
    unsigned moved;
    Store *store;
    GError *error;
} Bench;

static void ignore_wake(void *who, const char *relay, int64_t due_ms)
{
    (void)who, (void)relay, (void)due_ms;
}

static void note_moved(void *who, const char *to, const char *reason)
{
    Bench *bench = who;
    bench->moved++;
    g_free(bench->to);
    g_free(bench->reason);
    bench->to = g_strdup(to);
    bench->reason = g_strdup(reason);
}

static bool bench_open(Bench *bench, OnDamage on_damage)
{
    const StoreWatcher watcher = {ignore_wake, note_moved, bench};
    g_clear_error(&bench->error);
    bench->store = store_sqlite.open(bench->path, on_damage, &watcher, &bench->error);
    return bench->store != NULL;
}

static void bench_close(Bench *bench)
{
    if (bench->store != NULL) {
        store_sqlite.close(g_steal_pointer(&bench->store));
    }
}

static void insert_mails(Bench *bench, size_t length)
{
    assert_true(store_sqlite.begin(bench->store, NULL));
    for (unsigned i = 0; i < MAILS; i++) {
        g_autoptr(Mail) mail = mail_new();
        mail->bytes = g_malloc(length);
        mail->length = length;
        for (size_t at = 0; at < length; at++) {
            mail->bytes[at] = BODY[at % strlen(BODY)];
        }
        mail->accepted_ms = i + 1;
        mail_add_recipient(mail, "ops@example.org");
        assert_true(store_sqlite.insert(bench->store, mail, 1, false, NULL));
    }
    assert_true(store_sqlite.commit(bench->store, NULL));
}

/* A database with mails, closed, whose file may now be spoilt. */
static Bench *bench_new(size_t length)
{
    Bench *bench = g_new0(Bench, 1);
    bench->folder = g_dir_make_tmp("damage-XXXXXX", NULL);
    bench->path = g_build_filename(bench->folder, "box.db", NULL);
    assert_true(bench_open(bench, DAMAGE_STOPS));
    insert_mails(bench, length);
    bench_close(bench);
    return bench;
}

static void bench_free(Bench *bench)
{
    bench_close(bench);
    GDir *dir = g_dir_open(bench->folder, 0, NULL);
    const char *name;
    while ((name = g_dir_read_name(dir)) != NULL) {
        g_autofree char *path = g_build_filename(bench->folder, name, NULL);
        g_remove(path);
    }
    g_dir_close(dir);
    g_rmdir(bench->folder);
    g_clear_error(&bench->error);
    g_free(bench->folder);
    g_free(bench->path);
    g_free(bench->to);
    g_free(bench->reason);
    g_free(bench);
}

static char *beside(const Bench *bench, const char *suffix)
{
    return g_strconcat(bench->path, suffix, NULL);
}

static GString *read_file(const char *path)
{
    char *bytes;
    gsize length;
    assert_true(g_file_get_contents(path, &bytes, &length, NULL));
    GString *content = g_string_new_len(bytes, (gssize)length);
    g_free(bytes);
    return content;
}

static void write_file(const char *path, const GString *content)
{
    assert_true(g_file_set_contents(path, content->str, (gssize)content->len, NULL));
}

static void garble(GString *content, size_t from, size_t to)
{
    memset(content->str + from, 0xa5, to - from);
}

static uint64_t count_queued(Bench *bench)
{
    OutboxStats stats;
    assert_true(store_sqlite.begin(bench->store, NULL));
    assert_true(store_sqlite.count(bench->store, &stats, NULL));
    store_sqlite.rollback(bench->store);
    return stats.queued;
}

/* Kinds of damage. */

static void spoil_head(Bench *bench, GString *content)
{
    (void)bench;
    garble(content, 0, 100);
}

static void spoil_all_but_the_first_page(Bench *bench, GString *content)
{
    (void)bench;
    garble(content, PAGE, content->len);
}

static void spoil_the_middle(Bench *bench, GString *content)
{
    (void)bench;
    garble(content, content->len / 3 / PAGE * PAGE, content->len / 3 * 2);
}

static void cut_off_the_end(Bench *bench, GString *content)
{
    (void)bench;
    g_string_truncate(content, content->len / 2);
}

static void cut_within_the_first_page(Bench *bench, GString *content)
{
    (void)bench;
    g_string_truncate(content, 1000);
}

static void write_text(Bench *bench, GString *content)
{
    (void)bench;
    g_string_assign(content, "Dear diary,\n");
}

static void empty_it_beside_its_log(Bench *bench, GString *content)
{
    g_autofree char *log = beside(bench, "-wal");
    write_file(log, content);
    g_string_truncate(content, 0);
}

typedef void Spoil(Bench *bench, GString *content);
static Spoil *const spoils[] = {
    spoil_head,      spoil_all_but_the_first_page, spoil_the_middle,       cut_off_the_end,
    cut_within_the_first_page, write_text,         empty_it_beside_its_log};

static GString *spoil(Bench *bench, Spoil *how)
{
    GString *content = read_file(bench->path);
    how(bench, content);
    write_file(bench->path, content);
    return content;
}

/* Tests. */

static void a_damaged_database_is_moved_aside_and_a_new_one_begins(void **state)
{
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(spoils); i++) {
        Bench *bench = bench_new(100);
        GString *content = spoil(bench, spoils[i]);
        if (!bench_open(bench, DAMAGE_MOVES)) {
            fail_msg("%zu: %s", i, bench->error->message);
        }
        assert_int_equal(bench->moved, 1);
        assert_int_equal(count_queued(bench), 0);
        g_autofree char *start = beside(bench, ".corrupt-2");
        assert_true(g_str_has_prefix(bench->to, start));
        GString *kept = read_file(bench->to);
        assert_true(g_string_equal(kept, content));
        insert_mails(bench, 10);
        bench_close(bench);
        assert_true(bench_open(bench, DAMAGE_MOVES));
        assert_int_equal(bench->moved, 1);
        assert_int_equal(count_queued(bench), MAILS);
        g_string_free(kept, TRUE);
        g_string_free(content, TRUE);
        bench_free(bench);
    }
}

static void where_that_is_wished_a_damaged_database_is_an_error(void **state)
{
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(spoils); i++) {
        Bench *bench = bench_new(100);
        GString *content = spoil(bench, spoils[i]);
        assert_false(bench_open(bench, DAMAGE_STOPS));
        assert_int_equal(bench->error->code, FAULT_SYSTEM);
        assert_true(g_str_has_prefix(bench->error->message, bench->path));
        assert_null(strchr(bench->error->message, '\n'));
        GString *kept = read_file(bench->path);
        assert_true(g_string_equal(kept, content));
        g_string_free(kept, TRUE);
        g_string_free(content, TRUE);
        bench_free(bench);
    }
}

static void the_log_goes_with_its_database(void **state)
{
    (void)state;
    Bench *bench = bench_new(100);
    g_autofree char *log = beside(bench, "-wal");
    GString *content = spoil(bench, empty_it_beside_its_log);
    GString *logged = read_file(log);
    assert_true(bench_open(bench, DAMAGE_MOVES));
    g_autofree char *moved_log = g_strconcat(bench->to, "-wal", NULL);
    GString *kept = read_file(moved_log);
    assert_true(g_string_equal(kept, logged));
    g_string_free(kept, TRUE);
    g_string_free(logged, TRUE);
    g_string_free(content, TRUE);
    bench_free(bench);
}

static void two_that_are_moved_in_one_second_get_two_names(void **state)
{
    (void)state;
    Bench *bench = bench_new(100);
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
    for (unsigned i = 0; i < 3; i++) {
        g_string_free(spoil(bench, spoil_head), TRUE);
        assert_true(bench_open(bench, DAMAGE_MOVES));
        bench_close(bench);
        assert_false(g_ptr_array_find_with_equal_func(names, bench->to, g_str_equal, NULL));
        g_ptr_array_add(names, g_strdup(bench->to));
        assert_true(g_file_test(bench->to, G_FILE_TEST_EXISTS));
    }
    bench_free(bench);
}

static void an_empty_file_becomes_a_database(void **state)
{
    (void)state;
    Bench *bench = bench_new(100);
    assert_true(g_file_set_contents(bench->path, "", 0, NULL));
    assert_true(bench_open(bench, DAMAGE_STOPS));
    assert_int_equal(count_queued(bench), 0);
    bench_free(bench);
}

/* The number that SQLite keeps big-endian AT an offset of the file's head. */
static void set_head(Bench *bench, size_t at, uint32_t value)
{
    GString *content = read_file(bench->path);
    for (unsigned i = 0; i < 4; i++) {
        content->str[at + i] = (char)(value >> (24 - 8 * i) & 0xff);
    }
    write_file(bench->path, content);
    g_string_free(content, TRUE);
}

static void a_database_of_another_program_is_left_alone(void **state)
{
    (void)state;
    Bench *bench = bench_new(100);
    set_head(bench, 68, 0x12345678);
    GString *before = read_file(bench->path);
    g_autofree char *message =
        g_strdup_printf("%s: is another program's database", bench->path);
    assert_false(bench_open(bench, DAMAGE_MOVES));
    assert_string_equal(bench->error->message, message);
    GString *after = read_file(bench->path);
    assert_true(g_string_equal(before, after));
    g_string_free(before, TRUE);
    g_string_free(after, TRUE);

    /* Even a damaged one. */
    g_string_free(spoil(bench, spoil_all_but_the_first_page), TRUE);
    assert_false(bench_open(bench, DAMAGE_MOVES));
    assert_int_equal(bench->moved, 0);
    bench_free(bench);
}

static void a_database_of_a_later_version_is_left_alone(void **state)
{
    (void)state;
    Bench *bench = bench_new(100);
    set_head(bench, 60, 999);
    assert_false(bench_open(bench, DAMAGE_MOVES));
    assert_non_null(strstr(bench->error->message, "schema is 999"));
    assert_int_equal(bench->moved, 0);
    bench_free(bench);
}

/* Breaks the chain of pages that a long body is kept in, behind BODY's first bytes. */
static void spoil_a_body(Bench *bench, GString *content)
{
    (void)bench;
    unsigned n = 0;
    for (size_t at = 0; at < content->len; at += PAGE) {
        for (size_t shift = 0; shift < strlen(BODY); shift++) {
            g_autofree char *start = g_strconcat(&BODY[shift], BODY, NULL);
            if (memcmp(content->str + at + 4, start, strlen(BODY)) == 0) {
                garble(content, at, at + 4);
                n++;
            }
        }
    }
    assert_true(n > 0);
}

static bool claim_all(Bench *bench, GError **error)
{
    g_autoptr(GPtrArray) mails = g_ptr_array_new_with_free_func((GDestroyNotify)mail_free);
    bool ok = store_sqlite.begin(bench->store, error) &&
              store_sqlite.claim(bench->store, "", 1000, MAILS, mails, error);
    store_sqlite.rollback(bench->store);
    return ok;
}

/* The start does not read the bodies. */
static void damage_met_while_it_runs_fails_until_the_next_start_moves_it(void **state)
{
    (void)state;
    Bench *bench = bench_new(3 * PAGE);
    g_autofree char *mark = beside(bench, ".damaged");
    g_autoptr(GError) first = NULL, second = NULL;
    g_string_free(spoil(bench, spoil_a_body), TRUE);
    assert_true(bench_open(bench, DAMAGE_MOVES));
    assert_int_equal(bench->moved, 0);

    assert_false(claim_all(bench, &first));
    g_autofree char *end = g_strdup("database disk image is malformed; the next start sees "
                                    "to it (--storage.on-corruption)");
    assert_true(g_str_has_suffix(first->message, end));
    g_autofree char *message = g_strdup_printf("%s: is damaged; the next start sees to it "
                                               "(--storage.on-corruption)", bench->path);
    assert_false(claim_all(bench, &second));
    assert_string_equal(second->message, message);
    assert_true(g_file_test(mark, G_FILE_TEST_EXISTS));

    bench_close(bench);
    assert_false(bench_open(bench, DAMAGE_STOPS));
    assert_true(bench_open(bench, DAMAGE_MOVES));
    assert_int_equal(bench->moved, 1);
    assert_false(g_file_test(mark, G_FILE_TEST_EXISTS));
    bench_free(bench);
}

static void a_mark_on_a_database_in_order_is_taken_away(void **state)
{
    (void)state;
    Bench *bench = bench_new(3 * PAGE);
    g_autofree char *mark = beside(bench, ".damaged");
    assert_true(g_file_set_contents(mark, "it was", -1, NULL));
    assert_true(bench_open(bench, DAMAGE_MOVES));
    assert_int_equal(bench->moved, 0);
    assert_int_equal(count_queued(bench), MAILS);
    assert_false(g_file_test(mark, G_FILE_TEST_EXISTS));
    bench_free(bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_damaged_database_is_moved_aside_and_a_new_one_begins),
        cmocka_unit_test(where_that_is_wished_a_damaged_database_is_an_error),
        cmocka_unit_test(the_log_goes_with_its_database),
        cmocka_unit_test(two_that_are_moved_in_one_second_get_two_names),
        cmocka_unit_test(an_empty_file_becomes_a_database),
        cmocka_unit_test(a_database_of_another_program_is_left_alone),
        cmocka_unit_test(a_database_of_a_later_version_is_left_alone),
        cmocka_unit_test(damage_met_while_it_runs_fails_until_the_next_start_moves_it),
        cmocka_unit_test(a_mark_on_a_database_in_order_is_taken_away),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
