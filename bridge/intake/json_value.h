/* SPDX-License-Identifier: MIT */
#ifndef BRIDGE_INTAKE_JSON_VALUE_H
#define BRIDGE_INTAKE_JSON_VALUE_H

#include "bridge/json.h"
#include "rules/template/value.h"

/* JSON as the data of a template, in ARENA: an object is a map, null is nil.  A number
 * without a fraction is an int as far as a double is exact, so that it prints as it was
 * written; any other is a float64. */
Value json_value(Arena *arena, const Json *json);

#endif
