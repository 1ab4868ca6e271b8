/* SPDX-License-Identifier: MIT */
#ifndef RULES_TEMPLATE_PRINT_H
#define RULES_TEMPLATE_PRINT_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

#include "rules/template/value.h"

/* Go's fmt over values.  Each appends to OUT at most about ROOM bytes, and false says
 * that there was more: what then stands in OUT is of no use. */

bool print_values(const Value *values, size_t n, size_t room, GString *out);      /* Sprint */
bool print_values_line(const Value *values, size_t n, size_t room, GString *out); /* Sprintln */
bool print_format(Value format, const Value *values, size_t n, size_t room,
                  GString *out); /* Sprintf */

#endif
