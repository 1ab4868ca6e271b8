/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "rules/fault.h"
#include "rules/re2.h"
#include "rules/regexp.h"

typedef struct {
    const char *pattern, *subject;
    RegexpMode mode;
    RegexpResult result;
} Case;

static RegexpResult test(const char *pattern, RegexpMode mode, const char *subject)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(Regexp) regexp = regexp_new(pattern, mode, &error);
    if (regexp == NULL) {
        fail_msg("%s: %s", pattern, error->message);
    }
    return regexp_test(regexp, subject, strlen(subject));
}

static void check(const Case *cases, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const Case *c = &cases[i];
        RegexpResult result = test(c->pattern, c->mode, c->subject);
        if (result != c->result) {
            fail_msg("%s on %s: %d", c->pattern, c->subject, result);
        }
    }
}

#define SEARCH REGEXP_SEARCH
#define WHOLE  REGEXP_WHOLE
#define NO     REGEXP_NO
#define YES    REGEXP_YES

static void a_whole_match_covers_the_subject_and_search_finds_a_part(void **state)
{
    (void)state;
    static const Case cases[] = {
        {"foo", "foo", WHOLE, YES},
        {"foo", "foobar", WHOLE, NO},
        {"foo", "foobar", SEARCH, YES},
        {"foo|bar", "foobar", WHOLE, NO},
        {"foo|bar", "bar", WHOLE, YES},
        {"", "", WHOLE, YES},
        {"", "x", WHOLE, NO},
        {"", "x", SEARCH, YES},
        {"^foo$", "foo", WHOLE, YES},
        {"foo", "foo\n", WHOLE, NO},
        {"a)(b", "ab", WHOLE, YES}, /* wrapped as text, as in Go */
    };
    check(cases, G_N_ELEMENTS(cases));
}

static void anchors_and_dots_mean_what_they_mean_in_go(void **state)
{
    (void)state;
    static const Case cases[] = {
        {"a.b", "a\nb", SEARCH, NO},       {"(?s)a.b", "a\nb", SEARCH, YES},
        {"(?s:a.b).", "a\nb\n", WHOLE, NO}, {"a$", "a\n", SEARCH, NO},
        {"(?m)a$", "a\nb", SEARCH, YES},   {"^b", "a\nb", SEARCH, NO},
        {"(?m)^b", "a\nb", SEARCH, YES},   {"a\\z", "a\n", SEARCH, NO},
        {"\\Ab", "ab", SEARCH, NO},        {"(?m)a\\z", "a\nb", SEARCH, NO},
        {"(?m)a\n^$", "a\n", SEARCH, YES}, {"a[^b]c", "a\nc", SEARCH, YES},
        {"a.{2}b", "axyb", WHOLE, YES},    {"a.{2}b", "ax\nb", WHOLE, NO},
        {"\\bfoo\\b", "a foo b", SEARCH, YES}, {"\\Boo", "foo", SEARCH, YES},
    };
    check(cases, G_N_ELEMENTS(cases));
}

static void flags_hold_to_the_end_of_their_group(void **state)
{
    (void)state;
    static const Case cases[] = {
        {"(?i)foo", "FOO", WHOLE, YES},
        {"(?i:f)oo", "Foo", WHOLE, YES},
        {"(?i:f)oo", "FOO", WHOLE, NO},
        {"(a(?i)b|c)d", "aBd", WHOLE, YES},
        {"(a(?i)b|c)d", "Cd", WHOLE, YES},
        {"(a(?i)b|c)d", "aBD", WHOLE, NO},
        {"(?i)a(?-i)b", "Ab", WHOLE, YES},
        {"(?i)a(?-i)b", "AB", WHOLE, NO},
        {"(?i)a(?-i)*b", "aAb", WHOLE, YES},
        {"(?:(?i)a)(?i)b", "AB", WHOLE, YES},
        {"(?:(?i)a)b", "AB", WHOLE, NO},
        {"(?i)(?:(?-i)a)b", "aB", WHOLE, YES},
        {"(?i)straße", "STRAßE", WHOLE, YES},
        {"(?i)[a-c]+", "aBC", WHOLE, YES},
        {"(?is)a.b", "A\nB", WHOLE, YES},
        {"(?i)élan", "ÉLAN", WHOLE, YES},
    };
    check(cases, G_N_ELEMENTS(cases));
}

static void classes_and_escapes_are_those_of_go(void **state)
{
    (void)state;
    static const Case cases[] = {
        {"\\s", "\v", WHOLE, NO},          {"\\S", "\v", WHOLE, YES},
        {"[\\s]", "\v", WHOLE, NO},        {"[\\Sx]", "\v", WHOLE, YES},
        {"[^\\S]", "\v", WHOLE, NO},       {"\\v", "\n", WHOLE, NO},
        {"\\v", "\v", WHOLE, YES},         {"\\d+", "123", WHOLE, YES},
        {"\\d", "٣", WHOLE, NO},           {"\\w", "é", WHOLE, NO},
        {"\\W", "é", WHOLE, YES},          {"[]a]+", "]a", WHOLE, YES},
        {"[^]a]+", "bc", WHOLE, YES},      {"[a-]+", "a-", WHOLE, YES},
        {"[--/]+", "-./", WHOLE, YES},     {"[\\w-.]+", "a-.", WHOLE, YES},
        {"[[:alpha:]]+", "ab", WHOLE, YES}, {"[[:^alpha:]]", "1", WHOLE, YES},
        {"[[:foo]+", "[:fo", WHOLE, YES},  {"[a[.b.]]", "b]", WHOLE, YES},
        {"\\pL+", "éa", WHOLE, YES},       {"\\p{Lu}", "é", WHOLE, NO},
        {"\\p{^Lu}", "é", WHOLE, YES},     {"\\P{^Lu}", "É", WHOLE, YES},
        {"\\p{Greek}+", "αβγ", WHOLE, YES}, {"[\\p{Greek}x]+", "αx", WHOLE, YES},
        {"\\PN", "1", WHOLE, NO},          {"\\p{Any}", "☺", WHOLE, YES},
        {"\\x41\\x{263a}", "A☺", WHOLE, YES}, {"\\101\\07", "A\a", WHOLE, YES},
        {"\\12\\1010", "\nA0", WHOLE, YES},        {"\\Qa.b*\\E+", "a.b**", WHOLE, YES},
        {"\\Qa.b", "xa.b", SEARCH, YES},
        {"\\_\\-\\ \\#", "_- #", WHOLE, YES}, {"#a b", "#a b", WHOLE, YES},
        {"[a&&b]+", "&", WHOLE, YES},      {"[\\x{1F600}-\\x{1F64F}]", "🙂", WHOLE, YES},
        {"<\\x{e9}>", "<é>", WHOLE, YES},  {".", "🙂", WHOLE, YES},
    };
    check(cases, G_N_ELEMENTS(cases));
}

static void quantifiers_are_those_of_go(void **state)
{
    (void)state;
    static const Case cases[] = {
        {"a{2,3}", "aaaa", WHOLE, NO},    {"a{2,3}", "aaa", WHOLE, YES},
        {"a{2}", "aa", WHOLE, YES},       {"a{2,}", "aaaaa", WHOLE, YES},
        {"a{,2}", "a{,2}", WHOLE, YES},   {"a{02}", "a{02}", WHOLE, YES},
        {"a{x}", "a{x}", WHOLE, YES},     {"{", "{", WHOLE, YES},
        {"^*a", "a", WHOLE, YES},         {"(?:^){2}a\\b+", "a", WHOLE, YES},
        {"a{2}(?i){2}", "aaaa", WHOLE, YES}, {"a*\\Q\\E*", "aaa", WHOLE, YES},
        {"(|a)*", "aaa", WHOLE, YES},     {"(a{10}){100}", "a", WHOLE, NO},
        {"((a{10}){10}|b){10}c", "c", WHOLE, NO}, {"(a{1000}){0}b", "b", WHOLE, YES},
        {"a{1000}", "a", WHOLE, NO},      {"(?U)a{0,2}b", "aab", WHOLE, YES},
    };
    check(cases, G_N_ELEMENTS(cases));
}

static void what_go_refuses_is_refused_in_its_words(void **state)
{
    (void)state;
    static const struct {
        const char *pattern, *message;
    } cases[] = {
        {"(", "missing closing ): `(`"},
        {")", "unexpected ): `)`"},
        {"a(b", "missing closing ): `a(b`"},
        {"[a", "missing closing ]: `[a`"},
        {"x[]a", "missing closing ]: `[]a`"},
        {"[z-a]", "invalid character class range: `z-a`"},
        {"[a-\\d]", "invalid escape sequence: `\\d`"},
        {"[[:foo:]]", "invalid character class range: `[:foo:]`"},
        {"[[:^:]]", "invalid character class range: `[:^:]`"},
        {"*", "missing argument to repetition operator: `*`"},
        {"a|+?", "missing argument to repetition operator: `+?`"},
        {"(?i)*a", "missing argument to repetition operator: `*`"},
        {"(*UTF)a", "missing argument to repetition operator: `*`"},
        {"a**", "invalid nested repetition operator: `**`"},
        {"a++", "invalid nested repetition operator: `++`"},
        {"a{2}{3}", "invalid nested repetition operator: `{2}{3}`"},
        {"a??*?", "invalid nested repetition operator: `??*?`"},
        {"a{1001}", "invalid repeat count: `{1001}`"},
        {"a{2,1}", "invalid repeat count: `{2,1}`"},
        {"a{99999999999}", "invalid repeat count: `{99999999999}`"},
        {"a{1,99999999999}", "invalid repeat count: `{1,99999999999}`"},
        {"(a{100}){11}", "invalid repeat count: `{11}`"},
        {"((a{100}|b)+c){11}?", "invalid repeat count: `{11}?`"},
        {"\\", "trailing backslash at end of expression: ``"},
        {"[\\", "trailing backslash at end of expression: ``"},
        {"(a)\\1", "invalid escape sequence: `\\1`"},
        {"\\8", "invalid escape sequence: `\\8`"},
        {"\\C", "invalid escape sequence: `\\C`"},
        {"\\Z", "invalid escape sequence: `\\Z`"},
        {"\\R", "invalid escape sequence: `\\R`"},
        {"\\G", "invalid escape sequence: `\\G`"},
        {"\\K", "invalid escape sequence: `\\K`"},
        {"\\E", "invalid escape sequence: `\\E`"},
        {"\\k<a>", "invalid escape sequence: `\\k`"},
        {"\\g1", "invalid escape sequence: `\\g`"},
        {"\\é", "invalid escape sequence: `\\é`"},
        {"\\x", "invalid escape sequence: `\\x`"},
        {"\\x4", "invalid escape sequence: `\\x4`"},
        {"\\xzz", "invalid escape sequence: `\\xzz`"},
        {"\\x{}", "invalid escape sequence: `\\x{}`"},
        {"\\x{12", "invalid escape sequence: `\\x{12`"},
        {"\\x{1z}", "invalid escape sequence: `\\x{1z`"},
        {"\\x{110000}", "invalid escape sequence: `\\x{110000`"},
        {"\\x{d800}", "invalid escape sequence: `\\x{d800}`"},
        {"\\p", "invalid character class range: `\\p`"},
        {"\\pX", "invalid character class range: `\\pX`"},
        {"\\p{Foo", "invalid character class range: `\\p{Foo`"},
        {"\\p{lu}", "invalid character class range: `\\p{lu}`"},
        {"\\p{Xan}", "invalid character class range: `\\p{Xan}`"},
        {"\\p{L&}", "invalid character class range: `\\p{L&}`"},
        {"(?=a)", "invalid or unsupported Perl syntax: `(?=`"},
        {"(?!a)", "invalid or unsupported Perl syntax: `(?!`"},
        {"(?>a)", "invalid or unsupported Perl syntax: `(?>`"},
        {"(?|a)", "invalid or unsupported Perl syntax: `(?|`"},
        {"(?#a)", "invalid or unsupported Perl syntax: `(?#`"},
        {"(?R)", "invalid or unsupported Perl syntax: `(?R`"},
        {"(?1)", "invalid or unsupported Perl syntax: `(?1`"},
        {"(?C1)", "invalid or unsupported Perl syntax: `(?C`"},
        {"(?(1)a)", "invalid or unsupported Perl syntax: `(?(`"},
        {"(?x)a", "invalid or unsupported Perl syntax: `(?x`"},
        {"(?i-)a", "invalid or unsupported Perl syntax: `(?i-)`"},
        {"(?i--s)a", "invalid or unsupported Perl syntax: `(?i--`"},
        {"(?i", "invalid or unsupported Perl syntax: `(?i`"},
        {"(?P=a)", "invalid or unsupported Perl syntax: `(?P`"},
        {"(?P>a)", "invalid or unsupported Perl syntax: `(?P`"},
        {"(?'a'b)", "invalid or unsupported Perl syntax: `(?'`"},
        {"(?P<a", "invalid named capture: `(?P<a`"},
        {"(?P<a b>c)", "invalid named capture: `(?P<a b>`"},
        {"(?<>c)", "invalid named capture: `(?<>`"},
        {"(?<=a)b", "invalid named capture: `(?<=a)b`"},
        {"a\xff", "invalid UTF-8: `\uFFFD`"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        assert_null(regexp_new(cases[i].pattern, SEARCH, &error));
        assert_true(g_error_matches(error, FAULT, FAULT_INPUT));
        g_autofree char *message =
            g_strconcat("error parsing regexp: ", cases[i].message, NULL);
        assert_string_equal(error->message, message);
    }
}

static void an_unknown_script_is_refused_by_its_name(void **state)
{
    (void)state;
    static const char *const patterns[] = {"\\p{Greek}\\p{Klingon}+a", "[\\p{Lu}\\p{Klingon}]",
                                           "(?i)a(\\p{Klingon})\\p{Nope}"};
    for (size_t i = 0; i < G_N_ELEMENTS(patterns); i++) {
        g_autoptr(GError) error = NULL;
        assert_null(regexp_new(patterns[i], WHOLE, &error));
        assert_string_equal(
            error->message,
            "error parsing regexp: invalid character class range: `\\p{Klingon}`");
    }
    g_autoptr(GError) error = NULL;
    assert_null(regexp_new("\\P{Klingon}", SEARCH, &error));
    assert_string_equal(
        error->message,
        "error parsing regexp: invalid character class range: `\\P{Klingon}`");
}

static void errors_of_a_whole_match_show_the_wrapping_as_go_does(void **state)
{
    (void)state;
    g_autoptr(GError) error = NULL;
    assert_null(regexp_new("invalid[regexp", WHOLE, &error));
    assert_string_equal(error->message,
                        "error parsing regexp: missing closing ]: `[regexp)$`");
    g_clear_error(&error);
    assert_null(regexp_new("\\Qa", WHOLE, &error));
    assert_string_equal(error->message,
                        "error parsing regexp: missing closing ): `^(?:\\Qa)$`");
}

static void nesting_is_bounded(void **state)
{
    (void)state;
    g_autoptr(GString) pattern = g_string_new(NULL);
    for (int i = 0; i < 250; i++) {
        g_string_prepend_c(pattern, '(');
        g_string_append_c(pattern, ')');
    }
    assert_int_equal(test(pattern->str, SEARCH, ""), REGEXP_YES);
    g_string_prepend_c(pattern, '(');
    g_string_append_c(pattern, ')');
    g_autoptr(GError) error = NULL;
    assert_null(regexp_new(pattern->str, SEARCH, &error));
    assert_true(
        g_str_has_prefix(error->message, "error parsing regexp: expression nests too deeply"));
}

static void a_pattern_too_long_for_the_library_is_refused(void **state)
{
    (void)state;
    g_autoptr(GString) pattern = g_string_new(NULL);
    for (int i = 0; i < 50000; i++) {
        g_string_append(pattern, "a|");
    }
    g_autoptr(GError) error = NULL;
    assert_null(regexp_new(pattern->str, SEARCH, &error));
    assert_true(
        g_str_has_prefix(error->message, "error parsing regexp: expression too large: `"));
}

/* Each letter more doubles the steps. */
static RegexpResult explode(unsigned letters)
{
    g_autofree char *many = g_strnfill(letters, 'a');
    g_autofree char *evil = g_strconcat(many, "!b", NULL);
    return test("(a+)+b", WHOLE, evil);
}

static void a_match_is_given_up_after_two_million_steps(void **state)
{
    (void)state;
    assert_int_equal(explode(19), REGEXP_NO);
    assert_int_equal(explode(20), REGEXP_LIMIT);
    assert_int_equal(explode(64), REGEXP_LIMIT);
}

static void a_match_is_given_up_at_eight_mebibytes(void **state)
{
    (void)state;
    g_autofree char *many = g_strnfill(20000, 'a');
    assert_int_equal(test("(a|b)*", WHOLE, many), REGEXP_YES);
    g_autofree char *more = g_strnfill(60000, 'a');
    assert_int_equal(test("(a|b)*", WHOLE, more), REGEXP_LIMIT);
}

static void long_labels_are_no_trouble_for_plain_patterns(void **state)
{
    (void)state;
    g_autofree char *huge = g_strnfill(1000000, 'a');
    assert_int_equal(test(".*", WHOLE, huge), REGEXP_YES);
    assert_int_equal(test("[a-z]+", WHOLE, huge), REGEXP_YES);
    assert_int_equal(test("a.*b", WHOLE, huge), REGEXP_NO);
}

static void a_subject_that_is_not_utf8_matches_nothing(void **state)
{
    (void)state;
    assert_int_equal(test(".*", SEARCH, "a\xff"), REGEXP_NO);
    g_autoptr(Regexp) regexp = regexp_new("a", SEARCH, NULL);
    RegexpSpan span;
    assert_int_equal(regexp_find(regexp, "a\xff", 2, 0, &span), REGEXP_NO);
}

static void a_nul_in_the_subject_is_a_character(void **state)
{
    (void)state;
    g_autoptr(Regexp) regexp = regexp_new("a\\x00b", WHOLE, NULL);
    assert_int_equal(regexp_test(regexp, "a\0b", 3), REGEXP_YES);
}

static void find_gives_the_spans_of_the_match_and_its_groups(void **state)
{
    (void)state;
    g_autoptr(Regexp) regexp = regexp_new("(?P<key>\\w+)=(?:(\\d+)|(?<1x>\\w*))", SEARCH, NULL);
    static const char subject[] = "é a=1 bc=d";
    assert_int_equal(regexp_groups(regexp), 3);
    assert_int_equal(regexp_group_index(regexp, "key"), 1);
    assert_int_equal(regexp_group_index(regexp, "1x"), 3);
    assert_int_equal(regexp_group_index(regexp, "none"), -1);
    RegexpSpan spans[4];
    memset(spans, 0x5a, sizeof spans);
    assert_int_equal(regexp_find(regexp, subject, strlen(subject), 0, spans), REGEXP_YES);
    assert_memory_equal(
        spans, ((RegexpSpan[]){{3, 6}, {3, 4}, {5, 6}, {REGEXP_UNSET, REGEXP_UNSET}}),
        sizeof spans);
    assert_int_equal(regexp_find(regexp, subject, strlen(subject), 6, spans), REGEXP_YES);
    assert_memory_equal(
        spans, ((RegexpSpan[]){{7, 11}, {7, 9}, {REGEXP_UNSET, REGEXP_UNSET}, {10, 11}}),
        sizeof spans);
    memset(spans, 0x5a, sizeof spans);
    assert_int_equal(regexp_find(regexp, subject, strlen(subject), 11, spans), REGEXP_NO);
    assert_true(spans[0].start == 0x5a5a5a5a5a5a5a5a);
}

static void find_past_the_start_keeps_the_start_of_the_text(void **state)
{
    (void)state;
    g_autoptr(Regexp) regexp = regexp_new("^a|\\bb|$", SEARCH, NULL);
    RegexpSpan span;
    assert_int_equal(regexp_find(regexp, "aab b", 5, 1, &span), REGEXP_YES);
    assert_int_equal(span.start, 4);
    assert_int_equal(regexp_find(regexp, "aab b", 5, 5, &span), REGEXP_YES);
    assert_int_equal(span.start, 5);
    assert_int_equal(span.end, 5);
}

static void greedy_and_lazy_are_told_apart(void **state)
{
    (void)state;
    static const struct {
        const char *pattern;
        size_t end;
    } cases[] = {{"a+", 3},      {"a+?", 1},       {"(?U)a+", 1},    {"(?U)a+?", 3},
                 {"(?U:a+)", 1}, {"(?-U)a+", 3},   {"a(?U)*", 0},    {"(?U:a)a+", 3},
                 {"a{1,2}", 2},  {"a{1,2}?", 1},   {"(a|aa)", 1},    {"(?:a|aa)(?:$|a)", 2}};
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(Regexp) regexp = regexp_new(cases[i].pattern, SEARCH, NULL);
        assert_non_null(regexp);
        RegexpSpan spans[2];
        assert_int_equal(regexp_find(regexp, "aaa", 3, 0, spans), REGEXP_YES);
        assert_int_equal(spans[0].end, cases[i].end);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_whole_match_covers_the_subject_and_search_finds_a_part),
        cmocka_unit_test(anchors_and_dots_mean_what_they_mean_in_go),
        cmocka_unit_test(flags_hold_to_the_end_of_their_group),
        cmocka_unit_test(classes_and_escapes_are_those_of_go),
        cmocka_unit_test(quantifiers_are_those_of_go),
        cmocka_unit_test(what_go_refuses_is_refused_in_its_words),
        cmocka_unit_test(an_unknown_script_is_refused_by_its_name),
        cmocka_unit_test(errors_of_a_whole_match_show_the_wrapping_as_go_does),
        cmocka_unit_test(nesting_is_bounded),
        cmocka_unit_test(a_pattern_too_long_for_the_library_is_refused),
        cmocka_unit_test(a_match_is_given_up_after_two_million_steps),
        cmocka_unit_test(a_match_is_given_up_at_eight_mebibytes),
        cmocka_unit_test(long_labels_are_no_trouble_for_plain_patterns),
        cmocka_unit_test(a_subject_that_is_not_utf8_matches_nothing),
        cmocka_unit_test(a_nul_in_the_subject_is_a_character),
        cmocka_unit_test(find_gives_the_spans_of_the_match_and_its_groups),
        cmocka_unit_test(find_past_the_start_keeps_the_start_of_the_text),
        cmocka_unit_test(greedy_and_lazy_are_told_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
