/* SPDX-License-Identifier: MIT */
#include "bridge/compose/body.h"

#include <gmime/gmime-encodings.h>
#include <stdbool.h>
#include <string.h>

static void append_crlf(GString *out, const char *text, size_t length)
{
    const char *end = text + length;
    while (text < end) {
        const char *stop = memchr(text, '\n', (size_t)(end - text));
        const char *line_end = stop != NULL ? stop : end;
        g_string_append_len(out, text, line_end - text);
        if (stop != NULL) {
            g_string_append_len(out, "\r\n", 2);
            line_end++;
        }
        text = line_end;
    }
}

static void encode(GString *out, GMimeContentEncoding how, const char *text,
                   size_t length)
{
    GMimeEncoding state;
    g_mime_encoding_init_encode(&state, how);
    g_autofree char *encoded = g_malloc(g_mime_encoding_outlen(&state, length) + 1);
    size_t n = g_mime_encoding_flush(&state, text, length, encoded);
    append_crlf(out, encoded, n);
}

static bool is_mostly_foreign(const GString *text)
{
    size_t foreign = 0;
    for (size_t i = 0; i < text->len; i++) {
        foreign += (guchar)text->str[i] >> 7;
    }
    return foreign > text->len / 3;
}

void body_add_part(GString *out, const char *subtype, const GString *text)
{
    bool base64 = is_mostly_foreign(text);
    g_string_append_printf(out,
                           "Content-Type: text/%s; charset=utf-8\r\n"
                           "Content-Transfer-Encoding: %s\r\n\r\n",
                           subtype, base64 ? "base64" : "quoted-printable");
    if (base64) {
        g_autoptr(GString) lines = g_string_sized_new(text->len + text->len / 16);
        append_crlf(lines, text->str, text->len);
        encode(out, GMIME_CONTENT_ENCODING_BASE64, lines->str, lines->len);
    } else {
        encode(out, GMIME_CONTENT_ENCODING_QUOTEDPRINTABLE, text->str, text->len);
    }
}
