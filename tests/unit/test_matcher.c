/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "rules/fault.h"
#include "rules/matcher.h"

#define NO  MATCHED_NO
#define YES MATCHED_YES

static void values_match_by_type(void **state)
{
    (void)state;
    static const struct {
        MatchType type;
        const char *value, *label;
        Matched matched;
    } cases[] = {
        {MATCH_EQUAL, "bar", "bar", YES},
        {MATCH_EQUAL, "bar", "foo-bar", NO},
        {MATCH_EQUAL, "", "", YES},
        {MATCH_NOT_EQUAL, "bar", "bar", NO},
        {MATCH_NOT_EQUAL, "bar", "foo-bar", YES},
        {MATCH_NOT_EQUAL, "", "", NO},
        {MATCH_REGEXP, "bar", "bar", YES},
        {MATCH_REGEXP, "bar", "foo-bar", NO},
        {MATCH_REGEXP, ".*bar", "foo-bar", YES},
        {MATCH_REGEXP, ".*", "", YES},
        {MATCH_REGEXP, "", "", YES},
        {MATCH_REGEXP, "", "a", NO},
        {MATCH_NOT_REGEXP, "", "a", YES},
        {MATCH_NOT_REGEXP, "bar", "bar", NO},
        {MATCH_NOT_REGEXP, "bar", "foo-bar", YES},
        {MATCH_NOT_REGEXP, ".*bar", "foo-bar", NO},
        {MATCH_REGEXP, "foo.bar", "foo-bar", YES},
        {MATCH_REGEXP, "foo\\.bar", "foo-bar", NO},
        {MATCH_REGEXP, "foo\\.bar", "foo.bar", YES},
        {MATCH_EQUAL, "foo\nbar", "foo\nbar", YES},
        {MATCH_REGEXP, "foo.bar", "foo\nbar", NO},
        {MATCH_REGEXP, "(?s)foo.bar", "foo\nbar", YES},
        {MATCH_EQUAL, "~!=\"", "~!=\"", YES},
        {MATCH_REGEXP, "db|web|api", "web", YES},
        {MATCH_REGEXP, "db|web|api", "we", NO},
        {MATCH_REGEXP, "db|web|api", "db|web", NO},
        {MATCH_REGEXP, "db|web|api", "", NO},
        {MATCH_REGEXP, "db||api", "", YES},
        {MATCH_REGEXP, "|", "", YES},
        {MATCH_REGEXP, "b|a|b", "a", YES},
        {MATCH_NOT_REGEXP, "db|web|api", "api", NO},
        {MATCH_NOT_REGEXP, "db|web|api", "other", YES},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(Matcher) matcher = matcher_new(cases[i].type, "l", cases[i].value, NULL);
        assert_non_null(matcher);
        Matched matched = matcher_matches(matcher, cases[i].label);
        if (matched != cases[i].matched) {
            fail_msg("row %zu, %s: %d", i, cases[i].value, matched);
        }
    }
}

static void a_regular_expression_that_explodes_is_neither_a_match_nor_none(void **state)
{
    (void)state;
    g_autofree char *many = g_strnfill(64, 'a');
    g_autofree char *evil = g_strconcat(many, "!b", NULL);
    g_autoptr(Matcher) matcher = matcher_new(MATCH_REGEXP, "l", "(a+)+b", NULL);
    assert_int_equal(matcher_matches(matcher, evil), MATCHED_LIMIT);
    g_autoptr(Matcher) negated = matcher_new(MATCH_NOT_REGEXP, "l", "(a+)+b", NULL);
    assert_int_equal(matcher_matches(negated, evil), MATCHED_LIMIT);
}

static void a_bad_regular_expression_is_refused(void **state)
{
    (void)state;
    g_autoptr(GError) error = NULL;
    assert_null(matcher_new(MATCH_NOT_REGEXP, "foo", "a(", &error));
    assert_true(g_error_matches(error, FAULT, FAULT_INPUT));
    assert_string_equal(error->message,
                        "error parsing regexp: missing closing ): `^(?:a()$`");
    g_clear_error(&error);
    assert_null(matcher_new(MATCH_REGEXP, "foo", "a|\xff", &error));
    assert_string_equal(error->message, "error parsing regexp: invalid UTF-8: `\uFFFD)$`");
}

static void printing_is_canonical(void **state)
{
    (void)state;
    static const struct {
        MatchType type;
        const char *name, *value, *printed;
    } cases[] = {
        {MATCH_EQUAL, "foo", "bar", "foo=\"bar\""},
        {MATCH_NOT_EQUAL, "foo", "bar", "foo!=\"bar\""},
        {MATCH_REGEXP, "foo", "bar", "foo=~\"bar\""},
        {MATCH_NOT_REGEXP, "foo", "bar", "foo!~\"bar\""},
        {MATCH_EQUAL, "foo", "back\\slash", "foo=\"back\\\\slash\""},
        {MATCH_EQUAL, "foo", "double\"quote", "foo=\"double\\\"quote\""},
        {MATCH_EQUAL, "foo", "new\nline", "foo=\"new\\nline\""},
        {MATCH_EQUAL, "foo", "tab\tstop", "foo=\"tab\tstop\""},
        {MATCH_EQUAL, "foo", "🙂", "foo=\"🙂\""},
        {MATCH_NOT_EQUAL, "foo!", "bar", "\"foo!\"!=\"bar\""},
        {MATCH_EQUAL, "foo🙂", "bar", "foo🙂=\"bar\""},
        {MATCH_EQUAL, "foo bar", "baz\t", "\"foo bar\"=\"baz\\t\""},
        {MATCH_EQUAL, "foo\u00a0bar", "\u00a0", "\"foo\\u00a0bar\"=\"\\u00a0\""},
        {MATCH_EQUAL, "a-b.c", "", "a-b.c=\"\""},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(Matcher) matcher =
            matcher_new(cases[i].type, cases[i].name, cases[i].value, NULL);
        g_autoptr(GString) out = g_string_new(NULL);
        matcher_print(matcher, out);
        assert_string_equal(out->str, cases[i].printed);
    }
}

typedef struct {
    const char *text;
    const char *expected; /* the printed matchers, or "error: " and the message */
} Case;

typedef GPtrArray *(*Parse)(const char *text, GError **error);

static char *result_of(GPtrArray *matchers, const GError *error)
{
    if (matchers == NULL) {
        assert_true(g_error_matches(error, FAULT, FAULT_INPUT));
        return g_strdup_printf("error: %s", error->message);
    }
    assert_null(error);
    g_autoptr(GString) out = g_string_new(NULL);
    matchers_print(matchers, out);
    g_ptr_array_unref(matchers);
    return g_string_free(g_steal_pointer(&out), FALSE);
}

static void check(Parse parse, const Case *cases, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        g_autoptr(GError) error = NULL;
        GPtrArray *matchers = parse(cases[i].text, &error);
        g_autofree char *result = result_of(matchers, error);
        if (strcmp(result, cases[i].expected) != 0) {
            fail_msg("%s\ngives     %s\nexpected  %s", cases[i].text, result,
                     cases[i].expected);
        }
    }
}

static void the_utf8_grammar_takes_matchers(void **state)
{
    (void)state;
    static const Case cases[] = {
        {"", "{}"},
        {"{}", "{}"},
        {" { } ", "{}"},
        {"{foo=bar}", "{foo=\"bar\"}"},
        {"{foo=bar,}", "{foo=\"bar\"}"},
        {"{foo!=bar}", "{foo!=\"bar\"}"},
        {"{foo=~[a-z]+}", "{foo=~\"[a-z]+\"}"},
        {"{foo!~[a-z]+}", "{foo!~\"[a-z]+\"}"},
        {"{foo=🙂}", "{foo=\"🙂\"}"},
        {"{foo=🙂bar}", "{foo=\"🙂bar\"}"},
        {"foo=bar", "{foo=\"bar\"}"},
        {"foo=bar,", "{foo=\"bar\"}"},
        {"foo!=bar", "{foo!=\"bar\"}"},
        {"foo=~[a-z]+", "{foo=~\"[a-z]+\"}"},
        {"foo!~[a-z]+", "{foo!~\"[a-z]+\"}"},
        {"\tfoo\n= \u2003bar , baz\v!=\xc2\x85" "qux ,", "{foo=\"bar\",baz!=\"qux\"}"},
        {"{\"foo\"=\"bar\"}", "{foo=\"bar\"}"},
        {"{\"foo\"=\"bar\",}", "{foo=\"bar\"}"},
        {"{\"foo\"!=\"bar\"}", "{foo!=\"bar\"}"},
        {"{\"foo\"=~\"[a-z]+\"}", "{foo=~\"[a-z]+\"}"},
        {"{\"foo\"!~\"[a-z]+\"}", "{foo!~\"[a-z]+\"}"},
        {"{\"foo\"=\"🙂\"}", "{foo=\"🙂\"}"},
        {"{\"foo\"=\"\\xf0\\x9f\\x99\\x82\"}", "{foo=\"🙂\"}"},
        {"{\"foo\"=\"\\U0001f642\"}", "{foo=\"🙂\"}"},
        {"{\"foo\"=\"🙂bar\"}", "{foo=\"🙂bar\"}"},
        {"{\"foo\"=\"bar\\n\"}", "{foo=\"bar\\n\"}"},
        {"{\"foo\"=\"bar\\t\"}", "{foo=\"bar\t\"}"},
        {"{\"foo\"=\"\\\"bar\\\"\"}", "{foo=\"\\\"bar\\\"\"}"},
        {"{\"foo\"=\"bar\\\\\"}", "{foo=\"bar\\\\\"}"},
        {"\"foo\"=\"bar\"", "{foo=\"bar\"}"},
        {"\"foo\"=\"bar\",", "{foo=\"bar\"}"},
        {"{foo=bar,bar!=baz}", "{foo=\"bar\",bar!=\"baz\"}"},
        {"{foo=\"bar\",bar!=\"baz\"}", "{foo=\"bar\",bar!=\"baz\"}"},
        {"foo=bar,bar!=baz", "{foo=\"bar\",bar!=\"baz\"}"},
        {"foo=\"bar\",bar!=\"baz\"", "{foo=\"bar\",bar!=\"baz\"}"},
        {"\"foo bar\"=\"\"", "{\"foo bar\"=\"\"}"},
        {"foo-1.x=$bar", "{foo-1.x=\"$bar\"}"},
        {"foo=~\"\\\\d+\"", "{foo=~\"\\\\d+\"}"},
        {"foo=\"{},=!~'`\"", "{foo=\"{},=!~'`\"}"},
    };
    check(matchers_parse_utf8, cases, G_N_ELEMENTS(cases));
}

static void the_utf8_grammar_says_what_is_wrong_and_where(void **state)
{
    (void)state;
#define OPERATOR "expected an operator such as '=', '!=', '=~' or '!~'"
    static const Case cases[] = {
        {",", "error: 0:1: unexpected ,: expected label name"},
        {"{,}", "error: 1:2: unexpected ,: expected label name"},
        {"{", "error: 0:1: end of input: expected close brace"},
        {"}", "error: 0:1: }: expected opening brace"},
        {"foo=bar}", "error: 0:8: }: expected opening brace"},
        {"{foo=bar", "error: 0:8: end of input: expected close brace"},
        {"{foo=bar,", "error: 0:9: end of input: expected close brace"},
        {"{foo=bar  ", "error: 0:8: end of input: expected close brace"},
        {"{foo=:\"bar\"}", "error: 6:11: unexpected \"bar\": expected a comma or close brace"},
        {"{foo=\"bar\\w\"}", "error: 5:12: \"bar\\w\": invalid input"},
        {"{\"f\\w\"=bar}", "error: 1:6: \"f\\w\": invalid input"},
        {"{foo=bar\\n}",
         "error: 8:9: \\: invalid input: expected a comma or close brace"},
        {"{\"foo\"=\"\\xf0\\x9f\"}", "error: 7:17: \"\\xf0\\x9f\": invalid input"},
        {"foo=\"a\\x00b\"", "error: 4:12: \"a\\x00b\": invalid input"},
        {"foo=\"a\nb\"", "error: 4:9: \"a\nb\": invalid input"},
        {"foo", "error: end of input: " OPERATOR},
        {"{foo", "error: end of input: " OPERATOR},
        {"{foo}", "error: 4:5: unexpected }: " OPERATOR},
        {"foo bar", "error: 4:7: unexpected bar: " OPERATOR},
        {"foo=", "error: end of input: expected label value"},
        {"{foo=}", "error: 5:6: unexpected }: expected label value"},
        {"foo=,", "error: 4:5: unexpected ,: expected label value"},
        {"foo==bar", "error: 4:5: unexpected =: expected label value"},
        {"=bar", "error: 0:1: unexpected =: expected label name"},
        {"foo=bar,,", "error: 8:9: unexpected ,: expected a matcher or close brace after comma"},
        {"foo=bar,=", "error: 8:9: unexpected =: expected a matcher or close brace after comma"},
        {"foo=bar baz=qux", "error: 8:11: unexpected baz: expected a comma or close brace"},
        {"{foo=bar}}", "error: 9:10: }: expected end of input"},
        {"{foo=bar},", "error: 9:10: ,: expected end of input"},
        {"{foo=bar}~", "error: 9:10: ~: invalid input: expected end of input"},
        {"{}a", "error: 2:3: a: expected end of input"},
        {"{{foo=bar}}", "error: 1:2: unexpected {: expected label name"},
        {"!", "error: 0:1: unexpected end of input, expected one of '=~'"},
        {"~", "error: 0:1: ~: invalid input"},
        {"'", "error: 0:1: ': invalid input"},
        {"{`", "error: 1:2: `: invalid input"},
        {"foo!", "error: 3:4: unexpected end of input, expected one of '=~': " OPERATOR},
        {"foo!!", "error: 3:4: !: expected one of '=~': " OPERATOR},
        {"foo!🙂", "error: 3:4: !: expected one of '=~': " OPERATOR},
        {"foo=!", "error: 4:5: unexpected end of input, expected one of '=~': "
                  "expected label value"},
        {"foo!=!!", "error: 5:6: !: expected one of '=~': expected label value"},
        {"\"hello", "error: 0:6: \"hello: missing end \""},
        {"\"hello\\\"", "error: 0:8: \"hello\\\": missing end \""},
        {"foo=\"🙂", "error: 4:6: \"🙂: missing end \": expected label value"},
        {"🙂=🙂🙂=", "error: 4:5: unexpected =: expected a comma or close brace"},
        {"foo=bar,\\", "error: 8:9: \\: invalid input: "
                       "expected a matcher or close brace after comma"},
        {"foo=~\"a[\"",
         "error: failed to create matcher: error parsing regexp: missing closing ]: `[)$`"},
        {"foo=\xff", "error: matchers are not valid UTF-8"},
    };
    check(matchers_parse_utf8, cases, G_N_ELEMENTS(cases));
}

static void the_classic_grammar_is_tolerant(void **state)
{
    (void)state;
    static const Case cases[] = {
        {"", "{}"},
        {"{}", "{}"},
        {"{foo=\"bar\"}", "{foo=\"bar\"}"},
        {"{foo=~\"bar.*\"}", "{foo=~\"bar.*\"}"},
        {"{foo!=\"bar\"}", "{foo!=\"bar\"}"},
        {"{foo!~\"bar.*\"}", "{foo!~\"bar.*\"}"},
        {"{foo=\"bar\", baz!=\"quux\"}", "{foo=\"bar\",baz!=\"quux\"}"},
        {"{foo=\"bar\",baz!~\".*quux\", derp=\"wat\"}",
         "{foo=\"bar\",baz!~\".*quux\",derp=\"wat\"}"},
        {"{foo=\"\"}", "{foo=\"\"}"},
        {"{foo=\"bar,quux\", job=\"job1\"}", "{foo=\"bar,quux\",job=\"job1\"}"},
        {"{foo = \"bar\", dings != \"bums\", }", "{foo=\"bar\",dings!=\"bums\"}"},
        {"foo=bar,dings!=bums", "{foo=\"bar\",dings!=\"bums\"}"},
        {"{quote=\"She said: \\\"Hi, there\\\"…\"}",
         "{quote=\"She said: \\\"Hi, there\\\"…\"}"},
        {"statuscode=~\"5..\"", "{statuscode=~\"5..\"}"},
        {"tricky=~~~", "{tricky=~\"~~\"}"},
        {"trickier==\\\\=\\=\\\"", "{trickier=\"=\\\\=\\\\=\\\"\"}"},
        {"contains_quote != \"\\\"\" , contains_comma !~ \"foo,bar\" , ",
         "{contains_quote!=\"\\\"\",contains_comma!~\"foo,bar\"}"},
        {"{foo=bar}}", "{foo=\"bar}\"}"},
        {"{foo=bar}},}", "{foo=\"bar}}\"}"},
        {"{foo=,bar=}}", "{foo=\"\",bar=\"}\"}"},
        {"job=", "{job=\"\"}"},
        {"{foo=", "{foo=\"\"}"},
        {"{foo=}b", "{foo=\"}b\"}"},
        {"foo=bar}", "{foo=\"bar\"}"},
        {"{foo='}", "{foo=\"'\"}"},
        {"{foo=`}", "{foo=\"`\"}"},
        {"{foo=\\n}", "{foo=\"\\n\"}"},
        {"{foo=bar\\n}", "{foo=\"bar\\n\"}"},
        {"{foo=\\t}", "{foo=\"\\\\t\"}"},
        {"{foo=bar\\}", "{foo=\"bar\\\\\"}"},
        {"{foo=bar\\\\}", "{foo=\"bar\\\\\"}"},
        {"{foo=\\\"}", "{foo=\"\\\"\"}"},
        {"foo=a\nb", "{foo=\"a\\nb\"}"},
        {" \t foo \n=~ \r bar baz \f ", "{foo=~\"bar baz\"}"},
        {"foo=!bar\\n", "{foo=\"!bar\\n\"}"},
        {"_a:1=b", "{_a:1=\"b\"}"},
        {"a=\\,b=\"c,d\"", "{a=\"\\\\\",b=\"c,d\"}"},
        {"a=\"\\\\\",b=\"c\"", "{a=\"\\\\\",b=\"c\"}"},
        {"a=b,\u2003", "{a=\"b\"}"},
        {"a=b\u2003", "{a=\"b\"}"},
        {"a=b\u2003,", "{a=\"b\u2003\"}"},
        {"a=é\\é", "{a=\"é\\\\é\"}"},
    };
    check(matchers_parse_classic, cases, G_N_ELEMENTS(cases));
}

static void the_classic_grammar_says_what_it_cannot_read(void **state)
{
    (void)state;
#define QUOTE "error: matcher value contains unescaped double quote: "
    static const Case cases[] = {
        {"{,}", "error: bad matcher format: "},
        {",,", "error: bad matcher format: "},
        {"foo", "error: bad matcher format: foo"},
        {"foo!bar", "error: bad matcher format: foo!bar"},
        {"a=b, ,c=d", "error: bad matcher format:  "},
        {"1a=b", "error: bad matcher format: 1a=b"},
        {"foo🙂=bar", "error: bad matcher format: foo🙂=bar"},
        {"{invalid-name = \"valid label\"}",
         "error: bad matcher format: invalid-name = \"valid label\""},
        {"\"foo=\\\"bar\\\"\"", "error: bad matcher format: \"foo=\\\"bar\\\"\""},
        {"{{foo=", "error: bad matcher format: {foo="},
        {"job=\"value", QUOTE "\"value"},
        {"job=value\"", QUOTE "value\""},
        {"job=\"", QUOTE "\""},
        {"job=\"a\"b", QUOTE "\"a\"b"},
        {"job=\"a\\\"", QUOTE "\"a\\\""},
        {"trickier==\\\\=\\=\\\"\"", QUOTE "=\\\\=\\=\\\"\""},
        {"contains_unescaped_quote = foo\"bar", QUOTE "foo\"bar"},
        {"{foo=~\"invalid[regexp\"}",
         "error: error parsing regexp: missing closing ]: `[regexp)$`"},
        {"foo=\xff", "error: matchers are not valid UTF-8"},
    };
    check(matchers_parse_classic, cases, G_N_ELEMENTS(cases));
}

static void both_grammars_are_asked_and_the_classic_one_decides(void **state)
{
    (void)state;
    static const struct {
        const char *text, *expected, *warning;
    } cases[] = {
        {"{foo=bar,bar=baz}", "{foo=\"bar\",bar=\"baz\"}", NULL},
        {"{foo!bar}", "error: bad matcher format: foo!bar", NULL},
        {"{foo🙂=bar,bar=baz🙂}", "{foo🙂=\"bar\",bar=\"baz🙂\"}", NULL},
        {"{name-with-dashes = \"bar\"}", "{name-with-dashes=\"bar\"}", NULL},
        {"{}", "{}", NULL},
        {"{foo=!bar,bar=$baz\\n}", "{foo=\"!bar\",bar=\"$baz\\n\"}",
         "{foo=!bar,bar=$baz\\n} is read by the classic grammar of matchers, because the "
         "UTF-8 one does not know it (5:6: !: expected one of '=~': expected label value); "
         "both read {foo=\"!bar\",bar=\"$baz\\n\"}"},
        {"{foo=\"\\xf0\\x9f\\x99\\x82\"}", "{foo=\"\\\\xf0\\\\x9f\\\\x99\\\\x82\"}",
         "the UTF-8 and the classic grammar of matchers read {foo=\"\\xf0\\x9f\\x99\\x82\"} "
         "differently; the classic one is used"},
        {"foo=", "{foo=\"\"}",
         "foo= is read by the classic grammar of matchers, because the UTF-8 one does not "
         "know it (end of input: expected label value); both read {foo=\"\"}"},
        {"foo=~[", "error: error parsing regexp: missing closing ]: `[)$`", NULL},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        char poison[] = "poison";
        char *warning = poison;
        GPtrArray *matchers = matchers_parse(cases[i].text, &warning, &error);
        g_autofree char *result = result_of(matchers, error);
        assert_string_equal(result, cases[i].expected);
        if (cases[i].warning == NULL) {
            assert_null(warning);
        } else {
            assert_string_equal(warning, cases[i].warning);
        }
        g_free(warning);
        g_autoptr(GPtrArray) again = matchers_parse(cases[i].text, NULL, NULL);
        assert_int_equal(again == NULL, matchers == NULL);
    }
}

static void what_is_suggested_means_the_same_in_both_grammars(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "{foo='}",        "{foo=`}",      "{foo=\\n}",          "{foo=bar\\t}",
        "{foo=bar\\\\}",  "{foo=\\\"}",   "tricky=~~~",         "trickier==\\\\=\\=\\\"",
        "{foo=bar}},}",   "{foo=,bar=}}", "{foo=}b",            "{foo=a b}",
    };
    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_autofree char *first = result_of(matchers_parse_classic(texts[i], NULL), NULL);
        g_autofree char *warning = NULL;
        GPtrArray *matchers = matchers_parse(first, &warning, NULL);
        g_autofree char *second = result_of(matchers, NULL);
        assert_string_equal(second, first);
        assert_null(warning);
    }
}

static void a_single_matcher_has_no_braces(void **state)
{
    (void)state;
    static const Case cases[] = {
        {"foo=bar", "foo=\"bar\""},
        {"foo=\"b}\"", "foo=\"b}\""},
        {"foo=a,b=c", "foo=\"a,b=c\""},
        {"foo=", "foo=\"\""},
        {"foo=bar,", "foo=\"bar,\""},
        {"foo🙂=bar", "foo🙂=\"bar\""},
        {"foo=!bar\\n", "foo=\"!bar\\n\""},
        {"foo=\"\\xf0\\x9f\\x99\\x82\"", "foo=\"\\\\xf0\\\\x9f\\\\x99\\\\x82\""},
        {"{foo=bar}", "error: unexpected open or close brace: {foo=bar}"},
        {"foo=b}", "error: unexpected open or close brace: foo=b}"},
        {"foo!bar", "error: bad matcher format: foo!bar"},
        {"", "error: bad matcher format: "},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        g_autofree char *warning = NULL;
        g_autoptr(Matcher) matcher = matcher_parse(cases[i].text, &warning, &error);
        g_autoptr(GString) out = g_string_new(NULL);
        if (matcher != NULL) {
            matcher_print(matcher, out);
        } else {
            g_string_printf(out, "error: %s", error->message);
        }
        assert_string_equal(out->str, cases[i].expected);
    }
}

static void matchers_sort_by_name_value_and_type(void **state)
{
    (void)state;
    g_autoptr(GPtrArray) matchers =
        matchers_parse("{b=\"1\",a!~\"2\",a=\"2\",a=~\"10\",a!=\"2\",Z=\"9\",é=\"1\"}", NULL, NULL);
    matchers_sort(matchers);
    g_autoptr(GString) out = g_string_new(NULL);
    matchers_print(matchers, out);
    assert_string_equal(
        out->str, "{Z=\"9\",a=~\"10\",a=\"2\",a!=\"2\",a!~\"2\",b=\"1\",é=\"1\"}");
}

static void a_matcher_tells_its_parts(void **state)
{
    (void)state;
    g_autoptr(Matcher) matcher = matcher_parse("team=~\"db|web\"", NULL, NULL);
    assert_int_equal(matcher_type(matcher), MATCH_REGEXP);
    assert_string_equal(matcher_name(matcher), "team");
    assert_string_equal(matcher_value(matcher), "db|web");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_match_by_type),
        cmocka_unit_test(a_regular_expression_that_explodes_is_neither_a_match_nor_none),
        cmocka_unit_test(a_bad_regular_expression_is_refused),
        cmocka_unit_test(printing_is_canonical),
        cmocka_unit_test(the_utf8_grammar_takes_matchers),
        cmocka_unit_test(the_utf8_grammar_says_what_is_wrong_and_where),
        cmocka_unit_test(the_classic_grammar_is_tolerant),
        cmocka_unit_test(the_classic_grammar_says_what_it_cannot_read),
        cmocka_unit_test(both_grammars_are_asked_and_the_classic_one_decides),
        cmocka_unit_test(what_is_suggested_means_the_same_in_both_grammars),
        cmocka_unit_test(a_single_matcher_has_no_braces),
        cmocka_unit_test(matchers_sort_by_name_value_and_type),
        cmocka_unit_test(a_matcher_tells_its_parts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
