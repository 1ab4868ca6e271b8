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

typedef struct {
    const char *name; /* what errors call the text, and what stands outside of definitions */
    const char *file; /* what it was read from: the place of an error; NULL: no file */
    const char *text;
    size_t length;
    ExtraFuncs extra;
} ParserSource;

/* Parses SOURCE, of which nothing is needed later, into TREES, which maps names to Tree *
 * (both in ARENA): its definitions, and under its name what stands outside of them.  On
 * error (INPUT; LIMIT if it nests too deep): "template: name:line:col: reason". */
bool parser_parse(Arena *arena, const ParserSource *source, GHashTable *trees, GError **error);

#endif
