/* SPDX-License-Identifier: MIT */
#ifndef RULES_TEMPLATE_VALUE_H
#define RULES_TEMPLATE_VALUE_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rules/alert.h"
#include "rules/arena.h"

/* The closed set of things a template can hold, each with the Go type it stands for. */
typedef enum {
    KIND_NONE,     /* no value at all (Go's invalid reflect.Value): prints <no value> */
    KIND_NIL,      /* a nil interface {}: prints <nil> */
    KIND_BOOL,     /* bool: truth */
    KIND_INT,      /* int: integer */
    KIND_BYTE,     /* uint8: integer */
    KIND_FLOAT,    /* float64: real */
    KIND_COMPLEX,  /* complex128: parts, two doubles */
    KIND_STRING,   /* string: text, n bytes */
    KIND_HTML,     /* template.HTML: as string; safeHtml made it */
    KIND_URL,      /* template.URL: as string; safeUrl made it */
    KIND_LIST,     /* []interface {}: items, n */
    KIND_STRINGS,  /* []string: items of KIND_STRING, n */
    KIND_NAMES,    /* what .Names and .Values give, a []string with methods: as KIND_STRINGS */
    KIND_MAP,      /* map[string]interface {}: entries, n, sorted by key */
    KIND_LABELS,   /* map[string]string: labels */
    KIND_KV,       /* template.KV, a map[string]string with methods: labels */
    KIND_PAIRS,    /* template.Pairs: pairs, n */
    KIND_PAIR,     /* template.Pair: pairs, the one */
    KIND_DATA,     /* template.Data: data */
    KIND_ALERTS,   /* template.Alerts: alerts, n */
    KIND_FIRING,   /* []template.Alert, what .Firing and .Resolved give: as KIND_ALERTS */
    KIND_ALERT,    /* template.Alert: alert */
    KIND_TIME,     /* time.Time: time */
    KIND_LOCATION, /* *time.Location: location */
    KIND_DURATION, /* time.Duration: integer, nanoseconds */
    KIND_MONTH,    /* time.Month: integer, from 1 */
    KIND_WEEKDAY,  /* time.Weekday: integer, Sunday is 0 */
    KIND_COUNT,
    /* Only as the kind of a parameter (funcs.h). */
    KIND_ANY = KIND_COUNT, /* interface {}: anything; no value becomes nil */
    KIND_RAW,              /* reflect.Value: anything, as it is */
} Kind;

/* What the kinds are to the language: reflect.Kind, as far as it matters. */
typedef enum {
    CLASS_NONE,
    CLASS_NIL,
    CLASS_BOOL,
    CLASS_INT,
    CLASS_UINT,
    CLASS_FLOAT,
    CLASS_COMPLEX,
    CLASS_STRING,
    CLASS_LIST,
    CLASS_MAP,
    CLASS_STRUCT,
    CLASS_POINTER,
} Class;

typedef struct Value Value;
typedef struct MapEntry MapEntry;

/* Passed by value.  What it points to is immutable and lives in the arena of the
 * execution, in the template's, or in the event. */
struct Value {
    uint8_t kind; /* Kind */
    bool boxed;   /* it is the content of an interface {}: only error texts differ */
    uint32_t n;   /* bytes of text (a NUL need not follow), items of a list */
    union {
        bool truth;
        int64_t integer;
        double real;
        const double *parts;
        const char *text;
        const Value *items;
        const MapEntry *entries;
        const Labels *labels;
        const Label *pairs;
        const struct TemplateData *data; /* data.h */
        const Alert *const *alerts;
        const Alert *alert;
        const struct TemplateTime *time; /* gotime.h */
        const Timestamp *bare_time;      /* a time with n == 1: see gotime_of() */
        const struct TemplateZone *location;
    };
};

struct MapEntry {
    const char *key;
    uint32_t length;
    Value value; /* boxed */
};

#define VALUE_NONE ((Value){.kind = KIND_NONE})
#define VALUE_NIL  ((Value){.kind = KIND_NIL, .boxed = true})

/* Text is used as it is, not copied. */
Value value_text(const char *text);
Value value_text_n(const char *text, size_t n);
Value value_typed_text(Kind kind, const char *text, size_t n); /* string, html, url */
/* A copy of what a function has built, in the arena; BUILT is gone (arena_text_end()). */
Value value_take_text(Arena *arena, GString *built);
Value value_bool(bool truth);
Value value_int(int64_t integer);
Value value_integer(Kind kind, int64_t integer); /* duration, month, weekday, byte */
Value value_float(double real);
Value value_list(const Value *items, size_t n); /* items boxed by value_box() */
Value value_strings(Kind kind, const Value *items, size_t n); /* strings, names */
Value value_labels(Kind kind, const Labels *labels);          /* labels, kv */
Value value_pairs(const Label *pairs, size_t n);
/* Sorts ENTRIES in place; of equal keys the last stays.  Boxes the values. */
Value value_map(MapEntry *entries, size_t n);

/* VALUE as an element of []interface {}: boxed, and no value becomes nil. */
Value value_box(Value value);

Class value_class(Value value);
bool value_is_text(Value value); /* string, html, url */
/* Empty things, zero numbers and nil are false; structs are true. */
bool value_truth(Value value);
/* Go's name of its type: "interface {}" if boxed, as in error texts. */
const char *value_type(Value value);
const char *kind_type(Kind kind);
/* The number of items, entries or bytes; -1 if the kind has no length. */
int64_t value_length(Value value);
/* Item INDEX (< value_length) of a list kind. */
Value value_item(Value list, size_t index);
/* Entry INDEX (< value_length) of a map kind, in the order of the keys. */
void value_entry(Value map, size_t index, Value *key, Value *value);
/* Looks KEY up in a map kind.  False if it has none. */
bool value_get(Value map, const char *key, size_t length, Value *found);
/* What a map kind gives for a missing key: nil, or "" where values are strings. */
Value value_missing(Value map);
/* A byte-wise comparison of two texts: negative, 0, positive. */
int value_compare_text(Value a, Value b);

/* Appends VALUE as fmt.Sprint does (%v): with String methods, nested. */
void value_print(Value value, GString *out);

#endif
