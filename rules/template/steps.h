/* SPDX-License-Identifier: MIT */
#ifndef RULES_TEMPLATE_STEPS_H
#define RULES_TEMPLATE_STEPS_H

#include "rules/template/context.h"

/* Between transition.c and transition_css.c.  A step goes over static text in one state
 * and returns the bytes used; more than N is an error. */
typedef size_t Step(Context *context, const char *text, size_t n, GError **error);

Step step_url, step_css, step_css_string, step_css_block_comment, step_css_line_comment;

#define STEPS_BLANKS " \t\n\f\r"
bool steps_is_one_of(char byte, const char *set);
size_t steps_skip_blanks(const char *text, size_t n);
/* The first byte that is one of SET, N if there is none. */
size_t steps_find_any(const char *text, size_t n, const char *set);
/* Sets ERROR to `"BYTE"REASON"TEXT"` (BYTE may be NULL), TEXT cut to 32 characters.
 * Returns N + 1. */
size_t steps_refuse(const char *reason, const char *byte, const char *text, size_t n,
                    GError **error);

#endif
