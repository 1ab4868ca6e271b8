/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "config/address.h"

static void lists_that_may_work_pass(void **state)
{
    (void)state;
    static const char *const table[] = {
        "",
        "a@example.org",
        " a@x , ,b@example.org,c@example.org ",
        "Ops <ops@example.org>",
        "\"Müller, Jürgen\" <j@example.org>, k@bücher.example",
        "\"a, b\\\"@\" <j@example.org>",
        "\"odd local@part\"@example.org",
        "x@[127.0.0.1]",
        "Dr. Who @ Home <who@example.org>",
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        g_autoptr(GError) error = NULL;
        assert_true(address_list_check(table[i], &error));
        assert_null(error);
    }
}

static void what_can_never_work_is_named(void **state)
{
    (void)state;
    static const struct {
        const char *list, *message;
    } table[] = {
        {"web", "\"web\": not a mail address, as in ops@example.org"},
        {"a@b.example, web@@example.org",
         "\"web@@example.org\": not a mail address, as in ops@example.org"},
        {"@@", "\"@@\": not a mail address, as in ops@example.org"},
        {"@example.org", "\"@example.org\": not a mail address, as in ops@example.org"},
        {"a b@example.org", "\"a b@example.org\": not a mail address, as in ops@example.org"},
        {"Müller, J <j@example.org>", "\"Müller\": not a mail address, as in ops@example.org"},
        {"Ops <ops@example.org", "\"Ops <ops@example.org\": not a mail address: > is missing"},
        {"Ops <ops>", "\"Ops <ops>\": not a mail address, as in ops@example.org"},
        {"a@", "\"a@\": not a mail address: no such domain name"},
        {"a@ex ample", "\"a@ex ample\": not a mail address, as in ops@example.org"},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        g_autoptr(GError) error = NULL;
        assert_false(address_list_check(table[i].list, &error));
        assert_string_equal(error->message, table[i].message);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_that_may_work_pass),
        cmocka_unit_test(what_can_never_work_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
