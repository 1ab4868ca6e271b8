/* SPDX-License-Identifier: MIT */
/* The same webhook several times at the same moment, on a storage that is slow, or fails
 * once: workers, lanes, accept and outbox as the program has them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <semaphore.h>
#include <stdatomic.h>
#include <string.h>

#include "bridge/accept.h"
#include "bridge/lanes.h"
#include "bridge/outbox/job.h"
#include "rules/fault.h"

enum { TWINS = 8, WORKERS = 4 };

static const char CONFIG[] = "global: {smtp_smarthost: 'mx:25', smtp_from: a@example.org}\n"
                             "route: {receiver: ops}\n"
                             "receivers: [{name: ops, email_configs: [{to: b@example.org}]}]\n";

/* The storage: a commit that stores a mail waits at the gate, and the first one fails if
 * that is wished. */
static struct {
    StoreOps ops;
    sem_t arrived, gate;
    atomic_uint inserted, stored;
    atomic_bool fails;
} slow;

static bool slow_insert(Store *store, Mail *mail, int64_t now_ms, bool claim, GError **error)
{
    atomic_fetch_add(&slow.inserted, 1);
    return store_memory.insert(store, mail, now_ms, claim, error);
}

static bool slow_commit(Store *store, GError **error)
{
    unsigned inserted = atomic_exchange(&slow.inserted, 0);
    if (inserted > 0) {
        sem_post(&slow.arrived);
        while (sem_wait(&slow.gate) != 0) {
        }
        if (atomic_exchange(&slow.fails, false)) {
            g_set_error(error, FAULT, FAULT_SYSTEM, "the disk is gone");
            return false;
        }
        atomic_fetch_add(&slow.stored, inserted);
    }
    return store_memory.commit(store, error);
}

typedef struct {
    Config *config;
    Outbox *outbox;
    Lanes *lanes;
    Accept accept;
    sem_t answered;
    atomic_uint answers, queued, suppressed, busy;
} Bench;

typedef struct {
    Bench *bench;
    Lane *lane;
} Twin;

static void schedule(void *scheduler, AcceptResume *resume, void *step)
{
    lanes_schedule(scheduler, resume, step);
}

static Bench *bench_new(bool fails)
{
    Bench *bench = g_new0(Bench, 1);
    g_autoptr(GError) error = NULL;
    bench->config = config_parse("t.yml", CONFIG, strlen(CONFIG), CONFIG_STRICT, &error);
    assert_null(error);
    sem_init(&bench->answered, 0, 0);
    sem_init(&slow.arrived, 0, 0);
    sem_init(&slow.gate, 0, 0);
    atomic_store(&slow.fails, fails);
    atomic_store(&slow.inserted, 0);
    atomic_store(&slow.stored, 0);
    slow.ops = store_memory;
    slow.ops.insert = slow_insert;
    slow.ops.commit = slow_commit;
    bench->outbox = outbox_open("memory:", DAMAGE_MOVES, bench->config, NULL, NULL, NULL);
    bench->outbox->ops = &slow.ops;
    bench->lanes = lanes_new(WORKERS, 100);
    bench->accept = (Accept){
        .outbox = bench->outbox, .schedule = schedule, .scheduler = bench->lanes};
    assert_true(outbox_start(bench->outbox, NULL) && lanes_start(bench->lanes, NULL));
    return bench;
}

static void bench_free(Bench *bench)
{
    lanes_stop(bench->lanes);
    lanes_join(bench->lanes);
    lanes_free(bench->lanes);
    outbox_stop(bench->outbox);
    outbox_join(bench->outbox);
    outbox_free(bench->outbox);
    config_unref(bench->config);
    g_free(bench);
}

static void on_done(void *who, AcceptStatus status, const char *reason,
                    const AcceptResult *results, size_t n)
{
    Twin *twin = who;
    Bench *bench = twin->bench;
    (void)reason;
    if (status == ACCEPT_BUSY) {
        atomic_fetch_add(&bench->busy, 1);
    } else {
        assert_int_equal(n, 1);
        atomic_fetch_add(results[0].kind == ACCEPT_QUEUED ? &bench->queued
                                                          : &bench->suppressed, 1);
    }
    atomic_fetch_add(&bench->answers, 1);
    lane_release(twin->lane);
    sem_post(&bench->answered);
    g_free(twin);
}

static void in_lane(void *data, Lane *lane)
{
    Twin *twin = data;
    twin->lane = lane;
    Event *event = event_new();
    event->source = "alertmanager";
    event->group_key = "{}:{}";
    event->n_alerts = 1;
    event->alerts = arena_array(event->arena, Alert, 1);
    Label *labels = arena_array(event->arena, Label, 1);
    labels[0] = (Label){"alertname", "A"};
    event->alerts[0] = (Alert){
        .status = ALERT_FIRING, .labels = labels_make(labels, 1),
        .starts_at = timestamp_from_ms(1700000000000), .ends_at = TIMESTAMP_ZERO,
        .generator_url = "", .silence_url = "", .dashboard_url = "", .panel_url = "",
        .value_string = ""};
    event->alerts[0].fingerprint = labels_fingerprint(&event->alerts[0].labels);
    event_summarize(event);
    accept_event(&twin->bench->accept, twin->bench->config, event, on_done, twin);
}

static void arrive(void *data)
{
    Twin *twin = data;
    lanes_enter(twin->bench->lanes, "alertmanager\n{}:{}", in_lane, twin);
}

static void post_twins(Bench *bench)
{
    for (unsigned i = 0; i < TWINS; i++) {
        Twin *twin = g_new0(Twin, 1);
        twin->bench = bench;
        assert_true(lanes_submit(bench->lanes, arrive, twin));
    }
}

static void wait_on(sem_t *semaphore)
{
    while (sem_wait(semaphore) != 0) {
    }
}

static void twins_make_one_mail_and_none_is_answered_before_it_is_stored(void **state)
{
    (void)state;
    Bench *bench = bench_new(false);
    post_twins(bench);
    wait_on(&slow.arrived);
    assert_int_equal(bench->answers, 0);
    sem_post(&slow.gate);
    for (unsigned i = 0; i < TWINS; i++) {
        wait_on(&bench->answered);
    }
    assert_int_equal(bench->queued, 1);
    assert_int_equal(bench->suppressed, TWINS - 1);
    assert_int_equal(slow.stored, 1);
    bench_free(bench);
}

static void when_the_first_cannot_be_stored_its_twin_takes_over(void **state)
{
    (void)state;
    Bench *bench = bench_new(true);
    post_twins(bench);
    wait_on(&slow.arrived);
    assert_int_equal(bench->answers, 0);
    sem_post(&slow.gate);
    wait_on(&bench->answered);
    wait_on(&slow.arrived); /* the second one's */
    assert_int_equal(bench->busy, 1);
    assert_int_equal(bench->answers, 1);
    sem_post(&slow.gate);
    for (unsigned i = 1; i < TWINS; i++) {
        wait_on(&bench->answered);
    }
    assert_int_equal(bench->busy, 1);
    assert_int_equal(bench->queued, 1);
    assert_int_equal(bench->suppressed, TWINS - 2);
    assert_int_equal(slow.stored, 1);
    bench_free(bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(twins_make_one_mail_and_none_is_answered_before_it_is_stored),
        cmocka_unit_test(when_the_first_cannot_be_stored_its_twin_takes_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
