/* SPDX-License-Identifier: MIT */
#ifndef RULES_UTF8_H
#define RULES_UTF8_H

#include <glib.h>

/* Where the character behind the one at AT begins; AT is at valid UTF-8.  As
 * g_utf8_next_char(), whose cast clang's -Wcast-qual refuses. */
static inline const char *utf8_next(const char *at)
{
    return at + g_utf8_skip[(guchar)*at];
}

#endif
