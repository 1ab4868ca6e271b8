/* SPDX-License-Identifier: MIT */
/* Waiting for the end of mails, as `ack: delivered` does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <semaphore.h>
#include <stdatomic.h>

#include "bridge/outbox/job.h"
#include "bridge/outbox/outbox.h"

enum { LONG_MS = 600000 };

typedef struct {
    Config config;
    Outbox *outbox;
    bool wants;
    GPtrArray *claimed;
    atomic_llong now_ms;
} Bench;

static int64_t bench_now(void *who)
{
    return atomic_load(&((Bench *)who)->now_ms);
}

static double bench_random(void *who)
{
    (void)who;
    return 0;
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
    (void)who, (void)mail;
}

static void bench_due(void *who, const char *relay, int64_t due_ms)
{
    (void)who, (void)relay, (void)due_ms;
}

static const OutboxClaimer claimer = {bench_wants, bench_claimed, bench_unclaimed, bench_due};

static int set_up(void **state)
{
    Bench *bench = g_new0(Bench, 1);
    bench->config.limits =
        (LimitsConfig){.queue_mails = 1000, .queue_bytes = 1 << 20, .history = 1000};
    bench->config.delivery = (DeliveryConfig){
        .retry_min_ms = 5000, .retry_max_ms = 60000, .give_up_ms = 3600000};
    bench->claimed = g_ptr_array_new();
    atomic_init(&bench->now_ms, 1700000000000);
    bench->outbox = outbox_open("memory:", DAMAGE_MOVES, &bench->config, NULL, NULL, NULL);
    const OutboxClock clock = {bench_now, bench_random, bench};
    outbox_set_clock(bench->outbox, &clock);
    outbox_set_claimer(bench->outbox, &claimer, bench);
    assert_true(outbox_start(bench->outbox, NULL));
    *state = bench;
    return 0;
}

static int tear_down(void **state)
{
    Bench *bench = *state;
    outbox_stop(bench->outbox);
    outbox_join(bench->outbox);
    assert_int_equal(bench->claimed->len, 0);
    outbox_free(bench->outbox);
    g_ptr_array_unref(bench->claimed);
    g_free(bench);
    return 0;
}

typedef struct {
    sem_t done;
    atomic_int result; /* -1: none yet */
    GPtrArray *mails;
} Answer;

static void answer_init(Answer *answer)
{
    sem_init(&answer->done, 0, 0);
    atomic_init(&answer->result, -1);
    answer->mails = NULL;
}

static OutboxResult answer_wait(Answer *answer)
{
    while (sem_wait(&answer->done) != 0) {
    }
    return (OutboxResult)atomic_load(&answer->result);
}

static void on_result(void *who, OutboxResult result)
{
    Answer *answer = who;
    atomic_store(&answer->result, (int)result);
    sem_post(&answer->done);
}

static void on_commit(void *who, OutboxResult result, Change *change)
{
    change_clear(change);
    on_result(who, result);
}

static void on_claim(void *who, OutboxResult result, Mail **mails, size_t n, int64_t next_ms)
{
    Answer *answer = who;
    (void)next_ms;
    for (size_t i = 0; i < n; i++) {
        g_ptr_array_add(answer->mails, mails[i]);
    }
    g_free(mails);
    on_result(who, result);
}

static const char *no_router(void *who, const char *receiver, unsigned integration,
                             const char *relay)
{
    (void)who, (void)receiver, (void)integration;
    return relay;
}

/* All jobs so far have been done. */
static void settle(Bench *bench)
{
    for (unsigned i = 0; i < 3; i++) { /* what a job queues as it ends, too */
        Answer answer;
        answer_init(&answer);
        outbox_route(bench->outbox, no_router, on_result, &answer);
        answer_wait(&answer);
    }
}

static MailName accept_mail(Bench *bench, const char *group, bool claimed)
{
    Answer answer;
    answer_init(&answer);
    Mail *mail = mail_new();
    g_free(mail->group);
    mail->group = g_strdup(group);
    mail->accepted_ms = atomic_fetch_add(&bench->now_ms, 1);
    mail->bytes = g_strdup("x");
    mail->length = 1;
    mail_add_recipient(mail, "ops@example.org");
    MailName name = {(char *)(uintptr_t)group, mail->accepted_ms};
    Change change = {.mails = g_new(Mail *, 1), .n_mails = 1};
    change.mails[0] = mail;
    bench->wants = claimed;
    outbox_commit(bench->outbox, &change, on_commit, &answer);
    assert_int_equal(answer_wait(&answer), OUTBOX_OK);
    return name;
}

static void claim(Bench *bench)
{
    Answer answer;
    answer_init(&answer);
    answer.mails = bench->claimed;
    outbox_claim(bench->outbox, "", 10, on_claim, &answer);
    assert_int_equal(answer_wait(&answer), OUTBOX_OK);
}

static void report(Bench *bench, OutcomeKind kind)
{
    assert_true(bench->claimed->len > 0);
    Outcome outcome = {0};
    outcome_set(&outcome, kind, 0, "", "relay", "");
    outbox_report(bench->outbox, g_ptr_array_remove_index(bench->claimed, 0), &outcome);
    outcome_clear(&outcome);
}

static void await(Bench *bench, const MailName *mails, size_t n, int64_t timeout_ms,
                  Answer *answer)
{
    answer_init(answer);
    outbox_await(bench->outbox, mails, n, timeout_ms, on_result, answer);
    settle(bench);
}

#define assert_waiting(answer) assert_int_equal(atomic_load(&(answer)->result), -1)

static void a_mail_at_its_relay_is_awaited_until_it_is_reported(void **state)
{
    Bench *bench = *state;
    Answer first, second;
    MailName mail = accept_mail(bench, "g", true);
    await(bench, &mail, 1, LONG_MS, &first);
    await(bench, &mail, 1, LONG_MS, &second); /* the same webhook once more */
    assert_waiting(&first);
    assert_waiting(&second);
    report(bench, OUTCOME_DELIVERED);
    assert_int_equal(answer_wait(&first), OUTBOX_OK);
    assert_int_equal(answer_wait(&second), OUTBOX_OK);
}

static void a_queued_mail_is_awaited_through_its_attempts(void **state)
{
    Bench *bench = *state;
    Answer answer;
    MailName mail = accept_mail(bench, "g", false);
    await(bench, &mail, 1, LONG_MS, &answer);
    assert_waiting(&answer);
    claim(bench);
    report(bench, OUTCOME_DEFERRED);
    settle(bench);
    assert_waiting(&answer);
    atomic_fetch_add(&bench->now_ms, 60000);
    claim(bench);
    settle(bench);
    assert_waiting(&answer);
    report(bench, OUTCOME_DELIVERED);
    assert_int_equal(answer_wait(&answer), OUTBOX_OK);
}

static void a_mail_that_is_refused_for_good_is_settled_too(void **state)
{
    Bench *bench = *state;
    Answer answer;
    MailName mail = accept_mail(bench, "g", true);
    await(bench, &mail, 1, LONG_MS, &answer);
    assert_waiting(&answer);
    report(bench, OUTCOME_REFUSED);
    assert_int_equal(answer_wait(&answer), OUTBOX_OK);
}

static void all_mails_are_awaited(void **state)
{
    Bench *bench = *state;
    Answer answer;
    const MailName mails[] = {accept_mail(bench, "g", true), accept_mail(bench, "h", true),
                              accept_mail(bench, "i", true)};
    await(bench, mails, G_N_ELEMENTS(mails), LONG_MS, &answer);
    for (unsigned i = 0; i < G_N_ELEMENTS(mails); i++) {
        settle(bench);
        assert_waiting(&answer);
        report(bench, OUTCOME_DELIVERED);
    }
    assert_int_equal(answer_wait(&answer), OUTBOX_OK);
}

/* Every other one goes back into the queue for its second mail, from before one that ends. */
static void many_that_ask_at_once_are_all_answered(void **state)
{
    Bench *bench = *state;
    static Answer answers[500];
    const MailName mails[] = {{(char[]){"g"}, 1}, {(char[]){"h"}, 1}};
    for (size_t i = 0; i < G_N_ELEMENTS(answers); i++) {
        answer_init(&answers[i]);
        outbox_await(bench->outbox, mails, 1 + (i + 1) % 2, LONG_MS, on_result, &answers[i]);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(answers); i++) {
        assert_int_equal(answer_wait(&answers[i]), OUTBOX_OK);
    }
}

static void what_is_settled_or_unknown_is_not_awaited(void **state)
{
    Bench *bench = *state;
    Answer answer;
    const MailName unknown = {(char[]){"nobody"}, 5};
    MailName mail = accept_mail(bench, "g", true);
    accept_mail(bench, "h", true);
    report(bench, OUTCOME_DELIVERED);
    await(bench, &mail, 1, LONG_MS, &answer);
    assert_int_equal(answer_wait(&answer), OUTBOX_OK);
    await(bench, &unknown, 1, LONG_MS, &answer);
    assert_int_equal(answer_wait(&answer), OUTBOX_OK);
    await(bench, NULL, 0, LONG_MS, &answer);
    assert_int_equal(answer_wait(&answer), OUTBOX_OK);
    report(bench, OUTCOME_DELIVERED);
}

static void who_has_waited_long_enough_is_told_so(void **state)
{
    Bench *bench = *state;
    Answer patient, hasty, at_once;
    MailName mail = accept_mail(bench, "g", true);
    await(bench, &mail, 1, LONG_MS, &patient);
    await(bench, &mail, 1, 20, &hasty);
    await(bench, &mail, 1, 0, &at_once);
    assert_int_equal(answer_wait(&at_once), OUTBOX_LATE);
    assert_int_equal(answer_wait(&hasty), OUTBOX_LATE);
    settle(bench);
    assert_waiting(&patient);
    report(bench, OUTCOME_DELIVERED);
    assert_int_equal(answer_wait(&patient), OUTBOX_OK);
}

static void at_the_end_nobody_is_left_waiting(void **state)
{
    Bench *bench = *state;
    Answer before, after, settled;
    MailName mail = accept_mail(bench, "g", true);
    MailName done = accept_mail(bench, "h", true);
    await(bench, &mail, 1, LONG_MS, &before);
    assert_waiting(&before);
    outbox_dismiss(bench->outbox);
    assert_int_equal(answer_wait(&before), OUTBOX_LATE);
    await(bench, &mail, 1, LONG_MS, &after);
    assert_int_equal(answer_wait(&after), OUTBOX_LATE);
    report(bench, OUTCOME_DELIVERED);
    report(bench, OUTCOME_DELIVERED);
    await(bench, &done, 1, LONG_MS, &settled);
    assert_int_equal(answer_wait(&settled), OUTBOX_OK);
}

static void whoever_waits_when_the_storage_stops_is_answered(void **state)
{
    Bench *bench = *state;
    Answer answer;
    MailName mail = accept_mail(bench, "g", false);
    await(bench, &mail, 1, LONG_MS, &answer);
    assert_waiting(&answer);
    outbox_stop(bench->outbox);
    assert_int_equal(answer_wait(&answer), OUTBOX_LATE);
    outbox_join(bench->outbox);
    answer_init(&answer);
    outbox_await(bench->outbox, &mail, 1, LONG_MS, on_result, &answer);
    assert_int_equal(answer_wait(&answer), OUTBOX_FAILED);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_mail_at_its_relay_is_awaited_until_it_is_reported),
        TEST(a_queued_mail_is_awaited_through_its_attempts),
        TEST(a_mail_that_is_refused_for_good_is_settled_too),
        TEST(all_mails_are_awaited),
        TEST(many_that_ask_at_once_are_all_answered),
        TEST(what_is_settled_or_unknown_is_not_awaited),
        TEST(who_has_waited_long_enough_is_told_so),
        TEST(at_the_end_nobody_is_left_waiting),
        TEST(whoever_waits_when_the_storage_stops_is_answered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
