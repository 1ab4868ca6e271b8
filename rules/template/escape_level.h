/* SPDX-License-Identifier: MIT */
#ifndef RULES_TEMPLATE_ESCAPE_LEVEL_H
#define RULES_TEMPLATE_ESCAPE_LEVEL_H

#include "rules/template/escape_internal.h"

/* What to change at one node. */
typedef struct {
    Node *node;
    Escapers escapers; /* ACTION */
    const char *text;  /* TEXT: its new bytes, TEMPLATE: its new name; in the arena */
    size_t length;     /* TEXT */
} EscapeEdit;

/* What a walk over a template's body has found out: edits, which templates it calls and
 * where these end.  It lies over that of the outer walk until it is known to hold. */
typedef struct EscapeLevel EscapeLevel;

EscapeLevel *level_push(EscapeLevel *outer); /* NULL: the first */
/* Both return the outer one: what was found out is forgotten, or holds there too. */
EscapeLevel *level_pop(EscapeLevel *level);
EscapeLevel *level_keep(EscapeLevel *level);
/* Makes the edits of a level. */
void level_commit(const EscapeLevel *level, Arena *arena);

void level_add_edit(EscapeLevel *level, const EscapeEdit *edit);
/* Names live in the arena. */
void level_add_called(EscapeLevel *level, const char *name);
bool level_is_called(const EscapeLevel *level, const char *name); /* on this level */
void level_set_output(EscapeLevel *level, const char *name, Context context);
/* On this level or an outer one; NULL if it is not known. */
const Context *level_find_output(const EscapeLevel *level, const char *name);

#endif
