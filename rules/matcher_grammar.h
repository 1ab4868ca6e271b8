/* SPDX-License-Identifier: MIT */
#ifndef RULES_MATCHER_GRAMMAR_H
#define RULES_MATCHER_GRAMMAR_H

#include <glib.h>
#include <stdbool.h>

/* What the two grammars of matchers share. */

/* Go's unicode.IsSpace. */
bool grammar_is_space(gunichar rune);
/* Whether the UTF-8 grammar wants RUNE in quotes. */
bool grammar_is_reserved(gunichar rune);
/* The one classic matcher of TEXT, in an array as matchers_parse_classic() gives. */
GPtrArray *grammar_classic_one(const char *text, GError **error);

#endif
