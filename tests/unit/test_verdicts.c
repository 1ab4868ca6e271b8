/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "bridge/intake/verdicts.h"
#include "bridge/password.h"

/* bcrypt of "correct horse", cost 4 */
#define HASH "$2b$04$abcdefghijklmnopqrstuujydOTSfIH/d5oUHpsygqV5X9xJLQc6e"

static int setup(void **state)
{
    *state = verdicts_new();
    return 0;
}

static int teardown(void **state)
{
    verdicts_free(*state);
    return 0;
}

static void a_verdict_is_of_one_user_one_hash_and_one_password(void **state)
{
    Verdicts *verdicts = *state;
    assert_int_equal(verdicts_get(verdicts, "ada", "h", "p", 0), VERDICT_UNKNOWN);
    verdicts_put(verdicts, "ada", "h", "p", true, 0);
    verdicts_put(verdicts, "ada", "h", "q", false, 0);
    assert_int_equal(verdicts_get(verdicts, "ada", "h", "p", 1), VERDICT_RIGHT);
    assert_int_equal(verdicts_get(verdicts, "ada", "h", "q", 1), VERDICT_WRONG);
    assert_int_equal(verdicts_get(verdicts, "bob", "h", "p", 1), VERDICT_UNKNOWN);
    assert_int_equal(verdicts_get(verdicts, "ada", "i", "p", 1), VERDICT_UNKNOWN);
    assert_int_equal(verdicts_get(verdicts, "ad", "ah", "p", 1), VERDICT_UNKNOWN);
}

static void a_verdict_is_forgotten_after_five_minutes(void **state)
{
    Verdicts *verdicts = *state;
    verdicts_put(verdicts, "ada", "h", "p", true, 10);
    assert_int_equal(verdicts_get(verdicts, "ada", "h", "p", 9 + VERDICTS_KEPT_US), VERDICT_RIGHT);
    assert_int_equal(verdicts_get(verdicts, "ada", "h", "p", 10 + VERDICTS_KEPT_US), VERDICT_UNKNOWN);
}

static void guesses_do_not_fill_the_memory(void **state)
{
    Verdicts *verdicts = *state;
    for (unsigned i = 0; i <= VERDICTS_MAX; i++) {
        g_autofree char *guess = g_strdup_printf("%u", i);
        verdicts_put(verdicts, "ada", "h", guess, false, 0);
        assert_int_equal(verdicts_get(verdicts, "ada", "h", "0", 0),
                         i < VERDICTS_MAX ? VERDICT_WRONG : VERDICT_UNKNOWN);
        assert_int_equal(verdicts_get(verdicts, "ada", "h", guess, 0), VERDICT_WRONG);
    }
}

static void a_hash_is_of_its_password_only(void **state)
{
    (void)state;
    assert_true(password_matches("correct horse", HASH));
    assert_false(password_matches("correct hors", HASH));
    assert_false(password_matches("", HASH));
    assert_false(password_matches("correct horse", "no hash"));
    assert_false(password_matches("", ""));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_verdict_is_of_one_user_one_hash_and_one_password),
        TEST(a_verdict_is_forgotten_after_five_minutes),
        TEST(guesses_do_not_fill_the_memory),
        cmocka_unit_test(a_hash_is_of_its_password_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
