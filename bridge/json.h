/* SPDX-License-Identifier: MIT */
#ifndef BRIDGE_JSON_H
#define BRIDGE_JSON_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bridge/json_scan.h"

/* The one home of cJSON: a parsed document, read through the functions below. */
typedef struct Json Json;

/* Strict JSON in LENGTH bytes; nothing but blanks may follow.  In strings each byte that
 * is not UTF-8, \u0000 and a surrogate without its other half become U+FFFD.  NULL with
 * ERROR "byte N: reason" (from 1): INPUT, or LIMIT where a ceiling is passed.  The tree
 * is never deeper than 1,000, and no number longer than 63 bytes. */
Json *json_parse(const char *text, size_t length, const JsonLimits *limits, GError **error);
void json_free(Json *json); /* NULL is allowed; only for what json_parse returned */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Json, json_free)

bool json_is_object(const Json *json);
bool json_is_array(const Json *json);
bool json_is_string(const Json *json);
bool json_is_number(const Json *json);
bool json_is_null(const Json *json);
bool json_is_true(const Json *json);
/* NULL if OBJECT is not an object or has no such key (the last of equal keys counts). */
const Json *json_get(const Json *object, const char *key);
const Json *json_first(const Json *container); /* of an array or object; NULL if empty */
const Json *json_next(const Json *item);
const char *json_key(const Json *item);        /* of an object's item */
const char *json_text(const Json *json);       /* of a string; NULL otherwise */
double json_number(const Json *json);          /* of a number; 0 otherwise */
size_t json_size(const Json *container);

/* Appends TEXT, which may hold any bytes, as a JSON string with its quotes.  Controls,
 * line separators and marks of direction are escaped: it is safe in a log line, too. */
void json_append_string(GString *out, const char *text);
/* Appends the whole value, on one line, with strings as above. */
void json_append(GString *out, const Json *json);

#endif
