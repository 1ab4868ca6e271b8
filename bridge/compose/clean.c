/* SPDX-License-Identifier: MIT */
#include "bridge/compose/clean.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define DEL 0x7F

size_t clean_run(const char *at, size_t max, char except)
{
    const uint64_t ones = 0x0101010101010101, high_bits = ones << 7;
    const uint64_t excepts = (guchar)except * ones, blanks = ' ' * ones;
    size_t n = 0;
    /* Eight bytes at a time, as long as no high bit is there or comes by a borrow. */
    for (uint64_t eight; n + sizeof eight <= max; n += sizeof eight) {
        memcpy(&eight, at + n, sizeof eight);
        uint64_t other = (eight ^ excepts) - ones;
        if (((eight | (eight - blanks) | other) & high_bits) != 0) {
            break;
        }
    }
    while (n < max && (signed char)at[n] >= ' ' && at[n] != except) {
        n++;
    }
    return n;
}

/* C1, line and paragraph separator. */
static bool is_wide_control(gunichar c)
{
    return (c >= 0x80 && c <= 0x9F) || c == 0x2028 || c == 0x2029;
}

static size_t clean_wide(GString *out, const char *at, size_t left)
{
    gunichar c = g_utf8_get_char_validated(at, (gssize)left);
    if (c == (gunichar)-1 || c == (gunichar)-2) {
        g_string_append(out, "\uFFFD");
        return 1;
    }
    size_t length = (size_t)g_utf8_skip[(guchar)*at];
    if (is_wide_control(c)) {
        g_string_append_c(out, ' ');
    } else {
        g_string_append_len(out, at, (gssize)length);
    }
    return length;
}

/* Whatever is not plain text at AT; gives the number of bytes it took. */
static size_t clean_special(GString *out, const char *at, size_t left)
{
    if ((guchar)*at > DEL) {
        return clean_wide(out, at, left);
    }
    if (*at == '\r') {
        g_string_append_c(out, '\n');
        return left >= 2 && at[1] == '\n' ? 2 : 1;
    }
    g_string_append_c(out, *at == '\n' || *at == '\t' ? *at : ' ');
    return 1;
}

void clean_body(GString *out, const char *text, size_t length)
{
    for (size_t at = 0; at < length;) {
        size_t run = clean_run(text + at, length - at, DEL);
        g_string_append_len(out, text + at, (gssize)run);
        at += run;
        if (at < length) {
            at += clean_special(out, text + at, length - at);
        }
    }
}

char *clean_line(const char *text)
{
    g_autoptr(GString) line = g_string_new(NULL);
    clean_body(line, text, strlen(text));
    g_strdelimit(line->str, "\n\t", ' ');
    return g_strdup(g_strstrip(line->str));
}
