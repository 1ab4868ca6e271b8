/* SPDX-License-Identifier: MIT */
#ifndef RULES_TEMPLATE_CASE_H
#define RULES_TEMPLATE_CASE_H

#include <glib.h>
#include <stddef.h>

/* Go's unicode.ToUpper and ToLower: one character for one, whatever the language. */
gunichar case_upper(gunichar rune);
gunichar case_lower(gunichar rune);

/* Appends TEXT as x/text's title case for English: the first letter of every word
 * large, the others small. */
void case_title(const char *text, size_t n, GString *out);

#endif
