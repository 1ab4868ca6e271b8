/* SPDX-License-Identifier: MIT */
#ifndef RULES_TEMPLATE_ESCAPE_H
#define RULES_TEMPLATE_ESCAPE_H

#include <glib.h>
#include <stdbool.h>

#include "rules/arena.h"
#include "rules/template/ast.h"

/* Escapes what the definition ENTRY reaches, by context, as html/template does: actions
 * get escapers appended, static text is cleaned, calls from other contexts than text go
 * to derived copies.  TREES maps names (const char *) to Tree *; its trees are shared
 * with other compilations, so a tree is replaced in the table by a copy (in ARENA)
 * before it is edited.  On error (INPUT) "template: name:line:col: reason" or Go's
 * "html/template:name:line:col: reason", and TREES is of no further use. */
bool escape_templates(Arena *arena, GHashTable *trees, const char *entry, GError **error);

#endif
