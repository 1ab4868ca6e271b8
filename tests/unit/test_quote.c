/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "rules/quote.h"

static void quoting_is_that_of_go(void **state)
{
    (void)state;
    static const struct {
        const char *text, *quoted;
    } cases[] = {
        {"", "\"\""},
        {"foo bar", "\"foo bar\""},
        {"a\"b\\c'd`", "\"a\\\"b\\\\c'd`\""},
        {"\a\b\f\n\r\t\v", "\"\\a\\b\\f\\n\\r\\t\\v\""},
        {"\x01\x1f\x7f", "\"\\x01\\x1f\\x7f\""},
        {"é☺🙂", "\"é☺🙂\""},
        {"\u00a0\u00ad\u200b\u2028\ue000", "\"\\u00a0\\u00ad\\u200b\\u2028\\ue000\""},
        {"\U000e0001", "\"\\U000e0001\""},
        {"a\xff\xc3z", "\"a\\xff\\xc3z\""},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GString) out = g_string_new("<");
        quote_append(out, cases[i].text);
        g_string_erase(out, 0, 1);
        assert_string_equal(out->str, cases[i].quoted);
        g_autoptr(GString) back = g_string_new(NULL);
        assert_true(quote_undo(back, out->str, out->len));
        assert_string_equal(back->str, cases[i].text);
    }
}

static void literals_are_those_of_go(void **state)
{
    (void)state;
    static const struct {
        const char *literal, *text;
        size_t length;
    } cases[] = {
        {"\"\\xf0\\x9f\\x99\\x82\"", "🙂", 4}, {"\"\\U0001f642\"", "🙂", 4},
        {"\"\\u00e9\"", "é", 2},               {"\"\\101\\x42\"", "AB", 2},
        {"\"\\000a\"", "\0a", 2},              {"\"\\xff\"", "\xff", 1},
        {"\"'\"", "'", 1},                     {"\"\t\"", "\t", 1},
        {"\"\\377\"", "\xff", 1},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GString) out = g_string_new(NULL);
        assert_true(quote_undo(out, cases[i].literal, strlen(cases[i].literal)));
        assert_int_equal(out->len, cases[i].length);
        assert_memory_equal(out->str, cases[i].text, out->len);
    }
}

static void what_is_no_literal_is_refused(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "",          "\"",         "a",           "\"a",        "a\"",       "\"\\\"",
        "\"a\"b\"",  "\"a\nb\"",   "\"\\d\"",     "\"\\'\"",    "\"\\x4\"",  "\"\\xg0\"",
        "\"\\400\"", "\"\\18\"",   "\"\\12\"",    "\"\\u12\"",  "\"\\ud800\"",
        "\"\\U00110000\"", "\"\\U0001f64\"",
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GString) out = g_string_new(NULL);
        if (quote_undo(out, cases[i], strlen(cases[i]))) {
            fail_msg("%s is taken for %s", cases[i], out->str);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quoting_is_that_of_go),
        cmocka_unit_test(literals_are_those_of_go),
        cmocka_unit_test(what_is_no_literal_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
