/* SPDX-License-Identifier: MIT */
#ifndef RULES_TEMPLATE_RUNE_H
#define RULES_TEMPLATE_RUNE_H

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
/* What a name in a template is made of: letters, digits, the underscore. */
bool rune_is_name(gunichar c);

typedef enum { QUOTE_PLAIN, QUOTE_ASCII } QuoteStyle; /* %q, %+q */
/* Appends TEXT in double quotes as strconv.Quote does. */
void quote_text(GString *out, const char *text, size_t n, QuoteStyle style);
/* Appends C in single quotes as strconv.QuoteRune does. */
void quote_rune(GString *out, gunichar c, QuoteStyle style);
/* Appends U+0041 'A' (%#U). */
void quote_code_point(GString *out, gunichar c);

#endif
