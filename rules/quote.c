/* SPDX-License-Identifier: MIT */
#include "rules/quote.h"

#include <string.h>

#include "rules/utf8.h"

static const char letters[] = "abfnrtv\\\"", meant[] = "\a\b\f\n\r\t\v\\\"";

/* Go's unicode.IsPrint: letters, marks, numbers, punctuation, symbols and the space. */
static bool is_printable(gunichar rune)
{
    switch (g_unichar_type(rune)) {
    case G_UNICODE_CONTROL:
    case G_UNICODE_FORMAT:
    case G_UNICODE_UNASSIGNED:
    case G_UNICODE_PRIVATE_USE:
    case G_UNICODE_SURROGATE:
    case G_UNICODE_LINE_SEPARATOR:
    case G_UNICODE_PARAGRAPH_SEPARATOR:
        return false;
    case G_UNICODE_SPACE_SEPARATOR:
        return rune == ' ';
    default:
        return true;
    }
}

static void append_rune(GString *out, gunichar rune)
{
    const char *found = rune < 0x80 ? memchr(meant, (int)rune, sizeof meant - 1) : NULL;
    if (found != NULL) {
        g_string_append_c(out, '\\');
        g_string_append_c(out, letters[found - meant]);
    } else if (is_printable(rune)) {
        g_string_append_unichar(out, rune);
    } else if (rune < 0x80) {
        g_string_append_printf(out, "\\x%02x", rune);
    } else {
        g_string_append_printf(out, rune < 0x10000 ? "\\u%04x" : "\\U%08x", rune);
    }
}

void quote_append(GString *out, const char *text)
{
    g_string_append_c(out, '"');
    while (*text != '\0') {
        gunichar rune = g_utf8_get_char_validated(text, -1);
        if (rune > 0x10FFFF) {
            g_string_append_printf(out, "\\x%02x", (unsigned char)*text++);
            continue;
        }
        append_rune(out, rune);
        text = utf8_next(text);
    }
    g_string_append_c(out, '"');
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

static bool undo_byte(GString *out, const char **at, const char *end, unsigned base)
{
    gunichar byte;
    if (!read_number(at, end, base, base == 8 ? 3 : 2, &byte) || byte > 255) {
        return false;
    }
    g_string_append_c(out, (char)byte);
    return true;
}

static bool undo_rune(GString *out, const char **at, const char *end, int digits)
{
    gunichar rune;
    if (!read_number(at, end, 16, digits, &rune) || !g_unichar_validate(rune)) {
        return false;
    }
    g_string_append_unichar(out, rune);
    return true;
}

/* *AT is behind the backslash, and before END. */
static bool undo_escape(GString *out, const char **at, const char *end)
{
    char letter = **at;
    const char *found = memchr(letters, letter, sizeof letters - 1);
    if (found != NULL) {
        g_string_append_c(out, meant[found - letters]);
        *at += 1;
        return true;
    }
    if (g_ascii_isdigit(letter)) {
        return undo_byte(out, at, end, 8);
    }
    *at += 1;
    switch (letter) {
    case 'x':
        return undo_byte(out, at, end, 16);
    case 'u':
        return undo_rune(out, at, end, 4);
    case 'U':
        return undo_rune(out, at, end, 8);
    default:
        return false;
    }
}

bool quote_undo(GString *out, const char *literal, size_t length)
{
    if (length < 2 || literal[0] != '"' || literal[length - 1] != '"') {
        return false;
    }
    const char *at = literal + 1, *end = literal + length - 1;
    while (at < end) {
        char byte = *at++;
        if (byte == '"' || byte == '\n') {
            return false;
        }
        if (byte != '\\') {
            g_string_append_c(out, byte);
        } else if (at == end || !undo_escape(out, &at, end)) {
            return false;
        }
    }
    return true;
}
