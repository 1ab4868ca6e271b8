/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <glib.h>

#include "bridge/delivery/smtp/rate.h"

enum { NOW = 7000000 };

static Rate made(size_t mails, int64_t per_ms, size_t burst)
{
    Rate rate = {0};
    rate_configure(&rate, &(RateLimit){mails, per_ms, burst});
    return rate;
}

/* Takes whatever may leave at NOW_MS of as many as wait. */
static unsigned drain(Rate *rate, int64_t now_ms)
{
    unsigned n = 0;
    while (n < 1000 && rate_left(rate, 1000, now_ms) > 0) {
        rate_take(rate, now_ms);
        n++;
    }
    return n;
}

static void without_a_limit_everything_leaves(void **state)
{
    (void)state;
    Rate rate = made(0, 0, 0);
    assert_int_equal(rate_left(&rate, 64, NOW), 64);
    rate_take(&rate, NOW);
    assert_int_equal(rate_left(&rate, 64, NOW), 64);
    assert_true(rate_next_ms(&rate) <= NOW);
    assert_int_equal(rate_ahead(&rate, 64), 64);
}

static void a_burst_leaves_and_then_one_after_the_other(void **state)
{
    (void)state;
    Rate rate = made(30, 60000, 5);
    assert_int_equal(rate_left(&rate, 1000, NOW), 5);
    assert_int_equal(rate_left(&rate, 3, NOW), 3);
    assert_int_equal(drain(&rate, NOW), 5);
    for (int64_t now_ms = NOW + 2000; now_ms <= NOW + 20000; now_ms += 2000) {
        assert_int_equal(rate_next_ms(&rate), now_ms);
        assert_int_equal(drain(&rate, now_ms - 1), 0);
        assert_int_equal(drain(&rate, now_ms), 1);
    }
}

static void no_herd_leaves_when_time_has_gone_by(void **state)
{
    (void)state;
    Rate rate = made(30, 60000, 5);
    drain(&rate, NOW);
    assert_int_equal(drain(&rate, NOW + 3600000), 5);
    assert_int_equal(drain(&rate, NOW + 3600000 + 4000), 2);
}

static void in_no_stretch_of_time_do_more_leave_than_said(void **state)
{
    (void)state;
    static const RateLimit limits[] = {{7, 1000, 1}, {1, 86400000, 1}, {1000, 1000, 20}, {3, 1000, 3}};
    for (size_t i = 0; i < G_N_ELEMENTS(limits); i++) {
        Rate rate = made(limits[i].mails, limits[i].per_ms, limits[i].burst);
        unsigned sent = 0;
        for (int64_t now_ms = NOW; now_ms <= NOW + 10 * limits[i].per_ms; now_ms += limits[i].per_ms / 100) {
            sent += drain(&rate, now_ms);
        }
        assert_in_range(sent, 9 * limits[i].mails, 10 * limits[i].mails + limits[i].burst);
    }
}

static void a_reload_changes_the_rate_and_forgets_nothing(void **state)
{
    (void)state;
    Rate rate = made(30, 60000, 1);
    drain(&rate, NOW);
    rate_configure(&rate, &(RateLimit){60, 60000, 1});
    assert_int_equal(drain(&rate, NOW), 0); /* reloading is no way around it */
    assert_int_equal(drain(&rate, NOW + 2000), 1);
    assert_int_equal(rate_next_ms(&rate), NOW + 3000);
    rate_configure(&rate, &(RateLimit){0, 0, 0});
    assert_int_equal(rate_left(&rate, 9, NOW + 2000), 9);
}

static void what_is_held_ready_is_a_burst_or_a_second_s_worth(void **state)
{
    (void)state;
    static const struct {
        RateLimit limit;
        unsigned ahead;
    } table[] = {
        {{30, 60000, 1}, 1}, {{30, 60000, 5}, 5}, {{600, 60000, 1}, 11}, {{100000, 1000, 1}, 64},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(table); i++) {
        Rate rate = made(table[i].limit.mails, table[i].limit.per_ms, table[i].limit.burst);
        assert_int_equal(rate_ahead(&rate, 64), table[i].ahead);
        assert_int_equal(rate_ahead(&rate, 0), 0); /* paused */
    }
}

static void settings_out_of_all_proportion_do_no_harm(void **state)
{
    (void)state;
    Rate slow = made(1, G_MAXINT64, SIZE_MAX), fast = made(SIZE_MAX, 1, SIZE_MAX);
    assert_true(drain(&slow, NOW) >= 1);
    assert_int_equal(drain(&fast, NOW), 1000);
    assert_true(rate_ahead(&slow, 64) >= 1);
    assert_int_equal(rate_ahead(&fast, 64), 64);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_limit_everything_leaves),
        cmocka_unit_test(a_burst_leaves_and_then_one_after_the_other),
        cmocka_unit_test(no_herd_leaves_when_time_has_gone_by),
        cmocka_unit_test(in_no_stretch_of_time_do_more_leave_than_said),
        cmocka_unit_test(a_reload_changes_the_rate_and_forgets_nothing),
        cmocka_unit_test(what_is_held_ready_is_a_burst_or_a_second_s_worth),
        cmocka_unit_test(settings_out_of_all_proportion_do_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
