/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "rules/template/lexer.h"

static const char *const type_names[] = {
    [TOKEN_ERROR] = "error",
    [TOKEN_EOF] = "eof",
    [TOKEN_TEXT] = "text",
    [TOKEN_LEFT_DELIM] = "{{",
    [TOKEN_RIGHT_DELIM] = "}}",
    [TOKEN_SPACE] = "_",
    [TOKEN_ASSIGN] = "=",
    [TOKEN_DECLARE] = ":=",
    [TOKEN_PIPE] = "|",
    [TOKEN_LEFT_PAREN] = "(",
    [TOKEN_RIGHT_PAREN] = ")",
    [TOKEN_CHAR] = "char",
    [TOKEN_BOOL] = "bool",
    [TOKEN_CHARACTER] = "rune",
    [TOKEN_NUMBER] = "number",
    [TOKEN_COMPLEX] = "complex",
    [TOKEN_STRING] = "string",
    [TOKEN_RAW_STRING] = "raw",
    [TOKEN_FIELD] = "field",
    [TOKEN_VARIABLE] = "variable",
    [TOKEN_IDENTIFIER] = "name",
    [TOKEN_DOT] = "dot",
    [TOKEN_NIL] = "nil",
    [TOKEN_BLOCK] = "block",
    [TOKEN_BREAK] = "break",
    [TOKEN_CONTINUE] = "continue",
    [TOKEN_DEFINE] = "define",
    [TOKEN_ELSE] = "else",
    [TOKEN_END] = "end",
    [TOKEN_IF] = "if",
    [TOKEN_RANGE] = "range",
    [TOKEN_TEMPLATE] = "template",
    [TOKEN_WITH] = "with",
};

/* Every token: its type and, where that leaves it open, its text. */
static char *lex(const char *source)
{
    g_autoptr(Arena) arena = arena_new();
    GString *out = g_string_new(NULL);
    Lexer lexer;
    lexer_init(&lexer, arena, source, strlen(source));
    for (;;) {
        Token token = lexer_next(&lexer);
        g_string_append_printf(out, "%s%s", out->len > 0 ? " " : "", type_names[token.type]);
        if (token.type == TOKEN_TEXT || token.type == TOKEN_ERROR ||
            (token.type >= TOKEN_CHAR && token.type < TOKEN_KEYWORD)) {
            g_string_append_printf(out, "<%.*s>", (int)token.length, token.text);
        }
        if (token.type == TOKEN_EOF || token.type == TOKEN_ERROR) {
            return g_string_free(out, FALSE);
        }
    }
}

typedef struct {
    const char *source, *tokens;
} Case;

static void check(const Case *cases, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        g_autofree char *tokens = lex(cases[i].source);
        assert_string_equal(tokens, cases[i].tokens);
    }
}

static void text_and_actions_are_told_apart(void **state)
{
    static const Case cases[] = {
        {"", "eof"},
        {"a {b} c", "text<a {b} c> eof"},
        {"a{{.}}b", "text<a> {{ dot }} text<b> eof"},
        {"{{}}", "{{ }} eof"},
        {"{{.a}}{{.b}}", "{{ field<.a> }} {{ field<.b> }} eof"},
        {"{{\n.a\n}}", "{{ _ field<.a> _ }} eof"},
        {"a }} b", "text<a }} b> eof"},
    };
    (void)state;
    check(cases, G_N_ELEMENTS(cases));
}

static void trim_markers_take_the_blanks_beside_them(void **state)
{
    static const Case cases[] = {
        {"a \t\r\n{{- 1}} b", "text<a> {{ number<1> }} text< b> eof"},
        {"a {{1 -}} \n b", "text<a > {{ number<1> }} text<b> eof"},
        {" {{- 1 -}} ", "{{ number<1> }} eof"},
        {"{{1  -}}", "{{ number<1> _ }} eof"},
        {"a {{-3}} b", "text<a > {{ number<-3> }} text< b> eof"},
        {"a {{- -3 -}} b", "text<a> {{ number<-3> }} text<b> eof"},
        {"a {{-\n1\n-}} b", "text<a> {{ number<1> }} text<b> eof"},
        {"a\v{{- 1}}", "text<a\v> {{ number<1> }} eof"},
        {"{{- }}", "{{ }} eof"},
        {"a {{- -}} b", "text<a> {{ number<-> }} text< b> eof"},
    };
    (void)state;
    check(cases, G_N_ELEMENTS(cases));
}

static void comments_leave_no_token(void **state)
{
    static const Case cases[] = {
        {"a{{/* x */}}b", "text<a> text<b> eof"},
        {"a {{- /* {{.}} \n */ -}} b", "text<a> text<b> eof"},
        {"a {{/* x */ -}} b", "text<a > text<b> eof"},
        {"{{/**/}}", "eof"},
        {"{{/*/}}", "error<unclosed comment>"},
        {"{{/* x */ }}", "error<comment ends before closing delimiter>"},
        {"a{{/* x", "text<a> error<unclosed comment>"},
    };
    (void)state;
    check(cases, G_N_ELEMENTS(cases));
}

static void names_are_keywords_fields_variables_or_functions(void **state)
{
    static const Case cases[] = {
        {"{{if else end range with}}", "{{ if _ else _ end _ range _ with }} eof"},
        {"{{define template block nil}}", "{{ define _ template _ block _ nil }} eof"},
        {"{{break continue}}", "{{ break _ continue }} eof"},
        {"{{true false iff}}", "{{ bool<true> _ bool<false> _ name<iff> }} eof"},
        {"{{.a.b $ $x.y é_1}}",
         "{{ field<.a> field<.b> _ variable<$> _ variable<$x> field<.y> _ name<é_1> }} eof"},
        {"{{$x:=.}}", "{{ variable<$x> := dot }} eof"},
        {"{{$x = (f|g)}}", "{{ variable<$x> _ = _ ( name<f> | name<g> ) }} eof"},
        {"{{$i, $v}}", "{{ variable<$i> char<,> _ variable<$v> }} eof"},
        {"{{.x}", "{{ error<bad character U+007D '}'>"},
        {"{{a-b}}", "{{ error<bad character U+002D '-'>"},
        {"{{a%}}", "{{ error<bad character U+0025 '%'>"},
        {"{{a\x01}}", "{{ error<bad character U+0001>"},
    };
    (void)state;
    check(cases, G_N_ELEMENTS(cases));
}

static void numbers_are_taken_whole(void **state)
{
    static const Case cases[] = {
        {"{{1 -2 +3 0x1F 0b1_0 017 0o7}}",
         "{{ number<1> _ number<-2> _ number<+3> _ number<0x1F> _ number<0b1_0> _ number<017> _ "
         "number<0o7> }} eof"},
        {"{{1.5 .5 1. 1e3 0x1p-2}}",
         "{{ number<1.5> _ number<.5> _ number<1.> _ number<1e3> _ number<0x1p-2> }} eof"},
        {"{{1i 1+2i}}", "{{ number<1i> _ complex<1+2i> }} eof"},
        {"{{'a' '\\'' '\\n'}}", "{{ rune<'a'> _ rune<'\\''> _ rune<'\\n'> }} eof"},
        {"{{1x}}", "{{ error<bad number syntax: \"1x\">"},
        {"{{.1a}}", "{{ error<bad number syntax: \".1a\">"},
        {"{{1+2}}", "{{ error<bad number syntax: \"1+2\">"},
    };
    (void)state;
    check(cases, G_N_ELEMENTS(cases));
}

static void strings_end_at_their_quote(void **state)
{
    static const Case cases[] = {
        {"{{\"a\\\"b\" `c\"\n`}}", "{{ string<\"a\\\"b\"> _ raw<`c\"\n`> }} eof"},
        {"{{\"}}\"}}", "{{ string<\"}}\"> }} eof"},
        {"{{\"a\nb\"}}", "{{ error<unterminated quoted string>"},
        {"{{\"a\\\n\"}}", "{{ error<unterminated quoted string>"},
        {"{{\"a", "{{ error<unterminated quoted string>"},
        {"{{\"a\\", "{{ error<unterminated quoted string>"},
        {"{{'a", "{{ error<unterminated character constant>"},
        {"{{`a", "{{ error<unterminated raw quoted string>"},
    };
    (void)state;
    check(cases, G_N_ELEMENTS(cases));
}

static void what_is_not_closed_or_not_known_is_an_error(void **state)
{
    static const Case cases[] = {
        {"{{", "{{ error<unclosed action>"},
        {"{{.a", "{{ field<.a> error<unclosed action>"},
        {"{{(1}}", "{{ ( number<1> error<unclosed left paren>"},
        {"{{1)}}", "{{ number<1> error<unexpected right paren>"},
        {"{{$x : 1}}", "{{ variable<$x> _ error<expected :=>"},
        {"{{\x01}}", "{{ error<unrecognized character in action: U+0001>"},
        {"{{€}}", "{{ error<unrecognized character in action: U+20AC '€'>"},
        {"{{#}}", "{{ char<#> }} eof"},
    };
    (void)state;
    check(cases, G_N_ELEMENTS(cases));
}

static void an_error_stays_the_last_token(void **state)
{
    g_autoptr(Arena) arena = arena_new();
    Lexer lexer;
    (void)state;
    lexer_init(&lexer, arena, "{{\"", 3);
    lexer_next(&lexer);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(lexer_next(&lexer).type, TOKEN_ERROR);
    }
}

static void positions_count_lines_from_one_and_bytes_from_zero(void **state)
{
    static const char source[] = "é\n{{ .a\n  .b }}";
    static const Position expected[] = {{1, 0}, {2, 0}, {2, 2}, {2, 3}, {2, 5}, {3, 2}};
    g_autoptr(Arena) arena = arena_new();
    Lexer lexer;
    (void)state;
    lexer_init(&lexer, arena, source, strlen(source));
    for (size_t i = 0; i < G_N_ELEMENTS(expected); i++) {
        Token token = lexer_next(&lexer);
        assert_int_equal(token.at.line, expected[i].line);
        assert_int_equal(token.at.column, expected[i].column);
    }
}

static void tokens_are_named_in_errors_with_ten_characters_at_most(void **state)
{
    static const struct {
        Token token;
        const char *text;
    } cases[] = {
        {{TOKEN_EOF, "", 0, {1, 0}}, "EOF"},
        {{TOKEN_ERROR, "no good", 7, {1, 0}}, "no good"},
        {{TOKEN_RANGE, "range", 5, {1, 0}}, "<range>"},
        {{TOKEN_DOT, ".", 1, {1, 0}}, "<.>"},
        {{TOKEN_IDENTIFIER, "abcdefghij", 10, {1, 0}}, "\"abcdefghij\""},
        {{TOKEN_IDENTIFIER, "abcdefghijk", 11, {1, 0}}, "\"abcdefghij\"..."},
        {{TOKEN_TEXT, "ééééééééééé", 22, {1, 0}}, "\"éééééééééé\"..."},
    };
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GString) out = g_string_new(NULL);
        token_print(&cases[i].token, out);
        assert_string_equal(out->str, cases[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_and_actions_are_told_apart),
        cmocka_unit_test(trim_markers_take_the_blanks_beside_them),
        cmocka_unit_test(comments_leave_no_token),
        cmocka_unit_test(names_are_keywords_fields_variables_or_functions),
        cmocka_unit_test(numbers_are_taken_whole),
        cmocka_unit_test(strings_end_at_their_quote),
        cmocka_unit_test(what_is_not_closed_or_not_known_is_an_error),
        cmocka_unit_test(an_error_stays_the_last_token),
        cmocka_unit_test(positions_count_lines_from_one_and_bytes_from_zero),
        cmocka_unit_test(tokens_are_named_in_errors_with_ten_characters_at_most),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
