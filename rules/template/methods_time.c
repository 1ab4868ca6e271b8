/* SPDX-License-Identifier: MIT */
#include "rules/fault.h"
#include "rules/template/gotime.h"
#include "rules/template/methods.h"

#define METHOD(name)                                                                   \
    bool name(Exec *exec, const Value *args, size_t n, Value *result, GError **error)
#define UNUSED (void)exec, (void)n, (void)error

/* args[0] is the receiver. */
static bool give(Exec *exec, TemplateTime time, Value *result)
{
    *result = gotime_value(exec_arena(exec), time);
    return true;
}

METHOD(time_add)
{
    UNUSED;
    return give(exec, gotime_add(gotime_of(args[0]), args[1].integer), result);
}

METHOD(time_add_date)
{
    UNUSED;
    return give(exec,
                gotime_add_date(gotime_of(args[0]), args[1].integer, args[2].integer,
                                args[3].integer),
                result);
}

static int compare(const Value *args)
{
    int order = timestamp_compare(gotime_of(args[0]).at, gotime_of(args[1]).at);

    return (order > 0) - (order < 0);
}

METHOD(time_after)
{
    UNUSED;
    *result = value_bool(compare(args) > 0);
    return true;
}

METHOD(time_before)
{
    UNUSED;
    *result = value_bool(compare(args) < 0);
    return true;
}

METHOD(time_compare)
{
    UNUSED;
    *result = value_int(compare(args));
    return true;
}

METHOD(time_equal)
{
    UNUSED;
    *result = value_bool(compare(args) == 0);
    return true;
}

METHOD(time_format)
{
    GString *out = arena_text_begin(exec_arena(exec));

    UNUSED;
    gotime_format(gotime_of(args[0]), args[1].text, args[1].n, out);
    *result = value_take_text(exec_arena(exec), out);
    return true;
}

METHOD(time_in)
{
    (void)n;
    if (args[1].location == NULL) {
        g_set_error(error, FAULT, FAULT_INPUT,
                    "time: missing Location in call to Time.In");
        return false;
    }
    return give(exec, gotime_in(gotime_of(args[0]), args[1].location), result);
}

METHOD(time_local)
{
    UNUSED;
    return give(exec, gotime_in(gotime_of(args[0]), zone_local(exec_zones(exec))),
                result);
}

METHOD(time_utc)
{
    UNUSED;
    return give(exec, gotime_in(gotime_of(args[0]), NULL), result);
}

METHOD(time_round)
{
    UNUSED;
    return give(exec, gotime_round(gotime_of(args[0]), args[1].integer), result);
}

METHOD(time_truncate)
{
    UNUSED;
    return give(exec, gotime_truncate(gotime_of(args[0]), args[1].integer), result);
}

METHOD(time_location)
{
    TemplateTime time = gotime_of(args[0]);

    UNUSED;
    if (time.zone == NULL) {
        time.zone = time.at.offset_s == 0
                        ? zone_find(exec_zones(exec), "UTC", NULL)
                        : zone_new_fixed(exec_arena(exec), "", time.at.offset_s);
    }
    *result = (Value){.kind = KIND_LOCATION, .location = time.zone};
    return true;
}

METHOD(time_is_dst)
{
    UNUSED;
    *result = value_bool(gotime_is_dst(gotime_of(args[0])));
    return true;
}

METHOD(time_is_zero)
{
    UNUSED;
    *result = value_bool(timestamp_is_zero(gotime_of(args[0]).at));
    return true;
}

METHOD(time_sub)
{
    UNUSED;
    *result = value_integer(KIND_DURATION,
                            gotime_sub(gotime_of(args[0]).at, gotime_of(args[1]).at));
    return true;
}

/* Parts of the date and of the clock. */
#define PART(name, part)                                                               \
    METHOD(name)                                                                       \
    {                                                                                  \
        UNUSED;                                                                        \
        *result = value_int(timestamp_civil(gotime_of(args[0]).at).part);              \
        return true;                                                                   \
    }
PART(time_year, year)
PART(time_day, day)
PART(time_hour, hour)
PART(time_minute, minute)
PART(time_second, second)
PART(time_year_day, yearday)

METHOD(time_month)
{
    UNUSED;
    *result = value_integer(KIND_MONTH, timestamp_civil(gotime_of(args[0]).at).month);
    return true;
}

METHOD(time_weekday)
{
    UNUSED;
    *result =
        value_integer(KIND_WEEKDAY, timestamp_civil(gotime_of(args[0]).at).weekday);
    return true;
}

METHOD(time_nanosecond)
{
    UNUSED;
    *result = value_int(gotime_of(args[0]).at.nanoseconds);
    return true;
}

/* Units since 1970; what does not fit wraps, as in Go. */
static Value since_1970(Value receiver, int64_t per_second)
{
    Timestamp at = gotime_of(receiver).at;
    uint64_t whole = (uint64_t)at.seconds * (uint64_t)per_second;

    return value_int(
        (int64_t)(whole + (uint64_t)(at.nanoseconds / (1000000000 / per_second))));
}

METHOD(time_unix)
{
    UNUSED;
    *result = value_int(gotime_of(args[0]).at.seconds);
    return true;
}

METHOD(time_unix_milli)
{
    UNUSED;
    *result = since_1970(args[0], 1000);
    return true;
}

METHOD(time_unix_micro)
{
    UNUSED;
    *result = since_1970(args[0], 1000000);
    return true;
}

METHOD(time_unix_nano)
{
    UNUSED;
    *result = since_1970(args[0], 1000000000);
    return true;
}

METHOD(duration_abs)
{
    int64_t nanoseconds = args[0].integer;

    UNUSED;
    if (nanoseconds < 0) {
        nanoseconds = nanoseconds == INT64_MIN ? INT64_MAX : -nanoseconds;
    }
    *result = value_integer(KIND_DURATION, nanoseconds);
    return true;
}

/* A duration in units of UNIT nanoseconds, with its fraction. */
static Value in_units(Value duration, int64_t unit)
{
    return value_float((double)(duration.integer / unit) +
                       (double)(duration.integer % unit) / (double)unit);
}

METHOD(duration_hours)
{
    UNUSED;
    *result = in_units(args[0], 3600 * INT64_C(1000000000));
    return true;
}

METHOD(duration_minutes)
{
    UNUSED;
    *result = in_units(args[0], 60 * INT64_C(1000000000));
    return true;
}

METHOD(duration_seconds)
{
    UNUSED;
    *result = in_units(args[0], 1000000000);
    return true;
}

METHOD(duration_milliseconds)
{
    UNUSED;
    *result = value_int(args[0].integer / 1000000);
    return true;
}

METHOD(duration_microseconds)
{
    UNUSED;
    *result = value_int(args[0].integer / 1000);
    return true;
}

METHOD(duration_nanoseconds)
{
    UNUSED;
    *result = value_int(args[0].integer);
    return true;
}

METHOD(duration_round_to)
{
    UNUSED;
    *result =
        value_integer(KIND_DURATION, duration_round(args[0].integer, args[1].integer));
    return true;
}

METHOD(duration_truncate_to)
{
    UNUSED;
    *result = value_integer(KIND_DURATION,
                            duration_truncate(args[0].integer, args[1].integer));
    return true;
}
