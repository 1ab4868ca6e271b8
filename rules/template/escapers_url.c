/* SPDX-License-Identifier: MIT */
#include <string.h>

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

/* Quotes and parentheses are encoded although URLs may hold them: the result also
 * stands in quoted attributes and in CSS's url(). */
static void encode_url(const char *text, size_t n, const char *kept, GString *out)
{
    static const char digits[] = "0123456789abcdef";
    size_t done = 0;

    for (size_t i = 0; i < n; i++) {
        unsigned char byte = (unsigned char)text[i];
        if (!g_ascii_isalnum(text[i]) && !is_one_of(text[i], kept)) {
            char encoded[] = {'%', digits[byte >> 4], digits[byte & 15]};
            g_string_append_len(out, text + done, (gssize)(i - done));
            g_string_append_len(out, encoded, sizeof encoded);
            done = i + 1;
        }
    }
    g_string_append_len(out, text + done, (gssize)(n - done));
}

void escape_url(const char *text, size_t n, GString *out)
{
    encode_url(text, n, "-._~", out);
}

static bool is_encoded(const char *text, size_t n)
{
    return n >= 3 && text[0] == '%' && g_ascii_isxdigit(text[1]) &&
           g_ascii_isxdigit(text[2]);
}

void normalize_url(const char *text, size_t n, GString *out)
{
    size_t done = 0;

    for (size_t i = 0; i < n; i++) {
        if (is_encoded(text + i, n - i)) {
            encode_url(text + done, i - done, "-._~!#$&*+,/:;=?@[]", out);
            g_string_append_c(out, '%');
            done = i + 1;
        }
    }
    encode_url(text + done, n - done, "-._~!#$&*+,/:;=?@[]", out);
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
