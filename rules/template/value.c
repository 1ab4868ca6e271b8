/* SPDX-License-Identifier: MIT */
#include "rules/template/value.h"

#include <stdlib.h>
#include <string.h>

static const struct {
    const char *type;
    Class class;
} kinds[KIND_COUNT + 2] = {
    [KIND_NONE] = {"<nil>", CLASS_NONE},
    [KIND_NIL] = {"interface {}", CLASS_NIL},
    [KIND_BOOL] = {"bool", CLASS_BOOL},
    [KIND_INT] = {"int", CLASS_INT},
    [KIND_BYTE] = {"uint8", CLASS_UINT},
    [KIND_FLOAT] = {"float64", CLASS_FLOAT},
    [KIND_COMPLEX] = {"complex128", CLASS_COMPLEX},
    [KIND_STRING] = {"string", CLASS_STRING},
    [KIND_HTML] = {"template.HTML", CLASS_STRING},
    [KIND_URL] = {"template.URL", CLASS_STRING},
    [KIND_LIST] = {"[]interface {}", CLASS_LIST},
    [KIND_STRINGS] = {"[]string", CLASS_LIST},
    [KIND_NAMES] = {"[]string", CLASS_LIST}, /* template.Strings from 0.34 on */
    [KIND_MAP] = {"map[string]interface {}", CLASS_MAP},
    [KIND_LABELS] = {"map[string]string", CLASS_MAP},
    [KIND_KV] = {"template.KV", CLASS_MAP},
    [KIND_PAIRS] = {"template.Pairs", CLASS_LIST},
    [KIND_PAIR] = {"template.Pair", CLASS_STRUCT},
    [KIND_DATA] = {"template.Data", CLASS_STRUCT},
    [KIND_ALERTS] = {"template.Alerts", CLASS_LIST},
    [KIND_FIRING] = {"[]template.Alert", CLASS_LIST},
    [KIND_ALERT] = {"template.Alert", CLASS_STRUCT},
    [KIND_TIME] = {"time.Time", CLASS_STRUCT},
    [KIND_LOCATION] = {"*time.Location", CLASS_POINTER},
    [KIND_DURATION] = {"time.Duration", CLASS_INT},
    [KIND_MONTH] = {"time.Month", CLASS_INT},
    [KIND_WEEKDAY] = {"time.Weekday", CLASS_INT},
    [KIND_ANY] = {"interface {}", CLASS_NIL},
    [KIND_RAW] = {"reflect.Value", CLASS_NONE},
};

static uint32_t narrow(size_t n)
{
    g_assert(n <= UINT32_MAX);
    return (uint32_t)n;
}

Value value_text(const char *text)
{
    return value_typed_text(KIND_STRING, text, strlen(text));
}

Value value_text_n(const char *text, size_t n)
{
    return value_typed_text(KIND_STRING, text, n);
}

Value value_typed_text(Kind kind, const char *text, size_t n)
{
    return (Value){.kind = (uint8_t)kind, .n = narrow(n), .text = text};
}

Value value_take_text(Arena *arena, GString *built)
{
    size_t n = built->len;
    return value_text_n(arena_text_end(arena, built), n);
}

Value value_bool(bool truth)
{
    return (Value){.kind = KIND_BOOL, .truth = truth};
}

Value value_int(int64_t integer)
{
    return value_integer(KIND_INT, integer);
}

Value value_integer(Kind kind, int64_t integer)
{
    return (Value){.kind = (uint8_t)kind, .integer = integer};
}

Value value_float(double real)
{
    return (Value){.kind = KIND_FLOAT, .real = real};
}

Value value_list(const Value *items, size_t n)
{
    return (Value){.kind = KIND_LIST, .n = narrow(n), .items = items};
}

Value value_strings(Kind kind, const Value *items, size_t n)
{
    return (Value){.kind = (uint8_t)kind, .n = narrow(n), .items = items};
}

Value value_labels(Kind kind, const Labels *labels)
{
    return (Value){.kind = (uint8_t)kind, .n = narrow(labels->n), .labels = labels};
}

Value value_pairs(const Label *pairs, size_t n)
{
    return (Value){.kind = KIND_PAIRS, .n = narrow(n), .pairs = pairs};
}

static int compare_bytes(const char *a, size_t a_n, const char *b, size_t b_n)
{
    int order = memcmp(a, b, MIN(a_n, b_n));
    return order != 0 ? order : (a_n > b_n) - (a_n < b_n);
}

/* Of equal keys the one that was added later is the greater, so that it is kept. */
static int compare_entries(const void *a, const void *b, void *unused)
{
    const MapEntry *left = a, *right = b;
    (void)unused;
    return compare_bytes(left->key, left->length, right->key, right->length);
}

static bool is_sorted(const MapEntry *entries, size_t n)
{
    size_t i = 1;
    while (i < n && compare_entries(&entries[i - 1], &entries[i], NULL) <= 0) {
        i++;
    }
    return i >= n;
}

Value value_map(MapEntry *entries, size_t n)
{
    if (!is_sorted(entries, n)) { /* stable, unlike qsort */
        g_qsort_with_data(entries, (gint)n, sizeof *entries, compare_entries, NULL);
    }
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        if (i + 1 < n && compare_entries(&entries[i], &entries[i + 1], NULL) == 0) {
            continue;
        }
        entries[kept] = entries[i];
        entries[kept].value = value_box(entries[i].value);
        kept++;
    }
    return (Value){.kind = KIND_MAP, .n = narrow(kept), .entries = entries};
}

Value value_box(Value value)
{
    if (value.kind == KIND_NONE) {
        return VALUE_NIL;
    }
    value.boxed = true;
    return value;
}

Class value_class(Value value)
{
    return kinds[value.kind].class;
}

bool value_is_text(Value value)
{
    return kinds[value.kind].class == CLASS_STRING;
}

bool value_truth(Value value)
{
    switch (value_class(value)) {
    case CLASS_NONE:
    case CLASS_NIL:
        return false;
    case CLASS_BOOL:
        return value.truth;
    case CLASS_INT:
    case CLASS_UINT:
        return value.integer != 0;
    case CLASS_FLOAT:
        return value.real < 0 || value.real > 0 || value.real != value.real;
    case CLASS_COMPLEX:
        return value_truth(value_float(value.parts[0])) ||
               value_truth(value_float(value.parts[1]));
    case CLASS_STRING:
    case CLASS_LIST:
    case CLASS_MAP:
        return value.n > 0;
    case CLASS_STRUCT:
    case CLASS_POINTER:
        return true;
    }
    g_assert_not_reached();
}

const char *value_type(Value value)
{
    return value.boxed ? kinds[KIND_ANY].type : kinds[value.kind].type;
}

const char *kind_type(Kind kind)
{
    return kinds[kind].type;
}

int64_t value_length(Value value)
{
    switch (value_class(value)) {
    case CLASS_STRING:
    case CLASS_LIST:
    case CLASS_MAP:
        return value.n;
    default:
        return -1;
    }
}

Value value_item(Value list, size_t index)
{
    g_assert(index < list.n);
    switch (list.kind) {
    case KIND_LIST:
    case KIND_STRINGS:
    case KIND_NAMES:
        return list.items[index];
    case KIND_PAIRS:
        return (Value){.kind = KIND_PAIR, .pairs = &list.pairs[index]};
    case KIND_ALERTS:
    case KIND_FIRING:
        return (Value){.kind = KIND_ALERT, .alert = list.alerts[index]};
    default:
        g_assert_not_reached();
    }
}

void value_entry(Value map, size_t index, Value *key, Value *value)
{
    g_assert(index < map.n);
    if (map.kind == KIND_MAP) {
        const MapEntry *entry = &map.entries[index];
        *key = value_text_n(entry->key, entry->length);
        *value = entry->value;
    } else {
        *key = value_text(map.labels->items[index].name);
        *value = value_text(map.labels->items[index].value);
    }
}

static bool get_label(const Labels *labels, const char *key, size_t length, Value *found)
{
    size_t low = 0, high = labels->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const char *name = labels->items[middle].name;
        int order = compare_bytes(name, strlen(name), key, length);
        if (order == 0) {
            *found = value_text(labels->items[middle].value);
            return true;
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return false;
}

static bool get_entry(Value map, const char *key, size_t length, Value *found)
{
    size_t low = 0, high = map.n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const MapEntry *entry = &map.entries[middle];
        int order = compare_bytes(entry->key, entry->length, key, length);
        if (order == 0) {
            *found = entry->value;
            return true;
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return false;
}

bool value_get(Value map, const char *key, size_t length, Value *found)
{
    return map.kind == KIND_MAP ? get_entry(map, key, length, found)
                                : get_label(map.labels, key, length, found);
}

Value value_missing(Value map)
{
    return map.kind == KIND_MAP ? VALUE_NIL : value_text_n("", 0);
}

int value_compare_text(Value a, Value b)
{
    return compare_bytes(a.text, a.n, b.text, b.n);
}
