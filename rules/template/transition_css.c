/* SPDX-License-Identifier: MIT */
/* The steps inside URLs and style sheets. */
#include <string.h>

#include "rules/fault.h"
#include "rules/quote.h"
#include "rules/rune.h"
#include "rules/template/escapers.h"
#include "rules/template/steps.h"

bool steps_is_one_of(char byte, const char *set)
{
    return byte != '\0' && strchr(set, byte) != NULL;
}

size_t steps_skip_blanks(const char *text, size_t n)
{
    size_t i = 0;

    while (i < n && steps_is_one_of(text[i], STEPS_BLANKS)) {
        i++;
    }
    return i;
}

size_t steps_find_any(const char *text, size_t n, const char *set)
{
    size_t i = 0;

    while (i < n && !steps_is_one_of(text[i], set)) {
        i++;
    }
    return i;
}

/* The bytes of the first characters of TEXT. */
static size_t first_characters(const char *text, size_t n, size_t characters)
{
    size_t i = 0, length;

    for (; i < n && characters > 0; i += length, characters--) {
        rune_decode(text + i, n - i, &length);
    }
    return i;
}

size_t steps_refuse(const char *reason, const char *byte, const char *text, size_t n,
                    GError **error)
{
    g_autoptr(GString) message = g_string_new(NULL);

    if (byte != NULL) {
        quote_append_n(message, byte, 1, QUOTE_PLAIN);
    }
    g_string_append(message, reason);
    quote_append_n(message, text, first_characters(text, n, 32), QUOTE_PLAIN);
    g_set_error_literal(error, FAULT, FAULT_INPUT, message->str);
    return n + 1;
}

size_t step_url(Context *context, const char *text, size_t n, GError **error)
{
    (void)error;
    if (steps_find_any(text, n, "#?") < n) {
        context->url_part = URL_QUERY_OR_FRAGMENT;
    } else if (steps_skip_blanks(text, n) < n && context->url_part == URL_NONE) {
        context->url_part = URL_BEFORE_QUERY;
    }
    return n;
}

/* Whether the N bytes before a parenthesis end in the word url. */
static bool ends_with_url(const char *text, size_t n)
{
    while (n > 0 && steps_is_one_of(text[n - 1], STEPS_BLANKS)) {
        n--;
    }
    if (n < 3 || g_ascii_strncasecmp(text + n - 3, "url", 3) != 0) {
        return false;
    }
    n -= 3;
    if (n == 0) {
        return true;
    }
    const char *before = g_utf8_find_prev_char(text, text + n);
    gunichar character =
        before == NULL ? 0xfffd : g_utf8_get_char_validated(before, text + n - before);
    /* What is no UTF-8 counts as a part of the word. */
    return character < (gunichar)-2 && !css_is_name(character);
}

/* Behind url( with its blanks: quoted or not. */
static size_t begin_css_url(Context *context, const char *text, size_t n, size_t at)
{
    at += steps_skip_blanks(text + at, n - at);
    context->state = STATE_CSS_URL;
    if (at < n && (text[at] == '"' || text[at] == '\'')) {
        context->state = text[at] == '"' ? STATE_CSS_DQ_URL : STATE_CSS_SQ_URL;
        at++;
    }
    return at;
}

size_t step_css(Context *context, const char *text, size_t n, GError **error)
{
    (void)error;
    for (size_t i = 0; (i += steps_find_any(text + i, n - i, "(\"'/")) < n; i++) {
        char next = i + 1 < n ? text[i + 1] : '\0';
        if (text[i] == '"' || text[i] == '\'') {
            context->state = text[i] == '"' ? STATE_CSS_DQ_STRING : STATE_CSS_SQ_STRING;
            return i + 1;
        }
        if (text[i] == '(' && ends_with_url(text, i)) {
            return begin_css_url(context, text, n, i + 1);
        }
        if (text[i] == '/' && (next == '/' || next == '*')) {
            context->state =
                next == '/' ? STATE_CSS_LINE_COMMENT : STATE_CSS_BLOCK_COMMENT;
            return i + 2;
        }
    }
    return n;
}

/* What a CSS string holds counts as a URL. */
static void note_css_url(Context *context, const char *text, size_t n)
{
    g_autoptr(GString) decoded = g_string_new(NULL);

    decode_css(text, n, decoded);
    step_url(context, decoded->str, decoded->len, NULL);
}

size_t step_css_string(Context *context, const char *text, size_t n, GError **error)
{
    static const char *const ends[STATE_COUNT] = {
        [STATE_CSS_DQ_STRING] = "\\\"",   [STATE_CSS_SQ_STRING] = "\\'",
        [STATE_CSS_DQ_URL] = "\\\"",      [STATE_CSS_SQ_URL] = "\\'",
        [STATE_CSS_URL] = "\\\t\n\f\r )",
    };
    const char *special = ends[context->state];
    size_t escaped = 0, i; /* the end of the last escape */

    while ((i = escaped + steps_find_any(text + escaped, n - escaped, special)) < n &&
           text[i] == '\\') {
        if (i + 1 == n) {
            return steps_refuse("unfinished escape sequence in CSS string: ", NULL,
                                text, n, error);
        }
        escaped = i + 2;
    }
    if (escaped > 0) {
        note_css_url(context, text, escaped);
    }
    if (i < n) {
        context->state = STATE_CSS;
        return i + 1;
    }
    note_css_url(context, text + escaped, n - escaped);
    return n;
}

size_t step_css_block_comment(Context *context, const char *text, size_t n,
                              GError **error)
{
    const char *end = memmem(text, n, "*/", 2);

    (void)error;
    if (end == NULL) {
        return n;
    }
    context->state = STATE_CSS;
    return (size_t)(end - text) + 2;
}

size_t step_css_line_comment(Context *context, const char *text, size_t n,
                             GError **error)
{
    size_t end = steps_find_any(text, n, "\n\f\r");

    (void)error;
    if (end < n) {
        context->state = STATE_CSS;
    }
    return end;
}
