/* SPDX-License-Identifier: MIT */

/* GMime's quoted-printable spends more than twenty instructions on a byte, as much as
 * all the rest of composing a mail; here runs of plain text are copied.  Its base64 is
 * as good as any. */
#include "bridge/compose/body.h"

#include <gmime/gmime-encodings.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "bridge/compose/clean.h"

#define COLUMNS 76 /* of an encoded line */

typedef void AppendLine(GString *out, const char *line, const char *end);

/* Every line of TEXT as APPEND has it; LF becomes CR LF. */
static void append_lines(GString *out, const char *text, size_t length,
                         AppendLine *append)
{
    const char *end = text + length;
    while (text < end) {
        const char *stop = memchr(text, '\n', (size_t)(end - text));
        const char *line_end = stop != NULL ? stop : end;
        append(out, text, line_end);
        if (stop != NULL) {
            g_string_append_len(out, "\r\n", 2);
            line_end++;
        }
        text = line_end;
    }
}

static void append_plain(GString *out, const char *line, const char *end)
{
    g_string_append_len(out, line, end - line);
}

static size_t put_hex(char *to, char byte)
{
    static const char digits[] = "0123456789ABCDEF";
    to[0] = '=';
    to[1] = digits[(guchar)byte >> 4];
    to[2] = digits[byte & 0xF];
    return 3;
}

/* Quoted-printable: one line of text, as lines that end in "=" and a last one. */
static void append_quoted(GString *out, const char *at, const char *end)
{
    const char *bare_end = at < end && end[-1] == ' ' ? end - 1 : end;
    char line[COLUMNS + 2];
    size_t n = 0;
    while (at < end) {
        size_t left = (size_t)(end - at), room = COLUMNS - n;
        size_t run = clean_run(at, MIN(room, (size_t)(bare_end - at)), '=');
        if (run == room && run < left) {
            run--;
        }
        if (run > 0) {
            memcpy(line + n, at, run);
            at += run;
            n += run;
        } else if (room > 3 || (room == 3 && left == 1)) {
            n += put_hex(line + n, *at++);
        } else {
            memcpy(line + n, "=\r\n", 3);
            g_string_append_len(out, line, (gssize)n + 3);
            n = 0;
        }
    }
    g_string_append_len(out, line, (gssize)n);
}

static void append_base64(GString *out, const GString *text)
{
    g_autoptr(GString) lines = g_string_sized_new(text->len + text->len / 16);
    append_lines(lines, text->str, text->len, append_plain);
    GMimeEncoding state;
    g_mime_encoding_init_encode(&state, GMIME_CONTENT_ENCODING_BASE64);
    g_autofree char *encoded = g_malloc(g_mime_encoding_outlen(&state, lines->len) + 1);
    size_t n = g_mime_encoding_flush(&state, lines->str, lines->len, encoded);
    append_lines(out, encoded, n, append_plain);
}

/* Bytes over 127, eight at a time: the product's first byte adds them up. */
static size_t count_foreign(const char *at, const char *end)
{
    const uint64_t ones = 0x0101010101010101;
    size_t foreign = 0;
    for (uint64_t eight; (size_t)(end - at) >= sizeof eight; at += sizeof eight) {
        memcpy(&eight, at, sizeof eight);
        foreign += ((eight >> 7 & ones) * ones) >> 56;
    }
    for (; at < end; at++) {
        foreign += (guchar)*at >> 7;
    }
    return foreign;
}

void body_add_part(GString *out, const char *subtype, const GString *text)
{
    bool base64 = count_foreign(text->str, text->str + text->len) > text->len / 3;
    g_string_append_printf(out,
                           "Content-Type: text/%s; charset=utf-8\r\n"
                           "Content-Transfer-Encoding: %s\r\n\r\n",
                           subtype, base64 ? "base64" : "quoted-printable");
    if (base64) {
        append_base64(out, text);
    } else {
        append_lines(out, text->str, text->len, append_quoted);
    }
}
