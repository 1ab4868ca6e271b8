/* SPDX-License-Identifier: MIT */
#include <stdint.h>
#include <string.h>

#include "rules/append.h"
#include "rules/template/escapers.h"

bool url_is_safe(const char *text, size_t n)
{
    static const char *const schemes[] = {"http", "https", "mailto"};
    const char *colon = memchr(text, ':', n);
    size_t length = colon == NULL ? 0 : (size_t)(colon - text);

    if (colon == NULL || memchr(text, '/', length) != NULL) {
        return true;
    }
    for (size_t i = 0; i < G_N_ELEMENTS(schemes); i++) {
        if (length == strlen(schemes[i]) &&
            g_ascii_strncasecmp(text, schemes[i], length) == 0) {
            return true;
        }
    }
    return false;
}

void filter_url(const char *text, size_t n, GString *out)
{
    if (url_is_safe(text, n)) {
        g_string_append_len(out, text, (gssize)n);
    } else {
        g_string_append(out, "#" ESCAPE_REFUSED);
    }
}

static bool is_one_of(char byte, const char *set)
{
    return byte != '\0' && strchr(set, byte) != NULL;
}

/* A bit for each ASCII character. */
typedef const uint64_t CharacterSet[2];

/* Quotes and parentheses are encoded although URLs may hold them: the result also
 * stands in quoted attributes and in CSS's url(). */
static CharacterSet unreserved = {0x03ff600000000000, 0x47fffffe87fffffe}; /* letters, digits, -._~ */
static CharacterSet normal = {0xaffffc5a00000000, 0x47fffffeafffffff}; /* and !#$&*+,/:;=?@[] */

static bool is_in(CharacterSet set, unsigned char byte)
{
    return byte < 128 && (set[byte >> 6] >> (byte & 63) & 1) != 0;
}

static void append_encoded(unsigned char byte, GString *out)
{
    static const char digits[] = "0123456789abcdef";
    const char encoded[] = {'%', digits[byte >> 4], digits[byte & 15]};

    append_text(out, encoded, sizeof encoded);
}

static bool is_encoded(const char *text, size_t n)
{
    return n >= 3 && text[0] == '%' && g_ascii_isxdigit(text[1]) &&
           g_ascii_isxdigit(text[2]);
}

void escape_url(const char *text, size_t n, GString *out)
{
    size_t done = 0;

    for (size_t i = 0; i < n; i++) {
        if (!is_in(unreserved, (unsigned char)text[i])) {
            append_text(out, text + done, i - done);
            append_encoded((unsigned char)text[i], out);
            done = i + 1;
        }
    }
    append_text(out, text + done, n - done);
}

void normalize_url(const char *text, size_t n, GString *out)
{
    size_t done = 0;

    for (size_t i = 0; i < n; i++) {
        if (!is_in(normal, (unsigned char)text[i]) && !is_encoded(text + i, n - i)) {
            append_text(out, text + done, i - done);
            append_encoded((unsigned char)text[i], out);
            done = i + 1;
        }
    }
    append_text(out, text + done, n - done);
}

void escape_srcset_url(const char *text, size_t n, GString *out)
{
    g_autoptr(GString) url = g_string_new(NULL);

    normalize_url(text, n, url);
    for (size_t i = 0; i < url->len; i++) {
        if (url->str[i] == ',') {
            g_string_append(out, "%2c");
        } else {
            g_string_append_c(out, url->str[i]);
        }
    }
}

static bool is_blank(char byte)
{
    return is_one_of(byte, " \t\n\f\r");
}

/* One image: blanks, its URL, then its width or density, which is letters and digits.
 */
static void filter_image(const char *text, size_t n, GString *out)
{
    size_t start = 0, end, rest;

    while (start < n && is_blank(text[start])) {
        start++;
    }
    for (end = start; end < n && !is_blank(text[end]);) {
        end++;
    }
    for (rest = end;
         rest < n && (is_blank(text[rest]) || g_ascii_isalnum(text[rest]));) {
        rest++;
    }
    if (rest < n || !url_is_safe(text + start, end - start)) {
        g_string_append(out, "#" ESCAPE_REFUSED);
        return;
    }
    g_string_append_len(out, text, (gssize)start);
    normalize_url(text + start, end - start, out);
    g_string_append_len(out, text + end, (gssize)(n - end));
}

void filter_srcset(const char *text, size_t n, GString *out)
{
    const char *end = text + n;

    for (;;) {
        const char *comma = memchr(text, ',', (size_t)(end - text));
        if (comma == NULL) {
            filter_image(text, (size_t)(end - text), out);
            return;
        }
        filter_image(text, (size_t)(comma - text), out);
        g_string_append_c(out, ',');
        text = comma + 1;
    }
}
