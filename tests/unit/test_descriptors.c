/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sys/resource.h>

#include "bridge/descriptors.h"
#include "bridge/intake/peers.h"

static void connections_get_what_the_rest_leaves_and_half_at_least(void **state)
{
    (void)state;
    static const struct {
        size_t have, besides;
        unsigned wanted, room;
    } table[] = {
        {20000, 144, 4096, 4096}, /* all */
        {1024, 144, 4096, 726},   /* with those about to be closed 880 */
        {1024, 1000, 4096, 399},
        {1024, 5000, 4096, 399},
        {10, 5000, 4096, 1},
        {0, 0, 1, 1},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(table); i++) {
        unsigned room = descriptors_room(table[i].have, table[i].besides, table[i].wanted);
        assert_int_equal(room, table[i].room);
    }
}

static void the_limit_is_raised_to_what_is_needed_and_no_further(void **state)
{
    (void)state;
    struct rlimit before, few, after;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    const Config config = {.n_relays = 2, .delivery = {.connections = 3}};
    HttpLimits limits = HTTP_LIMITS_DEFAULT;
    limits.connections_max = 80;
    few = (struct rlimit){100, before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
    descriptors_fit(&limits, &config, NULL);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &after), 0);
    assert_int_equal(limits.connections_max, 80);
    assert_int_equal(after.rlim_cur, peers_sockets_max(80) + 128 + 12);
    descriptors_fit(&limits, &(Config){0}, NULL); /* needs less: it stays */
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &after), 0);
    assert_int_equal(after.rlim_cur, peers_sockets_max(80) + 128 + 12);
    setrlimit(RLIMIT_NOFILE, &before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(connections_get_what_the_rest_leaves_and_half_at_least),
        cmocka_unit_test(the_limit_is_raised_to_what_is_needed_and_no_further),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
