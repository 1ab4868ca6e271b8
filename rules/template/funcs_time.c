/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <string.h>

#include "rules/fault.h"
#include "rules/quote.h"
#include "rules/template/funcs_alertmanager.h"
#include "rules/template/gotime.h"

bool func_date(Exec *exec, const Value *args, size_t n, Value *result, GError **error)
{
    GString *out = arena_text_begin(exec_arena(exec));

    (void)n;
    gotime_format(gotime_of(args[1]), args[0].text, args[0].n, out);
    return func_give_text(exec, out, result, error);
}

bool func_tz(Exec *exec, const Value *args, size_t n, Value *result, GError **error)
{
    g_autofree char *name = g_strndup(args[0].text, args[0].n);
    const TemplateZone *zone = zone_find(exec_zones(exec), name, error);

    (void)n;
    if (zone == NULL) {
        return false;
    }
    *result = gotime_value(exec_arena(exec), gotime_in(gotime_of(args[1]), zone));
    return true;
}

bool func_now(Exec *exec, const Value *args, size_t n, Value *result, GError **error)
{
    TemplateTime now = {.at = exec_now(exec)};

    (void)args, (void)n, (void)error;
    *result =
        gotime_value(exec_arena(exec), gotime_in(now, zone_local(exec_zones(exec))));
    return true;
}

bool func_since(Exec *exec, const Value *args, size_t n, Value *result, GError **error)
{
    (void)n, (void)error;
    *result =
        value_integer(KIND_DURATION, gotime_sub(exec_now(exec), gotime_of(args[0]).at));
    return true;
}

bool func_must_to_date(Exec *exec, const Value *args, size_t n, Value *result,
                       GError **error)
{
    TemplateTime time;

    (void)n;
    if (!gotime_parse(exec_arena(exec), args[0], args[1], &time, error)) {
        return false;
    }
    *result = gotime_value(exec_arena(exec), time);
    return true;
}

bool func_to_date(Exec *exec, const Value *args, size_t n, Value *result,
                  GError **error)
{
    (void)error;
    if (!func_must_to_date(exec, args, n, result, NULL)) {
        *result = gotime_value(exec_arena(exec), (TemplateTime){.at = TIMESTAMP_ZERO});
    }
    return true;
}

static const char *skip_digits(const char *text)
{
    while (g_ascii_isdigit(*text)) {
        text++;
    }
    return text;
}

/* A decimal number with digits before or behind its point, and nothing else. */
static bool is_number(const char *text)
{
    text += *text == '+' || *text == '-' ? 1 : 0;
    if (g_ascii_strcasecmp(text, "inf") == 0 ||
        g_ascii_strcasecmp(text, "infinity") == 0 ||
        g_ascii_strcasecmp(text, "nan") == 0) {
        return true;
    }
    const char *whole = skip_digits(text), *end = whole;
    if (*whole == '.') {
        end = skip_digits(whole + 1);
    }
    if (end == text || (end == whole + 1 && whole == text)) {
        return false;
    }
    if (*end == 'e' || *end == 'E') {
        end += end[1] == '+' || end[1] == '-' ? 2 : 1;
        return g_ascii_isdigit(*end) && *skip_digits(end) == '\0';
    }
    return *end == '\0';
}

/* Go's strconv.ParseFloat, without hexadecimal numbers. */
static bool parse_float(Value text, double *real, GError **error)
{
    g_autofree char *digits = g_strndup(text.text, text.n);
    const char *problem = NULL;

    if (strlen(digits) != text.n || !is_number(digits)) {
        problem = "invalid syntax";
    } else {
        *real = g_ascii_strtod(digits, NULL);
        bool named = g_ascii_isalpha(digits[strspn(digits, "+-")]);
        problem = isinf(*real) && !named ? "value out of range" : NULL;
    }
    if (problem != NULL) {
        g_autoptr(GString) quoted = g_string_new(NULL);
        quote_append(quoted, digits);
        g_set_error(error, FAULT, FAULT_INPUT, "strconv.ParseFloat: parsing %s: %s",
                    quoted->str, problem);
    }
    return problem == NULL;
}

static bool to_seconds(Value value, double *seconds, GError **error)
{
    switch (value.kind) {
    case KIND_FLOAT:
        *seconds = value.real;
        return true;
    case KIND_INT:
        *seconds = (double)value.integer;
        return true;
    case KIND_DURATION:
        *seconds = (double)(value.integer / 1000000000) +
                   (double)(value.integer % 1000000000) / 1e9;
        return true;
    case KIND_STRING:
        return parse_float(value, seconds, error);
    default:
        g_set_error(error, FAULT, FAULT_INPUT, "can't convert %s to float",
                    value.kind == KIND_NIL ? "<nil>" : kind_type(value.kind));
        return false;
    }
}

/* Four significant digits. */
static void append_short(GString *out, double number)
{
    char buffer[G_ASCII_DTOSTR_BUF_SIZE];

    g_string_append(out, g_ascii_formatd(buffer, sizeof buffer, "%.4g", number));
}

/* Days to seconds, beginning with the largest that is not 0. */
static void append_long(GString *out, double seconds)
{
    uint64_t whole = seconds < 9.2e18 ? (uint64_t)seconds : INT64_MAX;
    const uint64_t parts[] = {whole / 86400, whole / 3600 % 24, whole / 60 % 60,
                              whole % 60};
    size_t first = 0;

    while (first < 3 && parts[first] == 0) {
        first++;
    }
    if (first == 3) {
        append_short(out, seconds);
        g_string_append_c(out, 's');
        return;
    }
    for (size_t i = first; i < 4; i++) {
        g_string_append_printf(out, "%s%" G_GUINT64_FORMAT "%c", i > first ? " " : "",
                               parts[i], "dhms"[i]);
    }
}

static void append_fraction(GString *out, double seconds)
{
    static const char prefixes[] = "munpfazy";
    char prefix = '\0';

    for (const char *at = prefixes; *at != '\0' && fabs(seconds) < 1; at++) {
        prefix = *at;
        seconds *= 1000;
    }
    append_short(out, seconds);
    g_string_append_printf(out, "%cs", prefix);
}

bool func_humanize_duration(Exec *exec, const Value *args, size_t n, Value *result,
                            GError **error)
{
    double seconds;

    (void)n;
    if (!to_seconds(args[0], &seconds, error)) {
        return false;
    }
    GString *out = arena_text_begin(exec_arena(exec));
    if (isnan(seconds) || isinf(seconds)) {
        g_string_append(out, isnan(seconds) ? "NaN" : seconds > 0 ? "+Inf" : "-Inf");
    } else if (fabs(seconds) >= 1) {
        g_string_append(out, seconds < 0 ? "-" : "");
        append_long(out, fabs(seconds));
    } else if (seconds < 0 || seconds > 0) {
        append_fraction(out, seconds);
    } else {
        g_string_append(out, "0s");
    }
    return func_give_text(exec, out, result, error);
}
