/* SPDX-License-Identifier: MIT */
#ifndef TESTS_CONFORMANCE_CASE_DATA_H
#define TESTS_CONFORMANCE_CASE_DATA_H

#include "bridge/json.h"
#include "rules/template/template.h"
#include "rules/template/value.h"

/* The bytes of a file as JSON.  A NUL (\u0000), which our JSON reader replaces, is kept as
 * the character below in every text, and is a NUL again in what case_text() gives; a
 * number is kept as {"$number": "its text"}. */
Json *case_parse(const char *path, GError **error);
#define CASE_NUL "\xf4\x8f\xbf\xbd" /* U+10FFFD */
Value case_text(Arena *arena, const char *text);

/* The data of a case as a template sees it: an object is a map[string]any, an array an
 * []any, a whole number an int; {"$kv": {…}} is a map[string]string, {"$strings": […]} a
 * []string.  Lives in ARENA. */
Value case_value(Arena *arena, const Json *json);

#endif
