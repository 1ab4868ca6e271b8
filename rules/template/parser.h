/* SPDX-License-Identifier: MIT */
#ifndef RULES_TEMPLATE_PARSER_H
#define RULES_TEMPLATE_PARSER_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

#include "rules/arena.h"
#include "rules/template/ast.h"

/* Actions and parentheses may nest this deep; each level costs stack. */
#define PARSER_DEPTH_MAX 1000

/* Functions beyond those of the tables: NULL, or rows that end with one without a name. */
typedef const Func *ExtraFuncs;

/* Parses the LENGTH bytes of TEXT (copied into ARENA) into TREES, which maps names (char
 * *, in ARENA) to Tree *: its definitions, and under NAME what stands outside of them.
 * On error (INPUT; LIMIT if it nests too deep): "template: NAME:line:col: reason". */
bool parser_parse(Arena *arena, const char *name, const char *text, size_t length,
                  ExtraFuncs extra, GHashTable *trees, GError **error);

#endif
