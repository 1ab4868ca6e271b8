/* SPDX-License-Identifier: MIT */
#ifndef RULES_TEMPLATE_COMPARE_H
#define RULES_TEMPLATE_COMPARE_H

#include "rules/template/funcs.h"

/* Go's comparison functions: integers with integers of any size, otherwise only values
 * of one basic kind; eq also compares structs. */
extern FuncCall builtin_eq, builtin_ne, builtin_lt, builtin_le, builtin_gt, builtin_ge;

#endif
