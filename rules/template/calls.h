/* SPDX-License-Identifier: MIT */
#ifndef RULES_TEMPLATE_CALLS_H
#define RULES_TEMPLATE_CALLS_H

#include <glib.h>
#include <stdbool.h>

#include "rules/template/ast.h"

/* Whether all that ENTRY calls, directly or by what it calls, is in TREES (name -> Tree *).
 * On error (INPUT) "template: name:line:col: reason", with its place. */
bool calls_check(const Tree *entry, GHashTable *trees, GError **error);

#endif
