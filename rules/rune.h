/* SPDX-License-Identifier: MIT */
#ifndef RULES_RUNE_H
#define RULES_RUNE_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

/* Text as Go sees it: bytes that are usually UTF-8. */
#define RUNE_ERROR ((gunichar)0xfffd)

/* The first character of the N > 0 bytes at TEXT and its length in bytes; RUNE_ERROR and
 * 1 where they are not UTF-8. */
gunichar rune_decode(const char *text, size_t n, size_t *length);
/* Characters of N bytes, each invalid byte being one. */
size_t rune_count(const char *text, size_t n);
/* Letters, marks, numbers, punctuation, symbols and the ASCII blank: strconv.IsPrint. */
bool rune_is_print(gunichar c);
/* Letters, digits and the underscore. */
bool rune_is_name(gunichar c);

#endif
