/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "rules/retry.h"

enum { SECOND = 1000, MINUTE = 60 * SECOND, HOUR = 60 * MINUTE };
static const int64_t ACCEPTED = 1700000000000;

static const RetryPolicy defaults = {5 * SECOND, 15 * MINUTE, 48 * HOUR, false};
static const RetryPolicy keeping = {5 * SECOND, 15 * MINUTE, 48 * HOUR, true};
static const double ALMOST_ONE = 0.999999999999;

typedef struct {
    const char *what;
    const RetryPolicy *policy;
    RetryState before;
    OutcomeKind outcome;
    int64_t age_ms; /* since acceptance */
    double random;
    RetryState after; /* due_ms relative to acceptance; KEPT: as before */
} Case;

enum { KEPT = -1 };

static const Case cases[] = {
    {"delivered is final", &defaults, {RECIPIENT_QUEUED, 0, 0, false},
     OUTCOME_DELIVERED, 10, 0.5, {RECIPIENT_DELIVERED, 1, KEPT, false}},
    {"refused is final", &defaults, {RECIPIENT_QUEUED, 2, 0, false},
     OUTCOME_REFUSED, 10, 0.5, {RECIPIENT_REFUSED, 3, KEPT, false}},
    {"untried costs nothing", &defaults, {RECIPIENT_QUEUED, 2, 77, false},
     OUTCOME_UNTRIED, 10, 0.5, {RECIPIENT_QUEUED, 2, KEPT, false}},
    {"untried costs nothing after give_up either", &defaults,
     {RECIPIENT_QUEUED, 2, 77, true}, OUTCOME_UNTRIED, 49 * HOUR, 0.5,
     {RECIPIENT_QUEUED, 2, KEPT, true}},
    {"first deferral, shortest", &defaults, {RECIPIENT_QUEUED, 0, 0, false},
     OUTCOME_DEFERRED, SECOND, 0.0, {RECIPIENT_QUEUED, 1, 6 * SECOND, false}},
    {"first deferral, middle", &defaults, {RECIPIENT_QUEUED, 0, 0, false},
     OUTCOME_DEFERRED, SECOND, 0.5, {RECIPIENT_QUEUED, 1, 8500, false}},
    {"second deferral", &defaults, {RECIPIENT_QUEUED, 1, 0, false},
     OUTCOME_DEFERRED, SECOND, 0.5, {RECIPIENT_QUEUED, 2, 13500, false}},
    {"the pause before the last attempt is cut", &defaults,
     {RECIPIENT_QUEUED, 20, 0, false}, OUTCOME_DEFERRED, 48 * HOUR - MINUTE, 0.5,
     {RECIPIENT_QUEUED, 21, 48 * HOUR, false}},
    {"deferred just before give_up lives", &defaults, {RECIPIENT_QUEUED, 20, 0, false},
     OUTCOME_DEFERRED, 48 * HOUR - 1, 0.0, {RECIPIENT_QUEUED, 21, 48 * HOUR, false}},
    {"deferred at give_up is dead", &defaults, {RECIPIENT_QUEUED, 20, 9, false},
     OUTCOME_DEFERRED, 48 * HOUR, 0.0, {RECIPIENT_DEAD, 21, KEPT, false}},
    {"delivered after give_up is delivered", &defaults, {RECIPIENT_QUEUED, 20, 0, false},
     OUTCOME_DELIVERED, 50 * HOUR, 0.0, {RECIPIENT_DELIVERED, 21, KEPT, false}},
    {"in doubt waits a minute", &defaults, {RECIPIENT_QUEUED, 0, 0, false},
     OUTCOME_IN_DOUBT, SECOND, 0.9, {RECIPIENT_QUEUED, 1, 61 * SECOND, true}},
    {"in doubt waits longer after many attempts", &defaults,
     {RECIPIENT_QUEUED, 9, 0, false}, OUTCOME_IN_DOUBT, SECOND, 0.5,
     {RECIPIENT_QUEUED, 10, SECOND + 452500, true}},
    {"in doubt waits its minute beyond give_up", &defaults,
     {RECIPIENT_QUEUED, 0, 0, false}, OUTCOME_IN_DOUBT, 48 * HOUR - SECOND, 0.0,
     {RECIPIENT_QUEUED, 1, 48 * HOUR + 59 * SECOND, true}},
    {"in doubt at give_up is dead", &defaults, {RECIPIENT_QUEUED, 0, 0, false},
     OUTCOME_IN_DOUBT, 48 * HOUR, 0.0, {RECIPIENT_DEAD, 1, KEPT, true}},
    {"in doubt is kept where that is wished", &keeping, {RECIPIENT_QUEUED, 0, 0, false},
     OUTCOME_IN_DOUBT, SECOND, 0.0, {RECIPIENT_DEAD, 1, KEPT, true}},
    {"doubt is not forgotten", &defaults, {RECIPIENT_QUEUED, 1, 0, true},
     OUTCOME_DELIVERED, MINUTE, 0.0, {RECIPIENT_DELIVERED, 2, KEPT, true}},
    {"who waits was not in the attempt", &defaults, {RECIPIENT_WAITING, 3, 9, false},
     OUTCOME_DEFERRED, MINUTE, 0.0, {RECIPIENT_WAITING, 3, KEPT, false}},
    {"who has it keeps it", &defaults, {RECIPIENT_DELIVERED, 1, 0, false},
     OUTCOME_REFUSED, MINUTE, 0.0, {RECIPIENT_DELIVERED, 1, KEPT, false}},
    {"refused stays refused", &defaults, {RECIPIENT_REFUSED, 1, 0, false},
     OUTCOME_DELIVERED, MINUTE, 0.0, {RECIPIENT_REFUSED, 1, KEPT, false}},
    {"dead stays dead", &defaults, {RECIPIENT_DEAD, 1, 0, false},
     OUTCOME_DELIVERED, MINUTE, 0.0, {RECIPIENT_DEAD, 1, KEPT, false}},
};

static void every_outcome_leads_to_its_state(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const Case *c = &cases[i];
        RetryMoment moment = {ACCEPTED, ACCEPTED + c->age_ms, c->random};
        RetryState after = retry_after(c->before, c->outcome, c->policy, &moment);
        int64_t due_ms =
            c->after.due_ms == KEPT ? c->before.due_ms : ACCEPTED + c->after.due_ms;
        if (after.state != c->after.state || after.attempts != c->after.attempts ||
            after.due_ms != due_ms || after.in_doubt != c->after.in_doubt) {
            fail_msg("%s: state %d attempts %u due %+lld in doubt %d", c->what,
                     (int)after.state, after.attempts,
                     (long long)(after.due_ms - ACCEPTED), after.in_doubt);
        }
    }
}

static void the_pause_doubles_up_to_its_ceiling(void **state)
{
    (void)state;
    static const struct {
        unsigned attempts;
        int64_t least, most;
    } table[] = {
        {0, 5000, 5000},    {1, 5000, 9999},     {2, 5000, 19999},   {3, 5000, 39999},
        {7, 5000, 639999},  {8, 5000, 899999},   {9, 5000, 899999},
        {4000000000U, 5000, 899999},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        assert_int_equal(retry_pause_ms(&defaults, table[i].attempts, 0.0), table[i].least);
        assert_int_equal(retry_pause_ms(&defaults, table[i].attempts, ALMOST_ONE),
                         table[i].most);
    }
}

static void a_policy_without_spread_pauses_evenly(void **state)
{
    (void)state;
    const RetryPolicy even = {MINUTE, MINUTE, HOUR, false};
    const RetryPolicy reversed = {MINUTE, SECOND, HOUR, false};
    const RetryPolicy huge = {INT64_MAX / 3, INT64_MAX - 1, INT64_MAX, false};
    assert_int_equal(retry_pause_ms(&even, 5, ALMOST_ONE), MINUTE);
    assert_int_equal(retry_pause_ms(&reversed, 5, ALMOST_ONE), MINUTE);
    assert_int_equal(retry_pause_ms(&huge, 5, 0.0), INT64_MAX / 3);
    assert_true(retry_pause_ms(&huge, 5, ALMOST_ONE) > INT64_MAX / 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_outcome_leads_to_its_state),
        cmocka_unit_test(the_pause_doubles_up_to_its_ceiling),
        cmocka_unit_test(a_policy_without_spread_pauses_evenly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
