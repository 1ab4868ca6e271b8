/* SPDX-License-Identifier: MIT */
/* What is brought back of a database that was damaged. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <glib/gstdio.h>
#include <semaphore.h>
#include <sqlite3.h>
#include <string.h>
#include <unistd.h>

#include "bridge/outbox/manage.h"
#include "bridge/queue_import.h"
#include "rules/fault.h"

enum { MAILS = 300, RECORDS = 400, PAGE = 4096, DAMAGES = 15 };

typedef struct {
    Config config;
    char *folder, *old, *fresh; /* paths */
    sem_t done;
    OutboxResult result;
    Mail **mails;
    size_t n;
    StoredMail *found;
    Record *records;
} Bench;

static int set_up(void **state)
{
    Bench *bench = g_new0(Bench, 1);
    bench->config.limits = (LimitsConfig){
        .queue_mails = 10000, .queue_bytes = 1 << 30, .history = 10, .history_mails = 100000};
    bench->config.delivery = (DeliveryConfig){.retry_min_ms = 60000,
                                              .retry_max_ms = 60000,
                                              .give_up_ms = 172800000,
                                              .history_ms = INT64_MAX >> 1};
    bench->folder = g_dir_make_tmp("import-XXXXXX", NULL);
    bench->old = g_build_filename(bench->folder, "old.db", NULL);
    bench->fresh = g_build_filename(bench->folder, "fresh.db", NULL);
    sem_init(&bench->done, 0, 0);
    *state = bench;
    return 0;
}

static int tear_down(void **state)
{
    Bench *bench = *state;
    g_autofree char *remove = g_strdup_printf("rm -r %s", bench->folder);
    assert_true(g_spawn_command_line_sync(remove, NULL, NULL, NULL, NULL));
    g_free(bench->folder);
    g_free(bench->old);
    g_free(bench->fresh);
    g_free(bench);
    return 0;
}

static void wait_done(Bench *bench)
{
    while (sem_wait(&bench->done) != 0) {
    }
}

static void on_commit(void *who, OutboxResult result, Change *change)
{
    ((Bench *)who)->result = result;
    change_clear(change);
    sem_post(&((Bench *)who)->done);
}

static void on_claim(void *who, OutboxResult result, Mail **mails, size_t n, int64_t next)
{
    (void)next;
    Bench *bench = who;
    assert_int_equal(result, OUTBOX_OK);
    bench->mails = mails;
    bench->n = n;
    sem_post(&bench->done);
}

static void on_find(void *who, OutboxResult result, StoredMail *found)
{
    assert_int_equal(result, OUTBOX_OK);
    ((Bench *)who)->found = found;
    sem_post(&((Bench *)who)->done);
}

static void on_read(void *who, OutboxResult result, Record *records, size_t n)
{
    assert_int_equal(result, OUTBOX_OK);
    assert_int_equal(n, 1);
    ((Bench *)who)->records = records;
    sem_post(&((Bench *)who)->done);
}

static Outbox *open_box(Bench *bench, const char *path)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *storage = g_strconcat("sqlite:", path, NULL);
    Outbox *outbox = outbox_open(storage, DAMAGE_STOPS, &bench->config, NULL, NULL, &error);
    if (outbox == NULL) {
        fail_msg("%s", error->message);
    }
    assert_true(outbox_start(outbox, NULL));
    return outbox;
}

static void close_box(Outbox *outbox)
{
    outbox_stop(outbox);
    outbox_join(outbox);
    outbox_free(outbox);
}

static void set_text(char **text, char *take)
{
    g_free(*text);
    *text = take;
}

/* Mails differ in size: some rows share a page, some bodies take several. */
static Mail *make_mail(unsigned i)
{
    Mail *mail = mail_new();
    g_autofree char *address = g_strdup_printf("to%u@example.org", i);
    mail_add_recipient(mail, address);
    mail_add_recipient(mail, "dba@example.org");
    set_text(&mail->message_id, g_strdup_printf("m%u@example.org", i));
    set_text(&mail->receiver, g_strdup("team"));
    set_text(&mail->relay, g_strdup("r"));
    set_text(&mail->sender, g_strdup("alerts@example.org"));
    set_text(&mail->subject, g_strnfill(i % 300, 's'));
    g_autofree char *fill = g_strnfill(i % 7 * 1500, (char)('a' + i % 26));
    mail->bytes = g_strdup_printf("Message-ID: <%s>\r\n\r\n%s\r\n", mail->message_id, fill);
    mail->length = strlen(mail->bytes);
    mail->accepted_ms = g_get_real_time() / 1000;
    return mail;
}

static void put_mail(Bench *bench, Outbox *outbox, unsigned i)
{
    Change change = {.mails = g_new(Mail *, 1), .n_mails = 1};
    change.mails[0] = make_mail(i);
    outbox_commit(outbox, &change, on_commit, bench);
    wait_done(bench);
    assert_int_equal(bench->result, OUTBOX_OK);
}

static void put_record(Bench *bench, Outbox *outbox, unsigned i)
{
    Change change = {.records = g_new0(Record, 1), .n_records = 1};
    change.records[0] = (Record){.key = g_strdup_printf("%u group", i * 7919),
                                 .value = (guint8 *)g_strnfill(i % 900, 'v'),
                                 .length = i % 900};
    outbox_commit(outbox, &change, on_commit, bench);
    wait_done(bench);
    assert_int_equal(bench->result, OUTBOX_OK);
}

/* The first mail is delivered, the second dead, the third at a relay when it ends. */
static void fill_old(Bench *bench)
{
    Outbox *outbox = open_box(bench, bench->old);
    for (unsigned i = 0; i < 3; i++) {
        put_mail(bench, outbox, i);
    }
    outbox_claim(outbox, "r", 3, on_claim, bench);
    wait_done(bench);
    assert_int_equal(bench->n, 3);
    char none[] = "";
    Outcome outcomes[2] = {{.kind = OUTCOME_DELIVERED, .relay = none, .text = none},
                           {.kind = OUTCOME_DELIVERED, .relay = none, .text = none}};
    outbox_report(outbox, bench->mails[0], outcomes);
    outcomes[0].kind = outcomes[1].kind = OUTCOME_REFUSED;
    outbox_report(outbox, bench->mails[1], outcomes);
    mail_free(bench->mails[2]);
    g_free(bench->mails);
    for (unsigned i = 3; i < MAILS; i++) {
        put_mail(bench, outbox, i);
    }
    for (unsigned i = 0; i < RECORDS; i++) {
        put_record(bench, outbox, i);
    }
    close_box(outbox);
}

static void import(Bench *bench, const char *expected)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GString) out = g_string_new("");
    Outbox *outbox = open_box(bench, bench->fresh);
    if (!queue_import(outbox, bench->old, out, &error)) {
        fail_msg("%s", error->message);
    }
    close_box(outbox);
    if (expected != NULL) {
        assert_string_equal(out->str, expected);
    }
}

/* Whether the fresh outbox has the mail; then it is what it was. */
static bool has_mail(Bench *bench, Outbox *outbox, unsigned i)
{
    g_autoptr(Mail) mail = make_mail(i);
    outbox_find(outbox, mail->message_id, on_find, bench);
    wait_done(bench);
    g_autoptr(StoredMail) found = g_steal_pointer(&bench->found);
    if (found == NULL) {
        return false;
    }
    assert_string_equal(found->mail->bytes, mail->bytes);
    assert_string_equal(found->mail->subject, mail->subject);
    assert_int_equal(found->mail->n_recipients, 2);
    for (unsigned r = 0; r < 2; r++) {
        assert_string_equal(found->mail->recipients[r].address, mail->recipients[r].address);
    }
    assert_int_equal(found->state, i == 1 ? MAIL_BURIED : i == 2 ? MAIL_DEFERRED : MAIL_QUEUED);
    assert_int_equal(found->mail->recipients[0].in_doubt, i == 2);
    return true;
}

static unsigned count_mails(Bench *bench)
{
    unsigned n = 0;
    Outbox *outbox = open_box(bench, bench->fresh);
    assert_false(has_mail(bench, outbox, 0));
    for (unsigned i = 1; i < MAILS; i++) {
        n += has_mail(bench, outbox, i);
    }
    close_box(outbox);
    return n;
}

static unsigned count_records(Bench *bench)
{
    unsigned n = 0;
    Outbox *outbox = open_box(bench, bench->fresh);
    for (unsigned i = 0; i < RECORDS; i++) {
        g_autofree char *key = g_strdup_printf("%u group", i * 7919);
        const char *const keys[] = {key};
        outbox_read(outbox, keys, 1, on_read, bench);
        wait_done(bench);
        if (bench->records[0].value != NULL) {
            assert_int_equal(bench->records[0].length, i % 900);
            n++;
        }
        record_clear(&bench->records[0]);
        g_free(bench->records);
    }
    close_box(outbox);
    return n;
}

static void of_a_sound_database_everything_comes_back_once(void **state)
{
    Bench *bench = *state;
    fill_old(bench);
    import(bench, "mails: 299 read, 299 imported, 0 known already, 0 unreadable, 1 had gone before\n"
                  "records of groups: 400 read, 400 imported, 0 known already\n"
                  "places that could not be read: 0\n");
    assert_int_equal(count_mails(bench), MAILS - 1);
    assert_int_equal(count_records(bench), RECORDS);
    import(bench, "mails: 299 read, 0 imported, 299 known already, 0 unreadable, 1 had gone before\n"
                  "records of groups: 400 read, 0 imported, 400 known already\n"
                  "places that could not be read: 0\n");
    assert_int_equal(count_mails(bench), MAILS - 1);
}

static void overwrite(const char *path, int64_t page, GRand *dice)
{
    uint32_t garbage[PAGE / 4];
    for (size_t i = 0; i < G_N_ELEMENTS(garbage); i++) {
        garbage[i] = g_rand_int(dice);
    }
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, garbage, sizeof garbage, page * PAGE), sizeof garbage);
    close(fd);
}

static int64_t ask(const char *path, const char *question)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *statement = NULL;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, question, -1, &statement, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    int64_t answer = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    sqlite3_close(db);
    return answer;
}

/* Five pages of some eight hundred: most of the mails are not touched, unless one of the
 * five stands above many. */
static void of_a_damaged_database_what_comes_back_is_what_it_was(void **state)
{
    Bench *bench = *state;
    fill_old(bench);
    g_autofree char *copy = g_strconcat(bench->old, ".copy", NULL);
    g_autofree char *take = g_strdup_printf("cp %s %s", bench->old, copy);
    g_autofree char *put = g_strdup_printf("cp %s %s", copy, bench->old);
    g_autofree char *clean = g_strdup_printf("sh -c \"rm -f %s*\"", bench->fresh);
    assert_int_equal(ask(bench->old, "PRAGMA page_size"), PAGE);
    int64_t pages = ask(bench->old, "PRAGMA page_count");
    assert_true(g_spawn_command_line_sync(take, NULL, NULL, NULL, NULL));
    GRand *dice = g_rand_new_with_seed(7);
    unsigned best = 0, worst = MAILS, lossy = 0;
    for (unsigned damage = 0; damage < DAMAGES; damage++) {
        assert_true(g_spawn_command_line_sync(put, NULL, NULL, NULL, NULL));
        assert_true(g_spawn_command_line_sync(clean, NULL, NULL, NULL, NULL));
        for (unsigned i = 0; i < 5; i++) {
            overwrite(bench->old, g_rand_int_range(dice, 1, (gint32)pages), dice);
        }
        import(bench, NULL);
        unsigned n = count_mails(bench);
        best = MAX(best, n);
        worst = MIN(worst, n);
        lossy += n < MAILS - 1;
    }
    g_rand_free(dice);
    print_message("of %d mails at best %u, at worst %u came back\n", MAILS - 1, best, worst);
    assert_true(lossy > DAMAGES / 4); /* the damage is real */
    assert_true(best > MAILS * 9 / 10);
}

static int64_t root_of(const char *path, const char *table)
{
    g_autofree char *question =
        g_strdup_printf("SELECT rootpage FROM sqlite_schema WHERE name = '%s'", table);
    return ask(path, question);
}

/* Behind a lost root nothing is found; it is said, and the rest is there. */
static void a_table_whose_root_is_lost_costs_the_others_nothing(void **state)
{
    Bench *bench = *state;
    fill_old(bench);
    GRand *dice = g_rand_new_with_seed(1);
    overwrite(bench->old, root_of(bench->old, "records") - 1, dice);
    g_rand_free(dice);
    import(bench, "mails: 299 read, 299 imported, 0 known already, 0 unreadable, 1 had gone before\n"
                  "records of groups: 0 read, 0 imported, 0 known already\n"
                  "places that could not be read: 1 (sqlite3's .recover may find more; what "
                  "it makes can be imported, too)\n");
    assert_int_equal(count_mails(bench), MAILS - 1);
}

static void change_old(Bench *bench, const char *statements)
{
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(bench->old, &db), SQLITE_OK);
    if (sqlite3_exec(db, statements, NULL, NULL, NULL) != SQLITE_OK) {
        fail_msg("%s: %s", statements, sqlite3_errmsg(db));
    }
    sqlite3_close(db);
}

/* One flipped bit makes a text a blob, which is behind every text. */
static void rows_that_no_outbox_writes_are_passed_by(void **state)
{
    Bench *bench = *state;
    fill_old(bench);
    change_old(bench,
               "INSERT INTO records VALUES(CAST('z' AS BLOB), 1, 0, x'00');"
               "INSERT INTO records VALUES('a' || char(0) || 'b', 1, 0, x'00');"
               "UPDATE bodies SET mail = 9223372036854775807 WHERE mail = 300;"
               "UPDATE recipients SET mail = 9223372036854775807 WHERE mail = 300;"
               "UPDATE mails SET id = 9223372036854775807 WHERE id = 300");
    import(bench, "mails: 299 read, 299 imported, 0 known already, 0 unreadable, 1 had gone before\n"
                  "records of groups: 400 read, 400 imported, 0 known already\n"
                  "places that could not be read: 0\n");
    assert_int_equal(count_mails(bench), MAILS - 1);
}

static void times_that_cannot_be_hold_no_mail_back(void **state)
{
    Bench *bench = *state;
    fill_old(bench);
    change_old(bench, "UPDATE mails SET accepted_ms = 9223372036854775807;"
                      "UPDATE recipients SET due_ms = 9223372036854775807 WHERE mail > 3");
    import(bench, NULL);
    int64_t now_ms = g_get_real_time() / 1000;
    Outbox *outbox = open_box(bench, bench->fresh);
    outbox_find(outbox, "m9@example.org", on_find, bench);
    wait_done(bench);
    g_autoptr(StoredMail) found = g_steal_pointer(&bench->found);
    assert_non_null(found);
    assert_true(found->mail->accepted_ms <= now_ms);
    assert_true(found->next_ms <= now_ms + 25 * 3600 * INT64_C(1000));
    close_box(outbox);
}

static void refuse_old(Bench *bench, const char *reason)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GString) out = g_string_new("");
    Outbox *outbox = open_box(bench, bench->fresh);
    assert_false(queue_import(outbox, bench->old, out, &error));
    assert_true(g_error_matches(error, FAULT, FAULT_INPUT));
    assert_non_null(strstr(error->message, reason));
    close_box(outbox);
}

static void a_database_that_computes_is_refused(void **state)
{
    Bench *bench = *state;
    fill_old(bench);
    change_old(bench, "ALTER TABLE records RENAME TO old_records;"
                      "CREATE VIEW records AS WITH RECURSIVE n(x) AS"
                      " (SELECT 1 UNION ALL SELECT x + 1 FROM n)"
                      " SELECT 'k' || x AS key, 1 AS version, 0 AS expires_ms, x'00' AS value"
                      " FROM n WHERE x < 0");
    refuse_old(bench, "alertpost makes no view records");
    change_old(bench, "DROP VIEW records; CREATE TRIGGER t AFTER INSERT ON mails BEGIN SELECT 1; END");
    refuse_old(bench, "alertpost makes no trigger t");
}

/* The daemon's start calls it in doubt, by the daemon's policy and in its log. */
static void a_visitor_leaves_what_a_crash_left_claimed(void **state)
{
    Bench *bench = *state;
    fill_old(bench);
    g_autofree char *storage = g_strconcat("sqlite:", bench->old, NULL);
    for (unsigned visit = 0; visit < 2; visit++) {
        Outbox *outbox = outbox_visit(storage, &bench->config, NULL);
        assert_non_null(outbox);
        assert_true(outbox_start(outbox, NULL));
        outbox_find(outbox, "m2@example.org", on_find, bench);
        wait_done(bench);
        g_autoptr(StoredMail) found = g_steal_pointer(&bench->found);
        assert_int_equal(found->state, MAIL_CLAIMED);
        close_box(outbox);
    }
    bench->config.delivery.in_doubt_keep = true;
    Outbox *outbox = open_box(bench, bench->old);
    outbox_find(outbox, "m2@example.org", on_find, bench);
    wait_done(bench);
    g_autoptr(StoredMail) found = g_steal_pointer(&bench->found);
    assert_int_equal(found->state, MAIL_BURIED);
    close_box(outbox);
}

static void what_is_no_database_of_ours_is_refused(void **state)
{
    Bench *bench = *state;
    Outbox *outbox = open_box(bench, bench->fresh);
    g_autoptr(GError) error = NULL;
    g_autoptr(GString) out = g_string_new("");
    assert_true(g_file_set_contents(bench->old, "text", -1, NULL));
    assert_false(queue_import(outbox, bench->old, out, &error));
    assert_true(g_error_matches(error, FAULT, FAULT_INPUT));
    assert_non_null(strstr(error->message, "is no database of alertpost"));
    g_clear_error(&error);
    assert_false(queue_import(outbox, "/nowhere/at.db", out, &error));
    assert_string_equal(error->message, "/nowhere/at.db: open: unable to open database file: "
                                        "No such file or directory");
    g_clear_error(&error);
    assert_false(queue_import(outbox, bench->fresh, out, &error)); /* it is in use: by us */
    assert_true(g_error_matches(error, FAULT, FAULT_SYSTEM));
    assert_string_equal(out->str, "");
    close_box(outbox);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(of_a_sound_database_everything_comes_back_once),
        TEST(of_a_damaged_database_what_comes_back_is_what_it_was),
        TEST(a_table_whose_root_is_lost_costs_the_others_nothing),
        TEST(rows_that_no_outbox_writes_are_passed_by),
        TEST(times_that_cannot_be_hold_no_mail_back),
        TEST(a_database_that_computes_is_refused),
        TEST(a_visitor_leaves_what_a_crash_left_claimed),
        TEST(what_is_no_database_of_ours_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
