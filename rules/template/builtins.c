/* SPDX-License-Identifier: MIT */
/* Go's predefined functions. */
#include <string.h>

#include "rules/fault.h"
#include "rules/rune.h"
#include "rules/template/compare.h"
#include "rules/template/exec.h"
#include "rules/template/print.h"

static bool fail(GError **error, const char *format, ...) G_GNUC_PRINTF(2, 3);

static bool fail(GError **error, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *reason = g_strdup_vprintf(format, args);
    va_end(args);
    g_set_error_literal(error, FAULT, FAULT_INPUT, reason);
    return false;
}

/* The executor evaluates `and` and `or` itself, to stop where it is decided. */
static bool never_called(Exec *exec, const Value *args, size_t n, Value *result, GError **error)
{
    (void)exec, (void)args, (void)n, (void)result, (void)error;
    g_assert_not_reached();
}

bool builtin_and(Exec *exec, const Value *args, size_t n, Value *result, GError **error)
{
    return never_called(exec, args, n, result, error);
}

bool builtin_or(Exec *exec, const Value *args, size_t n, Value *result, GError **error)
{
    return never_called(exec, args, n, result, error);
}

static bool builtin_not(Exec *exec, const Value *args, size_t n, Value *result, GError **error)
{
    (void)exec, (void)n, (void)error;
    *result = value_bool(!value_truth(args[0]));
    return true;
}

/* There are no functions among the values, so that every call fails. */
static bool builtin_call(Exec *exec, const Value *args, size_t n, Value *result, GError **error)
{
    Value callee = value_unbox(args[0]);
    g_autoptr(GString) text = g_string_new(NULL);
    (void)n, (void)result;
    if (callee.kind == KIND_NONE) {
        return fail(error, "call of nil");
    }
    if (exec->callee != NULL) {
        node_print(exec->callee, text);
    } else {
        value_print(callee, text);
    }
    return fail(error, "non-function %s of type %s", text->str, kind_type(callee.kind));
}

static bool builtin_len(Exec *exec, const Value *args, size_t n, Value *result, GError **error)
{
    int64_t length = value_length(args[0]);
    (void)exec, (void)n;
    if (args[0].kind == KIND_NIL) {
        return fail(error, "len of nil pointer");
    }
    if (args[0].kind == KIND_NONE) {
        return fail(error, "len of untyped nil");
    }
    if (length < 0) {
        return fail(error, "len of type %s", kind_type(args[0].kind));
    }
    *result = value_int(length);
    return true;
}

/* An index into something of N items, of which N itself is one as far as this check
 * goes. */
static bool take_index(Value value, size_t n, size_t *index, GError **error)
{
    value = value_unbox(value);
    if (value.kind == KIND_NONE) {
        return fail(error, "cannot index slice/array with nil");
    }
    if (value_class(value) != CLASS_INT && value_class(value) != CLASS_UINT) {
        return fail(error, "cannot index slice/array with type %s", kind_type(value.kind));
    }
    if (value.integer < 0 || (uint64_t)value.integer > n) {
        return fail(error, "index out of range: %" G_GINT64_FORMAT, value.integer);
    }
    *index = (size_t)value.integer;
    return true;
}

static bool index_sequence(Value item, Value by, Value *result, GError **error)
{
    bool text = value_is_text(item);
    size_t index;
    if (!take_index(by, item.n, &index, error)) {
        return false;
    }
    if (index == item.n) {
        return fail(error, "reflect: %s index out of range", text ? "string" : "slice");
    }
    *result = text ? value_integer(KIND_BYTE, (unsigned char)item.text[index])
                   : value_item(item, index);
    return true;
}

static bool index_map(Value map, Value by, Value *result, GError **error)
{
    by = value_unbox(by);
    if (by.kind == KIND_NONE) {
        return fail(error, "value is nil; should be of type string");
    }
    if (by.kind != KIND_STRING) {
        return fail(error, "value has type %s; should be string", kind_type(by.kind));
    }
    if (!value_get(map, by.text, by.n, result)) {
        *result = value_missing(map);
    }
    return true;
}

static bool index_once(Value item, Value by, Value *result, GError **error)
{
    if (item.kind == KIND_NIL || item.kind == KIND_NONE) {
        return fail(error, "index of nil pointer");
    }
    switch (value_class(item)) {
    case CLASS_STRING:
    case CLASS_LIST:
        return index_sequence(item, by, result, error);
    case CLASS_MAP:
        return index_map(item, by, result, error);
    default:
        return fail(error, "can't index item of type %s", kind_type(item.kind));
    }
}

static bool builtin_index(Exec *exec, const Value *args, size_t n, Value *result, GError **error)
{
    (void)exec;
    *result = value_unbox(args[0]);
    if (result->kind == KIND_NONE) {
        return fail(error, "index of untyped nil");
    }
    for (size_t i = 1; i < n; i++) {
        if (!index_once(*result, args[i], result, error)) {
            return false;
        }
    }
    return true;
}

/* The items FROM to TO of a list, the bytes of a text. */
static Value part_of(Value item, size_t from, size_t to)
{
    Value part = item;
    part.n = (uint32_t)(to - from);
    switch (item.kind) {
    case KIND_PAIRS:
        part.pairs += from;
        break;
    case KIND_ALERTS:
    case KIND_FIRING:
        part.alerts += from;
        break;
    case KIND_LIST:
    case KIND_STRINGS:
    case KIND_NAMES:
        part.items += from;
        break;
    default:
        part.text += from;
        break;
    }
    return part;
}

static bool check_sliceable(Value item, size_t n_indexes, GError **error)
{
    if (item.kind == KIND_NONE) {
        return fail(error, "slice of untyped nil");
    }
    if (n_indexes > 3) {
        return fail(error, "too many slice indexes: %zu", n_indexes);
    }
    if (value_is_text(item)) {
        return n_indexes < 3 || fail(error, "cannot 3-index slice a string");
    }
    return value_class(item) == CLASS_LIST ||
           fail(error, "can't slice item of type %s", kind_type(item.kind));
}

static bool builtin_slice(Exec *exec, const Value *args, size_t n, Value *result, GError **error)
{
    Value item = value_unbox(args[0]);
    size_t bounds[3] = {0, item.n, item.n};
    (void)exec;
    if (!check_sliceable(item, n - 1, error)) {
        return false;
    }
    for (size_t i = 1; i < n; i++) {
        if (!take_index(args[i], item.n, &bounds[i - 1], error)) {
            return false;
        }
    }
    for (size_t i = 0; i < 2; i++) {
        if (bounds[i] > bounds[i + 1]) {
            return fail(error, "invalid slice index: %zu > %zu", bounds[i], bounds[i + 1]);
        }
    }
    *result = part_of(item, bounds[0], bounds[1]);
    return true;
}

static bool finish_text(Exec *exec, bool complete, GString *built, Value *result, GError **error)
{
    if (!complete || built->len > exec_room(exec)) {
        g_set_error(error, FAULT, FAULT_LIMIT, "more than %zu bytes of text", exec_room(exec));
        g_string_free(built, TRUE);
        return false;
    }
    *result = value_take_text(exec_arena(exec), built);
    return true;
}

static bool builtin_print(Exec *exec, const Value *args, size_t n, Value *result, GError **error)
{
    GString *built = arena_text_begin(exec_arena(exec));
    bool complete = print_values(args, n, exec_room(exec), built);
    return finish_text(exec, complete, built, result, error);
}

static bool builtin_println(Exec *exec, const Value *args, size_t n, Value *result,
                            GError **error)
{
    GString *built = arena_text_begin(exec_arena(exec));
    bool complete = print_values_line(args, n, exec_room(exec), built);
    return finish_text(exec, complete, built, result, error);
}

static bool builtin_printf(Exec *exec, const Value *args, size_t n, Value *result,
                           GError **error)
{
    GString *built = arena_text_begin(exec_arena(exec));
    bool complete = print_format(args[0], args + 1, n - 1, exec_room(exec), built);
    return finish_text(exec, complete, built, result, error);
}

/* Appends one byte, or one character of several, escaped. */
typedef void Escape(const char *text, size_t length, gunichar c, GString *out);

static bool escape_args(Exec *exec, const Value *args, size_t n, Escape *escape, Value *result,
                        GError **error)
{
    g_autoptr(GString) plain = g_string_new(NULL);
    bool complete = true;
    if (n == 1 && value_is_text(args[0])) {
        g_string_append_len(plain, args[0].text, args[0].n);
    } else {
        g_autofree Value *shown = g_memdup2(args, n * sizeof *args);
        for (size_t i = 0; i < n; i++) {
            shown[i] = args[i].kind == KIND_NIL ? value_text("<no value>") : args[i];
        }
        complete = print_values(shown, n, exec_room(exec), plain);
    }
    GString *built = g_string_sized_new(plain->len);
    size_t length;
    for (size_t i = 0; i < plain->len; i += length) {
        gunichar c = rune_decode(plain->str + i, plain->len - i, &length);
        escape(plain->str + i, length, c, built);
    }
    return finish_text(exec, complete, built, result, error);
}

static void escape_html(const char *text, size_t length, gunichar c, GString *out)
{
    switch (c) {
    case '\0':
        g_string_append(out, "\xef\xbf\xbd");
        return;
    case '"':
        g_string_append(out, "&#34;");
        return;
    case '\'':
        g_string_append(out, "&#39;");
        return;
    case '&':
        g_string_append(out, "&amp;");
        return;
    case '<':
        g_string_append(out, "&lt;");
        return;
    case '>':
        g_string_append(out, "&gt;");
        return;
    default:
        g_string_append_len(out, text, (gssize)length);
    }
}

static void escape_js(const char *text, size_t length, gunichar c, GString *out)
{
    if (c == '\\' || c == '\'' || c == '"') {
        g_string_append_c(out, '\\');
        g_string_append_c(out, (char)c);
    } else if (c < ' ' || c == '<' || c == '>' || c == '&' || c == '=' ||
               (c >= 0x80 && !rune_is_print(c))) {
        g_string_append_printf(out, "\\u%04X", c);
    } else {
        g_string_append_len(out, text, (gssize)length);
    }
}

static void escape_query(const char *text, size_t length, gunichar c, GString *out)
{
    if (c == ' ') {
        g_string_append_c(out, '+');
        return;
    }
    if (c < 0x80 && (g_ascii_isalnum((char)c) || (c != 0 && strchr("-_.~", (int)c) != NULL))) {
        g_string_append_c(out, (char)c);
        return;
    }
    for (size_t i = 0; i < length; i++) {
        g_string_append_printf(out, "%%%02X", (unsigned)(unsigned char)text[i]);
    }
}

static bool builtin_html(Exec *exec, const Value *args, size_t n, Value *result, GError **error)
{
    return escape_args(exec, args, n, escape_html, result, error);
}

static bool builtin_js(Exec *exec, const Value *args, size_t n, Value *result, GError **error)
{
    return escape_args(exec, args, n, escape_js, result, error);
}

static bool builtin_urlquery(Exec *exec, const Value *args, size_t n, Value *result,
                             GError **error)
{
    return escape_args(exec, args, n, escape_query, result, error);
}

const Func funcs_builtin[] = {
    {"and", 1, ARGS_MAX, {KIND_RAW, KIND_RAW}, builtin_and},
    {"call", 1, ARGS_MAX, {KIND_RAW, KIND_RAW}, builtin_call},
    {"eq", 1, ARGS_MAX, {KIND_RAW, KIND_RAW}, builtin_eq},
    {"ge", 2, 2, {KIND_RAW, KIND_RAW}, builtin_ge},
    {"gt", 2, 2, {KIND_RAW, KIND_RAW}, builtin_gt},
    {"html", 0, ARGS_MAX, {KIND_ANY}, builtin_html},
    {"index", 1, ARGS_MAX, {KIND_RAW, KIND_RAW}, builtin_index},
    {"js", 0, ARGS_MAX, {KIND_ANY}, builtin_js},
    {"le", 2, 2, {KIND_RAW, KIND_RAW}, builtin_le},
    {"len", 1, 1, {KIND_RAW}, builtin_len},
    {"lt", 2, 2, {KIND_RAW, KIND_RAW}, builtin_lt},
    {"ne", 2, 2, {KIND_RAW, KIND_RAW}, builtin_ne},
    {"not", 1, 1, {KIND_RAW}, builtin_not},
    {"or", 1, ARGS_MAX, {KIND_RAW, KIND_RAW}, builtin_or},
    {"print", 0, ARGS_MAX, {KIND_ANY}, builtin_print},
    {"printf", 1, ARGS_MAX, {KIND_STRING, KIND_ANY}, builtin_printf},
    {"println", 0, ARGS_MAX, {KIND_ANY}, builtin_println},
    {"slice", 1, ARGS_MAX, {KIND_RAW, KIND_RAW}, builtin_slice},
    {"urlquery", 0, ARGS_MAX, {KIND_ANY}, builtin_urlquery},
    {.name = NULL},
};
