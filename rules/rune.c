/* SPDX-License-Identifier: MIT */
#include "rules/rune.h"

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
