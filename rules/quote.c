/* SPDX-License-Identifier: MIT */
#include "rules/quote.h"

#include <string.h>

#include "rules/rune.h"

static const char letters[] = "abfnrtv\\", meant[] = "\a\b\f\n\r\t\v\\";

static void append_rune(GString *out, gunichar c, char quote, QuoteStyle style)
{
    const char *found = c < 0x80 ? memchr(meant, (int)c, sizeof meant - 1) : NULL;
    if (found != NULL || c == (gunichar)quote) {
        g_string_append_c(out, '\\');
        g_string_append_c(out, found != NULL ? letters[found - meant] : quote);
    } else if (rune_is_print(c) && (c < 0x80 || style == QUOTE_PLAIN)) {
        g_string_append_unichar(out, c);
    } else if (c < 0x80) {
        g_string_append_printf(out, "\\x%02x", c);
    } else {
        g_string_append_printf(out, c < 0x10000 ? "\\u%04x" : "\\U%08x", c);
    }
}

void quote_append(GString *out, const char *text)
{
    quote_append_n(out, text, strlen(text), QUOTE_PLAIN);
}

void quote_append_n(GString *out, const char *text, size_t n, QuoteStyle style)
{
    g_string_append_c(out, '"');
    size_t length;
    for (size_t i = 0; i < n; i += length) {
        gunichar c = rune_decode(text + i, n - i, &length);
        if (c == RUNE_ERROR && length == 1) {
            g_string_append_printf(out, "\\x%02x", (unsigned)(unsigned char)text[i]);
        } else {
            append_rune(out, c, '"', style);
        }
    }
    g_string_append_c(out, '"');
}

void quote_append_rune(GString *out, gunichar c, QuoteStyle style)
{
    g_string_append_c(out, '\'');
    append_rune(out, g_unichar_validate(c) ? c : RUNE_ERROR, '\'', style);
    g_string_append_c(out, '\'');
}

void quote_append_code_point(GString *out, gunichar c)
{
    g_string_append_printf(out, "U+%04X", c);
    if (rune_is_print(c)) {
        g_string_append(out, " '");
        g_string_append_unichar(out, c);
        g_string_append_c(out, '\'');
    }
}

/* DIGITS digits at *AT, none at or after END. */
static bool read_number(const char **at, const char *end, unsigned base, int digits,
                        gunichar *number)
{
    *number = 0;
    for (; digits > 0; digits--, *at += 1) {
        int digit = *at < end ? g_ascii_xdigit_value(**at) : -1;
        if (digit < 0 || (unsigned)digit >= base) {
            return false;
        }
        *number = *number * base + (gunichar)digit;
    }
    return true;
}

/* What follows a backslash. */
static bool undo_escape(const char **at, const char *end, char quote, QuotedRune *read)
{
    if (*at == end) {
        return false;
    }
    char letter = **at;
    const char *found = memchr(letters, letter, sizeof letters - 1);
    if (found != NULL || letter == quote) {
        read->c = (unsigned char)(found != NULL ? meant[found - letters] : quote);
        *at += 1;
        return true;
    }
    if (g_ascii_isdigit(letter)) {
        read->is_byte = true;
        return read_number(at, end, 8, 3, &read->c) && read->c <= 0xff;
    }
    *at += 1;
    switch (letter) {
    case 'x':
        read->is_byte = true;
        return read_number(at, end, 16, 2, &read->c);
    case 'u':
        return read_number(at, end, 16, 4, &read->c) && g_unichar_validate(read->c);
    case 'U':
        return read_number(at, end, 16, 8, &read->c) && g_unichar_validate(read->c);
    default:
        return false;
    }
}

bool quote_undo_rune(const char **at, const char *end, char quote, QuotedRune *read)
{
    *read = (QuotedRune){.is_byte = false};
    if (*at == end || **at == quote || **at == '\n') {
        return false;
    }
    if (**at == '\\') {
        *at += 1;
        return undo_escape(at, end, quote, read);
    }
    size_t length;
    read->c = rune_decode(*at, (size_t)(end - *at), &length);
    if (read->c == RUNE_ERROR && length == 1) {
        *read = (QuotedRune){(unsigned char)**at, true};
    }
    *at += length;
    return true;
}

bool quote_undo(GString *out, const char *literal, size_t length)
{
    if (length < 2 || literal[0] != '"' || literal[length - 1] != '"') {
        return false;
    }
    const char *at = literal + 1, *end = literal + length - 1;
    while (at < end) {
        QuotedRune read;
        if (!quote_undo_rune(&at, end, '"', &read)) {
            return false;
        }
        if (read.is_byte) {
            g_string_append_c(out, (char)read.c);
        } else {
            g_string_append_unichar(out, read.c);
        }
    }
    return true;
}
