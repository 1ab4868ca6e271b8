/* SPDX-License-Identifier: MIT */
#ifndef RULES_TEMPLATE_METHODS_H
#define RULES_TEMPLATE_METHODS_H

#include "rules/template/funcs.h"

/* A KV's pairs sorted by name, but alertname first: also its String and JSON order. */
Value kv_sorted_pairs(Arena *arena, const Labels *labels);
/* name=value, name=value */
void pairs_print(Value pairs, GString *out);

/* The methods of times and durations, for the table in methods.c. */
FuncCall time_add, time_add_date, time_after, time_before, time_compare, time_day,
    time_equal, time_format, time_hour, time_in, time_is_dst, time_is_zero, time_local,
    time_location, time_minute, time_month, time_nanosecond, time_round, time_second,
    time_string, time_sub, time_truncate, time_utc, time_unix, time_unix_micro,
    time_unix_milli, time_unix_nano, time_weekday, time_year, time_year_day;
FuncCall duration_abs, duration_hours, duration_microseconds, duration_milliseconds,
    duration_minutes, duration_nanoseconds, duration_round_to, duration_seconds,
    duration_truncate_to;

#endif
