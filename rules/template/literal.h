/* SPDX-License-Identifier: MIT */
#ifndef RULES_TEMPLATE_LITERAL_H
#define RULES_TEMPLATE_LITERAL_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

#include "rules/arena.h"
#include "rules/template/ast.h"

/* Go's literals.  Errors (INPUT) are the bare reason. */

/* The content of a "quoted" or `raw` string of LENGTH bytes. */
bool literal_string(Arena *arena, const char *source, size_t length, Value *content,
                    GError **error);

typedef enum { LITERAL_NUMBER, LITERAL_CHARACTER, LITERAL_COMPLEX } NumberSyntax;
/* A number of every base, 'c', 2i or 1+2i. */
bool literal_number(Arena *arena, const char *source, size_t length, NumberSyntax syntax,
                    Number *number, GError **error);

#endif
