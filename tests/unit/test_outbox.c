/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <glib/gstdio.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bridge/outbox/job.h"
#include "bridge/outbox/outbox.h"
#include "rules/fault.h"

enum { SECOND = 1000, MINUTE = 60 * SECOND, HOUR = 60 * MINUTE };
static const int64_t START = 1700000000000;

/* An outbox under test: its clock stands still until it is moved, its dice always show
 * `random`; the claimer takes what `wants` says. */
typedef struct {
    Config config;
    char *folder, *storage;
    Outbox *outbox;
    Metrics *metrics;
    atomic_llong now_ms;
    double random;
    bool wants;
    unsigned unclaimed;
    GPtrArray *claimed;
    GString *due; /* "relay@+seconds " for each due() */
} Bench;

static int64_t bench_now(void *who)
{
    return atomic_load(&((Bench *)who)->now_ms);
}

static double bench_random(void *who)
{
    return ((Bench *)who)->random;
}

static bool bench_wants(void *who, Mail *mail)
{
    (void)mail;
    return ((Bench *)who)->wants;
}

static void bench_claimed(void *who, Mail *mail)
{
    g_ptr_array_add(((Bench *)who)->claimed, mail);
}

static void bench_unclaimed(void *who, const Mail *mail)
{
    (void)mail;
    ((Bench *)who)->unclaimed++;
}

static void bench_due(void *who, const char *relay, int64_t due_ms)
{
    g_string_append_printf(((Bench *)who)->due, "%s%+lld ", relay,
                           (long long)(due_ms - START) / SECOND);
}

static const OutboxClaimer bench_claimer = {bench_wants, bench_claimed, bench_unclaimed,
                                            bench_due};

static void bench_open(Bench *bench)
{
    g_autoptr(GError) error = NULL;
    const OutboxClock clock = {bench_now, bench_random, bench};
    bench->outbox =
        outbox_open(bench->storage, DAMAGE_MOVES, &bench->config, NULL, bench->metrics, &error);
    if (bench->outbox == NULL) {
        fail_msg("%s", error->message);
    }
    outbox_set_clock(bench->outbox, &clock);
    outbox_set_claimer(bench->outbox, &bench_claimer, bench);
    assert_true(outbox_start(bench->outbox, NULL));
}

static void bench_close(Bench *bench)
{
    outbox_stop(bench->outbox);
    outbox_join(bench->outbox);
    outbox_free(bench->outbox);
    bench->outbox = NULL;
}

static void bench_reopen(Bench *bench)
{
    bench_close(bench);
    bench_open(bench);
}

static Bench *bench_new(bool memory)
{
    Bench *bench = g_new0(Bench, 1);
    bench->config.limits = (LimitsConfig){
        .queue_mails = 1000, .queue_bytes = 1 << 20, .history = 1000};
    bench->config.delivery = (DeliveryConfig){
        .retry_min_ms = 5 * SECOND, .retry_max_ms = 15 * MINUTE, .give_up_ms = 48 * HOUR};
    bench->metrics = metrics_new();
    bench->folder = g_dir_make_tmp("outbox-XXXXXX", NULL);
    bench->storage = memory ? g_strdup("memory:")
                            : g_strdup_printf("sqlite:%s/data/box.db", bench->folder);
    bench->claimed = g_ptr_array_new_with_free_func((GDestroyNotify)mail_free);
    bench->due = g_string_new("");
    atomic_init(&bench->now_ms, START);
    bench_open(bench);
    return bench;
}

static void remove_files(const char *folder)
{
    GDir *dir = g_dir_open(folder, 0, NULL);
    const char *name;
    while (dir != NULL && (name = g_dir_read_name(dir)) != NULL) {
        g_autofree char *path = g_build_filename(folder, name, NULL);
        if (g_remove(path) != 0) {
            remove_files(path);
        }
    }
    g_dir_close(dir);
    g_rmdir(folder);
}

static void bench_free(Bench *bench)
{
    bench_close(bench);
    remove_files(bench->folder);
    metrics_free(bench->metrics);
    g_ptr_array_unref(bench->claimed);
    g_string_free(bench->due, TRUE);
    g_free(bench->folder);
    g_free(bench->storage);
    g_free(bench);
}

static int set_up_file(void **state)
{
    *state = bench_new(false);
    return 0;
}

static int set_up_memory(void **state)
{
    *state = bench_new(true);
    return 0;
}

static int tear_down(void **state)
{
    bench_free(*state);
    return 0;
}

/* Calls that wait for their done(). */

typedef struct {
    sem_t done;
    OutboxResult result;
    Record *records;
    Mail **mails;
    size_t n;
    int64_t next_due_ms;
} Answer;

static void answer_wait(Answer *answer)
{
    while (sem_wait(&answer->done) != 0) {
    }
    sem_destroy(&answer->done);
}

static Answer *answer_init(Answer *answer)
{
    memset(answer, 0x5a, sizeof *answer);
    sem_init(&answer->done, 0, 0);
    return answer;
}

static void on_commit(void *who, OutboxResult result, Change *change)
{
    (void)change;
    ((Answer *)who)->result = result;
    sem_post(&((Answer *)who)->done);
}

static void on_read(void *who, OutboxResult result, Record *records, size_t n)
{
    Answer *answer = who;
    answer->result = result;
    answer->records = records;
    answer->n = n;
    sem_post(&answer->done);
}

static void on_claim(void *who, OutboxResult result, Mail **mails, size_t n,
                     int64_t next_due_ms)
{
    Answer *answer = who;
    answer->result = result;
    answer->mails = mails;
    answer->n = n;
    answer->next_due_ms = next_due_ms;
    sem_post(&answer->done);
}

static void on_route(void *who, OutboxResult result)
{
    on_commit(who, result, NULL);
}

static OutboxResult commit(Bench *bench, Change *change)
{
    Answer answer;
    outbox_commit(bench->outbox, change, on_commit, answer_init(&answer));
    answer_wait(&answer);
    return answer.result;
}

/* Waits until the jobs before it are done. */
static void drain(Bench *bench)
{
    Change nothing = {0};
    assert_int_equal(commit(bench, &nothing), OUTBOX_OK);
    assert_int_equal(commit(bench, &nothing), OUTBOX_OK); /* after the dues of the first */
}

static Mail *mail_for(const char *group, const char *recipients, size_t length)
{
    Mail *mail = mail_new();
    g_auto(GStrv) addresses = g_strsplit(recipients, ",", -1);
    for (char **address = addresses; *address != NULL; address++) {
        mail_add_recipient(mail, *address);
    }
    g_free(mail->group);
    mail->group = g_strdup(group);
    g_free(mail->relay);
    mail->relay = g_strdup("r");
    mail->accepted_ms = START;
    mail->length = length;
    mail->bytes = g_malloc(length + 1);
    memset(mail->bytes, 'x', length);
    mail->bytes[length] = '\0';
    return mail;
}

static void name_mail(Mail *mail, const char *message_id)
{
    g_free(mail->message_id);
    mail->message_id = g_strdup(message_id);
}

static Change change_of(Mail *mail)
{
    Change change = {.mails = g_new(Mail *, 1), .n_mails = 1};
    change.mails[0] = mail;
    return change;
}

static OutboxResult put_mail(Bench *bench, Mail *mail)
{
    Change change = change_of(mail);
    OutboxResult result = commit(bench, &change);
    change_clear(&change);
    return result;
}

/* Accepts a mail named MESSAGE_ID at the present time. */
static void accept_mail(Bench *bench, const char *message_id, const char *group,
                        const char *recipients)
{
    Mail *mail = mail_for(group, recipients, 100);
    mail->accepted_ms = bench_now(bench);
    name_mail(mail, message_id);
    assert_int_equal(put_mail(bench, mail), OUTBOX_OK);
}

static OutboxResult put_record(Bench *bench, const char *key, const char *value,
                               uint64_t *version)
{
    Change change = {.records = g_new0(Record, 1), .n_records = 1};
    change.records[0] = (Record){.key = g_strdup(key),
                                 .value = (guint8 *)g_strdup(value),
                                 .length = value != NULL ? strlen(value) : 0,
                                 .version = *version};
    OutboxResult result = commit(bench, &change);
    *version = change.records[0].version;
    change_clear(&change);
    return result;
}

static void read_records(Bench *bench, const char *const *keys, size_t n, Answer *answer)
{
    outbox_read(bench->outbox, keys, n, on_read, answer_init(answer));
    answer_wait(answer);
}

static void answer_clear(Answer *answer)
{
    for (size_t i = 0; i < answer->n; i++) {
        record_clear(&answer->records[i]);
    }
    g_free(answer->records);
}

static void assert_record(Bench *bench, const char *key, const char *value, uint64_t version)
{
    Answer answer;
    read_records(bench, &key, 1, &answer);
    assert_int_equal(answer.result, OUTBOX_OK);
    assert_int_equal(answer.n, 1);
    assert_string_equal(answer.records[0].key, key);
    assert_int_equal(answer.records[0].version, version);
    if (value == NULL) {
        assert_null(answer.records[0].value);
    } else {
        assert_int_equal(answer.records[0].length, strlen(value));
        assert_memory_equal(answer.records[0].value, value, strlen(value));
    }
    answer_clear(&answer);
}

static void claim(Bench *bench, const char *relay, unsigned max, Answer *answer)
{
    outbox_claim(bench->outbox, relay, max, on_claim, answer_init(answer));
    answer_wait(answer);
}

/* Claims and moves the claimed mails to bench->claimed. "a:x,y b:x": message ids and the
 * recipients to be tried. */
static char *claim_text(Bench *bench, unsigned max)
{
    Answer answer;
    GString *text = g_string_new("");
    claim(bench, "r", max, &answer);
    assert_int_equal(answer.result, OUTBOX_OK);
    for (size_t i = 0; i < answer.n; i++) {
        const Mail *mail = answer.mails[i];
        g_string_append_printf(text, "%s%s:", i > 0 ? " " : "", mail->message_id);
        const char *comma = "";
        for (unsigned r = 0; r < mail->n_recipients; r++) {
            if (mail->recipients[r].state == RECIPIENT_QUEUED) {
                g_string_append_printf(text, "%s%s", comma, mail->recipients[r].address);
                comma = ",";
            }
        }
        g_ptr_array_add(bench->claimed, answer.mails[i]);
    }
    g_free(answer.mails);
    return g_string_free(text, FALSE);
}

#define assert_claims(bench, max, expected)                                              \
    do {                                                                                 \
        g_autofree char *claimed_ = claim_text(bench, max);                              \
        assert_string_equal(claimed_, expected);                                         \
    } while (0)

/* Reports the claimed mail MESSAGE_ID: one letter a recipient: u d f (deferred) r i. */
static void report(Bench *bench, const char *message_id, const char *letters)
{
    static const char kinds[] = {[OUTCOME_UNTRIED] = 'u', [OUTCOME_DELIVERED] = 'd',
                                 [OUTCOME_DEFERRED] = 'f', [OUTCOME_REFUSED] = 'r',
                                 [OUTCOME_IN_DOUBT] = 'i'};
    for (unsigned i = 0; i < bench->claimed->len; i++) {
        Mail *mail = bench->claimed->pdata[i];
        if (strcmp(mail->message_id, message_id) != 0) {
            continue;
        }
        assert_int_equal(strlen(letters), mail->n_recipients);
        g_autofree Outcome *outcomes = g_new0(Outcome, mail->n_recipients);
        for (unsigned r = 0; r < mail->n_recipients; r++) {
            const char *kind = memchr(kinds, letters[r], sizeof kinds);
            assert_non_null(kind);
            outcome_set(&outcomes[r], (OutcomeKind)(kind - kinds), 450, "4.2.0", "mx:25",
                        "wörds");
        }
        unsigned n = mail->n_recipients;
        g_ptr_array_steal_index(bench->claimed, i);
        outbox_report(bench->outbox, mail, outcomes);
        for (unsigned r = 0; r < n; r++) {
            outcome_clear(&outcomes[r]);
        }
        return;
    }
    fail_msg("%s is not claimed", message_id);
}

static void advance(Bench *bench, int64_t ms)
{
    atomic_fetch_add(&bench->now_ms, ms);
}

#define assert_stats(bench, queued_, deferred_, claimed_, dead_)                         \
    do {                                                                                 \
        OutboxStats stats_;                                                              \
        drain(bench);                                                                    \
        outbox_stats((bench)->outbox, &stats_);                                          \
        assert_int_equal(stats_.queued, queued_);                                        \
        assert_int_equal(stats_.deferred, deferred_);                                    \
        assert_int_equal(stats_.claimed, claimed_);                                      \
        assert_int_equal(stats_.dead, dead_);                                            \
    } while (0)

/* Records. */

static void a_record_never_written_has_version_0(void **state)
{
    assert_record(*state, "k", NULL, 0);
}

static void a_record_comes_back_with_its_version(void **state)
{
    uint64_t version = 0;
    assert_int_equal(put_record(*state, "k", "one", &version), OUTBOX_OK);
    assert_true(version > 0);
    assert_record(*state, "k", "one", version);
    uint64_t first = version;
    assert_int_equal(put_record(*state, "k", "", &version), OUTBOX_OK);
    assert_int_equal(version, first + 1);
    assert_record(*state, "k", "", version);
}

static void a_record_survives_a_restart(void **state)
{
    uint64_t version = 0;
    assert_int_equal(put_record(*state, "k", "one", &version), OUTBOX_OK);
    bench_reopen(*state);
    assert_record(*state, "k", "one", version);
}

static void a_record_of_another_version_is_a_conflict(void **state)
{
    uint64_t version = 0, stale = 0, wrong = 12345;
    assert_int_equal(put_record(*state, "k", "one", &wrong), OUTBOX_CONFLICT);
    assert_int_equal(put_record(*state, "k", "one", &version), OUTBOX_OK);
    assert_int_equal(put_record(*state, "k", "two", &stale), OUTBOX_CONFLICT);
    assert_int_equal(stale, 0);
    assert_record(*state, "k", "one", version);
    bench_reopen(*state);
    assert_record(*state, "k", "one", version);
}

static void a_conflict_keeps_the_change_out_whole(void **state)
{
    Bench *bench = *state;
    uint64_t version = 0;
    assert_int_equal(put_record(bench, "b", "one", &version), OUTBOX_OK);
    Change change = change_of(mail_for("g", "x@y", 10));
    change.records = g_new0(Record, 2);
    change.n_records = 2;
    change.records[0] = (Record){.key = g_strdup("a"), .value = (guint8 *)g_strdup("v"),
                                 .length = 1};
    change.records[1] = (Record){.key = g_strdup("b"), .value = (guint8 *)g_strdup("v"),
                                 .length = 1};
    bench->wants = true;
    assert_int_equal(commit(bench, &change), OUTBOX_CONFLICT);
    assert_non_null(change.mails[0]);
    change_clear(&change);
    assert_record(bench, "a", NULL, 0);
    assert_record(bench, "b", "one", version);
    assert_stats(bench, 0, 0, 0, 0);
    assert_int_equal(bench->unclaimed, 0);
}

static void a_removed_record_does_not_get_an_old_version_again(void **state)
{
    Bench *bench = *state;
    uint64_t version = 0;
    assert_int_equal(put_record(bench, "k", "one", &version), OUTBOX_OK);
    uint64_t old = version;
    assert_int_equal(put_record(bench, "k", NULL, &version), OUTBOX_OK);
    assert_int_equal(version, 0);
    assert_record(bench, "k", NULL, 0);
    advance(bench, 1);
    assert_int_equal(put_record(bench, "k", "two", &version), OUTBOX_OK);
    assert_true(version > old);
    assert_int_equal(put_record(bench, "k", "three", &old), OUTBOX_CONFLICT);
}

static void several_records_are_read_at_once(void **state)
{
    Bench *bench = *state;
    uint64_t version = 0;
    const char *keys[] = {"a", "none", "b"};
    assert_int_equal(put_record(bench, "a", "one", &version), OUTBOX_OK);
    version = 0;
    assert_int_equal(put_record(bench, "b", "two", &version), OUTBOX_OK);
    Answer answer;
    read_records(bench, keys, 3, &answer);
    assert_int_equal(answer.n, 3);
    assert_memory_equal(answer.records[0].value, "one", 3);
    assert_null(answer.records[1].value);
    assert_memory_equal(answer.records[2].value, "two", 3);
    answer_clear(&answer);
}

static void note_thread(void *who, OutboxResult result, Record *records, size_t n)
{
    *(pthread_t *)who = pthread_self();
    assert_int_equal(result, OUTBOX_OK);
    record_clear(&records[n - 1]);
    g_free(records);
}

static void a_record_in_memory_is_read_without_the_storage_thread(void **state)
{
    Bench *bench = *state;
    uint64_t version = 0;
    const char *key = "k";
    pthread_t thread = bench->outbox->thread;
    assert_int_equal(put_record(bench, key, "one", &version), OUTBOX_OK);
    outbox_read(bench->outbox, &key, 1, note_thread, &thread);
    assert_true(pthread_equal(thread, pthread_self()));
}

/* More than are learnt at once. */
static void put_many_records(Bench *bench)
{
    Change change = {.records = g_new0(Record, 1200), .n_records = 1200};
    for (unsigned i = 0; i < 1200; i++) {
        change.records[i] = (Record){.key = g_strdup_printf("%u", i),
                                     .value = (guint8 *)g_strdup("v"), .length = 1};
    }
    assert_int_equal(commit(bench, &change), OUTBOX_OK);
    change_clear(&change);
}

static void a_record_never_written_is_known_to_be_none_once_the_keys_are_learnt(void **state)
{
    Bench *bench = *state;
    const char *key = "never";
    put_many_records(bench);
    bench_reopen(bench);
    for (unsigned i = 0; known_keys_may_have(bench->outbox->known, key); i++) {
        assert_true(i < 100);
        outbox_push(bench->outbox, upkeep_job());
        assert_record(bench, key, NULL, 0);
    }
    pthread_t thread = bench->outbox->thread;
    outbox_read(bench->outbox, &key, 1, note_thread, &thread);
    assert_true(pthread_equal(thread, pthread_self()));
    for (unsigned i = 0; i < 1200; i++) {
        g_autofree char *written = g_strdup_printf("%u", i);
        assert_true(known_keys_may_have(bench->outbox->known, written));
    }
}

static void an_expired_record_goes_and_the_others_stay(void **state)
{
    Bench *bench = *state;
    Change change = {.records = g_new0(Record, 2), .n_records = 2};
    for (size_t i = 0; i < 2; i++) {
        change.records[i] = (Record){.key = g_strdup(i == 0 ? "old" : "young"),
                                     .value = (guint8 *)g_strdup("v"), .length = 1,
                                     .expires_ms = START + (i == 0 ? SECOND : HOUR)};
    }
    assert_int_equal(commit(bench, &change), OUTBOX_OK);
    uint64_t version = change.records[1].version;
    change_clear(&change);
    advance(bench, SECOND);
    outbox_push(bench->outbox, upkeep_job());
    bench_reopen(bench);
    assert_record(bench, "old", NULL, 0);
    assert_record(bench, "young", "v", version);
}

/* Mails. */

static void a_mail_is_claimed_as_it_was_accepted(void **state)
{
    Bench *bench = *state;
    Mail *mail = mail_for("group", "a@b,c@d", 9000);
    name_mail(mail, "id@host");
    g_free(mail->subject), g_free(mail->sender), g_free(mail->receiver);
    mail->subject = g_strdup("sübject");
    mail->sender = g_strdup("from@host");
    mail->receiver = g_strdup("team");
    mail->integration = 3;
    memcpy(mail->bytes + 4000, "a\0b\r\n", 5);
    Answer answer;
    assert_int_equal(put_mail(bench, mail), OUTBOX_OK);
    claim(bench, "r", 10, &answer);
    assert_int_equal(answer.n, 1);
    assert_int_equal(answer.next_due_ms, -1);
    const Mail *claimed = answer.mails[0];
    assert_string_equal(claimed->message_id, "id@host");
    assert_string_equal(claimed->subject, "sübject");
    assert_string_equal(claimed->sender, "from@host");
    assert_string_equal(claimed->receiver, "team");
    assert_string_equal(claimed->group, "group");
    assert_string_equal(claimed->relay, "r");
    assert_int_equal(claimed->integration, 3);
    assert_int_equal(claimed->accepted_ms, START);
    assert_int_equal(claimed->attempts, 1);
    assert_int_equal(claimed->length, 9000);
    assert_memory_equal(claimed->bytes + 3999, "xa\0b\r\nx", 7);
    assert_int_equal(claimed->n_recipients, 2);
    assert_string_equal(claimed->recipients[1].address, "c@d");
    g_ptr_array_add(bench->claimed, answer.mails[0]);
    g_free(answer.mails);
}

static void a_claimed_mail_is_not_claimed_again(void **state)
{
    Bench *bench = *state;
    accept_mail(bench, "1", "", "a");
    assert_claims(bench, 10, "1:a");
    assert_claims(bench, 10, "");
    assert_stats(bench, 0, 0, 1, 0);
}

static void mails_of_another_relay_are_left_alone(void **state)
{
    Bench *bench = *state;
    Answer answer;
    accept_mail(bench, "1", "", "a");
    claim(bench, "other", 10, &answer);
    assert_int_equal(answer.n, 0);
    g_free(answer.mails);
    assert_claims(bench, 10, "1:a");
}

static void mails_are_claimed_in_the_order_of_acceptance(void **state)
{
    Bench *bench = *state;
    accept_mail(bench, "1", "", "a");
    accept_mail(bench, "2", "", "a");
    advance(bench, SECOND);
    accept_mail(bench, "3", "", "a");
    assert_claims(bench, 2, "1:a 2:a");
    report(bench, "1", "u");
    assert_claims(bench, 10, "1:a 3:a");
}

static void delivered_mails_leave_nothing_behind(void **state)
{
    Bench *bench = *state;
    accept_mail(bench, "1", "g", "a,b");
    assert_claims(bench, 10, "1:a,b");
    report(bench, "1", "dd");
    assert_stats(bench, 0, 0, 0, 0);
    OutboxStats stats;
    outbox_stats(bench->outbox, &stats);
    assert_int_equal(stats.bytes, 0);
    bench_reopen(bench);
    assert_stats(bench, 0, 0, 0, 0);
}

static void a_deferred_mail_is_due_after_its_pause(void **state)
{
    Bench *bench = *state;
    Answer answer;
    bench->random = 0.5;
    accept_mail(bench, "1", "", "a");
    assert_claims(bench, 10, "1:a");
    report(bench, "1", "f");
    claim(bench, "r", 10, &answer);
    assert_int_equal(answer.n, 0);
    assert_int_equal(answer.next_due_ms, START + 7500);
    g_free(answer.mails);
    assert_stats(bench, 0, 1, 0, 0);
    advance(bench, 7499);
    assert_claims(bench, 10, "");
    advance(bench, 1);
    assert_claims(bench, 10, "1:a");
    const Mail *mail = bench->claimed->pdata[0];
    const Recipient *recipient = &mail->recipients[0];
    assert_int_equal(mail->attempts, 2);
    assert_int_equal(recipient->attempts, 1);
    assert_int_equal(recipient->last.kind, OUTCOME_DEFERRED);
    assert_int_equal(recipient->last.code, 450);
    assert_string_equal(recipient->last.enhanced, "4.2.0");
    assert_string_equal(recipient->last.relay, "mx:25");
    assert_string_equal(recipient->last.text, "wörds");
}

static void only_who_is_due_is_tried(void **state)
{
    Bench *bench = *state;
    accept_mail(bench, "1", "", "a,b,c");
    assert_claims(bench, 10, "1:a,b,c");
    report(bench, "1", "dfi");
    advance(bench, 5 * SECOND);
    assert_claims(bench, 10, "1:b");
    report(bench, "1", "udu");
    advance(bench, 54 * SECOND);
    assert_claims(bench, 10, "");
    advance(bench, SECOND);
    assert_claims(bench, 10, "1:c");
    report(bench, "1", "uud");
    assert_stats(bench, 0, 0, 0, 0);
}

static void one_refused_recipient_does_not_keep_the_mail(void **state)
{
    Bench *bench = *state;
    accept_mail(bench, "1", "", "a,b");
    assert_claims(bench, 10, "1:a,b");
    report(bench, "1", "rd");
    assert_stats(bench, 0, 0, 0, 0);
}

static void a_mail_that_all_refuse_is_kept_dead(void **state)
{
    Bench *bench = *state;
    accept_mail(bench, "1", "", "a,b");
    assert_claims(bench, 10, "1:a,b");
    report(bench, "1", "rr");
    assert_stats(bench, 0, 0, 0, 1);
    bench_reopen(bench);
    assert_stats(bench, 0, 0, 0, 1);
    assert_claims(bench, 10, "");
}

static void a_mail_is_dead_when_its_time_is_over(void **state)
{
    Bench *bench = *state;
    accept_mail(bench, "1", "", "a,b");
    advance(bench, 48 * HOUR);
    assert_claims(bench, 10, "1:a,b");
    report(bench, "1", "fd");
    assert_stats(bench, 0, 0, 0, 1);
    OutboxStats stats;
    outbox_stats(bench->outbox, &stats);
    assert_int_equal(stats.bytes, 0);
}

static void a_mail_nobody_could_try_is_given_up_in_time(void **state)
{
    Bench *bench = *state;
    accept_mail(bench, "1", "g", "a,b");
    accept_mail(bench, "2", "g", "a");
    advance(bench, 48 * HOUR + 10 * MINUTE);
    outbox_push(bench->outbox, upkeep_job());
    assert_stats(bench, 2, 0, 0, 0);
    accept_mail(bench, "3", "g", "a");
    advance(bench, 1);
    outbox_push(bench->outbox, upkeep_job());
    assert_stats(bench, 1, 0, 0, 2);
    assert_claims(bench, 10, "3:a");
}

static void after_the_start_old_mails_get_an_attempt_first(void **state)
{
    Bench *bench = *state;
    accept_mail(bench, "1", "", "a");
    advance(bench, 72 * HOUR);
    bench_reopen(bench);
    outbox_push(bench->outbox, upkeep_job());
    assert_claims(bench, 10, "1:a");
}

static void a_mail_without_anybody_to_try_is_stored_dead(void **state)
{
    Bench *bench = *state;
    Mail *refused = mail_for("g", "a", 10);
    refused->recipients[0].state = RECIPIENT_REFUSED;
    bench->wants = true;
    assert_int_equal(put_mail(bench, refused), OUTBOX_OK);
    Mail *nobody = mail_for("g", "", 10);
    assert_int_equal(nobody->n_recipients, 0);
    assert_int_equal(put_mail(bench, nobody), OUTBOX_OK);
    assert_stats(bench, 0, 0, 0, 2);
    assert_int_equal(bench->unclaimed, 2);
}

/* The claimer. */

static void a_wanted_mail_is_claimed_by_its_commit(void **state)
{
    Bench *bench = *state;
    bench->wants = true;
    Change change = change_of(mail_for("g", "a", 10));
    assert_int_equal(commit(bench, &change), OUTBOX_OK);
    assert_null(change.mails[0]);
    change_clear(&change);
    assert_stats(bench, 0, 0, 1, 0);
    assert_int_equal(bench->claimed->len, 1);
    const Mail *mail = bench->claimed->pdata[0];
    assert_true(mail->id > 0);
    assert_int_equal(mail->attempts, 1);
    assert_string_equal(bench->due->str, "");
    assert_claims(bench, 10, "");
}

static void an_unwanted_mail_is_said_to_be_due(void **state)
{
    Bench *bench = *state;
    accept_mail(bench, "1", "g", "a");
    drain(bench);
    assert_string_equal(bench->due->str, "r+0 ");
}

/* Order. */

static void a_later_mail_of_the_group_waits_for_the_earlier(void **state)
{
    Bench *bench = *state;
    accept_mail(bench, "firing", "g", "a,b");
    accept_mail(bench, "other", "h", "a");
    accept_mail(bench, "resolved", "g", "a,b,c");
    assert_claims(bench, 10, "firing:a,b other:a resolved:c");
    report(bench, "resolved", "uud");
    report(bench, "firing", "df");
    drain(bench);
    assert_claims(bench, 10, "resolved:a");
    advance(bench, 5 * SECOND);
    assert_claims(bench, 10, "firing:b");
    report(bench, "resolved", "duu");
    report(bench, "firing", "ur");
    assert_claims(bench, 10, "resolved:b");
    report(bench, "resolved", "udu");
    assert_stats(bench, 0, 0, 1, 0);
}

static void a_wanted_mail_that_has_to_wait_is_not_claimed(void **state)
{
    Bench *bench = *state;
    bench->wants = true;
    accept_mail(bench, "1", "g", "a");
    accept_mail(bench, "2", "g", "a");
    assert_stats(bench, 1, 0, 1, 0);
    assert_int_equal(bench->unclaimed, 1);
    g_string_truncate(bench->due, 0);
    report(bench, "1", "d");
    drain(bench);
    assert_string_equal(bench->due->str, "r+0 ");
    assert_claims(bench, 10, "2:a");
}

static void a_later_mail_makes_the_earlier_one_due(void **state)
{
    Bench *bench = *state;
    accept_mail(bench, "1", "g", "a,b");
    assert_claims(bench, 10, "1:a,b");
    report(bench, "1", "fi");
    advance(bench, SECOND);
    accept_mail(bench, "2", "g", "a,b");
    assert_claims(bench, 10, "1:a"); /* b is in doubt */
    report(bench, "1", "du");
    assert_claims(bench, 10, "2:a");
    report(bench, "2", "du");
    advance(bench, 59 * SECOND);
    assert_claims(bench, 10, "1:b");
    report(bench, "1", "ud");
    assert_claims(bench, 10, "2:b");
}

static void the_dead_do_not_hold_up_their_group(void **state)
{
    Bench *bench = *state;
    accept_mail(bench, "1", "g", "a");
    accept_mail(bench, "2", "g", "a");
    accept_mail(bench, "3", "g", "a");
    assert_claims(bench, 10, "1:a");
    report(bench, "1", "r");
    assert_claims(bench, 10, "2:a");
    report(bench, "2", "f");
    bench_reopen(bench);
    advance(bench, 5 * SECOND);
    assert_claims(bench, 10, "2:a");
    report(bench, "2", "d");
    assert_claims(bench, 10, "3:a");
}

static void mails_without_a_group_need_no_order(void **state)
{
    Bench *bench = *state;
    accept_mail(bench, "1", "", "a");
    accept_mail(bench, "2", "", "a");
    assert_claims(bench, 10, "1:a 2:a");
}

/* Ceilings. */

static void the_queue_takes_as_many_mails_as_it_may(void **state)
{
    Bench *bench = *state;
    bench->config.limits.queue_mails = 2;
    outbox_configure(bench->outbox, &bench->config);
    accept_mail(bench, "1", "", "a");
    assert_true(outbox_room(bench->outbox, 0));
    accept_mail(bench, "2", "", "a");
    assert_false(outbox_room(bench->outbox, 0));
    assert_int_equal(put_mail(bench, mail_for("", "a", 1)), OUTBOX_FULL);
    uint64_t version = 0;
    assert_int_equal(put_record(bench, "k", "one", &version), OUTBOX_OK);
    assert_claims(bench, 10, "1:a 2:a");
    assert_int_equal(put_mail(bench, mail_for("", "a", 1)), OUTBOX_FULL);
    report(bench, "1", "d");
    report(bench, "2", "r"); /* the dead do not count */
    drain(bench);
    assert_true(outbox_room(bench->outbox, 0));
    Change change = {.mails = g_new(Mail *, 3), .n_mails = 3};
    for (size_t i = 0; i < 3; i++) {
        change.mails[i] = mail_for("", "a", 1);
    }
    assert_int_equal(commit(bench, &change), OUTBOX_FULL);
    mail_free(change.mails[--change.n_mails]);
    assert_int_equal(commit(bench, &change), OUTBOX_OK);
    change_clear(&change);
    assert_false(outbox_room(bench->outbox, 0));
}

static void the_queue_takes_as_many_bytes_as_it_may(void **state)
{
    Bench *bench = *state;
    bench->config.limits.queue_bytes = 1000;
    outbox_configure(bench->outbox, &bench->config);
    assert_true(outbox_room(bench->outbox, 1000));
    assert_false(outbox_room(bench->outbox, 1001));
    assert_int_equal(put_mail(bench, mail_for("", "a", 1001)), OUTBOX_FULL);
    assert_int_equal(put_mail(bench, mail_for("", "a", 900)), OUTBOX_OK);
    assert_false(outbox_room(bench->outbox, 101));
    assert_int_equal(put_mail(bench, mail_for("", "a", 101)), OUTBOX_FULL);
    assert_int_equal(put_mail(bench, mail_for("", "a", 100)), OUTBOX_OK);
    bench_reopen(bench);
    assert_false(outbox_room(bench->outbox, 1));
    assert_true(outbox_room(bench->outbox, 0));
}

static void the_ceiling_holds_within_one_commit(void **state)
{
    Bench *bench = *state;
    bench->config.limits.queue_mails = 10;
    outbox_configure(bench->outbox, &bench->config);
    Answer answers[40];
    Change changes[40];
    unsigned ok = 0, full = 0;
    for (size_t i = 0; i < 40; i++) {
        changes[i] = change_of(mail_for("", "a", 1));
        outbox_commit(bench->outbox, &changes[i], on_commit, answer_init(&answers[i]));
    }
    for (size_t i = 0; i < 40; i++) {
        answer_wait(&answers[i]);
        ok += answers[i].result == OUTBOX_OK;
        full += answers[i].result == OUTBOX_FULL;
        change_clear(&changes[i]);
    }
    assert_int_equal(ok, 10);
    assert_int_equal(full, 30);
    assert_stats(bench, 10, 0, 0, 0);
}

/* Restarts. */

static void what_was_queued_is_there_after_a_restart(void **state)
{
    Bench *bench = *state;
    accept_mail(bench, "1", "g", "a,b");
    accept_mail(bench, "2", "g", "a");
    assert_claims(bench, 1, "1:a,b");
    report(bench, "1", "df");
    bench_reopen(bench);
    assert_stats(bench, 1, 1, 0, 0);
    assert_claims(bench, 10, "2:a");
    advance(bench, 5 * SECOND);
    assert_claims(bench, 10, "1:b");
    assert_int_equal(((Mail *)bench->claimed->pdata[1])->recipients[0].state,
                     RECIPIENT_DELIVERED);
}

static double metric_of_queue(const Bench *bench, const char *state)
{
    return metrics_get(bench->metrics, METRIC_QUEUE_MAILS, state, NULL);
}

static void the_metrics_tell_of_the_queue_before_anything_runs(void **state)
{
    Bench *bench = *state;
    accept_mail(bench, "1", "g", "a");
    accept_mail(bench, "2", "g", "a");
    assert_claims(bench, 1, "1:a");
    report(bench, "1", "f");
    bench_close(bench);
    metrics_free(bench->metrics);
    bench->metrics = metrics_new();
    bench->outbox =
        outbox_open(bench->storage, DAMAGE_MOVES, &bench->config, NULL, bench->metrics, NULL);
    assert_non_null(bench->outbox);
    assert_true(metric_of_queue(bench, "queued") == 1);
    assert_true(metric_of_queue(bench, "deferred") == 1);
}

typedef struct {
    const Bench *bench;
    double queued;
    Answer answer;
} Look;

static void look_at_the_queue(void *who, OutboxResult result, Change *change)
{
    Look *look = who;
    look->queued = metric_of_queue(look->bench, "queued");
    on_commit(&look->answer, result, change);
}

static void whoever_is_answered_finds_the_mail_in_the_metrics(void **state)
{
    Bench *bench = *state;
    Look look = {.bench = bench};
    answer_init(&look.answer);
    Change change = change_of(mail_for("g", "a", 100));
    outbox_commit(bench->outbox, &change, look_at_the_queue, &look);
    answer_wait(&look.answer);
    change_clear(&change);
    assert_int_equal(look.answer.result, OUTBOX_OK);
    assert_true(look.queued == 1);
}

/* A crash: the mail was claimed, and nobody reports. */
static void what_a_crash_left_claimed_is_in_doubt(void **state)
{
    Bench *bench = *state;
    bench->wants = true;
    accept_mail(bench, "accepted", "g", "a");
    bench->wants = false;
    accept_mail(bench, "claimed", "h", "a,b");
    accept_mail(bench, "later", "g", "a");
    assert_claims(bench, 1, "claimed:a,b");
    report(bench, "claimed", "df");
    advance(bench, 5 * SECOND);
    assert_claims(bench, 10, "claimed:b");
    g_ptr_array_set_size(bench->claimed, 0);
    bench_reopen(bench);
    assert_stats(bench, 1, 2, 0, 0);
    advance(bench, 55 * SECOND - 1);
    assert_claims(bench, 10, "");
    advance(bench, 1);
    assert_claims(bench, 10, "accepted:a");
    advance(bench, 5 * SECOND);
    assert_claims(bench, 10, "claimed:b");
    const Mail *mail = bench->claimed->pdata[1];
    assert_true(mail->recipients[1].in_doubt);
    assert_false(mail->recipients[0].in_doubt);
    assert_int_equal(mail->recipients[1].last.kind, OUTCOME_IN_DOUBT);
    assert_string_equal(mail->recipients[1].last.text,
                        "the program ended during the attempt");
    report(bench, "accepted", "d");
    assert_claims(bench, 10, "later:a");
}

static void what_is_in_doubt_is_kept_where_that_is_wished(void **state)
{
    Bench *bench = *state;
    bench->config.delivery.in_doubt_keep = true;
    accept_mail(bench, "1", "g", "a");
    assert_claims(bench, 1, "1:a");
    g_ptr_array_set_size(bench->claimed, 0);
    bench_reopen(bench);
    assert_stats(bench, 0, 0, 0, 1);
}

/* Routing anew. */

static const char *to_new_relay(void *who, const char *receiver, unsigned integration,
                                const char *relay)
{
    (void)who;
    assert_string_equal(receiver, "team");
    assert_int_equal(integration, 7);
    return strcmp(relay, "r") == 0 ? "new" : relay;
}

static void queued_and_claimed_mails_get_the_relay_the_router_says(void **state)
{
    Bench *bench = *state;
    Answer answer;
    for (const char *const *id = (const char *const[]){"1", "2", NULL}; *id != NULL; id++) {
        Mail *mail = mail_for("g", "a", 10);
        name_mail(mail, *id);
        g_free(mail->receiver);
        mail->receiver = g_strdup("team");
        mail->integration = 7;
        assert_int_equal(put_mail(bench, mail), OUTBOX_OK);
    }
    assert_claims(bench, 1, "1:a");
    outbox_route(bench->outbox, to_new_relay, on_route, answer_init(&answer));
    answer_wait(&answer);
    assert_int_equal(answer.result, OUTBOX_OK);
    g_string_truncate(bench->due, 0);
    report(bench, "1", "f");
    assert_claims(bench, 10, "");
    drain(bench);
    assert_string_equal(bench->due->str, "new+5 ");
    advance(bench, 5 * SECOND);
    claim(bench, "new", 10, &answer);
    assert_int_equal(answer.n, 1);
    assert_string_equal(answer.mails[0]->relay, "new");
    g_ptr_array_add(bench->claimed, answer.mails[0]);
    g_free(answer.mails);
}

/* Group commit. */

typedef struct {
    sem_t entered, leave;
} Gate;

static void stand_in_the_gate(void *who, OutboxResult result, Change *change)
{
    (void)result, (void)change;
    sem_post(&((Gate *)who)->entered);
    while (sem_wait(&((Gate *)who)->leave) != 0) {
    }
}

static void whatever_waits_shares_a_commit(void **state)
{
    Bench *bench = *state;
    Gate gate;
    Answer answers[64];
    Change changes[64], nothing = {0};
    sem_init(&gate.entered, 0, 0);
    sem_init(&gate.leave, 0, 0);
    outbox_commit(bench->outbox, &nothing, stand_in_the_gate, &gate);
    while (sem_wait(&gate.entered) != 0) {
    }
    double before = metrics_get(bench->metrics, METRIC_STORE_COMMITS, NULL, NULL);
    for (size_t i = 0; i < 64; i++) {
        changes[i] = change_of(mail_for("", "a", 8000));
        outbox_commit(bench->outbox, &changes[i], on_commit, answer_init(&answers[i]));
    }
    sem_post(&gate.leave);
    for (size_t i = 0; i < 64; i++) {
        answer_wait(&answers[i]);
        assert_int_equal(answers[i].result, OUTBOX_OK);
        change_clear(&changes[i]);
    }
    double after = metrics_get(bench->metrics, METRIC_STORE_COMMITS, NULL, NULL);
    assert_int_equal((int)(after - before), 1);
    sem_destroy(&gate.entered);
    sem_destroy(&gate.leave);
}

enum { SENDERS = 4, ROUNDS = 100 };

typedef struct {
    Bench *bench;
    char key[16];
} Sender;

static void *send_rounds(void *data)
{
    Sender *sender = data;
    uint64_t version = 0;
    for (unsigned i = 0; i < ROUNDS; i++) {
        assert_int_equal(put_mail(sender->bench, mail_for(sender->key, "a", 500)), OUTBOX_OK);
        assert_int_equal(put_record(sender->bench, sender->key, "v", &version), OUTBOX_OK);
        assert_record(sender->bench, sender->key, "v", version);
    }
    return NULL;
}

static void many_threads_lose_nothing(void **state)
{
    Bench *bench = *state;
    pthread_t threads[SENDERS];
    Sender senders[SENDERS];
    for (unsigned i = 0; i < SENDERS; i++) {
        senders[i].bench = bench;
        g_snprintf(senders[i].key, sizeof senders[i].key, "%u", i);
        pthread_create(&threads[i], NULL, send_rounds, &senders[i]);
    }
    unsigned delivered = 0;
    while (delivered < SENDERS * ROUNDS) {
        Answer answer;
        claim(bench, "r", 50, &answer);
        for (size_t i = 0; i < answer.n; i++) {
            const Outcome outcome = {.kind = OUTCOME_DELIVERED, .text = (char[]){""}};
            outbox_report(bench->outbox, answer.mails[i], &outcome);
        }
        delivered += (unsigned)answer.n;
        g_free(answer.mails);
    }
    for (unsigned i = 0; i < SENDERS; i++) {
        pthread_join(threads[i], NULL);
    }
    assert_stats(bench, 0, 0, 0, 0);
}

/* The end. */

static void jobs_queued_before_the_stop_are_done_and_later_ones_fail(void **state)
{
    Bench *bench = *state;
    Answer before[8], after;
    Change nothing = {0};
    for (size_t i = 0; i < 8; i++) {
        outbox_commit(bench->outbox, &nothing, on_commit, answer_init(&before[i]));
    }
    outbox_stop(bench->outbox);
    outbox_join(bench->outbox);
    for (size_t i = 0; i < 8; i++) {
        answer_wait(&before[i]);
        assert_int_equal(before[i].result, OUTBOX_OK);
    }
    Change change = change_of(mail_for("", "a", 1));
    outbox_commit(bench->outbox, &change, on_commit, answer_init(&after));
    answer_wait(&after);
    assert_int_equal(after.result, OUTBOX_FAILED);
    change_clear(&change);
    const char *key = "k";
    known_keys_add(bench->outbox->known, key);
    outbox_read(bench->outbox, &key, 1, on_read, answer_init(&after));
    answer_wait(&after);
    assert_int_equal(after.result, OUTBOX_FAILED);
    assert_null(after.records);
    outbox_claim(bench->outbox, "r", 1, on_claim, answer_init(&after));
    answer_wait(&after);
    assert_int_equal(after.result, OUTBOX_FAILED);
    assert_int_equal(after.n, 0);
    g_free(after.mails);
}

/* When the storage fails. */

static void set_file_limit(rlim_t bytes)
{
    struct rlimit limit;
    getrlimit(RLIMIT_FSIZE, &limit);
    limit.rlim_cur = bytes;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void a_failing_disk_fails_the_commits_and_loses_no_outcome(void **state)
{
    Bench *bench = *state;
    uint64_t version = 0, second;
    signal(SIGXFSZ, SIG_IGN);
    accept_mail(bench, "1", "g", "a");
    accept_mail(bench, "2", "", "a");
    assert_claims(bench, 10, "1:a 2:a");
    assert_int_equal(put_record(bench, "k", "one", &version), OUTBOX_OK);
    assert_true(outbox_ready(bench->outbox));

    set_file_limit(0);
    second = version;
    bench->wants = true;
    Change change = change_of(mail_for("g", "a", 9000));
    assert_int_equal(commit(bench, &change), OUTBOX_FAILED);
    assert_non_null(change.mails[0]);
    assert_int_equal(change.mails[0]->id, 0);
    assert_int_equal(change.mails[0]->recipients[0].state, RECIPIENT_QUEUED);
    assert_int_equal(bench->unclaimed, 1);
    assert_false(outbox_ready(bench->outbox));
    assert_int_equal(put_record(bench, "k", "two", &second), OUTBOX_FAILED);
    assert_int_equal(second, version);
    assert_record(bench, "k", "one", version); /* from memory */
    report(bench, "1", "d");

    set_file_limit(RLIM_INFINITY);
    bench->wants = false;
    assert_int_equal(commit(bench, &change), OUTBOX_OK);
    assert_true(outbox_ready(bench->outbox));
    change_clear(&change);
    assert_int_equal(put_record(bench, "k", "two", &second), OUTBOX_OK);
    assert_stats(bench, 1, 0, 1, 0);
    report(bench, "2", "d");
    bench_reopen(bench);
    assert_stats(bench, 1, 0, 0, 0);
    assert_record(bench, "k", "two", second);
}

static void the_storage_recovers_with_nothing_to_do(void **state)
{
    Bench *bench = *state;
    Change change = change_of(mail_for("g", "a", 9000));
    signal(SIGXFSZ, SIG_IGN);
    set_file_limit(0);
    assert_int_equal(commit(bench, &change), OUTBOX_FAILED);
    change_clear(&change);
    set_file_limit(RLIM_INFINITY);
    for (unsigned i = 0; i < 300 && !outbox_ready(bench->outbox); i++) {
        g_usleep(100000);
    }
    assert_true(outbox_ready(bench->outbox));
}

/* A storage whose commit says that it failed though it did not. */
static atomic_bool commit_lies;

static bool lying_commit(Store *store, GError **error)
{
    bool ok = store_sqlite.commit(store, error);
    if (ok && atomic_exchange(&commit_lies, false)) {
        g_set_error(error, FAULT, FAULT_SYSTEM, "it failed, it said");
        return false;
    }
    return ok;
}

static void reopen_lying(Bench *bench)
{
    static StoreOps lying;
    lying = store_sqlite;
    lying.commit = lying_commit;
    bench_close(bench);
    g_autoptr(GError) error = NULL;
    const OutboxClock clock = {bench_now, bench_random, bench};
    bench->outbox = outbox_open(bench->storage, DAMAGE_MOVES, &bench->config, NULL, NULL, &error);
    assert_non_null(bench->outbox);
    outbox_set_clock(bench->outbox, &clock);
    outbox_set_claimer(bench->outbox, &bench_claimer, bench);
    bench->outbox->ops = &lying;
    assert_true(outbox_start(bench->outbox, NULL));
}

static void what_a_commit_that_failed_has_queued_is_said_to_be_due(void **state)
{
    Bench *bench = *state;
    reopen_lying(bench);
    Change change = change_of(mail_for("g", "a", 10));
    atomic_store(&commit_lies, true);
    assert_int_equal(commit(bench, &change), OUTBOX_FAILED);
    change_clear(&change);
    g_string_truncate(bench->due, 0);
    uint64_t version = 0;
    assert_int_equal(put_record(bench, "k", "v", &version), OUTBOX_OK);
    drain(bench);
    assert_string_equal(bench->due->str, "r+0 ");
    bench_close(bench);
    bench_open(bench);
}

static void a_commit_that_failed_but_was_stored_blocks_nothing(void **state)
{
    Bench *bench = *state;
    reopen_lying(bench);
    bench->wants = true;
    accept_mail(bench, "held", "h", "a");
    Mail *mail = mail_for("g", "a", 10);
    name_mail(mail, "stray");
    Change change = change_of(mail);
    change.records = g_new0(Record, 1);
    change.n_records = 1;
    change.records[0] = (Record){.key = g_strdup("k"), .value = (guint8 *)g_strdup("v"),
                                 .length = 1};
    atomic_store(&commit_lies, true);
    assert_int_equal(commit(bench, &change), OUTBOX_FAILED);
    bench->wants = false;
    assert_int_equal(commit(bench, &change), OUTBOX_CONFLICT); /* k is there */
    change_clear(&change);
    assert_claims(bench, 10, "stray:a");
    const Mail *stray = bench->claimed->pdata[1];
    assert_false(stray->recipients[0].in_doubt);
    report(bench, "stray", "d");
    assert_stats(bench, 0, 0, 1, 0);
    bench_close(bench);
    bench_open(bench);
}

/* Opening. */

static void assert_not_opened(const char *storage, FaultKind kind, const char *message)
{
    g_autoptr(GError) error = NULL;
    const Config config = {0};
    assert_null(outbox_open(storage, DAMAGE_MOVES, &config, NULL, NULL, &error));
    assert_int_equal(error->domain, FAULT);
    assert_int_equal(error->code, kind);
    assert_string_equal(error->message, message);
}

static void a_storage_that_cannot_be_opened_says_why(void **state)
{
    (void)state;
    assert_not_opened("postgres:x", FAULT_INPUT,
                      "storage \"postgres:x\": must be sqlite:PATH or memory:");
    assert_not_opened("sqlite:/nowhere/at/all.db", FAULT_SYSTEM,
                      "storage: make /nowhere/at: No such file or directory");
}

static void one_process_at_a_time_has_the_database(void **state)
{
    Bench *bench = *state;
    g_autofree char *message =
        g_strdup_printf("storage: %s is in use by process %ld",
                        bench->storage + strlen("sqlite:"), (long)getpid());
    assert_not_opened(bench->storage, FAULT_SYSTEM, message);
}

static void copy_file(const char *from, const char *to)
{
    g_autofree char *bytes = NULL;
    gsize length;
    assert_true(g_file_get_contents(from, &bytes, &length, NULL));
    assert_true(g_file_set_contents(to, bytes, (gssize)length, NULL));
}

/* A crash leaves the log, and the next start reads it. */
static void the_database_needs_no_shared_memory(void **state)
{
    Bench *bench = *state;
    accept_mail(bench, "1", "g", "a");
    const char *path = bench->storage + strlen("sqlite:");
    g_autofree char *log = g_strconcat(path, "-wal", NULL);
    g_autofree char *memory = g_strconcat(path, "-shm", NULL);
    g_autofree char *copy = g_strconcat(path, ".copy", NULL);
    g_autofree char *copied_log = g_strconcat(copy, "-wal", NULL);
    g_autofree char *copied_memory = g_strconcat(copy, "-shm", NULL);
    g_autofree char *storage = g_strconcat("sqlite:", copy, NULL);
    assert_false(g_file_test(memory, G_FILE_TEST_EXISTS));
    copy_file(path, copy);
    copy_file(log, copied_log);
    Outbox *outbox = outbox_open(storage, DAMAGE_MOVES, &bench->config, NULL, NULL, NULL);
    assert_non_null(outbox);
    assert_false(g_file_test(copied_memory, G_FILE_TEST_EXISTS));
    outbox_free(outbox);
}

static void nobody_else_may_read_the_database(void **state)
{
    Bench *bench = *state;
    struct stat info;
    const char *path = bench->storage + strlen("sqlite:");
    g_autofree char *folder = g_path_get_dirname(path);
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 07777, 0600);
    assert_int_equal(stat(folder, &info), 0);
    assert_int_equal(info.st_mode & 07777, 0700);
}

#define FILE_TEST(name)   cmocka_unit_test_setup_teardown(name, set_up_file, tear_down)
#define MEMORY_TEST(name) cmocka_unit_test_setup_teardown(name, set_up_memory, tear_down)
#define BOTH(name)        FILE_TEST(name), MEMORY_TEST(name)

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(a_record_never_written_has_version_0),
        BOTH(a_record_comes_back_with_its_version),
        FILE_TEST(a_record_survives_a_restart),
        FILE_TEST(a_record_of_another_version_is_a_conflict),
        BOTH(a_conflict_keeps_the_change_out_whole),
        BOTH(a_removed_record_does_not_get_an_old_version_again),
        BOTH(several_records_are_read_at_once),
        BOTH(a_record_in_memory_is_read_without_the_storage_thread),
        FILE_TEST(a_record_never_written_is_known_to_be_none_once_the_keys_are_learnt),
        FILE_TEST(an_expired_record_goes_and_the_others_stay),
        BOTH(a_mail_is_claimed_as_it_was_accepted),
        BOTH(a_claimed_mail_is_not_claimed_again),
        BOTH(mails_of_another_relay_are_left_alone),
        BOTH(mails_are_claimed_in_the_order_of_acceptance),
        FILE_TEST(delivered_mails_leave_nothing_behind),
        BOTH(a_deferred_mail_is_due_after_its_pause),
        BOTH(only_who_is_due_is_tried),
        BOTH(one_refused_recipient_does_not_keep_the_mail),
        FILE_TEST(a_mail_that_all_refuse_is_kept_dead),
        BOTH(a_mail_is_dead_when_its_time_is_over),
        BOTH(a_mail_nobody_could_try_is_given_up_in_time),
        FILE_TEST(after_the_start_old_mails_get_an_attempt_first),
        BOTH(a_mail_without_anybody_to_try_is_stored_dead),
        BOTH(a_wanted_mail_is_claimed_by_its_commit),
        BOTH(an_unwanted_mail_is_said_to_be_due),
        BOTH(a_later_mail_of_the_group_waits_for_the_earlier),
        BOTH(a_wanted_mail_that_has_to_wait_is_not_claimed),
        BOTH(a_later_mail_makes_the_earlier_one_due),
        FILE_TEST(the_dead_do_not_hold_up_their_group),
        BOTH(mails_without_a_group_need_no_order),
        BOTH(the_queue_takes_as_many_mails_as_it_may),
        FILE_TEST(the_queue_takes_as_many_bytes_as_it_may),
        BOTH(the_ceiling_holds_within_one_commit),
        FILE_TEST(what_was_queued_is_there_after_a_restart),
        FILE_TEST(the_metrics_tell_of_the_queue_before_anything_runs),
        FILE_TEST(whoever_is_answered_finds_the_mail_in_the_metrics),
        FILE_TEST(what_a_crash_left_claimed_is_in_doubt),
        FILE_TEST(what_is_in_doubt_is_kept_where_that_is_wished),
        BOTH(queued_and_claimed_mails_get_the_relay_the_router_says),
        BOTH(whatever_waits_shares_a_commit),
        BOTH(many_threads_lose_nothing),
        BOTH(jobs_queued_before_the_stop_are_done_and_later_ones_fail),
        FILE_TEST(a_failing_disk_fails_the_commits_and_loses_no_outcome),
        FILE_TEST(the_storage_recovers_with_nothing_to_do),
        FILE_TEST(a_commit_that_failed_but_was_stored_blocks_nothing),
        FILE_TEST(what_a_commit_that_failed_has_queued_is_said_to_be_due),
        cmocka_unit_test(a_storage_that_cannot_be_opened_says_why),
        FILE_TEST(one_process_at_a_time_has_the_database),
        FILE_TEST(the_database_needs_no_shared_memory),
        FILE_TEST(nobody_else_may_read_the_database),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
