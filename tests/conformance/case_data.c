/* SPDX-License-Identifier: MIT */
#include "case_data.h"

#include <string.h>

/* A string from its quote on, with CASE_NUL for every escaped NUL; behind it. */
static const char *copy_string(const char *at, GString *out)
{
    g_string_append_c(out, *at++);
    while (*at != '\0' && *at != '"') {
        size_t n = *at != '\\' || at[1] == '\0' ? 1 : 2;
        if (strncmp(at, "\\u0000", 6) == 0) {
            g_string_append(out, CASE_NUL);
            n = 6;
        } else {
            g_string_append_len(out, at, (gssize)n);
        }
        at += n;
    }
    if (*at == '"') {
        g_string_append_c(out, *at++);
    }
    return at;
}

/* A number as an object with its text, which tells 1 from 1.0; behind it. */
static const char *copy_number(const char *at, GString *out)
{
    size_t n = strspn(at, "+-.0123456789eE");
    g_string_append_printf(out, "{\"$number\":\"%.*s\"}", (int)n, at);
    return at + n;
}

/* JSON that keeps what our JSON reader would lose. */
static GString *mark(const char *bytes)
{
    GString *text = g_string_new(NULL);
    for (const char *at = bytes; *at != '\0';) {
        if (*at == '"') {
            at = copy_string(at, text);
        } else if (*at == '-' || g_ascii_isdigit(*at)) {
            at = copy_number(at, text);
        } else {
            g_string_append_c(text, *at++);
        }
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
    g_autoptr(GString) text = mark(bytes);
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
        const char *text = json_text(item);
        items[n++] = (Label){arena_strdup(arena, json_key(item)),
                             arena_strdup(arena, text != NULL ? text : "")};
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

static Value read_number(const char *text)
{
    gint64 whole;
    bool is_int = strpbrk(text, ".eE") == NULL &&
                  g_ascii_string_to_signed(text, 10, G_MININT64, G_MAXINT64, &whole, NULL);
    return is_int ? value_int(whole) : value_float(g_ascii_strtod(text, NULL));
}

static Value read_object(Arena *arena, const Json *json)
{
    const Json *kv = json_get(json, "$kv"), *strings = json_get(json, "$strings");
    const Json *number = json_get(json, "$number");
    if (number != NULL && json_is_string(number)) {
        return read_number(json_text(number));
    }
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
    return value_bool(json_is_true(json));
}
