/* SPDX-License-Identifier: MIT */
#ifndef RULES_TEMPLATE_SET_H
#define RULES_TEMPLATE_SET_H

#include "rules/template/exec.h"
#include "rules/template/parser.h"
#include "rules/template/template.h"

/* Beyond template.h: other data than a notification, and what tests of the language need. */

/* Functions that texts added or compiled from now on may call; they outlive SET. */
void template_set_extend(TemplateSet *set, ExtraFuncs extra);
void template_set_missing_key(TemplateSet *set, MissingKey missing);

/* As template_execute(), with ROOT (in ARENA, which also serves the execution) as data;
 * `now` is 1970 then. */
bool template_execute_value(const Template *tmpl, Arena *arena, Value root,
                            const TemplateLimits *limits, GString *out, GError **error);

/* The tree of TMPL's entry, as it is executed. */
const Tree *template_tree(const Template *tmpl);

#endif
