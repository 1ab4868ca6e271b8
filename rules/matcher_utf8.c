/* SPDX-License-Identifier: MIT */
/* The UTF-8 grammar of matchers.  Positions in errors are columns, counted in
 * characters from 0: "start:end: ". */
#include <string.h>

#include "rules/fault.h"
#include "rules/matcher.h"
#include "rules/matcher_grammar.h"
#include "rules/quote.h"
#include "rules/utf8.h"

typedef enum {
    TOKEN_END = 1 << 0,
    TOKEN_OPEN = 1 << 1,
    TOKEN_CLOSE = 1 << 2,
    TOKEN_COMMA = 1 << 3,
    TOKEN_EQUAL = 1 << 4,
    TOKEN_NOT_EQUAL = 1 << 5,
    TOKEN_REGEXP = 1 << 6,
    TOKEN_NOT_REGEXP = 1 << 7,
    TOKEN_UNQUOTED = 1 << 8,
    TOKEN_QUOTED = 1 << 9,
    TOKEN_TEXT = TOKEN_UNQUOTED | TOKEN_QUOTED,
    TOKEN_OPERATOR = TOKEN_EQUAL | TOKEN_NOT_EQUAL | TOKEN_REGEXP | TOKEN_NOT_REGEXP,
} TokenKind;

typedef struct {
    TokenKind kind;
    const char *start, *end;
    unsigned column, end_column;
} Token;

typedef struct {
    const char *at;
    unsigned column;
} Lexer;

bool grammar_is_space(gunichar rune)
{
    return g_unichar_isspace(rune) || rune == '\v' || rune == 0x85;
}

bool grammar_is_reserved(gunichar rune)
{
    return grammar_is_space(rune) ||
           (rune < 0x80 && rune != 0 && strchr("{}!=~,\\\"'`", (int)rune) != NULL);
}

static bool fail_at(const Token *token, const char *what, GError **error)
{
    g_set_error(error, FAULT, FAULT_INPUT, "%u:%u: %.*s: %s", token->column,
                token->end_column, (int)(token->end - token->start), token->start,
                what);
    return false;
}

static void step(Token *token)
{
    token->end = utf8_next(token->end);
    token->end_column++;
}

/* `!` needs `=` or `~` behind it, `=` may have `~`. */
static bool scan_operator(Token *token, GError **error)
{
    bool negated = *token->start == '!';
    step(token);
    if (*token->end == '~') {
        token->kind = negated ? TOKEN_NOT_REGEXP : TOKEN_REGEXP;
        step(token);
        return true;
    }
    if (negated && *token->end == '\0') {
        g_set_error(error, FAULT, FAULT_INPUT,
                    "%u:%u: unexpected end of input, expected one of '=~'",
                    token->column, token->end_column);
        return false;
    }
    if (negated && *token->end != '=') {
        return fail_at(token, "expected one of '=~'", error);
    }
    token->kind = negated ? TOKEN_NOT_EQUAL : TOKEN_EQUAL;
    if (negated) {
        step(token);
    }
    return true;
}

static bool scan_quoted(Token *token, GError **error)
{
    token->kind = TOKEN_QUOTED;
    step(token);
    for (bool escaped = false; *token->end != '\0'; step(token)) {
        if (!escaped && *token->end == '"') {
            step(token);
            return true;
        }
        escaped = !escaped && *token->end == '\\';
    }
    return fail_at(token, "missing end \"", error);
}

static bool scan_unquoted(Token *token, GError **error)
{
    token->kind = TOKEN_UNQUOTED;
    while (*token->end != '\0' && !grammar_is_reserved(g_utf8_get_char(token->end))) {
        step(token);
    }
    if (token->end == token->start) {
        step(token);
        return fail_at(token, "invalid input", error);
    }
    return true;
}

static bool scan_single(Token *token, TokenKind kind)
{
    token->kind = kind;
    step(token);
    return true;
}

static bool scan(Token *token, GError **error)
{
    switch (*token->start) {
    case '\0':
        token->kind = TOKEN_END;
        return true;
    case '{':
        return scan_single(token, TOKEN_OPEN);
    case '}':
        return scan_single(token, TOKEN_CLOSE);
    case ',':
        return scan_single(token, TOKEN_COMMA);
    case '=':
    case '!':
        return scan_operator(token, error);
    case '"':
        return scan_quoted(token, error);
    default:
        return scan_unquoted(token, error);
    }
}

/* The next token, which stays the next. */
static bool peek(const Lexer *lexer, Token *token, GError **error)
{
    const char *start = lexer->at;
    unsigned column = lexer->column;
    for (; grammar_is_space(g_utf8_get_char(start)); start = utf8_next(start)) {
        column++;
    }
    *token =
        (Token){.start = start, .end = start, .column = column, .end_column = column};
    return scan(token, error);
}

static void take(Lexer *lexer, const Token *token)
{
    lexer->at = token->end;
    lexer->column = token->end_column;
}

/* Peeks and wants one of KINDS; what the error adds is EXPECTED. */
static bool expect_peek(const Lexer *lexer, unsigned kinds, const char *expected,
                        Token *token, GError **error)
{
    g_autoptr(GError) cause = NULL;
    if (!peek(lexer, token, &cause)) {
        g_set_error(error, FAULT, FAULT_INPUT, "%s: %s", cause->message, expected);
        return false;
    }
    if ((token->kind & kinds) != 0) {
        return true;
    }
    if (token->kind == TOKEN_END) {
        g_set_error(error, FAULT, FAULT_INPUT, "end of input: %s", expected);
        return false;
    }
    g_set_error(error, FAULT, FAULT_INPUT, "%u:%u: unexpected %.*s: %s", token->column,
                token->end_column, (int)(token->end - token->start), token->start,
                expected);
    return false;
}

static bool expect(Lexer *lexer, unsigned kinds, const char *expected, Token *token,
                   GError **error)
{
    if (!expect_peek(lexer, kinds, expected, token, error)) {
        return false;
    }
    take(lexer, token);
    return true;
}

/* The text of a token.  NUL is not text of ours: no label can hold one. */
static char *token_text(const Token *token, GError **error)
{
    size_t length = (size_t)(token->end - token->start);
    if (token->kind == TOKEN_UNQUOTED) {
        return g_strndup(token->start, length);
    }
    g_autoptr(GString) text = g_string_new(NULL);
    if (!quote_undo(text, token->start, length) ||
        !g_utf8_validate(text->str, (gssize)text->len, NULL)) {
        fail_at(token, "invalid input", error);
        return NULL;
    }
    return g_string_free(g_steal_pointer(&text), FALSE);
}

static char *expect_text(Lexer *lexer, const char *expected, GError **error)
{
    Token token;
    return expect(lexer, TOKEN_TEXT, expected, &token, error)
               ? token_text(&token, error)
               : NULL;
}

static MatchType type_of(TokenKind kind)
{
    switch (kind) {
    case TOKEN_NOT_EQUAL:
        return MATCH_NOT_EQUAL;
    case TOKEN_REGEXP:
        return MATCH_REGEXP;
    case TOKEN_NOT_REGEXP:
        return MATCH_NOT_REGEXP;
    default:
        return MATCH_EQUAL;
    }
}

static Matcher *parse_matcher(Lexer *lexer, GError **error)
{
    Token operator;
    g_autofree char *name = expect_text(lexer, "expected label name", error);
    if (name == NULL || !expect(lexer, TOKEN_OPERATOR,
                                "expected an operator such as '=', '!=', '=~' or '!~'",
                                &operator, error)) {
        return NULL;
    }
    g_autofree char *value = expect_text(lexer, "expected label value", error);
    if (value == NULL) {
        return NULL;
    }
    Matcher *matcher = matcher_new(type_of(operator.kind), name, value, error);
    if (matcher == NULL) {
        g_prefix_error(error, "failed to create matcher: ");
    }
    return matcher;
}

/* Matchers with commas between them, and perhaps one behind, up to a brace or the end.
 */
static bool parse_list(Lexer *lexer, GPtrArray *matchers, GError **error)
{
    for (;;) {
        Token token;
        Matcher *matcher = parse_matcher(lexer, error);
        if (matcher == NULL) {
            return false;
        }
        g_ptr_array_add(matchers, matcher);
        if (!expect_peek(lexer, TOKEN_COMMA | TOKEN_CLOSE | TOKEN_END,
                         "expected a comma or close brace", &token, error)) {
            return false;
        }
        if (token.kind != TOKEN_COMMA) {
            return true;
        }
        take(lexer, &token);
        if (!expect_peek(lexer, TOKEN_CLOSE | TOKEN_TEXT | TOKEN_END,
                         "expected a matcher or close brace after comma", &token,
                         error)) {
            return false;
        }
        if ((token.kind & TOKEN_TEXT) == 0) {
            return true;
        }
    }
}

/* Both braces or none. */
static bool parse_close(Lexer *lexer, bool opened, GError **error)
{
    unsigned column = lexer->column;
    Token token;
    bool closed = peek(lexer, &token, NULL) && token.kind == TOKEN_CLOSE;
    if (closed == opened) {
        lexer->at = closed ? token.end : lexer->at;
        lexer->column = closed ? token.end_column : lexer->column;
        return true;
    }
    g_set_error(
        error, FAULT, FAULT_INPUT, "0:%u: %s", closed ? token.end_column : column,
        closed ? "}: expected opening brace" : "end of input: expected close brace");
    return false;
}

static bool parse_end(const Lexer *lexer, GError **error)
{
    Token token;
    g_autoptr(GError) cause = NULL;
    if (!peek(lexer, &token, &cause)) {
        g_set_error(error, FAULT, FAULT_INPUT, "%s: expected end of input",
                    cause->message);
        return false;
    }
    return token.kind == TOKEN_END || fail_at(&token, "expected end of input", error);
}

static bool parse(Lexer *lexer, GPtrArray *matchers, GError **error)
{
    Token token;
    if (!peek(lexer, &token, error)) {
        return false;
    }
    bool opened = token.kind == TOKEN_OPEN;
    if (opened) {
        take(lexer, &token);
        if (!peek(lexer, &token, error)) {
            return false;
        }
    }
    if ((token.kind & (TOKEN_CLOSE | TOKEN_END)) == 0 &&
        !parse_list(lexer, matchers, error)) {
        return false;
    }
    return parse_close(lexer, opened, error) && parse_end(lexer, error);
}

static void free_matcher(void *matcher)
{
    matcher_free(matcher);
}

GPtrArray *matchers_parse_utf8(const char *text, GError **error)
{
    if (!g_utf8_validate(text, -1, NULL)) {
        g_set_error(error, FAULT, FAULT_INPUT, "matchers are not valid UTF-8");
        return NULL;
    }
    g_autoptr(GPtrArray) matchers = g_ptr_array_new_with_free_func(free_matcher);
    Lexer lexer = {.at = text};
    return parse(&lexer, matchers, error) ? g_steal_pointer(&matchers) : NULL;
}
