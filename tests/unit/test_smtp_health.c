/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "bridge/delivery/smtp/health.h"
#include "bridge/delivery/smtp/timer.h"

enum { NOW = 1000000 };

static Health made(unsigned connections)
{
    Health health;
    health_init(&health, connections);
    return health;
}

static Health opened(unsigned connections)
{
    Health health = made(connections);
    health_session_opened(&health);
    return health;
}

typedef struct {
    HealthLoad load; /* connecting, open, closing, waiting, oldest */
    bool opened;
    unsigned to_open;
} Opening;

static void sessions_are_opened_as_the_line_grows(void **state)
{
    (void)state;
    static const Opening table[] = {
        {{0, 0, 0, 0, 0}, true, 0},     /* nobody waits */
        {{0, 0, 0, 1, NOW}, true, 1},   /* the first */
        {{0, 0, 0, 3, NOW}, true, 1},
        {{0, 0, 0, 4, NOW}, true, 2},
        {{0, 0, 0, 100, NOW}, true, 8}, /* never more than 8 */
        {{0, 0, 0, 100, NOW}, false, 1}, /* the first shows whether the others have a chance */
        {{1, 0, 0, 100, NOW}, false, 0},
        {{0, 1, 0, 1, NOW}, true, 0},   /* one is busy, one mail waits: in a moment */
        {{0, 1, 0, 1, NOW - 49}, true, 0},
        {{0, 1, 0, 1, NOW - 50}, true, 1}, /* it has waited long enough */
        {{1, 1, 0, 1, NOW - 50}, true, 0}, /* help is on its way */
        {{0, 1, 0, 2, NOW}, true, 1},
        {{3, 3, 0, 100, NOW}, true, 2},
        {{3, 3, 2, 100, NOW}, true, 0}, /* those that end still count */
        {{0, 8, 0, 100, NOW - 5000}, true, 0},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(table); i++) {
        Health health = table[i].opened ? opened(8) : made(8);
        assert_int_equal(health_sessions_to_open(&health, &table[i].load, NOW), table[i].to_open);
    }
}

/* Where there are fallbacks, no mail has to wait for a probe that hangs. */
static void a_relay_with_fallbacks_is_probed_by_a_session(void **state)
{
    (void)state;
    static const RelayFault faults[] = {FAULT_CONNECT, FAULT_AUTH, FAULT_THROTTLE, FAULT_REFUSED};
    const HealthLoad idle = {0};
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        Health health = opened(4);
        health.spared = true;
        health_relay_failed(&health, faults[i], NOW);
        assert_int_equal(health_capacity(&health), 0);
        assert_int_equal(health_sessions_to_open(&health, &idle, NOW), 0);
        assert_int_equal(health_next_ms(&health, &idle, NOW), NOW + 5000);
        assert_true(health_pass(&health, NOW + 5000));
        assert_int_equal(health_capacity(&health), 0);
        assert_int_equal(health_sessions_to_open(&health, &idle, NOW + 5000), 1);
        bool connected = faults[i] == FAULT_CONNECT;
        assert_int_equal(health_session_opened(&health), connected);
        assert_int_equal(health_capacity(&health), connected ? 32 : 1);
        assert_int_equal(health_sessions_to_open(&health, &idle, NOW + 5000), 0);
    }
}

/* The relay goes away at NOW and comes back after half an hour, to the second. */
static void a_relay_that_was_down_for_half_an_hour_is_found_within_a_minute(void **state)
{
    (void)state;
    for (unsigned spared = 0; spared < 2; spared++) {
        Health health = opened(8);
        health.spared = spared == 1;
        const HealthLoad load = {.waiting = spared == 1 ? 0 : 1};
        const int64_t back = NOW + 30 * 60000;
        int64_t now = NOW;
        unsigned probes = 0;
        health_relay_failed(&health, FAULT_CONNECT, now);
        while (now < back) {
            now = health_next_ms(&health, &load, now);
            assert_true(health_pass(&health, now));
            assert_int_equal(health_sessions_to_open(&health, &load, now), 1);
            if (now < back) {
                health_session_failed(&health, FAULT_CONNECT, 0, now);
            }
            probes++;
        }
        assert_in_range(now, back, back + 50000);
        assert_in_range(probes, 30, 40);
        if (!health_session_opened(&health)) {
            assert_true(health_mail_answered(&health, true, now));
        }
        assert_int_equal(health_capacity(&health), 64); /* all that wait may leave */
    }
}

static void a_probe_by_a_session_that_fails_doubles_the_pause(void **state)
{
    (void)state;
    const HealthLoad idle = {0};
    Health health = made(4);
    health.spared = true;
    health_session_failed(&health, FAULT_CONNECT, 0, NOW);
    for (int64_t pause = 5000, now = NOW; pause <= 40000; pause *= 2) {
        assert_int_equal(health_next_ms(&health, &idle, now), now + pause);
        now += pause;
        assert_true(health_pass(&health, now));
        health_session_failed(&health, FAULT_CONNECT, 0, now);
    }
    assert_int_equal(health_capacity(&health), 0);
}

static void each_failed_probe_doubles_the_pause_up_to_50_s(void **state)
{
    (void)state;
    static const int64_t pauses[] = {5000, 10000, 20000, 40000, 50000, 50000};
    Health health = opened(8);
    int64_t now = NOW;
    for (size_t i = 0; i < G_N_ELEMENTS(pauses); i++) {
        health_session_failed(&health, FAULT_CONNECT, 0, now);
        assert_int_equal(health_capacity(&health), 0);
        assert_int_equal(health_next_ms(&health, &(HealthLoad){0}, now), now + pauses[i]);
        assert_false(health_pass(&health, now + pauses[i] - 1));
        assert_true(health_pass(&health, now + pauses[i]));
        now += pauses[i];
        assert_int_equal(health_capacity(&health), 1); /* the probe */
        assert_false(health_pass(&health, now));
        HealthLoad many = {.waiting = 100, .oldest_ms = now};
        assert_int_equal(health_sessions_to_open(&health, &many, now), 1);
    }
    assert_true(health_mail_answered(&health, false, now));
    assert_false(health_mail_answered(&health, true, now));
    assert_int_equal(health_capacity(&health), 64);
    health_relay_failed(&health, FAULT_AUTH, now);
    assert_int_equal(health_next_ms(&health, &(HealthLoad){0}, now), now + 5000); /* from the start */
}

static void faults_that_come_together_count_once(void **state)
{
    (void)state;
    Health health = opened(8);
    for (unsigned i = 0; i < 8; i++) {
        health_relay_failed(&health, FAULT_REFUSED, NOW + i);
    }
    assert_int_equal(health_next_ms(&health, &(HealthLoad){0}, NOW), NOW + 5000);
}

static void an_answer_that_comes_during_the_pause_ends_it(void **state)
{
    (void)state;
    Health health = opened(2);
    health_relay_failed(&health, FAULT_REFUSED, NOW);
    assert_true(health_mail_answered(&health, true, NOW + 10));
    assert_int_equal(health_capacity(&health), 16);
}

static void one_session_that_fails_among_others_pauses_nothing(void **state)
{
    (void)state;
    Health health = opened(8);
    HealthLoad load = {.open = 3, .waiting = 100, .oldest_ms = NOW};
    health_session_failed(&health, FAULT_CONNECT, 3, NOW);
    assert_int_equal(health_capacity(&health), 64);
    assert_int_equal(health_sessions_to_open(&health, &load, NOW + 4999), 0);
    assert_int_equal(health_next_ms(&health, &load, NOW), NOW + 5000);
    assert_int_equal(health_sessions_to_open(&health, &load, NOW + 5000), 1); /* one at first */
    health_session_opened(&health);
    assert_int_equal(health_sessions_to_open(&health, &load, NOW + 5000), 5);
}

static void too_many_halves_the_sessions_and_they_grow_back(void **state)
{
    (void)state;
    Health health = opened(8);
    health_session_failed(&health, FAULT_THROTTLE, 7, NOW);
    assert_int_equal(health.allowed, 4);
    health_session_failed(&health, FAULT_THROTTLE, 3, NOW + 1);
    assert_int_equal(health.allowed, 2);
    health_session_failed(&health, FAULT_THROTTLE, 1, NOW + 2);
    assert_int_equal(health.allowed, 1);
    health_session_failed(&health, FAULT_THROTTLE, 1, NOW + 3);
    assert_int_equal(health.allowed, 1);
    assert_int_equal(health_capacity(&health), 8);
    for (unsigned i = 2; i <= 10; i++) {
        int64_t later = NOW + 3 + (int64_t)(i - 1) * HEALTH_GROW_MS;
        health_pass(&health, later - 1);
        assert_int_equal(health.allowed, MIN(i - 1, 8));
        health_pass(&health, later);
        assert_int_equal(health.allowed, MIN(i, 8));
    }
}

static void mails_without_any_session_are_not_kept(void **state)
{
    (void)state;
    Health health = opened(8);
    health_session_failed(&health, FAULT_CONNECT, 1, NOW);
    HealthLoad busy = {.open = 1, .waiting = 5}, alone = {.waiting = 5}, idle = {0};
    assert_false(health_strand(&health, &busy, NOW + 1));
    assert_false(health_strand(&health, &idle, NOW + 1));
    assert_false(health_strand(&health, &alone, NOW + 5000));
    assert_true(health_strand(&health, &alone, NOW + 4999));
    assert_false(health_strand(&health, &alone, NOW + 4999));
    assert_int_equal(health_capacity(&health), 0);
    assert_true(health_pass(&health, NOW + 5000));
}

static void a_proof_counts_once_and_for_a_minute(void **state)
{
    (void)state;
    Health health = opened(8);
    assert_false(health_take_proof(&health, NOW));
    health_mail_answered(&health, false, NOW);
    assert_false(health_take_proof(&health, NOW));
    health_mail_answered(&health, true, NOW);
    assert_true(health_take_proof(&health, NOW + HEALTH_PROOF_MS));
    assert_false(health_take_proof(&health, NOW + HEALTH_PROOF_MS));
    health_mail_answered(&health, true, NOW);
    assert_false(health_take_proof(&health, NOW + HEALTH_PROOF_MS + 1));
}

static void whoever_asks_for_a_probe_gets_it_within_a_second(void **state)
{
    (void)state;
    Health health = opened(8);
    health_session_failed(&health, FAULT_CONNECT, 0, NOW);
    assert_false(health_pass(&health, NOW + 1));
    for (unsigned i = 0; i < 3; i++) { /* asking more often changes nothing */
        health_probe(&health);
        assert_false(health_pass(&health, NOW + HEALTH_PROBE_MIN_MS - 1));
    }
    assert_true(health_pass(&health, NOW + HEALTH_PROBE_MIN_MS));
    assert_int_equal(health_capacity(&health), 1);
    health_session_failed(&health, FAULT_CONNECT, 0, NOW + 1000);
    assert_int_equal(health_next_ms(&health, &(HealthLoad){0}, NOW), NOW + 11000);
    health_probe(&health);
    assert_true(health_pass(&health, NOW + 2000));
}

static void new_settings_are_tried_at_once(void **state)
{
    (void)state;
    Health health = opened(8);
    health_relay_failed(&health, FAULT_AUTH, NOW);
    health_configure(&health, 4);
    assert_true(health_pass(&health, NOW));
    assert_int_equal(health_capacity(&health), 1);
    assert_true(health_mail_answered(&health, true, NOW));
    assert_int_equal(health_capacity(&health), 32);
    health_session_failed(&health, FAULT_THROTTLE, 3, NOW); /* down to two */
    health_configure(&health, 16);
    assert_int_equal(health.allowed, 2);
    health_configure(&health, 1);
    assert_int_equal(health.allowed, 1);
}

static void note_fired(void *who)
{
    (void)who;
}

/* A fixed order of set, move and unset against a plain search. */
static void timers_come_in_the_order_of_their_time(void **state)
{
    (void)state;
    enum { N = 200 };
    Timer timer[N] = {{0}};
    Timers timers;
    timers_init(&timers);
    uint32_t random = 1;
    for (unsigned i = 0; i < 5000; i++) {
        random = random * 1664525 + 1013904223;
        Timer *one = &timer[(random >> 8) % N];
        one->fire = note_fired;
        if ((random >> 24) % 4 == 0) {
            timer_unset(&timers, one);
        } else {
            timer_set(&timers, one, (random >> 12) % 1000);
        }
        int64_t earliest = -1;
        for (unsigned k = 0; k < N; k++) {
            bool sooner = earliest < 0 || timer[k].due_ms < earliest;
            earliest = timer[k].place != 0 && sooner ? timer[k].due_ms : earliest;
        }
        assert_int_equal(timers_next_ms(&timers), earliest);
    }
    int64_t last = 0;
    assert_null(timers_take_due(&timers, timers_next_ms(&timers) - 1));
    for (Timer *due; (due = timers_take_due(&timers, 1000)) != NULL;) {
        assert_true(due->due_ms >= last);
        assert_int_equal(due->place, 0);
        last = due->due_ms;
    }
    assert_int_equal(timers_next_ms(&timers), -1);
    timers_clear(&timers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sessions_are_opened_as_the_line_grows),
        cmocka_unit_test(a_relay_with_fallbacks_is_probed_by_a_session),
        cmocka_unit_test(a_relay_that_was_down_for_half_an_hour_is_found_within_a_minute),
        cmocka_unit_test(a_probe_by_a_session_that_fails_doubles_the_pause),
        cmocka_unit_test(each_failed_probe_doubles_the_pause_up_to_50_s),
        cmocka_unit_test(faults_that_come_together_count_once),
        cmocka_unit_test(an_answer_that_comes_during_the_pause_ends_it),
        cmocka_unit_test(one_session_that_fails_among_others_pauses_nothing),
        cmocka_unit_test(too_many_halves_the_sessions_and_they_grow_back),
        cmocka_unit_test(mails_without_any_session_are_not_kept),
        cmocka_unit_test(a_proof_counts_once_and_for_a_minute),
        cmocka_unit_test(whoever_asks_for_a_probe_gets_it_within_a_second),
        cmocka_unit_test(new_settings_are_tried_at_once),
        cmocka_unit_test(timers_come_in_the_order_of_their_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
