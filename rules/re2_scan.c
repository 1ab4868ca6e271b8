/* SPDX-License-Identifier: MIT */
/* The small parts of RE2's syntax: characters, escapes, flags, counts. */
#include "rules/re2.h"

#include <string.h>

#include "rules/fault.h"
#include "rules/utf8.h"

#define RUNE_MAX 0x10FFFF

bool re2_fail(GError **error, const char *code, const char *text, size_t length)
{
    g_autofree char *valid = g_utf8_make_valid(text, (gssize)length);
    g_set_error(error, FAULT, FAULT_INPUT, "error parsing regexp: %s: `%s`", code,
                valid);
    return false;
}

bool re2_rune(const char **at, gunichar *rune, GError **error)
{
    *rune = g_utf8_get_char_validated(*at, -1);
    if (*rune > RUNE_MAX) {
        return re2_fail(error, "invalid UTF-8", *at, strlen(*at));
    }
    *at = utf8_next(*at);
    return true;
}

void re2_append_rune(GString *out, gunichar rune)
{
    if (rune < 0x20 || rune == 0x7F) {
        g_string_append_printf(out, "\\x{%x}", rune);
        return;
    }
    if (rune < 0x80 && !g_ascii_isalnum((char)rune)) {
        g_string_append_c(out, '\\');
    }
    g_string_append_unichar(out, rune);
}

/* After `\x`: two hexadecimal digits, or any number of them in braces. */
static bool hexadecimal(const char **at, gunichar *rune)
{
    bool braces = **at == '{', good = true;
    size_t n = 0;
    *rune = 0;
    *at += braces;
    while (**at != '\0' && (braces ? good && **at != '}' : n < 2)) {
        int digit = g_ascii_xdigit_value(**at);
        *at = utf8_next(*at);
        *rune = *rune * 16 + (gunichar)digit;
        good = good && digit >= 0 && *rune <= RUNE_MAX;
        n++;
    }
    if (!braces) {
        return good && n == 2;
    }
    bool closed = **at == '}';
    *at += good && closed;
    return good && closed && n > 0;
}

/* After the backslash: up to three octal digits, but a lone digit other than 0 would be
 * a backreference. */
static bool octal(const char **at, gunichar *rune)
{
    const char *digit = *at;
    if (*digit < '0' || *digit > '7' ||
        (*digit != '0' && (digit[1] < '0' || digit[1] > '7'))) {
        *at += 1;
        return false;
    }
    *rune = 0;
    for (size_t n = 0; n < 3 && *digit >= '0' && *digit <= '7'; n++, digit++) {
        *rune = *rune * 8 + (gunichar)(*digit - '0');
    }
    *at = digit;
    return true;
}

/* At the character after the backslash. */
static bool escaped(const char **at, gunichar *rune)
{
    static const char letters[] = "afnrtv", meant[] = "\a\f\n\r\t\v";
    char letter = **at;
    const char *found = memchr(letters, letter, sizeof letters - 1);
    if (found != NULL) {
        *rune = (gunichar)meant[found - letters];
        *at += 1;
        return true;
    }
    if (letter == 'x') {
        *at += 1;
        return hexadecimal(at, rune);
    }
    if (g_ascii_isdigit(letter)) {
        return octal(at, rune);
    }
    *rune = g_utf8_get_char(*at);
    *at = utf8_next(*at);
    return *rune < 0x80 && !g_ascii_isalpha((char)*rune);
}

bool re2_escape(const char **at, gunichar *rune, GError **error)
{
    const char *start = *at, *next = start + 1;
    if (*next == '\0') {
        return re2_fail(error, "trailing backslash at end of expression", "", 0);
    }
    gunichar checked;
    *at = next;
    if (!re2_rune(&next, &checked, error)) {
        return false;
    }
    /* PCRE2 has no surrogates: what Go takes and can never match is refused here. */
    if (!escaped(at, rune) || (*rune >= 0xD800 && *rune <= 0xDFFF)) {
        return re2_fail(error, "invalid escape sequence", start, (size_t)(*at - start));
    }
    return true;
}

static unsigned flag_of(char letter)
{
    switch (letter) {
    case 'i':
        return RE2_FOLD;
    case 'm':
        return RE2_LINES;
    case 's':
        return RE2_DOT_ALL;
    case 'U':
        return RE2_LAZY;
    default:
        return 0;
    }
}

bool re2_flags(const char **at, unsigned *flags)
{
    bool clearing = false, seen = true;
    for (; flag_of(**at) != 0 || (**at == '-' && !clearing); *at += 1) {
        unsigned flag = flag_of(**at);
        if (flag == 0) {
            clearing = true;
            seen = false;
            continue;
        }
        seen = true;
        *flags = clearing ? *flags & ~flag : *flags | flag;
    }
    return seen;
}

/* Digits without a leading zero; *NUMBER is -1 if there are too many. */
static bool read_count(const char **at, int *number)
{
    const char *start = *at;
    if (!g_ascii_isdigit(*start) || (*start == '0' && g_ascii_isdigit(start[1]))) {
        return false;
    }
    *number = 0;
    for (; g_ascii_isdigit(**at); *at += 1) {
        *number = *at - start < 8 ? *number * 10 + (**at - '0') : -1;
    }
    return true;
}

bool re2_repeat(const char *at, Re2Repeat *repeat)
{
    at++;
    if (!read_count(&at, &repeat->min)) {
        return false;
    }
    repeat->max = repeat->min;
    if (*at == ',') {
        at++;
        repeat->max = -1;
        if (*at != '}' && !read_count(&at, &repeat->max)) {
            return false;
        }
        repeat->min = at[-1] != ',' && repeat->max < 0 ? -1 : repeat->min;
    }
    repeat->end = at + 1;
    return *at == '}';
}
