/* SPDX-License-Identifier: MIT */
#ifndef RULES_ROUTE_PRINT_H
#define RULES_ROUTE_PRINT_H

#include <glib.h>

#include "rules/alert.h"
#include "rules/route.h"

/* Trees of routes as text, character for character as amtool draws them. */

/* Appends ROOT and all below it, each with its receiver. */
void route_print(const Route *root, GString *out);
/* Appends ROOT and of what is below it the part that LABELS reach; only the routes
 * where they end show their receiver. */
void route_print_matching(const Route *root, const Labels *labels, GString *out);

#endif
