/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "bridge/lanes.h"

/* A count that can be waited for. */
typedef struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    unsigned n;
} Counter;

#define COUNTER                                                                        \
    {                                                                                  \
        PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0                         \
    }

static void count(Counter *counter)
{
    pthread_mutex_lock(&counter->lock);
    counter->n++;
    pthread_cond_broadcast(&counter->changed);
    pthread_mutex_unlock(&counter->lock);
}

static void wait_for(Counter *counter, unsigned n)
{
    pthread_mutex_lock(&counter->lock);
    while (counter->n < n) {
        pthread_cond_wait(&counter->changed, &counter->lock);
    }
    pthread_mutex_unlock(&counter->lock);
}

static void count_job(void *data)
{
    count(data);
}

static Lanes *start(unsigned threads, size_t waiting_max)
{
    Lanes *lanes = lanes_new(threads, waiting_max);
    assert_true(lanes_start(lanes, NULL));
    return lanes;
}

static void finish(Lanes *lanes)
{
    lanes_stop(lanes);
    lanes_join(lanes);
    lanes_free(lanes);
}

static void what_is_submitted_is_done(void **state)
{
    (void)state;
    Lanes *lanes = start(3, 1000);
    Counter done = COUNTER;
    for (int i = 0; i < 500; i++) {
        assert_true(lanes_submit(lanes, count_job, &done));
        lanes_schedule(lanes, count_job, &done);
    }
    finish(lanes);
    assert_int_equal(done.n, 1000);
}

static void the_ceiling_refuses_the_next_job_and_not_a_scheduled_one(void **state)
{
    (void)state;
    Lanes *lanes = lanes_new(1, 2);
    Counter done = COUNTER;
    assert_true(lanes_submit(lanes, count_job, &done));
    assert_true(lanes_submit(lanes, count_job, &done));
    assert_false(lanes_submit(lanes, count_job, &done));
    lanes_schedule(lanes, count_job, &done);
    assert_true(lanes_start(lanes, NULL));
    wait_for(&done, 3);
    assert_true(lanes_submit(lanes, count_job, &done));
    finish(lanes);
    assert_int_equal(done.n, 4);
}

static void after_stop_nothing_is_taken_and_what_waits_is_done(void **state)
{
    (void)state;
    Lanes *lanes = lanes_new(1, 10);
    Counter done = COUNTER;
    assert_true(lanes_submit(lanes, count_job, &done));
    lanes_stop(lanes);
    assert_false(lanes_submit(lanes, count_job, &done));
    assert_true(lanes_start(lanes, NULL));
    lanes_join(lanes);
    assert_int_equal(done.n, 1);
    lanes_free(lanes);
    lanes_free(NULL);
}

typedef struct Visit {
    struct Group *group;
    unsigned number;
    Lane *lane;
} Visit;

typedef struct Group {
    Lanes *lanes;
    char key[8];
    atomic_uint inside;
    unsigned seen[100];
    unsigned n_seen;
    Counter left;
    Visit visits[100];
} Group;

static void leave(void *data)
{
    Visit *visit = data;
    Group *group = visit->group;
    Lane *lane = visit->lane;
    atomic_fetch_sub(&group->inside, 1);
    lane_release(lane);
    count(&group->left);
}

static void visit_lane(void *data, Lane *lane)
{
    Visit *visit = data;
    Group *group = visit->group;
    assert_int_equal(atomic_fetch_add(&group->inside, 1), 0);
    group->seen[group->n_seen++] = visit->number;
    visit->lane = lane;
    lanes_schedule(group->lanes, leave,
                   visit); /* given back later, by another thread */
}

static void enter(void *data)
{
    Visit *visit = data;
    lanes_enter(visit->group->lanes, visit->group->key, visit_lane, visit);
}

static void a_lane_is_used_by_one_at_a_time(void **state)
{
    (void)state;
    Lanes *lanes = start(4, 10000);
    static Group groups[8];
    memset(groups, 0, sizeof groups);
    for (unsigned g = 0; g < 8; g++) {
        groups[g].lanes = lanes;
        g_snprintf(groups[g].key, sizeof groups[g].key, "g%u", g);
    }
    for (unsigned i = 0; i < 800; i++) {
        Group *group = &groups[i % 8];
        group->visits[i / 8] = (Visit){.group = group, .number = i / 8};
        assert_true(lanes_submit(lanes, enter, &group->visits[i / 8]));
    }
    finish(lanes);
    for (size_t g = 0; g < 8; g++) {
        assert_int_equal(groups[g].n_seen, 100);
        assert_int_equal(groups[g].left.n, 100);
    }
}

static void a_lane_is_first_in_first_out(void **state)
{
    (void)state;
    Lanes *lanes = start(1, 10000); /* one thread: they arrive in this order */
    static Group group;
    memset(&group, 0, sizeof group);
    group.lanes = lanes;
    for (unsigned i = 0; i < 100; i++) {
        group.visits[i] = (Visit){.group = &group, .number = i};
        assert_true(lanes_submit(lanes, enter, &group.visits[i]));
    }
    finish(lanes);
    assert_int_equal(group.n_seen, 100);
    for (unsigned i = 0; i < 100; i++) {
        assert_int_equal(group.seen[i], i);
    }
}

typedef struct {
    Lanes *lanes;
    const char *key;
    Lane *lane;
    Counter entered;
} Holder;

static void hold(void *data, Lane *lane)
{
    Holder *holder = data;
    holder->lane = lane;
    count(&holder->entered);
}

static void enter_and_hold(void *data)
{
    Holder *holder = data;
    lanes_enter(holder->lanes, holder->key, hold, holder);
}

static void a_taken_lane_blocks_neither_other_lanes_nor_plain_jobs(void **state)
{
    (void)state;
    Lanes *lanes = start(1, 10);
    Holder first = {lanes, "a", NULL, COUNTER}, second = {lanes, "a", NULL, COUNTER},
           other = {lanes, "b", NULL, COUNTER};
    Counter done = COUNTER;
    lanes_submit(lanes, enter_and_hold, &first);
    wait_for(&first.entered, 1);
    lanes_submit(lanes, enter_and_hold, &second);
    lanes_submit(lanes, enter_and_hold, &other);
    wait_for(&other.entered, 1);
    lanes_submit(lanes, count_job, &done);
    wait_for(&done, 1);
    assert_int_equal(second.entered.n, 0);
    lane_release(first.lane);
    wait_for(&second.entered, 1);
    lane_release(second.lane);
    lane_release(other.lane);
    finish(lanes);
}

static void *join_lanes(void *data)
{
    lanes_join(data);
    return NULL;
}

static void the_threads_stay_until_the_last_lane_is_back(void **state)
{
    (void)state;
    Lanes *lanes = start(2, 10);
    Holder holder = {lanes, "a", NULL, COUNTER};
    Counter done = COUNTER;
    lanes_submit(lanes, enter_and_hold, &holder);
    wait_for(&holder.entered, 1);
    lanes_stop(lanes);
    pthread_t joiner;
    pthread_create(&joiner, NULL, join_lanes, lanes);
    lanes_schedule(lanes, count_job, &done);
    wait_for(&done, 1);
    lane_release(holder.lane);
    pthread_join(joiner, NULL);
    lanes_free(lanes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_submitted_is_done),
        cmocka_unit_test(the_ceiling_refuses_the_next_job_and_not_a_scheduled_one),
        cmocka_unit_test(after_stop_nothing_is_taken_and_what_waits_is_done),
        cmocka_unit_test(a_lane_is_used_by_one_at_a_time),
        cmocka_unit_test(a_lane_is_first_in_first_out),
        cmocka_unit_test(a_taken_lane_blocks_neither_other_lanes_nor_plain_jobs),
        cmocka_unit_test(the_threads_stay_until_the_last_lane_is_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
