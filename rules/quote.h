/* SPDX-License-Identifier: MIT */
#ifndef RULES_QUOTE_H
#define RULES_QUOTE_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

/* String literals of the Go language. */

/* Appends TEXT in double quotes, as Go's strconv.Quote: what cannot be printed and what
 * is not UTF-8 becomes an escape. */
void quote_append(GString *out, const char *text);

/* Appends the bytes that the LENGTH bytes at LITERAL, double quotes included, stand
 * for, as Go's strconv.Unquote; they may hold NUL or not be UTF-8.  False if it is not
 * a literal; OUT then holds an unknown part of it. */
bool quote_undo(GString *out, const char *literal, size_t length);

#endif
