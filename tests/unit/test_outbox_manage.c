/* SPDX-License-Identifier: MIT */
/* What is kept about each mail, and how people see and change it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <glib/gstdio.h>
#include <semaphore.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <string.h>

#include "bridge/outbox/job.h"
#include "bridge/outbox/manage.h"

enum { SECOND = 1000, MINUTE = 60 * SECOND, HOUR = 60 * MINUTE, DAY = 24 * HOUR };
static const int64_t START = 1700000000000;

typedef struct {
    Config config;
    char *folder, *storage;
    Outbox *outbox;
    atomic_llong now_ms;
    sem_t done;
    OutboxResult result;
    ManageResult managed;
    StoredMail *found;
    GPtrArray *listed;
    int64_t before;
    Mail **mails;
    size_t n;
    OutboxNotice *notice;
    GString *told; /* the storage thread's, while it runs */
} Bench;

static int64_t bench_now(void *who)
{
    return atomic_load(&((Bench *)who)->now_ms);
}

static double no_random(void *who)
{
    (void)who;
    return 0;
}

static void bench_open(Bench *bench)
{
    g_autoptr(GError) error = NULL;
    const OutboxClock clock = {bench_now, no_random, bench};
    bench->outbox = outbox_open(bench->storage, DAMAGE_STOPS, &bench->config, NULL, NULL, &error);
    if (bench->outbox == NULL) {
        fail_msg("%s", error->message);
    }
    outbox_set_clock(bench->outbox, &clock);
    outbox_set_notice(bench->outbox, bench->notice, bench);
    assert_true(outbox_start(bench->outbox, NULL));
}

static void bench_close(Bench *bench)
{
    outbox_stop(bench->outbox);
    outbox_join(bench->outbox);
    outbox_free(bench->outbox);
}

static Bench *bench_new(bool memory)
{
    Bench *bench = g_new0(Bench, 1);
    bench->config.limits = (LimitsConfig){.queue_mails = 10000,
                                          .queue_bytes = 1 << 30,
                                          .history = 1000,
                                          .history_mails = 1000000};
    bench->config.delivery = (DeliveryConfig){.retry_min_ms = MINUTE,
                                              .retry_max_ms = MINUTE,
                                              .give_up_ms = 48 * (int64_t)HOUR,
                                              .history_ms = 7 * (int64_t)DAY};
    bench->folder = g_dir_make_tmp("manage-XXXXXX", NULL);
    bench->storage = memory ? g_strdup("memory:")
                            : g_strdup_printf("sqlite:%s/box.db", bench->folder);
    sem_init(&bench->done, 0, 0);
    atomic_init(&bench->now_ms, START);
    return bench;
}

static int set_up(void **state)
{
    Bench *bench = bench_new(false);
    bench_open(bench);
    *state = bench;
    return 0;
}

static int set_up_memory(void **state)
{
    Bench *bench = bench_new(true);
    bench_open(bench);
    *state = bench;
    return 0;
}

static int tear_down(void **state)
{
    Bench *bench = *state;
    bench_close(bench);
    stored_mail_free(bench->found);
    g_clear_pointer(&bench->listed, g_ptr_array_unref);
    g_autofree char *remove = g_strdup_printf("rm -r %s", bench->folder);
    assert_true(g_spawn_command_line_sync(remove, NULL, NULL, NULL, NULL));
    g_free(bench->folder);
    g_free(bench->storage);
    g_free(bench);
    return 0;
}

/* Calls that wait for their done(). */

static void wait_done(Bench *bench)
{
    while (sem_wait(&bench->done) != 0) {
    }
}

static void on_commit(void *who, OutboxResult result, Change *change)
{
    Bench *bench = who;
    bench->result = result;
    change_clear(change);
    sem_post(&bench->done);
}

static void on_claim(void *who, OutboxResult result, Mail **mails, size_t n, int64_t next)
{
    (void)next;
    Bench *bench = who;
    bench->result = result;
    bench->mails = mails;
    bench->n = n;
    sem_post(&bench->done);
}

static void on_find(void *who, OutboxResult result, StoredMail *found)
{
    Bench *bench = who;
    bench->result = result;
    bench->found = found;
    sem_post(&bench->done);
}

static void on_list(void *who, OutboxResult result, GPtrArray *mails, int64_t before)
{
    Bench *bench = who;
    bench->result = result;
    bench->listed = mails;
    bench->before = before;
    sem_post(&bench->done);
}

static void on_manage(void *who, OutboxResult result, ManageResult managed)
{
    Bench *bench = who;
    bench->result = result;
    bench->managed = managed;
    sem_post(&bench->done);
}

static void drain(Bench *bench)
{
    Change nothing = {0};
    outbox_commit(bench->outbox, &nothing, on_commit, bench);
    wait_done(bench);
}

static void set_text(char **text, const char *value)
{
    g_free(*text);
    *text = g_strdup(value);
}

static void accept_for(Bench *bench, const char *name, const char *receiver,
                       const char *group, const char *recipients)
{
    Mail *mail = mail_new();
    g_auto(GStrv) addresses = g_strsplit(recipients, ",", -1);
    for (char **address = addresses; *address != NULL; address++) {
        mail_add_recipient(mail, *address);
    }
    set_text(&mail->message_id, name);
    set_text(&mail->receiver, receiver);
    set_text(&mail->group, group);
    set_text(&mail->relay, "r");
    mail->accepted_ms = bench_now(bench);
    mail->bytes = g_strdup_printf("mail %s\r\n", name);
    mail->length = strlen(mail->bytes);
    Change change = {.mails = g_new(Mail *, 1), .n_mails = 1};
    change.mails[0] = mail;
    outbox_commit(bench->outbox, &change, on_commit, bench);
    wait_done(bench);
    assert_int_equal(bench->result, OUTBOX_OK);
}

static void accept(Bench *bench, const char *name, const char *recipients)
{
    accept_for(bench, name, "mail", name, recipients);
}

static void claim(Bench *bench)
{
    outbox_claim(bench->outbox, "r", 100, on_claim, bench);
    wait_done(bench);
}

static void report(Bench *bench, Mail *mail, const char *letters, const char *text)
{
    static const char kinds[] = "udfri";
    g_autofree Outcome *outcomes = g_new0(Outcome, mail->n_recipients);
    unsigned n = mail->n_recipients;
    for (unsigned i = 0; i < n; i++) {
        const char *kind = memchr(kinds, letters[i], sizeof kinds);
        assert_non_null(kind);
        outcome_set(&outcomes[i], (OutcomeKind)(kind - kinds), 450, "4.2.0", "mx:25", text);
    }
    outbox_report(bench->outbox, mail, outcomes);
    for (unsigned i = 0; i < n; i++) {
        outcome_clear(&outcomes[i]);
    }
}

/* One attempt for every mail that is due; one letter a recipient: u d f (deferred) r i. */
static void attempt(Bench *bench, const char *letters, const char *text)
{
    claim(bench);
    assert_true(bench->n > 0);
    for (size_t i = 0; i < bench->n; i++) {
        report(bench, bench->mails[i], letters, text);
    }
    g_free(bench->mails);
    drain(bench);
}

static void advance(Bench *bench, int64_t ms)
{
    atomic_fetch_add(&bench->now_ms, ms);
}

static StoredMail *find(Bench *bench, const char *name)
{
    stored_mail_free(g_steal_pointer(&bench->found));
    outbox_find(bench->outbox, name, on_find, bench);
    wait_done(bench);
    assert_int_equal(bench->result, OUTBOX_OK);
    return bench->found;
}

static void list(Bench *bench, const MailQuery *query, const char *expected)
{
    g_autoptr(GString) names = g_string_new("");
    g_clear_pointer(&bench->listed, g_ptr_array_unref);
    outbox_list(bench->outbox, query, on_list, bench);
    wait_done(bench);
    assert_int_equal(bench->result, OUTBOX_OK);
    for (unsigned i = 0; i < bench->listed->len; i++) {
        const StoredMail *stored = bench->listed->pdata[i];
        g_string_append_printf(names, "%s%s=%s", i > 0 ? " " : "", stored->mail->message_id,
                               mail_state_text(stored->state));
    }
    assert_string_equal(names->str, expected);
}

static void list_all(Bench *bench, const char *expected)
{
    list(bench, &MAIL_QUERY_ALL, expected);
}

static ManageResult retry(Bench *bench, const char *name)
{
    outbox_retry(bench->outbox, name, on_manage, bench);
    wait_done(bench);
    assert_int_equal(bench->result, OUTBOX_OK);
    return bench->managed;
}

static ManageResult drop(Bench *bench, const char *name)
{
    outbox_drop(bench->outbox, name, on_manage, bench);
    wait_done(bench);
    assert_int_equal(bench->result, OUTBOX_OK);
    return bench->managed;
}

static void assert_stats(Bench *bench, uint64_t queued, uint64_t deferred, uint64_t dead,
                         uint64_t history)
{
    OutboxStats stats;
    drain(bench);
    outbox_stats(bench->outbox, &stats);
    assert_int_equal(stats.queued, queued);
    assert_int_equal(stats.deferred, deferred);
    assert_int_equal(stats.claimed, 0);
    assert_int_equal(stats.dead, dead);
    assert_int_equal(stats.history, history);
}

/* Records. */

static void a_delivered_mail_leaves_its_recipients_and_the_servers_words(void **state)
{
    Bench *bench = *state;
    accept(bench, "one@x", "a@x,b@x");
    advance(bench, 2 * SECOND);
    attempt(bench, "dr", "queued as 4711");
    const StoredMail *found = find(bench, "one@x");
    assert_int_equal(found->state, MAIL_DELIVERED);
    assert_int_equal(found->changed_ms, START + 2 * SECOND);
    assert_int_equal(found->mail->recipients[0].state, RECIPIENT_DELIVERED);
    assert_int_equal(found->mail->recipients[0].last_ms, START + 2 * SECOND);
    assert_string_equal(found->mail->recipients[0].last.text, "queued as 4711");
    assert_string_equal(found->mail->recipients[0].last.relay, "mx:25");
    assert_int_equal(found->mail->recipients[1].state, RECIPIENT_REFUSED);
    assert_int_equal(found->attempts->len, 1); /* the refusal */
    assert_null(found->mail->bytes);
    assert_int_equal(found->mail->length, strlen("mail one@x\r\n"));
    assert_stats(bench, 0, 0, 0, 1);
}

static void each_attempt_that_fails_is_remembered(void **state)
{
    Bench *bench = *state;
    accept(bench, "one@x", "a@x,b@x");
    attempt(bench, "fd", "try later");
    advance(bench, 2 * MINUTE);
    attempt(bench, "iu", "lost");
    const StoredMail *found = find(bench, "one@x");
    assert_int_equal(found->state, MAIL_DEFERRED);
    assert_string_equal(found->mail->bytes, "mail one@x\r\n");
    assert_int_equal(found->attempts->len, 2);
    const PastAttempt *said = &g_array_index(found->attempts, PastAttempt, 0);
    assert_int_equal(said->recipient, 0);
    assert_int_equal(said->at_ms, START);
    assert_int_equal(said->outcome.kind, OUTCOME_DEFERRED);
    assert_int_equal(said->outcome.code, 450);
    assert_string_equal(said->outcome.enhanced, "4.2.0");
    assert_string_equal(said->outcome.relay, "mx:25");
    assert_string_equal(said->outcome.text, "try later");
    said = &g_array_index(found->attempts, PastAttempt, 1);
    assert_int_equal(said->at_ms, START + 2 * MINUTE);
    assert_int_equal(said->outcome.kind, OUTCOME_IN_DOUBT);
    assert_true(found->mail->recipients[0].in_doubt);
}

static void of_many_attempts_the_first_and_the_last_hundred_are_kept(void **state)
{
    Bench *bench = *state;
    accept(bench, "one@x", "a@x");
    for (unsigned i = 0; i < 350; i++) {
        g_autofree char *text = g_strdup_printf("no %u", i);
        attempt(bench, "f", text);
        advance(bench, 2 * MINUTE);
    }
    const StoredMail *found = find(bench, "one@x");
    assert_int_equal(found->attempts->len, 200);
    for (unsigned i = 0; i < 200; i++) {
        g_autofree char *text = g_strdup_printf("no %u", i < 100 ? i : i + 150);
        assert_string_equal(
            g_array_index(found->attempts, PastAttempt, i).outcome.text, text);
    }
}

/* The dot may have gone out: before anybody tries again that is on the disk. */
static void a_doubt_is_stored_before_the_next_attempt_and_survives_a_crash(void **state)
{
    Bench *bench = *state;
    accept(bench, "one@x", "a@x");
    claim(bench);
    mail_free(bench->mails[0]); /* a crash: nobody reports */
    g_free(bench->mails);
    bench_close(bench);
    bench_open(bench);
    const StoredMail *found = find(bench, "one@x");
    assert_int_equal(found->state, MAIL_DEFERRED);
    assert_true(found->mail->recipients[0].in_doubt);
    assert_int_equal(found->attempts->len, 1);
    assert_int_equal(g_array_index(found->attempts, PastAttempt, 0).outcome.kind,
                     OUTCOME_IN_DOUBT);
    assert_int_equal(found->next_ms, START + RETRY_IN_DOUBT_MS);
}

/* Retention. */

/* Waits for the outbox's own time to look: its upkeep runs every few seconds. */
static void wait_for_history(Bench *bench, uint64_t history)
{
    OutboxStats stats = {.history = UINT64_MAX};
    for (unsigned i = 0; i < 6000 && stats.history != history; i++) {
        g_usleep(10000);
        outbox_stats(bench->outbox, &stats);
    }
    assert_int_equal(stats.history, history);
}

static void records_are_forgotten_after_their_time_and_dead_mails_never(void **state)
{
    Bench *bench = *state;
    accept(bench, "dead@x", "a@x");
    attempt(bench, "r", "no");
    accept(bench, "old@x", "a@x");
    attempt(bench, "d", "yes");
    advance(bench, DAY);
    accept(bench, "young@x", "a@x");
    attempt(bench, "d", "yes");
    accept(bench, "last@x", "a@x");
    attempt(bench, "d", "yes");
    advance(bench, 6 * DAY + 1);
    wait_for_history(bench, 2);
    list_all(bench, "last@x=delivered young@x=delivered dead@x=dead");
}

static void more_records_than_the_ceiling_go_oldest_first_in_slices(void **state)
{
    Bench *bench = *state;
    bench->config.limits.history_mails = 7;
    outbox_configure(bench->outbox, &bench->config);
    for (unsigned i = 0; i < 500; i++) {
        g_autofree char *name = g_strdup_printf("%u@x", i);
        accept(bench, name, "a@x");
    }
    for (unsigned i = 0; i < 5; i++) {
        attempt(bench, "d", "yes");
    }
    wait_for_history(bench, 7);
    list_all(bench, "499@x=delivered 498@x=delivered 497@x=delivered 496@x=delivered "
                    "495@x=delivered 494@x=delivered 493@x=delivered");
}

static void a_number_is_never_given_twice(void **state)
{
    Bench *bench = *state;
    bench->config.limits.history_mails = 0;
    outbox_configure(bench->outbox, &bench->config);
    accept(bench, "one@x", "a@x");
    accept(bench, "two@x", "a@x");
    assert_int_equal(find(bench, "two@x")->mail->id, 2);
    assert_int_equal(drop(bench, "1"), MANAGE_DONE);
    assert_int_equal(drop(bench, "2"), MANAGE_DONE);
    wait_for_history(bench, 1);
    accept(bench, "three@x", "a@x");
    assert_int_equal(find(bench, "three@x")->mail->id, 3);
}

/* Lists. */

static void a_list_is_filtered_by_every_condition(void **state)
{
    Bench *bench = *state;
    accept_for(bench, "dead@x", "web", "", "Ops@x.example");
    attempt(bench, "r", "no");
    advance(bench, MINUTE);
    accept_for(bench, "gone@x", "web", "", "dba@x.example");
    attempt(bench, "d", "yes");
    advance(bench, MINUTE);
    accept_for(bench, "waits@x", "db", "", "dba@x.example,ops@y.example");
    attempt(bench, "ff", "later");
    advance(bench, SECOND);
    accept_for(bench, "new@x", "db", "", "who@x.example");
    list_all(bench, "new@x=queued waits@x=deferred gone@x=delivered dead@x=dead");
    MailQuery query = MAIL_QUERY_ALL;
    query.states = 1u << MAIL_BURIED | 1u << MAIL_QUEUED;
    list(bench, &query, "new@x=queued dead@x=dead");
    query = MAIL_QUERY_ALL;
    query.receiver = "db";
    list(bench, &query, "new@x=queued waits@x=deferred");
    query = MAIL_QUERY_ALL;
    query.recipient = "OPS@";
    list(bench, &query, "waits@x=deferred dead@x=dead");
    query = MAIL_QUERY_ALL;
    query.accepted_from_ms = START + MINUTE;
    query.accepted_to_ms = START + 2 * MINUTE;
    list(bench, &query, "waits@x=deferred gone@x=delivered");
    query.states = MAIL_STATES_QUEUE;
    list(bench, &query, "waits@x=deferred");
}

static void a_long_list_goes_on_where_it_ended(void **state)
{
    Bench *bench = *state;
    for (unsigned i = 0; i < 2500; i++) {
        g_autofree char *name = g_strdup_printf("%u@x", i);
        accept_for(bench, name, i % 1000 == 0 ? "rare" : "mail", "", "a@x");
    }
    MailQuery query = MAIL_QUERY_ALL;
    unsigned n = 0;
    query.max = 300;
    while (query.before > 0) {
        outbox_list(bench->outbox, &query, on_list, bench);
        wait_done(bench);
        assert_true(bench->listed->len == 300 || bench->before == 0);
        for (unsigned i = 0; i < bench->listed->len; i++, n++) {
            const StoredMail *stored = bench->listed->pdata[i];
            assert_int_equal(stored->mail->id, 2500 - n);
        }
        g_clear_pointer(&bench->listed, g_ptr_array_unref);
        query.before = bench->before;
    }
    assert_int_equal(n, 2500);
    query = MAIL_QUERY_ALL;
    query.receiver = "rare";
    list(bench, &query, "2000@x=queued 1000@x=queued 0@x=queued");
    assert_int_equal(find(bench, "0@x")->mail->id, 1);
    assert_int_equal(find(bench, "7")->mail->id, 7);
    assert_null(find(bench, "nobody@x"));
    assert_null(find(bench, "2501"));
}

/* Changes. */

static void a_dead_mail_that_is_tried_again_goes_to_those_who_lack_it(void **state)
{
    Bench *bench = *state;
    accept(bench, "one@x", "a@x,b@x,c@x");
    attempt(bench, "dfr", "no");
    advance(bench, 50 * (int64_t)HOUR);
    attempt(bench, "ufu", "no");
    assert_stats(bench, 0, 0, 1, 0);
    assert_int_equal(retry(bench, "one@x"), MANAGE_DONE);
    assert_stats(bench, 1, 0, 0, 0);
    claim(bench);
    assert_int_equal(bench->n, 1);
    assert_int_equal(bench->mails[0]->recipients[0].state, RECIPIENT_DELIVERED);
    assert_int_equal(bench->mails[0]->recipients[1].state, RECIPIENT_QUEUED);
    assert_int_equal(bench->mails[0]->recipients[2].state, RECIPIENT_QUEUED);
    assert_string_equal(bench->mails[0]->bytes, "mail one@x\r\n");
    report(bench, bench->mails[0], "uff", "still no");
    g_free(bench->mails);
    assert_stats(bench, 0, 1, 0, 0); /* its time began anew */
    advance(bench, 2 * MINUTE);
    attempt(bench, "udd", "yes");
    assert_stats(bench, 0, 0, 0, 1);
    assert_int_equal(find(bench, "one@x")->attempts->len, 5);
}

static void a_deferred_mail_that_is_tried_again_is_due_at_once(void **state)
{
    Bench *bench = *state;
    accept_for(bench, "one@x", "mail", "g", "a@x");
    accept_for(bench, "two@x", "mail", "g", "a@x");
    attempt(bench, "f", "later");
    claim(bench);
    assert_int_equal(bench->n, 0);
    g_free(bench->mails);
    assert_int_equal(retry(bench, "one@x"), MANAGE_DONE);
    assert_int_equal(retry(bench, "two@x"), MANAGE_DONE);
    claim(bench);
    assert_int_equal(bench->n, 1); /* the other still has to wait for it */
    assert_string_equal(bench->mails[0]->message_id, "one@x");
    report(bench, bench->mails[0], "d", "yes");
    g_free(bench->mails);
    attempt(bench, "d", "yes");
    assert_stats(bench, 0, 0, 0, 2);
}

static void a_mail_back_from_the_dead_stands_in_nobodys_way(void **state)
{
    Bench *bench = *state;
    accept_for(bench, "one@x", "mail", "g", "a@x");
    attempt(bench, "r", "no");
    accept_for(bench, "two@x", "mail", "g", "a@x");
    accept_for(bench, "three@x", "mail", "g", "a@x");
    claim(bench);
    Mail *two = bench->mails[0];
    g_free(bench->mails);
    assert_int_equal(retry(bench, "one@x"), MANAGE_DONE);
    attempt(bench, "f", "later"); /* one */
    report(bench, two, "d", "yes");
    claim(bench);
    assert_int_equal(bench->n, 1);
    assert_string_equal(bench->mails[0]->message_id, "three@x");
    report(bench, bench->mails[0], "d", "yes");
    g_free(bench->mails);
    advance(bench, 2 * MINUTE);
    attempt(bench, "d", "yes");
    assert_stats(bench, 0, 0, 0, 3);
}

static void what_cannot_be_tried_again_is_said(void **state)
{
    Bench *bench = *state;
    accept(bench, "gone@x", "a@x");
    attempt(bench, "d", "yes");
    accept(bench, "bad@x", "a> NOTIFY=NEVER");
    attempt(bench, "r", "not an address");
    accept(bench, "held@x", "a@x");
    assert_int_equal(retry(bench, "gone@x"), MANAGE_DELIVERED);
    assert_int_equal(retry(bench, "bad@x"), MANAGE_HOPELESS);
    assert_int_equal(retry(bench, "none@x"), MANAGE_UNKNOWN);
    claim(bench);
    assert_int_equal(retry(bench, "held@x"), MANAGE_CLAIMED);
    assert_int_equal(drop(bench, "held@x"), MANAGE_CLAIMED);
    report(bench, bench->mails[0], "d", "yes");
    g_free(bench->mails);
    assert_stats(bench, 0, 0, 1, 2);
}

static void a_dead_mail_comes_back_only_where_there_is_room(void **state)
{
    Bench *bench = *state;
    accept(bench, "one@x", "a@x");
    attempt(bench, "r", "no");
    bench->config.limits.queue_mails = 1;
    outbox_configure(bench->outbox, &bench->config);
    accept(bench, "two@x", "a@x");
    outbox_retry(bench->outbox, "one@x", on_manage, bench);
    wait_done(bench);
    assert_int_equal(bench->result, OUTBOX_FULL);
    assert_stats(bench, 1, 0, 1, 0);
}

static void a_dropped_mail_makes_way_for_the_next_of_its_group(void **state)
{
    Bench *bench = *state;
    accept_for(bench, "one@x", "mail", "g", "a@x,b@x");
    attempt(bench, "fd", "later");
    accept_for(bench, "two@x", "mail", "g", "a@x");
    assert_int_equal(drop(bench, "one@x"), MANAGE_DONE);
    assert_int_equal(drop(bench, "one@x"), MANAGE_DROPPED);
    claim(bench);
    assert_int_equal(bench->n, 1);
    assert_string_equal(bench->mails[0]->message_id, "two@x");
    report(bench, bench->mails[0], "d", "yes");
    g_free(bench->mails);
    assert_stats(bench, 0, 0, 0, 2);
    const StoredMail *found = find(bench, "one@x");
    assert_int_equal(found->state, MAIL_DROPPED);
    assert_int_equal(found->mail->recipients[0].state, RECIPIENT_DROPPED);
    assert_int_equal(found->mail->recipients[1].state, RECIPIENT_DELIVERED);
    assert_null(found->mail->bytes);
}

static void changes_survive_a_restart(void **state)
{
    Bench *bench = *state;
    accept(bench, "one@x", "a@x");
    accept(bench, "two@x", "a@x");
    attempt(bench, "r", "no");
    assert_int_equal(retry(bench, "one@x"), MANAGE_DONE);
    assert_int_equal(drop(bench, "two@x"), MANAGE_DONE);
    bench_close(bench);
    bench_open(bench);
    list_all(bench, "two@x=dropped one@x=queued");
    assert_stats(bench, 1, 0, 0, 1);
    attempt(bench, "d", "yes");
    assert_stats(bench, 0, 0, 0, 2);
}

/* The postmaster. */

static Mail *tell(void *who, const Mail *const *dead, size_t n, int64_t now_ms)
{
    Bench *bench = who;
    for (size_t i = 0; i < n; i++) {
        g_string_append_printf(bench->told, "%s ", dead[i]->message_id);
    }
    Mail *notice = mail_new();
    mail_add_recipient(notice, "postmaster@x");
    set_text(&notice->message_id, "notice@x");
    set_text(&notice->relay, "r");
    notice->accepted_ms = now_ms;
    notice->bytes = g_strdup("notice");
    notice->length = strlen(notice->bytes);
    return notice;
}

static void wait_for_mail(Bench *bench, const char *name)
{
    for (unsigned i = 0; i < 6000 && find(bench, name) == NULL; i++) {
        g_usleep(10000);
    }
    assert_non_null(bench->found);
}

static void wait_for_list(Bench *bench, const MailQuery *query, unsigned n)
{
    unsigned found = 0;
    for (unsigned i = 0; i < 6000 && found != n; i++) {
        g_usleep(10000);
        outbox_list(bench->outbox, query, on_list, bench);
        wait_done(bench);
        found = bench->listed->len;
        g_clear_pointer(&bench->listed, g_ptr_array_unref);
    }
    assert_int_equal(found, n);
}

static void the_postmaster_is_told_of_all_dead_mails_together_and_once(void **state)
{
    Bench *bench = bench_new(false);
    *state = bench;
    bench->told = g_string_new("");
    bench->notice = tell;
    bench_open(bench);
    accept(bench, "one@x", "a@x");
    accept(bench, "two@x", "a@x");
    attempt(bench, "r", "no");
    wait_for_mail(bench, "notice@x");
    attempt(bench, "r", "no"); /* the notice: nobody is told of it */
    assert_string_equal(bench->told->str, "one@x two@x ");
    accept(bench, "three@x", "a@x");
    attempt(bench, "r", "no");
    assert_int_equal(retry(bench, "two@x"), MANAGE_DONE);
    attempt(bench, "r", "no"); /* once more dead */
    bench_close(bench);
    bench_open(bench); /* what he was told of, he is not told again */
    MailQuery notices = MAIL_QUERY_ALL;
    notices.recipient = "postmaster@x";
    notices.states = MAIL_STATES_QUEUE;
    wait_for_list(bench, &notices, 2);
    assert_string_equal(bench->told->str, "one@x two@x two@x three@x ");
    g_string_free(bench->told, TRUE);
}

/* Migration. */

static void execute(const char *path, const char *text)
{
    sqlite3 *db = NULL;
    char *message = NULL;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    if (sqlite3_exec(db, text, NULL, NULL, &message) != SQLITE_OK) {
        fail_msg("%s", message);
    }
    sqlite3_close(db);
}

static void a_database_of_the_first_schema_is_brought_up_to_date(void **state)
{
    Bench *bench = bench_new(false);
    *state = bench;
    g_autofree char *text = NULL;
    assert_true(g_file_get_contents(TEST_DATA "/outbox-1.sql", &text, NULL, NULL));
    execute(bench->storage + strlen("sqlite:"), text);
    for (unsigned i = 0; i < 2; i++) { /* and stays so */
        bench_open(bench);
        list_all(bench, "waits@x=deferred dead@x=dead held@x=deferred new@x=queued");
        bench_close(bench);
    }
    bench_open(bench);
    assert_stats(bench, 1, 2, 1, 0);
    const StoredMail *found = find(bench, "dead@x");
    assert_int_equal(found->changed_ms, 1700000002000);
    assert_string_equal(found->mail->recipients[0].last.text, "no such user");
    assert_int_equal(retry(bench, "dead@x"), MANAGE_DONE);
    advance(bench, HOUR);
    attempt(bench, "d", "yes");
    assert_stats(bench, 0, 0, 0, 4);
}

#define FILE_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
#define BOTH(name)      FILE_TEST(name), cmocka_unit_test_setup_teardown(name, set_up_memory, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(a_delivered_mail_leaves_its_recipients_and_the_servers_words),
        BOTH(each_attempt_that_fails_is_remembered),
        BOTH(of_many_attempts_the_first_and_the_last_hundred_are_kept),
        FILE_TEST(a_doubt_is_stored_before_the_next_attempt_and_survives_a_crash),
        FILE_TEST(records_are_forgotten_after_their_time_and_dead_mails_never),
        BOTH(more_records_than_the_ceiling_go_oldest_first_in_slices),
        FILE_TEST(a_number_is_never_given_twice),
        BOTH(a_list_is_filtered_by_every_condition),
        BOTH(a_long_list_goes_on_where_it_ended),
        BOTH(a_dead_mail_that_is_tried_again_goes_to_those_who_lack_it),
        BOTH(a_deferred_mail_that_is_tried_again_is_due_at_once),
        BOTH(a_mail_back_from_the_dead_stands_in_nobodys_way),
        BOTH(what_cannot_be_tried_again_is_said),
        BOTH(a_dead_mail_comes_back_only_where_there_is_room),
        BOTH(a_dropped_mail_makes_way_for_the_next_of_its_group),
        FILE_TEST(changes_survive_a_restart),
        cmocka_unit_test_teardown(the_postmaster_is_told_of_all_dead_mails_together_and_once,
                                  tear_down),
        cmocka_unit_test_teardown(a_database_of_the_first_schema_is_brought_up_to_date,
                                  tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
