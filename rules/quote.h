/* SPDX-License-Identifier: MIT */
#ifndef RULES_QUOTE_H
#define RULES_QUOTE_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

/* Literals of the Go language. */

typedef enum { QUOTE_PLAIN, QUOTE_ASCII } QuoteStyle; /* %q, %+q */

/* Appends TEXT in double quotes, as Go's strconv.Quote: what cannot be printed and what
 * is not UTF-8 becomes an escape. */
void quote_append(GString *out, const char *text);
void quote_append_n(GString *out, const char *text, size_t n, QuoteStyle style);
/* Appends C in single quotes, as strconv.QuoteRune. */
void quote_append_rune(GString *out, gunichar c, QuoteStyle style);
/* Appends U+0041 'A' (%#U). */
void quote_append_code_point(GString *out, gunichar c);

/* Appends the bytes that the LENGTH bytes at LITERAL, double quotes included, stand for, as
 * Go's strconv.Unquote; they may hold NUL or not be UTF-8.  False if it is not a literal;
 * OUT then holds an unknown part of it. */
bool quote_undo(GString *out, const char *literal, size_t length);

/* What one character of a literal stands for: a character, or a byte (\x41, \101, or a
 * byte that is not UTF-8). */
typedef struct {
    gunichar c;
    bool is_byte;
} QuotedRune;
/* Reads one from *AT, before END, of a literal in QUOTE quotes.  False if there is none: an
 * unknown escape, a bare quote, a line break, or the end. */
bool quote_undo_rune(const char **at, const char *end, char quote, QuotedRune *read);

#endif
