/* SPDX-License-Identifier: MIT */
#include "rules/template/rune.h"

#include <string.h>

gunichar rune_decode(const char *text, size_t n, size_t *length)
{
    unsigned char first = (unsigned char)text[0];
    *length = 1;
    if (first < 0x80) {
        return first;
    }
    gunichar c = g_utf8_get_char_validated(text, (gssize)n);
    if (c > 0x10ffff) { /* -1 and -2: invalid, incomplete */
        return RUNE_ERROR;
    }
    *length = (size_t)g_unichar_to_utf8(c, NULL);
    return c;
}

size_t rune_count(const char *text, size_t n)
{
    size_t count = 0, length;
    for (size_t i = 0; i < n; i += length) {
        rune_decode(text + i, n - i, &length);
        count++;
    }
    return count;
}

bool rune_is_print(gunichar c)
{
    if (c < 0x7f) {
        return c >= ' ';
    }
    switch (g_unichar_type(c)) {
    case G_UNICODE_CONTROL:
    case G_UNICODE_FORMAT:
    case G_UNICODE_UNASSIGNED:
    case G_UNICODE_PRIVATE_USE:
    case G_UNICODE_SURROGATE:
    case G_UNICODE_LINE_SEPARATOR:
    case G_UNICODE_PARAGRAPH_SEPARATOR:
    case G_UNICODE_SPACE_SEPARATOR:
        return false;
    default:
        return true;
    }
}

bool rune_is_name(gunichar c)
{
    if (c < 0x80) {
        return c == '_' || g_ascii_isalnum((char)c);
    }
    return g_unichar_isalpha(c) || g_unichar_isdigit(c);
}

static const char *short_escape(gunichar c)
{
    static const char *const escapes[] = {
        ['\a'] = "\\a", ['\b'] = "\\b", ['\f'] = "\\f", ['\n'] = "\\n",
        ['\r'] = "\\r", ['\t'] = "\\t", ['\v'] = "\\v",
    };
    return c < G_N_ELEMENTS(escapes) ? escapes[c] : NULL;
}

static void append_escaped(GString *out, gunichar c, char quote, QuoteStyle style)
{
    const char *escape = short_escape(c);
    if (c == (gunichar)quote || c == '\\') {
        g_string_append_c(out, '\\');
        g_string_append_c(out, (char)c);
    } else if (rune_is_print(c) && (c < 0x80 || style == QUOTE_PLAIN)) {
        g_string_append_unichar(out, c);
    } else if (escape != NULL) {
        g_string_append(out, escape);
    } else if (c < ' ' || c == 0x7f) {
        g_string_append_printf(out, "\\x%02x", c);
    } else {
        g_string_append_printf(out, c < 0x10000 ? "\\u%04x" : "\\U%08x", c);
    }
}

void quote_text(GString *out, const char *text, size_t n, QuoteStyle style)
{
    g_string_append_c(out, '"');
    size_t length;
    for (size_t i = 0; i < n; i += length) {
        gunichar c = rune_decode(text + i, n - i, &length);
        if (c == RUNE_ERROR && length == 1) {
            g_string_append_printf(out, "\\x%02x", (unsigned)(unsigned char)text[i]);
        } else {
            append_escaped(out, c, '"', style);
        }
    }
    g_string_append_c(out, '"');
}

void quote_rune(GString *out, gunichar c, QuoteStyle style)
{
    bool valid = c <= 0x10ffff && !(c >= 0xd800 && c <= 0xdfff);
    g_string_append_c(out, '\'');
    append_escaped(out, valid ? c : RUNE_ERROR, '\'', style);
    g_string_append_c(out, '\'');
}

void quote_code_point(GString *out, gunichar c)
{
    g_string_append_printf(out, "U+%04X", c);
    if (rune_is_print(c)) {
        g_string_append(out, " '");
        g_string_append_unichar(out, c);
        g_string_append_c(out, '\'');
    }
}
