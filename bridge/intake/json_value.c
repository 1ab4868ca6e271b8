/* SPDX-License-Identifier: MIT */
#include "bridge/intake/json_value.h"

#include <string.h>

static Value number(double real)
{
    const double exact = 9007199254740992; /* 2^53 */
    bool whole = real >= -exact && real <= exact && (double)(int64_t)real == real;
    return whole ? value_int((int64_t)real) : value_float(real);
}

static Value map_of(Arena *arena, const Json *object)
{
    MapEntry *entries = arena_array(arena, MapEntry, json_size(object));
    size_t n = 0;
    for (const Json *item = json_first(object); item != NULL; item = json_next(item)) {
        const char *key = arena_strdup(arena, json_key(item));
        entries[n++] = (MapEntry){key, (uint32_t)strlen(key), json_value(arena, item)};
    }
    return value_map(entries, n);
}

static Value list_of(Arena *arena, const Json *array)
{
    Value *items = arena_array(arena, Value, json_size(array));
    size_t n = 0;
    for (const Json *item = json_first(array); item != NULL; item = json_next(item)) {
        items[n++] = value_box(json_value(arena, item));
    }
    return value_list(items, n);
}

/* As deep as the parser lets a body be. */
Value json_value(Arena *arena, const Json *json)
{
    if (json_is_object(json)) {
        return map_of(arena, json);
    }
    if (json_is_array(json)) {
        return list_of(arena, json);
    }
    if (json_is_string(json)) {
        return value_text(arena_strdup(arena, json_text(json)));
    }
    if (json_is_number(json)) {
        return number(json_number(json));
    }
    return json_is_null(json) ? VALUE_NIL : value_bool(json_is_true(json));
}
