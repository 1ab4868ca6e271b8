/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "bridge/json.h"
#include "rules/fault.h"

static Json *parse(const char *text, GError **error)
{
    return json_parse(text, strlen(text), &JSON_LIMITS_DEFAULT, error);
}

static void assert_refused(const char *text, size_t length, const JsonLimits *limits,
                           FaultKind kind, const char *message)
{
    g_autoptr(GError) error = NULL;
    assert_null(json_parse(text, length, limits, &error));
    assert_true(g_error_matches(error, FAULT, (int)kind));
    assert_string_equal(error->message, message);
}

static void a_document_is_read_back_as_it_was_written(void **state)
{
    (void)state;
    g_autoptr(Json) json =
        parse("\xEF\xBB\xBF {\"a\": [1, -2.5e3, true, false, null],\r\n"
              "\t\"b\": {\"c\": \"d\\n\\u00e9\\ud83d\\ude42\\/\"}, \"e\": []} ",
              NULL);
    assert_true(json_is_object(json));
    assert_int_equal(json_size(json), 3);
    const Json *a = json_get(json, "a");
    assert_true(json_is_array(a));
    assert_int_equal(json_size(a), 5);
    const Json *item = json_first(a);
    assert_true(json_number(item) == 1);
    item = json_next(item);
    assert_true(json_is_number(item) && json_number(item) == -2500);
    item = json_next(json_next(json_next(item)));
    assert_true(json_is_null(item));
    assert_null(json_next(item));
    const Json *c = json_get(json_get(json, "b"), "c");
    assert_string_equal(json_key(c), "c");
    assert_true(json_is_string(c));
    assert_string_equal(json_text(c), "d\n\xC3\xA9\xF0\x9F\x99\x82/");
    assert_null(json_first(json_get(json, "e")));
}

static void what_is_absent_is_null(void **state)
{
    (void)state;
    g_autoptr(Json) json = parse("{\"a\":\"text\",\"B\":1}", NULL);
    assert_null(json_get(json, "b"));
    assert_null(json_get(json_get(json, "a"), "b"));
    assert_null(json_text(json_get(json, "B")));
    assert_true(json_number(json_get(json, "a")) == 0);
    assert_null(json_get(json_get(json, "none"), "b"));
    assert_false(json_is_string(NULL));
}

static void of_equal_keys_the_last_wins(void **state)
{
    (void)state;
    g_autoptr(Json) json = parse("{\"a\":1,\"b\":2,\"a\":3,\"c\":4}", NULL);
    assert_true(json_number(json_get(json, "a")) == 3);
    assert_true(json_number(json_get(json, "b")) == 2);
}

static void what_is_not_json_is_refused_with_its_place(void **state)
{
    (void)state;
    static const struct {
        const char *text, *message;
    } table[] = {
        {"", "byte 1: the text ends where a value should be"},
        {"  ", "byte 3: the text ends where a value should be"},
        {"{", "byte 2: the text ends where a key should be"},
        {"{\"1\":1,", "byte 8: the text ends where a key should be"},
        {"{\"a\"", "byte 5: the text ends where a colon should be"},
        {"{\"a\":", "byte 6: the text ends where a value should be"},
        {"{\"a\" 1}", "byte 6: not a colon"},
        {"{a:1}", "byte 2: not a key"},
        {"{\"a\":1]", "byte 7: not a comma or }"},
        {"[1 2]", "byte 4: not a comma or ]"},
        {"[1,]", "byte 4: a comma before the end"},
        {"{\"a\":1,}", "byte 8: a comma before the end"},
        {"[,1]", "byte 2: not a value"},
        {"tru", "byte 1: not a value"},
        {"nulll", "byte 5: text after the end"},
        {"{} x", "byte 4: text after the end"},
        {"NaN", "byte 1: not a value"},
        {"+1", "byte 1: not a value"},
        {"01", "byte 3: a number with a leading zero"},
        {"-", "byte 2: the text ends where a digit should be"},
        {"1.", "byte 3: the text ends where a digit should be"},
        {"1.e1", "byte 3: not a digit"},
        {"1e+", "byte 4: the text ends where a digit should be"},
        {"0x10", "byte 2: text after the end"},
        {"\"abc", "byte 5: the text ends inside of a string"},
        {"\"a\nb\"", "byte 3: control character in a string"},
        {"\"\\x41\"", "byte 2: unknown escape in a string"},
        {"\"\\", "byte 2: unknown escape in a string"},
        {"\"\\u12g4\"", "byte 2: \\u without four hexadecimal digits"},
        {"\"\\u12", "byte 2: \\u without four hexadecimal digits"},
        {"'a'", "byte 1: not a value"},
        {"// a\n1", "byte 1: not a value"},
        {"\xFF", "byte 1: not a value"},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        assert_refused(table[i].text, strlen(table[i].text), &JSON_LIMITS_DEFAULT,
                       FAULT_INPUT, table[i].message);
    }
    assert_refused("{}\0", 3, &JSON_LIMITS_DEFAULT, FAULT_INPUT,
                   "byte 3: text after the end");
    assert_refused("\"a\0b\"", 5, &JSON_LIMITS_DEFAULT, FAULT_INPUT,
                   "byte 3: control character in a string");
    assert_refused("\"\\\0\"", 4, &JSON_LIMITS_DEFAULT, FAULT_INPUT,
                   "byte 2: unknown escape in a string");
}

static void bytes_that_are_no_text_become_the_replacement_character(void **state)
{
    (void)state;
#define R "\xEF\xBF\xBD"
    static const struct {
        const char *json, *text;
    } table[] = {
        {"\"a\\u0000b\"", "a" R "b"},
        {"\"\xFF\"", R},
        {"\"a\x80\xBFz\"", "a" R R "z"},
        {"\"\xC3\"", R},
        {"\"\xC0\xAF\"", R R},
        {"\"\xED\xA0\x80\"", R R R},
        {"\"\xF4\x90\x80\x80\"", R R R R},
        {"\"\xE2\x82\xAC\xF0\x9F\x99\x82\xFE\"", "\xE2\x82\xAC\xF0\x9F\x99\x82" R},
        {"\"\\ud800\"", R},
        {"\"\\udc00x\"", R "x"},
        {"\"\\ud83d\\n\"", R "\n"},
        {"\"\\ud83d\\u0041\"", R "A"},
        {"\"\\ud83d\\ud83d\\ude42\"", R "\xF0\x9F\x99\x82"},
        {"\"\\uD83D\\uDE42\"", "\xF0\x9F\x99\x82"},
        {"\"\\\\u0000\"", "\\u0000"},
        {"\"\\\\\\u0000\\\\\"", "\\" R "\\"},
        {"\"\\ufffe\\uFFFF\"", "\xEF\xBF\xBE\xEF\xBF\xBF"},
        {"\"\xEF\xBF\xBE\"", "\xEF\xBF\xBE"},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        g_autoptr(Json) json = parse(table[i].json, NULL);
        assert_string_equal(json_text(json), table[i].text);
    }
    g_autoptr(Json) keys = parse("{\"a\\u0000\":1,\"\xFF\":2}", NULL);
    assert_true(json_number(json_get(keys, "a" R)) == 1);
    assert_true(json_number(json_get(keys, R)) == 2);
}

static void a_ceiling_lets_its_own_value_pass_and_not_one_more(void **state)
{
    (void)state;
    JsonLimits limits = {.depth = 3, .values = 4, .string = 5};
    static const char *const pass[] = {"[[[]]]",
                                       "{\"a\":{\"b\":[]}}",
                                       "[1,2,3]",
                                       "\"12345\"",
                                       "{\"12345\":1}",
                                       "\"12\37745\""};
    for (size_t i = 0; i < sizeof pass / sizeof *pass; i++) {
        g_autoptr(Json) json = json_parse(pass[i], strlen(pass[i]), &limits, NULL);
        assert_non_null(json);
    }
    assert_refused("[[[[]]]]", 8, &limits, FAULT_LIMIT, "byte 4: nested too deeply");
    assert_refused("[1,2,3,4]", 9, &limits, FAULT_LIMIT, "byte 8: too many values");
    assert_refused("\"123456\"", 8, &limits, FAULT_LIMIT,
                   "byte 8: a string is too long");
    assert_refused("{\"123456\":1}", 12, &limits, FAULT_LIMIT,
                   "byte 9: a string is too long");
}

/* cJSON's own limit must never be what refuses. */
static void the_deepest_document_is_one_that_cjson_can_read(void **state)
{
    (void)state;
    JsonLimits limits = JSON_LIMITS_DEFAULT;
    limits.depth = 100000;
    g_autofree char *text = g_malloc(2002);
    memset(text, '[', 1001);
    memset(text + 1001, ']', 1001);
    g_autoptr(Json) json = json_parse(text + 1, 2000, &limits, NULL);
    assert_true(json_is_array(json));
    assert_refused(text, 2002, &limits, FAULT_LIMIT, "byte 1001: nested too deeply");
}

static void numbers_of_any_size_do_no_harm(void **state)
{
    (void)state;
    g_autoptr(Json) json = parse("[18446744073709551616, -1e400, 1e-999, 0.1]", NULL);
    const Json *item = json_first(json);
    assert_true(json_number(item) == 18446744073709551616.0);
    item = json_next(item);
    assert_true(isinf(json_number(item)));
    item = json_next(item);
    assert_true(fabs(json_number(item)) < 1e-300);
    assert_true(json_number(json_next(item)) == 0.1);

    char digits[65] = "";
    memset(digits, '7', 64);
    assert_refused(digits, 64, &JSON_LIMITS_DEFAULT, FAULT_INPUT,
                   "byte 65: a number is too long");
    g_autoptr(Json) longest = json_parse(digits, 63, &JSON_LIMITS_DEFAULT, NULL);
    assert_true(json_number(longest) > 7e62);
}

/* Every cut of a document is refused or read, and never read beyond its end. */
static void no_cut_of_a_document_is_read_beyond_its_end(void **state)
{
    (void)state;
    static const char text[] =
        "{\"a\\u0000\":[1.5e3,\"\xE2\x82\xAC\xFF\\ud83d\\ude42\",true,{}]}";
    for (size_t length = 0; length < sizeof text - 1; length++) {
        g_autofree char *cut = g_memdup2(text, length);
        g_autoptr(GError) error = NULL;
        assert_null(
            json_parse(length == 0 ? "" : cut, length, &JSON_LIMITS_DEFAULT, &error));
        assert_true(g_error_matches(error, FAULT, FAULT_INPUT));
    }
}

static void strings_are_written_so_that_they_can_be_read(void **state)
{
    (void)state;
    static const struct {
        const char *text, *json;
    } table[] = {
        {"", "\"\""},
        {"plain", "\"plain\""},
        {"a\"b\\c", "\"a\\\"b\\\\c\""},
        {"\n\r\t\x01\x1f\x7f", "\"\\n\\r\\t\\u0001\\u001f\\u007f\""},
        {"\xC3\xA9\xFF", "\"\xC3\xA9" R "\""},
        {"\xC2\x85\xC2\x9F\xC2\xA0", "\"\\u0085\\u009f\xC2\xA0\""},
        {"\xE2\x80\xA8\xE2\x80\xAE\xE2\x81\xA6\xE2\x82\xAC",
         "\"\\u2028\\u202e\\u2066\xE2\x82\xAC\""},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        g_autoptr(GString) out = g_string_new(NULL);
        json_append_string(out, table[i].text);
        assert_string_equal(out->str, table[i].json);
        g_autoptr(Json) json = parse(out->str, NULL);
        assert_true(json_is_string(json));
    }
}

static void a_value_is_written_as_it_was_read(void **state)
{
    (void)state;
    static const char text[] = "{\"a\":[1,-2.5,1e+300,true,false,null,\"\\u001b\"],\"b\":{},\"c\":[]}";
    g_autoptr(Json) json = parse(text, NULL);
    g_autoptr(GString) out = g_string_new(NULL);
    json_append(out, json);
    g_autoptr(Json) again = parse(out->str, NULL);
    g_autoptr(GString) twice = g_string_new(NULL);
    json_append(twice, again);
    assert_string_equal(out->str, twice->str);
    assert_string_equal(out->str, "{\"a\":[1,-2.5,1.0000000000000001e+300,true,false,null,"
                                  "\"\\u001b\"],\"b\":{},\"c\":[]}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_document_is_read_back_as_it_was_written),
        cmocka_unit_test(what_is_absent_is_null),
        cmocka_unit_test(of_equal_keys_the_last_wins),
        cmocka_unit_test(what_is_not_json_is_refused_with_its_place),
        cmocka_unit_test(bytes_that_are_no_text_become_the_replacement_character),
        cmocka_unit_test(a_ceiling_lets_its_own_value_pass_and_not_one_more),
        cmocka_unit_test(the_deepest_document_is_one_that_cjson_can_read),
        cmocka_unit_test(numbers_of_any_size_do_no_harm),
        cmocka_unit_test(no_cut_of_a_document_is_read_beyond_its_end),
        cmocka_unit_test(a_value_is_written_as_it_was_read),
        cmocka_unit_test(strings_are_written_so_that_they_can_be_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
