/* SPDX-License-Identifier: MIT */
/* Methods of Alertmanager's types, and the table of all methods. */
#include "rules/template/methods.h"

#include <string.h>

#include "rules/template/gotime.h"

Value kv_sorted_pairs(Arena *arena, const Labels *labels)
{
    Label *pairs = arena_array(arena, Label, labels->n + 1);
    size_t n = 0;

    for (size_t i = 0; i < labels->n; i++) {
        if (strcmp(labels->items[i].name, "alertname") == 0) {
            pairs[n++] = labels->items[i];
        }
    }
    for (size_t i = 0; i < labels->n; i++) {
        if (strcmp(labels->items[i].name, "alertname") != 0) {
            pairs[n++] = labels->items[i];
        }
    }
    return value_pairs(pairs, n);
}

void pairs_print(Value pairs, GString *out)
{
    for (size_t i = 0; i < pairs.n; i++) {
        g_string_append_printf(out, "%s%s=%s", i > 0 ? ", " : "", pairs.pairs[i].name,
                               pairs.pairs[i].value);
    }
}

static Value pair_names(Arena *arena, Value pairs)
{
    Value *names = arena_array(arena, Value, pairs.n + 1);

    for (size_t i = 0; i < pairs.n; i++) {
        names[i] = value_text(pairs.pairs[i].name);
    }
    return value_strings(KIND_NAMES, names, pairs.n);
}

static Value pair_values(Arena *arena, Value pairs)
{
    Value *values = arena_array(arena, Value, pairs.n + 1);

    for (size_t i = 0; i < pairs.n; i++) {
        values[i] = value_text(pairs.pairs[i].value);
    }
    return value_strings(KIND_NAMES, values, pairs.n);
}

#define METHOD(name)                                                                   \
    static bool name(Exec *exec, const Value *args, size_t n, Value *result,           \
                     GError **error)

METHOD(pairs_names)
{
    (void)n, (void)error;
    *result = pair_names(exec_arena(exec), args[0]);
    return true;
}

METHOD(pairs_values)
{
    (void)n, (void)error;
    *result = pair_values(exec_arena(exec), args[0]);
    return true;
}

METHOD(kv_pairs)
{
    (void)n, (void)error;
    *result = kv_sorted_pairs(exec_arena(exec), args[0].labels);
    return true;
}

METHOD(kv_names)
{
    (void)n, (void)error;
    *result =
        pair_names(exec_arena(exec), kv_sorted_pairs(exec_arena(exec), args[0].labels));
    return true;
}

METHOD(kv_values)
{
    (void)n, (void)error;
    *result = pair_values(exec_arena(exec),
                          kv_sorted_pairs(exec_arena(exec), args[0].labels));
    return true;
}

static bool has_name(Value names, const char *name)
{
    size_t length = strlen(name);

    for (size_t i = 0; i < names.n; i++) {
        Value item = names.items[i];
        if (item.n == length && memcmp(item.text, name, length) == 0) {
            return true;
        }
    }
    return false;
}

METHOD(kv_remove)
{
    const Labels *labels = args[0].labels;
    Label *kept = arena_array(exec_arena(exec), Label, labels->n + 1);
    Labels *left = arena_alloc(exec_arena(exec), sizeof *left);
    size_t n_kept = 0;

    (void)n;
    if (!exec_charge(exec, (uint64_t)labels->n * args[1].n / 16, error)) {
        return false;
    }
    for (size_t i = 0; i < labels->n; i++) {
        if (!has_name(args[1], labels->items[i].name)) {
            kept[n_kept++] = labels->items[i];
        }
    }
    *left = (Labels){kept, n_kept};
    *result = value_labels(KIND_KV, left);
    return true;
}

/* What the receiver prints, as text. */
METHOD(print_receiver)
{
    GString *out = g_string_new(NULL);

    (void)n, (void)error;
    value_print(args[0], out);
    *result = value_take_text(exec_arena(exec), out);
    return true;
}

METHOD(names_join)
{
    Value swapped[] = {args[1], args[0]};

    return func_in(funcs_alertmanager, "join", 4)
        ->call(exec, swapped, n, result, error);
}

static Value with_status(Exec *exec, Value alerts, AlertStatus status)
{
    const Alert **kept = arena_array(exec_arena(exec), const Alert *, alerts.n + 1);
    uint32_t n_kept = 0;

    for (size_t i = 0; i < alerts.n; i++) {
        const Alert *alert = alerts.alerts[i];
        if (alert->status == status && alert->status_text == NULL) {
            kept[n_kept++] = alert;
        }
    }
    return (Value){.kind = KIND_FIRING, .n = n_kept, .alerts = kept};
}

METHOD(alerts_firing)
{
    (void)n, (void)error;
    *result = with_status(exec, args[0], ALERT_FIRING);
    return true;
}

METHOD(alerts_resolved)
{
    (void)n, (void)error;
    *result = with_status(exec, args[0], ALERT_RESOLVED);
    return true;
}

const Method methods[] = {
    {KIND_KV, {"SortedPairs", 0, 0, {0}, kv_pairs}},
    {KIND_KV, {"Remove", 1, 1, {KIND_STRINGS}, kv_remove}},
    {KIND_KV, {"Names", 0, 0, {0}, kv_names}},
    {KIND_KV, {"Values", 0, 0, {0}, kv_values}},
    {KIND_KV, {"String", 0, 0, {0}, print_receiver}},
    {KIND_PAIRS, {"Names", 0, 0, {0}, pairs_names}},
    {KIND_PAIRS, {"Values", 0, 0, {0}, pairs_values}},
    {KIND_PAIRS, {"String", 0, 0, {0}, print_receiver}},
    {KIND_NAMES, {"Join", 1, 1, {KIND_STRING}, names_join}},
    {KIND_ALERTS, {"Firing", 0, 0, {0}, alerts_firing}},
    {KIND_ALERTS, {"Resolved", 0, 0, {0}, alerts_resolved}},
    {KIND_TIME, {"Add", 1, 1, {KIND_DURATION}, time_add}},
    {KIND_TIME, {"AddDate", 3, 3, {KIND_INT, KIND_INT, KIND_INT}, time_add_date}},
    {KIND_TIME, {"After", 1, 1, {KIND_TIME}, time_after}},
    {KIND_TIME, {"Before", 1, 1, {KIND_TIME}, time_before}},
    {KIND_TIME, {"Compare", 1, 1, {KIND_TIME}, time_compare}},
    {KIND_TIME, {"Day", 0, 0, {0}, time_day}},
    {KIND_TIME, {"Equal", 1, 1, {KIND_TIME}, time_equal}},
    {KIND_TIME, {"Format", 1, 1, {KIND_STRING}, time_format}},
    {KIND_TIME, {"Hour", 0, 0, {0}, time_hour}},
    {KIND_TIME, {"In", 1, 1, {KIND_LOCATION}, time_in}},
    {KIND_TIME, {"IsDST", 0, 0, {0}, time_is_dst}},
    {KIND_TIME, {"IsZero", 0, 0, {0}, time_is_zero}},
    {KIND_TIME, {"Local", 0, 0, {0}, time_local}},
    {KIND_TIME, {"Location", 0, 0, {0}, time_location}},
    {KIND_TIME, {"Minute", 0, 0, {0}, time_minute}},
    {KIND_TIME, {"Month", 0, 0, {0}, time_month}},
    {KIND_TIME, {"Nanosecond", 0, 0, {0}, time_nanosecond}},
    {KIND_TIME, {"Round", 1, 1, {KIND_DURATION}, time_round}},
    {KIND_TIME, {"Second", 0, 0, {0}, time_second}},
    {KIND_TIME, {"String", 0, 0, {0}, print_receiver}},
    {KIND_TIME, {"Sub", 1, 1, {KIND_TIME}, time_sub}},
    {KIND_TIME, {"Truncate", 1, 1, {KIND_DURATION}, time_truncate}},
    {KIND_TIME, {"UTC", 0, 0, {0}, time_utc}},
    {KIND_TIME, {"Unix", 0, 0, {0}, time_unix}},
    {KIND_TIME, {"UnixMicro", 0, 0, {0}, time_unix_micro}},
    {KIND_TIME, {"UnixMilli", 0, 0, {0}, time_unix_milli}},
    {KIND_TIME, {"UnixNano", 0, 0, {0}, time_unix_nano}},
    {KIND_TIME, {"Weekday", 0, 0, {0}, time_weekday}},
    {KIND_TIME, {"Year", 0, 0, {0}, time_year}},
    {KIND_TIME, {"YearDay", 0, 0, {0}, time_year_day}},
    {KIND_LOCATION, {"String", 0, 0, {0}, print_receiver}},
    {KIND_DURATION, {"Abs", 0, 0, {0}, duration_abs}},
    {KIND_DURATION, {"Hours", 0, 0, {0}, duration_hours}},
    {KIND_DURATION, {"Microseconds", 0, 0, {0}, duration_microseconds}},
    {KIND_DURATION, {"Milliseconds", 0, 0, {0}, duration_milliseconds}},
    {KIND_DURATION, {"Minutes", 0, 0, {0}, duration_minutes}},
    {KIND_DURATION, {"Nanoseconds", 0, 0, {0}, duration_nanoseconds}},
    {KIND_DURATION, {"Round", 1, 1, {KIND_DURATION}, duration_round_to}},
    {KIND_DURATION, {"Seconds", 0, 0, {0}, duration_seconds}},
    {KIND_DURATION, {"String", 0, 0, {0}, print_receiver}},
    {KIND_DURATION, {"Truncate", 1, 1, {KIND_DURATION}, duration_truncate_to}},
    {KIND_MONTH, {"String", 0, 0, {0}, print_receiver}},
    {KIND_WEEKDAY, {"String", 0, 0, {0}, print_receiver}},
    {.func = {.name = NULL}},
};

static void print_kv(Value value, GString *out)
{
    g_autoptr(Arena) arena = arena_new();

    pairs_print(kv_sorted_pairs(arena, value.labels), out);
}

static void print_time(Value value, GString *out)
{
    gotime_print(gotime_of(value), out);
}

static void print_location(Value value, GString *out)
{
    g_string_append(out, value.location == NULL ? "UTC" : zone_name(value.location));
}

static void print_duration(Value value, GString *out)
{
    duration_print(value.integer, out);
}

static void print_month(Value value, GString *out)
{
    month_print(value.integer, out);
}

static void print_weekday(Value value, GString *out)
{
    weekday_print(value.integer, out);
}

Stringer *kind_stringer(Kind kind)
{
    static Stringer *const stringers[KIND_COUNT] = {
        [KIND_KV] = print_kv,
        [KIND_PAIRS] = pairs_print,
        [KIND_TIME] = print_time,
        [KIND_LOCATION] = print_location,
        [KIND_DURATION] = print_duration,
        [KIND_MONTH] = print_month,
        [KIND_WEEKDAY] = print_weekday,
    };

    return kind < KIND_COUNT ? stringers[kind] : NULL;
}
