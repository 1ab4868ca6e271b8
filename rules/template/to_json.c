/* SPDX-License-Identifier: MIT */
/* Values as Go's json.Marshal writes them, safe inside HTML. */
#include <math.h>
#include <string.h>

#include "rules/fault.h"
#include "rules/rune.h"
#include "rules/template/format.h"
#include "rules/template/funcs_alertmanager.h"
#include "rules/template/gotime.h"
#include "rules/template/methods.h"

#define DEPTH_MAX 1000

typedef struct {
    GString *out;
    Exec *exec;
    unsigned depth;
    size_t max; /* bytes of OUT */
} Json;

static bool write_value(Json *json, Value value, GError **error);

static void write_text(GString *out, const char *text, size_t n)
{
    static const char escaped[] = "\"\\\n\r\t\b\f", letters[] = "\"\\nrtbf";
    size_t length;

    g_string_append_c(out, '"');
    for (size_t i = 0; i < n; i += length) {
        gunichar rune = rune_decode(text + i, n - i, &length);
        const char *known =
            rune != 0 && rune < 0x80 ? strchr(escaped, (int)rune) : NULL;
        if (known != NULL) {
            g_string_append_c(out, '\\');
            g_string_append_c(out, letters[known - escaped]);
        } else if (rune < ' ' || rune == '<' || rune == '>' || rune == '&' ||
                   rune == 0x2028 || rune == 0x2029) {
            g_string_append_printf(out, "\\u%04x", rune);
        } else if (rune == RUNE_ERROR && length == 1) {
            g_string_append(out, "\\ufffd");
        } else {
            g_string_append_len(out, text + i, (gssize)length);
        }
    }
    g_string_append_c(out, '"');
}

/* As JavaScript does: exponents only for the very large and the very small. */
static bool write_float(Json *json, double real, GError **error)
{
    double size = fabs(real);

    if (!isfinite(real)) {
        g_set_error(error, FAULT, FAULT_INPUT, "json: unsupported value: %s",
                    isnan(real) ? "NaN"
                    : real > 0  ? "+Inf"
                                : "-Inf");
        return false;
    }
    bool exponent = size > 0 && (size < 1e-6 || size >= 1e21);
    size_t start = json->out->len;
    float_format(real, exponent ? 'e' : 'f', -1, json->out);
    /* e-09 is written e-9 */
    char *zero = exponent ? strstr(json->out->str + start, "e-0") : NULL;
    if (zero != NULL) {
        g_string_erase(json->out, zero + 2 - json->out->str, 1);
    }
    return true;
}

static bool write_time(Json *json, Value value, GError **error)
{
    TemplateTime time = gotime_of(value);
    int64_t year = timestamp_civil(time.at).year;

    if (year < 0 || year > 9999) {
        g_set_error(error, FAULT, FAULT_INPUT,
                    "json: error calling MarshalJSON for type time.Time: "
                    "Time.MarshalJSON: year outside of range [0,9999]");
        return false;
    }
    g_string_append_c(json->out, '"');
    gotime_print_rfc3339(time, json->out);
    g_string_append_c(json->out, '"');
    return true;
}

static void write_key(Json *json, bool first, const char *key, size_t n)
{
    if (!first) {
        g_string_append_c(json->out, ',');
    }
    write_text(json->out, key, n);
    g_string_append_c(json->out, ':');
}

static bool write_list(Json *json, Value list, GError **error)
{
    g_string_append_c(json->out, '[');
    for (size_t i = 0; i < list.n; i++) {
        if (i > 0) {
            g_string_append_c(json->out, ',');
        }
        if (!write_value(json, value_item(list, i), error)) {
            return false;
        }
    }
    g_string_append_c(json->out, ']');
    return true;
}

static bool write_map(Json *json, Value map, GError **error)
{
    g_string_append_c(json->out, '{');
    for (size_t i = 0; i < map.n; i++) {
        Value key, value;
        value_entry(map, i, &key, &value);
        write_key(json, i == 0, key.text, key.n);
        if (!write_value(json, value, error)) {
            return false;
        }
    }
    g_string_append_c(json->out, '}');
    return true;
}

/* Fields are called in JSON as in Go but with a small letter; these are not. */
static const char *field_key(const Field *field, char *buffer, size_t size)
{
    if (field->kind == KIND_PAIR) {
        return field->name;
    }
    if (strcmp(field->name, "NotificationReason") == 0) {
        return "notification_reason";
    }
    g_strlcpy(buffer, field->name, size);
    buffer[0] = g_ascii_tolower(buffer[0]);
    return buffer;
}

/* What {{ . }} shows, and the labels of the route. */
static bool is_marshalled(const Field *field)
{
    return !field->unprinted || strcmp(field->name, "RouteLabels") == 0;
}

static bool write_struct(Json *json, Value value, GError **error)
{
    char buffer[32];
    bool first = true;

    g_string_append_c(json->out, '{');
    for (const Field *field = fields; field->name != NULL; field++) {
        if (field->kind != value.kind || !is_marshalled(field)) {
            continue;
        }
        const char *key = field_key(field, buffer, sizeof buffer);
        write_key(json, first, key, strlen(key));
        first = false;
        Value member = field->get(json->exec, exec_arena(json->exec), value);
        if (!write_value(json, member, error)) {
            return false;
        }
    }
    g_string_append_c(json->out, '}');
    return true;
}

static bool write_by_class(Json *json, Value value, GError **error)
{
    switch (value_class(value)) {
    case CLASS_NONE:
    case CLASS_NIL:
        g_string_append(json->out, "null");
        return true;
    case CLASS_BOOL:
        g_string_append(json->out, value.truth ? "true" : "false");
        return true;
    case CLASS_INT:
    case CLASS_UINT:
        g_string_append_printf(json->out, "%" G_GINT64_FORMAT, value.integer);
        return true;
    case CLASS_FLOAT:
        return write_float(json, value.real, error);
    case CLASS_STRING:
        write_text(json->out, value.text, value.n);
        return true;
    case CLASS_LIST:
        return write_list(json, value, error);
    case CLASS_MAP:
        return write_map(json, value, error);
    case CLASS_STRUCT:
        return value.kind == KIND_TIME ? write_time(json, value, error)
                                       : write_struct(json, value, error);
    case CLASS_POINTER: /* a location has nothing to show */
        g_string_append(json->out, "{}");
        return true;
    case CLASS_COMPLEX:
        g_set_error(error, FAULT, FAULT_INPUT, "json: unsupported type: complex128");
        return false;
    }
    g_assert_not_reached();
}

static bool write_value(Json *json, Value value, GError **error)
{
    if (json->depth == DEPTH_MAX || json->out->len > json->max) {
        g_set_error(error, FAULT, FAULT_LIMIT, "json: more than %zu bytes or %d levels",
                    json->max, DEPTH_MAX);
        return false;
    }
    json->depth++;
    bool written = write_by_class(json, value, error);
    json->depth--;
    return written;
}

bool func_to_json(Exec *exec, const Value *args, size_t n, Value *result,
                  GError **error)
{
    Json json = {.out = g_string_new(NULL), .exec = exec, .max = exec_room(exec)};

    (void)n;
    if (!write_value(&json, args[0], error)) {
        g_string_free(json.out, TRUE);
        return false;
    }
    return func_give_text(exec, json.out, result, error);
}
