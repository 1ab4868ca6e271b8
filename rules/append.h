/* SPDX-License-Identifier: MIT */
#ifndef RULES_APPEND_H
#define RULES_APPEND_H

#include <glib.h>
#include <string.h>

/* g_string_append_len() for where much is made of short pieces: no call while there is
 * room.  TEXT does not lie in OUT. */
static inline void append_text(GString *out, const char *text, size_t n)
{
    if (n >= out->allocated_len - out->len) {
        g_string_append_len(out, text, (gssize)n);
        return;
    }
    if (n > 0) {
        memcpy(out->str + out->len, text, n);
        out->len += n;
        out->str[out->len] = '\0';
    }
}

#endif
