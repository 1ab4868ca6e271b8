/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <glib.h>

#include "bridge/outbox/known.h"

/* How many of N keys that begin with PREFIX may be there. */
static unsigned count(const KnownKeys *known, const char *prefix, unsigned n)
{
    unsigned found = 0;
    for (unsigned i = 0; i < n; i++) {
        g_autofree char *key = g_strdup_printf("%s%u", prefix, i);
        found += known_keys_may_have(known, key);
    }
    return found;
}

static void add(KnownKeys *known, const char *prefix, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        g_autofree char *key = g_strdup_printf("%s%u", prefix, i);
        known_keys_add(known, key);
    }
}

static void any_key_may_be_there_until_all_are_added(void **state)
{
    (void)state;
    KnownKeys *known = known_keys_new();
    assert_true(known_keys_may_have(known, ""));
    assert_true(known_keys_may_have(known, "a"));
    known_keys_add(known, "a");
    known_keys_complete(known);
    assert_false(known_keys_may_have(known, ""));
    assert_true(known_keys_may_have(known, "a"));
    assert_false(known_keys_may_have(known, "b"));
    known_keys_add(known, "b");
    assert_true(known_keys_may_have(known, "b"));
    known_keys_free(known);
    known_keys_free(NULL);
}

static void what_was_added_is_never_missed_and_others_seldom_found(void **state)
{
    (void)state;
    KnownKeys *known = known_keys_new();
    known_keys_complete(known);
    add(known, "dedup:", 100000);
    assert_int_equal(count(known, "dedup:", 100000), 100000);
    assert_in_range(count(known, "other:", 100000), 0, 20);
    add(known, "more:", 900000);
    assert_int_equal(count(known, "more:", 900000), 900000);
    assert_in_range(count(known, "other:", 100000), 1000, 5000);
    known_keys_free(known);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_key_may_be_there_until_all_are_added),
        cmocka_unit_test(what_was_added_is_never_missed_and_others_seldom_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
