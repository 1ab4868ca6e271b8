/* SPDX-License-Identifier: MIT */
#include "bridge/intake/form.h"

#include <stdbool.h>
#include <string.h>

static const char *find_or_end(const char *at, const char *end, char byte)
{
    const char *found = memchr(at, byte, (size_t)(end - at));
    return found != NULL ? found : end;
}

static GString *decode(const char *at, const char *end)
{
    GString *out = g_string_sized_new((gsize)(end - at));
    for (; at < end; at++) {
        bool escaped = *at == '%' && end - at > 2 && g_ascii_isxdigit(at[1]) &&
                       g_ascii_isxdigit(at[2]);
        if (escaped) {
            g_string_append_c(out, (char)(g_ascii_xdigit_value(at[1]) * 16 +
                                          g_ascii_xdigit_value(at[2])));
            at += 2;
        } else {
            g_string_append_c(out, *at == '+' ? ' ' : *at);
        }
    }
    return out;
}

GString *form_field(const char *body, size_t length, const char *name)
{
    const char *end = body + length;
    for (const char *at = body; at < end;) {
        const char *next = find_or_end(at, end, '&');
        const char *equals = find_or_end(at, next, '=');
        g_autoptr(GString) key = decode(at, equals);
        if (strcmp(key->str, name) == 0) {
            return decode(equals < next ? equals + 1 : next, next);
        }
        at = next < end ? next + 1 : end;
    }
    return NULL;
}
