/* SPDX-License-Identifier: MIT */
#include "case_data.h"

#include <math.h>
#include <string.h>

/* BYTES with CASE_NUL for every escaped NUL. */
static GString *mark_nuls(const char *bytes)
{
    GString *text = g_string_new(NULL);
    for (const char *at = bytes; *at != '\0';) {
        size_t n = *at != '\\' || at[1] == '\0' ? 1 : 2;
        if (strncmp(at, "\\u0000", 6) == 0) {
            g_string_append(text, CASE_NUL);
            n = 6;
        } else {
            g_string_append_len(text, at, (gssize)n);
        }
        at += n;
    }
    return text;
}

Json *case_parse(const char *path, GError **error)
{
    const JsonLimits limits = JSON_LIMITS_DEFAULT;
    g_autofree char *bytes = NULL;
    if (!g_file_get_contents(path, &bytes, NULL, error)) {
        return NULL;
    }
    g_autoptr(GString) text = mark_nuls(bytes);
    return json_parse(text->str, text->len, &limits, error);
}

Value case_text(Arena *arena, const char *text)
{
    size_t n = 0, nul = strlen(CASE_NUL);
    char *plain = arena_strdup(arena, text);
    for (const char *at = text; *at != '\0'; n++) {
        bool is_nul = strncmp(at, CASE_NUL, nul) == 0;
        plain[n] = is_nul ? '\0' : *at;
        at += is_nul ? nul : 1;
    }
    return value_text_n(plain, n);
}

static Labels read_labels(Arena *arena, const Json *json)
{
    size_t n = 0;
    Label *items = arena_array(arena, Label, json == NULL ? 0 : json_size(json));
    const Json *item = json == NULL ? NULL : json_first(json);
    for (; item != NULL; item = json_next(item)) {
        items[n++] = (Label){arena_strdup(arena, json_key(item)),
                             arena_strdup(arena, json_text(item))};
    }
    return labels_make(items, n);
}

static Value read_list(Arena *arena, const Json *json, Kind kind)
{
    size_t n = 0;
    Value *items = arena_array(arena, Value, json_size(json));
    for (const Json *item = json_first(json); item != NULL; item = json_next(item)) {
        Value value = case_value(arena, item);
        items[n++] = kind == KIND_LIST ? value_box(value) : value;
    }
    return kind == KIND_LIST ? value_list(items, n) : value_strings(kind, items, n);
}

static Value read_map(Arena *arena, const Json *json)
{
    size_t n = 0;
    MapEntry *entries = arena_array(arena, MapEntry, json_size(json));
    for (const Json *item = json_first(json); item != NULL; item = json_next(item)) {
        const char *key = arena_strdup(arena, json_key(item));
        entries[n++] = (MapEntry){key, (uint32_t)strlen(key), case_value(arena, item)};
    }
    return value_map(entries, n);
}

static Value read_object(Arena *arena, const Json *json)
{
    const Json *kv = json_get(json, "$kv"), *strings = json_get(json, "$strings");
    if (strings != NULL) {
        return read_list(arena, strings, KIND_STRINGS);
    }
    if (kv != NULL) {
        Labels *labels = arena_alloc(arena, sizeof *labels);
        *labels = read_labels(arena, kv);
        return value_labels(KIND_LABELS, labels);
    }
    return read_map(arena, json);
}

static Value read_number(const Json *json)
{
    double number = json_number(json), whole = trunc(number);
    return whole < number || whole > number ? value_float(number) : value_int((int64_t)number);
}

Value case_value(Arena *arena, const Json *json)
{
    if (json == NULL || json_is_null(json)) {
        return VALUE_NONE;
    }
    if (json_is_object(json)) {
        return read_object(arena, json);
    }
    if (json_is_array(json)) {
        return read_list(arena, json, KIND_LIST);
    }
    if (json_is_string(json)) {
        return case_text(arena, json_text(json));
    }
    return json_is_number(json) ? read_number(json) : value_bool(json_is_true(json));
}
