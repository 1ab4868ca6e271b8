/* SPDX-License-Identifier: MIT */
#include "bridge/compose/clean.h"

#include <stdbool.h>
#include <string.h>

/* Bytes of the control character at AT that ASCII does not know, else 0. */
static size_t wide_control(const guchar *at, size_t left)
{
    if (left >= 2 && at[0] == 0xC2 && at[1] >= 0x80 && at[1] <= 0x9F) {
        return 2;
    }
    if (left >= 3 && at[0] == 0xE2 && at[1] == 0x80 &&
        (at[2] == 0xA8 || at[2] == 0xA9)) {
        return 3;
    }
    return 0;
}

static bool is_control(guchar byte)
{
    return byte < 0x20 || byte == 0x7F;
}

/* Whatever is not plain text at AT; gives the number of bytes it took. */
static size_t clean_special(GString *out, const guchar *at, size_t left)
{
    if (*at == '\n' || *at == '\t') {
        g_string_append_c(out, (char)*at);
        return 1;
    }
    if (*at == '\r') {
        g_string_append_c(out, '\n');
        return left >= 2 && at[1] == '\n' ? 2 : 1;
    }
    size_t wide = wide_control(at, left);
    if (wide > 0 || is_control(*at)) {
        g_string_append_c(out, ' ');
        return MAX(wide, 1);
    }
    g_string_append_c(out, (char)*at);
    return 1;
}

static void clean_valid(GString *out, const char *text, size_t length)
{
    const guchar *at = (const guchar *)text, *end = at + length;
    while (at < end) {
        const guchar *plain = at;
        while (at < end && !is_control(*at) && *at != 0xC2 && *at != 0xE2) {
            at++;
        }
        g_string_append_len(out, (const char *)plain, at - plain);
        if (at < end) {
            at += clean_special(out, at, (size_t)(end - at));
        }
    }
}

void clean_body(GString *out, const char *text, size_t length)
{
    if (g_utf8_validate_len(text, length, NULL)) {
        clean_valid(out, text, length);
        return;
    }
    g_autofree char *copy = g_memdup2(text, length);
    for (size_t i = 0; i < length; i++) {
        copy[i] = copy[i] == '\0' ? ' ' : copy[i];
    }
    g_autofree char *valid = g_utf8_make_valid(copy, (gssize)length);
    clean_valid(out, valid, strlen(valid));
}

char *clean_line(const char *text)
{
    g_autoptr(GString) line = g_string_new(NULL);
    clean_body(line, text, strlen(text));
    g_strdelimit(line->str, "\n\t", ' ');
    return g_strdup(g_strstrip(line->str));
}
