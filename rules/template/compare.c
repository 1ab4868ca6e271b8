/* SPDX-License-Identifier: MIT */
#include "rules/template/compare.h"

#include <string.h>

#include "rules/fault.h"
#include "rules/template/exec.h"
#include "rules/template/gotime.h"

typedef enum { EQUAL_NO, EQUAL_YES, EQUAL_ERROR } Equal;

static bool is_basic(Class class)
{
    return class >= CLASS_BOOL && class <= CLASS_STRING;
}

static bool is_integer(Class class)
{
    return class == CLASS_INT || class == CLASS_UINT;
}

static Equal fail_incompatible(Value a, Value b, GError **error)
{
    g_set_error(error, FAULT, FAULT_INPUT, "incompatible types for comparison: %s and %s",
                kind_type(a.kind), kind_type(b.kind));
    return EQUAL_ERROR;
}

static Equal fail_not_comparable(Value value, GError **error)
{
    g_autoptr(GString) text = g_string_new(NULL);
    value_print(value, text);
    g_set_error(error, FAULT, FAULT_INPUT, "non-comparable type %s: %s", text->str,
                kind_type(value.kind));
    return EQUAL_ERROR;
}

static Equal fail_unlike(Value a, Value b, GError **error)
{
    g_autoptr(GString) left = g_string_new(NULL), right = g_string_new(NULL);
    value_print(a, left);
    value_print(b, right);
    g_set_error(error, FAULT, FAULT_INPUT, "non-comparable types %s: %s, %s: %s", left->str,
                kind_type(a.kind), kind_type(b.kind), right->str);
    return EQUAL_ERROR;
}

static bool same_float(double a, double b)
{
    return a >= b && a <= b; /* false for NaN */
}

static bool equal_basic(Value a, Value b, Class class)
{
    switch (class) {
    case CLASS_BOOL:
        return a.truth == b.truth;
    case CLASS_FLOAT:
        return same_float(a.real, b.real);
    case CLASS_COMPLEX:
        return same_float(a.parts[0], b.parts[0]) && same_float(a.parts[1], b.parts[1]);
    case CLASS_STRING:
        return value_compare_text(a, b) == 0;
    default:
        return a.integer == b.integer;
    }
}

/* As Go's ==: the moment and the zone it is told in. */
static bool same_time(TemplateTime a, TemplateTime b)
{
    return timestamp_compare(a.at, b.at) == 0 && a.at.offset_s == b.at.offset_s &&
           a.zone == b.zone;
}

/* Structs of one type are equal if all their parts are; whether they can be compared is
 * asked of the second one. */
static Equal equal_structs(Value a, Value b, GError **error)
{
    if (b.kind == KIND_ALERT || b.kind == KIND_DATA) { /* they hold maps */
        return fail_not_comparable(b, error);
    }
    if (a.kind != b.kind) {
        return EQUAL_NO;
    }
    switch (a.kind) {
    case KIND_PAIR:
        return strcmp(a.pairs->name, b.pairs->name) == 0 &&
                       strcmp(a.pairs->value, b.pairs->value) == 0
                   ? EQUAL_YES
                   : EQUAL_NO;
    case KIND_TIME:
        return same_time(gotime_of(a), gotime_of(b)) ? EQUAL_YES : EQUAL_NO;
    default:
        return a.location == b.location ? EQUAL_YES : EQUAL_NO;
    }
}

static Equal equal_values(Value a, Value b, GError **error)
{
    Class left = value_class(a), right = value_class(b);
    if (a.kind == KIND_NONE || b.kind == KIND_NONE) {
        return a.kind == b.kind ? EQUAL_YES : EQUAL_NO;
    }
    if (is_basic(left) || is_basic(right)) {
        if (left != right && !(is_integer(left) && is_integer(right))) {
            return fail_incompatible(a, b, error);
        }
        return equal_basic(a, b, left) ? EQUAL_YES : EQUAL_NO;
    }
    if (left != right) {
        return fail_unlike(a, b, error);
    }
    if (right == CLASS_LIST || right == CLASS_MAP) {
        return fail_not_comparable(b, error);
    }
    return equal_structs(a, b, error);
}

/* Whether the first argument equals any of the others. */
bool builtin_eq(Exec *exec, const Value *args, size_t n, Value *result, GError **error)
{
    (void)exec;
    if (n < 2) {
        g_set_error(error, FAULT, FAULT_INPUT, "missing argument for comparison");
        return false;
    }
    for (size_t i = 1; i < n; i++) {
        Equal equal = equal_values(value_unbox(args[0]), value_unbox(args[i]), error);
        if (equal == EQUAL_ERROR) {
            return false;
        }
        if (equal == EQUAL_YES) {
            *result = value_bool(true);
            return true;
        }
    }
    *result = value_bool(false);
    return true;
}

bool builtin_ne(Exec *exec, const Value *args, size_t n, Value *result, GError **error)
{
    if (!builtin_eq(exec, args, n, result, error)) {
        return false;
    }
    result->truth = !result->truth;
    return true;
}

static bool is_less(Value a, Value b, Class class)
{
    switch (class) {
    case CLASS_FLOAT:
        return a.real < b.real;
    case CLASS_STRING:
        return value_compare_text(a, b) < 0;
    default:
        return a.integer < b.integer;
    }
}

/* The order of two values: *LESS, *EQUAL. */
static bool order(const Value *args, bool *less, bool *equal, GError **error)
{
    Value a = value_unbox(args[0]), b = value_unbox(args[1]);
    Class left = value_class(a), right = value_class(b);
    if (!is_basic(left) || !is_basic(right)) {
        g_set_error(error, FAULT, FAULT_INPUT, "invalid type for comparison");
        return false;
    }
    if (left != right && !(is_integer(left) && is_integer(right))) {
        fail_incompatible(a, b, error);
        return false;
    }
    if (left == CLASS_BOOL || left == CLASS_COMPLEX) {
        g_set_error(error, FAULT, FAULT_INPUT, "invalid type for comparison");
        return false;
    }
    *less = is_less(a, b, left);
    *equal = equal_basic(a, b, left);
    return true;
}

bool builtin_lt(Exec *exec, const Value *args, size_t n, Value *result, GError **error)
{
    bool less = false, equal = false, good = order(args, &less, &equal, error);
    (void)exec;
    (void)n;
    *result = value_bool(less);
    return good;
}

bool builtin_le(Exec *exec, const Value *args, size_t n, Value *result, GError **error)
{
    bool less = false, equal = false, good = order(args, &less, &equal, error);
    (void)exec;
    (void)n;
    *result = value_bool(less || equal);
    return good;
}

bool builtin_gt(Exec *exec, const Value *args, size_t n, Value *result, GError **error)
{
    bool good = builtin_le(exec, args, n, result, error);
    result->truth = !result->truth;
    return good;
}

bool builtin_ge(Exec *exec, const Value *args, size_t n, Value *result, GError **error)
{
    bool good = builtin_lt(exec, args, n, result, error);
    result->truth = !result->truth;
    return good;
}
