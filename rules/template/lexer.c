/* SPDX-License-Identifier: MIT */
#include "rules/template/lexer.h"

#include <string.h>

#include "rules/quote.h"
#include "rules/rune.h"


static const struct {
    const char *word;
    TokenType type;
} keywords[] = {
    {"nil", TOKEN_NIL},           {"block", TOKEN_BLOCK},   {"break", TOKEN_BREAK},
    {"continue", TOKEN_CONTINUE}, {"define", TOKEN_DEFINE}, {"else", TOKEN_ELSE},
    {"end", TOKEN_END},           {"if", TOKEN_IF},         {"range", TOKEN_RANGE},
    {"template", TOKEN_TEMPLATE}, {"with", TOKEN_WITH},     {"true", TOKEN_BOOL},
    {"false", TOKEN_BOOL},
};

void lexer_init(Lexer *lexer, Arena *arena, const char *source, size_t length)
{
    *lexer = (Lexer){.arena = arena, .source = source, .length = length, .line = 1};
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static const char *rest(const Lexer *lexer)
{
    return lexer->source + lexer->at;
}

static size_t left(const Lexer *lexer)
{
    return lexer->length - lexer->at;
}

/* The byte N behind the current one; NUL behind the end. */
static char ahead(const Lexer *lexer, size_t n)
{
    return n < left(lexer) ? rest(lexer)[n] : '\0';
}

static bool starts_with(const Lexer *lexer, size_t offset, const char *text)
{
    size_t n = strlen(text);
    return offset <= left(lexer) && n <= left(lexer) - offset &&
           memcmp(rest(lexer) + offset, text, n) == 0;
}

/* The position of a byte that is not before the one asked for last. */
static Position position(Lexer *lexer, size_t at)
{
    while (lexer->counted < at) {
        const char *from = lexer->source + lexer->counted;
        const char *newline = memchr(from, '\n', at - lexer->counted);
        if (newline == NULL) {
            break;
        }
        lexer->line++;
        lexer->line_start = lexer->counted = (size_t)(newline - lexer->source) + 1;
    }
    lexer->counted = MAX(lexer->counted, at);
    return (Position){lexer->line, (uint32_t)(at - lexer->line_start)};
}

static Token token_from(Lexer *lexer, TokenType type, size_t start)
{
    return (Token){type, lexer->source + start, lexer->at - start, position(lexer, start)};
}

static Token fail(Lexer *lexer, size_t start, const char *reason)
{
    lexer->failed = (Token){TOKEN_ERROR, reason, strlen(reason), position(lexer, start)};
    return lexer->failed;
}

/* Fails with a reason that ends in what QUOTE has put together. */
static Token fail_quoting(Lexer *lexer, size_t start, const char *reason, GString *quoted)
{
    g_string_prepend(quoted, reason);
    const char *text = arena_strndup(lexer->arena, quoted->str, quoted->len);
    g_string_free(quoted, TRUE);
    return fail(lexer, start, text);
}

static Token bad_character(Lexer *lexer, size_t start, const char *reason, gunichar c)
{
    GString *quoted = g_string_new(NULL);
    quote_append_code_point(quoted, c);
    return fail_quoting(lexer, start, reason, quoted);
}

static gunichar peek_rune(const Lexer *lexer, size_t *length)
{
    *length = 0;
    return left(lexer) == 0 ? 0 : rune_decode(rest(lexer), left(lexer), length);
}

/* Whether the opening delimiter here, if any, has the marker "- ". */
static bool trims_left(const Lexer *lexer)
{
    return ahead(lexer, 2) == '-' && is_blank(ahead(lexer, 3));
}

/* A closing delimiter here; TRIM if it has the marker " -". */
static bool at_right_delim(const Lexer *lexer, bool *trim)
{
    *trim = is_blank(ahead(lexer, 0)) && ahead(lexer, 1) == '-' && starts_with(lexer, 2, "}}");
    return *trim || starts_with(lexer, 0, "}}");
}

static void skip_right_delim(Lexer *lexer, bool trim)
{
    lexer->at += 2;
    while (trim && left(lexer) > 0 && is_blank(*rest(lexer))) {
        lexer->at++;
    }
}

/* Skips a comment, behind whose delimiter the lexer is.  False on an error. */
static bool skip_comment(Lexer *lexer)
{
    size_t start = lexer->at;
    const char *end = left(lexer) < 2 ? NULL
                                      : memmem(rest(lexer) + 2, left(lexer) - 2, "*/", 2);
    if (end == NULL) {
        fail(lexer, start, "unclosed comment");
        return false;
    }
    lexer->at = (size_t)(end - lexer->source) + 2;
    bool trim;
    if (!at_right_delim(lexer, &trim)) {
        fail(lexer, start, "comment ends before closing delimiter");
        return false;
    }
    lexer->at += trim ? 2 : 0;
    skip_right_delim(lexer, trim);
    return true;
}

/* The text before the next action or the end, which may be empty. */
static Token lex_text(Lexer *lexer)
{
    size_t start = lexer->at;
    const char *delim = memmem(rest(lexer), left(lexer), "{{", 2);
    lexer->at = delim == NULL ? lexer->length : (size_t)(delim - lexer->source);
    Token text = token_from(lexer, TOKEN_TEXT, start);
    bool trim = trims_left(lexer);
    while (trim && text.length > 0 && is_blank(text.text[text.length - 1])) {
        text.length--;
    }
    return text;
}

/* Text, the start of an action, or the end. */
static Token lex_outside(Lexer *lexer)
{
    for (;;) {
        Token text = lex_text(lexer);
        if (text.length > 0) {
            return text;
        }
        if (left(lexer) == 0) {
            return token_from(lexer, TOKEN_EOF, lexer->at);
        }
        size_t start = lexer->at;
        bool trim = trims_left(lexer);
        lexer->at += 2;
        Token delim = token_from(lexer, TOKEN_LEFT_DELIM, start);
        lexer->at += trim ? 2 : 0;
        if (!starts_with(lexer, 0, "/*")) {
            lexer->inside = true;
            lexer->depth = 0;
            return delim;
        }
        if (!skip_comment(lexer)) {
            return lexer->failed;
        }
    }
}

/* A run of blanks; the last one may belong to a closing delimiter. */
static Token lex_space(Lexer *lexer, size_t start)
{
    bool trim;
    while (left(lexer) > 0 && is_blank(*rest(lexer)) && !at_right_delim(lexer, &trim)) {
        lexer->at++;
    }
    return token_from(lexer, TOKEN_SPACE, start);
}

/* Up to QUOTE, which has been opened; a backslash protects what follows it. */
static Token lex_quoted(Lexer *lexer, TokenType type, const char *unterminated)
{
    size_t start = lexer->at;
    char quote = *rest(lexer);
    for (lexer->at++; left(lexer) > 0; lexer->at++) {
        char c = *rest(lexer);
        if (c == '\n') {
            break;
        }
        if (c == quote) {
            lexer->at++;
            return token_from(lexer, type, start);
        }
        if (c == '\\' && left(lexer) > 1 && ahead(lexer, 1) != '\n') {
            lexer->at++;
        }
    }
    return fail(lexer, start, unterminated);
}

static Token lex_raw(Lexer *lexer)
{
    size_t start = lexer->at;
    const char *end = memchr(rest(lexer) + 1, '`', left(lexer) - 1);
    if (end == NULL) {
        return fail(lexer, start, "unterminated raw quoted string");
    }
    lexer->at = (size_t)(end - lexer->source) + 1;
    return token_from(lexer, TOKEN_RAW_STRING, start);
}

static bool accept(Lexer *lexer, const char *set)
{
    char c = ahead(lexer, 0);
    if (c == '\0' || strchr(set, c) == NULL) {
        return false;
    }
    lexer->at++;
    return true;
}

static void accept_run(Lexer *lexer, const char *set)
{
    while (accept(lexer, set)) {
    }
}

/* The digits a number has after its prefix; the prefix is taken. */
static const char *accept_prefix(Lexer *lexer)
{
    if (!accept(lexer, "0")) {
        return "0123456789_";
    }
    if (accept(lexer, "xX")) {
        return "0123456789abcdefABCDEF_";
    }
    if (accept(lexer, "oO")) {
        return "01234567_";
    }
    return accept(lexer, "bB") ? "01_" : "0123456789_";
}

/* Takes what looks like a number; whether it is one the parser finds out. */
static bool scan_number(Lexer *lexer)
{
    accept(lexer, "+-");
    const char *digits = accept_prefix(lexer);
    accept_run(lexer, digits);
    if (accept(lexer, ".")) {
        accept_run(lexer, digits);
    }
    size_t base = strlen(digits) - 1;
    if ((base == 10 && accept(lexer, "eE")) || (base == 22 && accept(lexer, "pP"))) {
        accept(lexer, "+-");
        accept_run(lexer, "0123456789_");
    }
    accept(lexer, "i");
    size_t length;
    if (rune_is_name(peek_rune(lexer, &length))) {
        lexer->at += length;
        return false;
    }
    return true;
}

static Token lex_number(Lexer *lexer)
{
    size_t start = lexer->at;
    bool good = scan_number(lexer), complex = false;
    if (good && (ahead(lexer, 0) == '+' || ahead(lexer, 0) == '-')) {
        complex = true;
        good = scan_number(lexer) && lexer->source[lexer->at - 1] == 'i';
    }
    if (!good) {
        GString *quoted = g_string_new(NULL);
        quote_append_n(quoted, lexer->source + start, lexer->at - start, QUOTE_PLAIN);
        return fail_quoting(lexer, start, "bad number syntax: ", quoted);
    }
    return token_from(lexer, complex ? TOKEN_COMPLEX : TOKEN_NUMBER, start);
}

/* Whether a name may end here.  Blanks and the end say so, and what can follow it. */
static bool at_terminator(const Lexer *lexer)
{
    char c = ahead(lexer, 0);
    return left(lexer) == 0 || is_blank(c) || (c != '\0' && strchr(".,|:)(", c) != NULL) ||
           starts_with(lexer, 0, "}}");
}

static TokenType word_type(const char *word, size_t length)
{
    for (size_t i = 0; i < G_N_ELEMENTS(keywords); i++) {
        if (strlen(keywords[i].word) == length && memcmp(keywords[i].word, word, length) == 0) {
            return keywords[i].type;
        }
    }
    return TOKEN_IDENTIFIER;
}

/* A name behind PREFIX bytes: a field's dot, a variable's dollar sign, nothing. */
static Token lex_name(Lexer *lexer, TokenType type, size_t prefix)
{
    size_t start = lexer->at, length;
    lexer->at += prefix;
    gunichar c = peek_rune(lexer, &length);
    while (rune_is_name(c)) {
        lexer->at += length;
        c = peek_rune(lexer, &length);
    }
    if (!at_terminator(lexer)) {
        return bad_character(lexer, start, "bad character ", c);
    }
    if (type == TOKEN_IDENTIFIER) {
        type = word_type(lexer->source + start, lexer->at - start);
    } else if (type == TOKEN_FIELD && lexer->at - start == 1) {
        type = TOKEN_DOT;
    }
    return token_from(lexer, type, start);
}

static Token lex_paren(Lexer *lexer, char c)
{
    size_t start = lexer->at++;
    if (c == '(') {
        lexer->depth++;
        return token_from(lexer, TOKEN_LEFT_PAREN, start);
    }
    if (lexer->depth == 0) {
        return fail(lexer, start, "unexpected right paren");
    }
    lexer->depth--;
    return token_from(lexer, TOKEN_RIGHT_PAREN, start);
}

static Token lex_declare(Lexer *lexer)
{
    size_t start = lexer->at;
    if (ahead(lexer, 1) != '=') {
        return fail(lexer, start, "expected :=");
    }
    lexer->at += 2;
    return token_from(lexer, TOKEN_DECLARE, start);
}

static Token lex_single(Lexer *lexer, TokenType type)
{
    size_t start = lexer->at++;
    return token_from(lexer, type, start);
}

static Token lex_rune(Lexer *lexer)
{
    size_t length;
    gunichar c = peek_rune(lexer, &length);
    if (rune_is_name(c)) {
        return lex_name(lexer, TOKEN_IDENTIFIER, 0);
    }
    if (c < 0x7f && rune_is_print(c)) {
        return lex_single(lexer, TOKEN_CHAR);
    }
    return bad_character(lexer, lexer->at, "unrecognized character in action: ", c);
}

static Token lex_right_delim(Lexer *lexer, bool trim)
{
    lexer->at += trim ? 2 : 0;
    size_t start = lexer->at;
    if (lexer->depth > 0) {
        return fail(lexer, start, "unclosed left paren");
    }
    Token delim = token_from(lexer, TOKEN_RIGHT_DELIM, start);
    delim.length = 2;
    skip_right_delim(lexer, trim);
    lexer->inside = false;
    return delim;
}

static Token lex_inside(Lexer *lexer)
{
    bool trim;
    if (left(lexer) == 0) {
        return fail(lexer, lexer->at, "unclosed action");
    }
    if (at_right_delim(lexer, &trim)) {
        return lex_right_delim(lexer, trim);
    }
    char c = *rest(lexer);
    switch (c) {
    case ' ':
    case '\t':
    case '\r':
    case '\n':
        return lex_space(lexer, lexer->at);
    case '=':
        return lex_single(lexer, TOKEN_ASSIGN);
    case '|':
        return lex_single(lexer, TOKEN_PIPE);
    case ':':
        return lex_declare(lexer);
    case '"':
        return lex_quoted(lexer, TOKEN_STRING, "unterminated quoted string");
    case '\'':
        return lex_quoted(lexer, TOKEN_CHARACTER, "unterminated character constant");
    case '`':
        return lex_raw(lexer);
    case '$':
        return lex_name(lexer, TOKEN_VARIABLE, 1);
    case '(':
    case ')':
        return lex_paren(lexer, c);
    case '.':
        return g_ascii_isdigit(ahead(lexer, 1)) ? lex_number(lexer)
                                                : lex_name(lexer, TOKEN_FIELD, 1);
    case '+':
    case '-':
        return lex_number(lexer);
    default:
        return g_ascii_isdigit(c) ? lex_number(lexer) : lex_rune(lexer);
    }
}

Token lexer_next(Lexer *lexer)
{
    if (lexer->failed.text != NULL) {
        return lexer->failed;
    }
    return lexer->inside ? lex_inside(lexer) : lex_outside(lexer);
}

/* At most LIMIT characters of a text. */
static size_t cut(const char *text, size_t n, size_t limit)
{
    size_t at = 0, length;
    for (; limit > 0 && at < n; limit--, at += length) {
        rune_decode(text + at, n - at, &length);
    }
    return at;
}

void token_print(const Token *token, GString *out)
{
    if (token->type == TOKEN_EOF) {
        g_string_append(out, "EOF");
    } else if (token->type == TOKEN_ERROR) {
        g_string_append_len(out, token->text, (gssize)token->length);
    } else if (token->type > TOKEN_KEYWORD) {
        g_string_append_printf(out, "<%.*s>", (int)token->length, token->text);
    } else if (token->length > 10) {
        quote_append_n(out, token->text, cut(token->text, token->length, 10), QUOTE_PLAIN);
        g_string_append(out, "...");
    } else {
        quote_append_n(out, token->text, token->length, QUOTE_PLAIN);
    }
}
