/* SPDX-License-Identifier: MIT */
#include "rules/template/gotime.h"

#include <math.h>
#include <string.h>

#include "rules/template/layout.h"

__extension__ typedef unsigned __int128 Wide;
__extension__ typedef __int128 SignedWide;

#define SECOND 1000000000LL

/* No date a template can make leaves this range, and no sum in it overflows. */
#define YEARS_MAX  100000000
#define MONTHS_MAX (YEARS_MAX * 12)
#define DAYS_MAX   1000000000

TemplateTime gotime_read(Timestamp at, const TemplateZone *local)
{
    TemplateTime time = {.at = at};

    if (at.offset_s != 0 && local != NULL &&
        zone_lookup(local, at.seconds).offset_s == at.offset_s) {
        time.zone = local;
    }
    return time;
}

TemplateTime gotime_in(TemplateTime time, const TemplateZone *zone)
{
    time.zone = zone;
    time.at.offset_s = zone == NULL ? 0 : zone_lookup(zone, time.at.seconds).offset_s;
    return time;
}

/* At another moment, in the same place. */
static TemplateTime moved(TemplateTime time, int64_t seconds, int32_t nanoseconds)
{
    time.at.seconds = seconds;
    time.at.nanoseconds = nanoseconds;
    if (time.zone != NULL) {
        time.at.offset_s = zone_lookup(time.zone, seconds).offset_s;
    }
    return time;
}

Value gotime_value(Arena *arena, TemplateTime time)
{
    TemplateTime *kept = arena_alloc(arena, sizeof *kept);

    *kept = time;
    return (Value){.kind = KIND_TIME, .time = kept};
}

Value gotime_value_bare(const Timestamp *at)
{
    return (Value){.kind = KIND_TIME, .n = 1, .bare_time = at};
}

TemplateTime gotime_of(Value value)
{
    return value.n == 1 ? gotime_read(*value.bare_time, NULL) : *value.time;
}

const char *gotime_abbreviation(TemplateTime time)
{
    if (time.zone != NULL) {
        return zone_lookup(time.zone, time.at.seconds).abbreviation;
    }
    return time.at.offset_s == 0 ? "UTC" : "";
}

bool gotime_is_dst(TemplateTime time)
{
    return time.zone != NULL && zone_lookup(time.zone, time.at.seconds).dst;
}

void gotime_print(TemplateTime time, GString *out)
{
    static const char layout[] = "2006-01-02 15:04:05.999999999 -0700 MST";

    gotime_format(time, layout, strlen(layout), out);
}

void gotime_print_rfc3339(TemplateTime time, GString *out)
{
    static const char layout[] = "2006-01-02T15:04:05.999999999Z07:00";

    gotime_format(time, layout, strlen(layout), out);
}

int64_t gotime_sub(Timestamp a, Timestamp b)
{
    SignedWide difference = (SignedWide)(a.seconds - b.seconds) * (SignedWide)SECOND +
                            (SignedWide)(a.nanoseconds - b.nanoseconds);

    return (int64_t)CLAMP(difference, (SignedWide)INT64_MIN, (SignedWide)INT64_MAX);
}

TemplateTime gotime_add(TemplateTime time, int64_t nanoseconds)
{
    int64_t seconds = nanoseconds / SECOND;
    int64_t rest = time.at.nanoseconds + nanoseconds % SECOND;

    if (rest < 0) {
        rest += SECOND;
        seconds--;
    } else if (rest >= SECOND) {
        rest -= SECOND;
        seconds++;
    }
    return moved(time, time.at.seconds + seconds, (int32_t)rest);
}

/* The moment a clock in the place of TIME shows LOCAL seconds since 1970. */
static TemplateTime at_local(TemplateTime time, int64_t local)
{
    if (time.zone == NULL) {
        return moved(time, local - time.at.offset_s, time.at.nanoseconds);
    }
    /* As Go: the offset as if LOCAL were UTC, unless it does not hold there. */
    int32_t offset = zone_lookup(time.zone, local).offset_s;
    offset = zone_lookup(time.zone, local - offset).offset_s;
    return moved(time, local - offset, time.at.nanoseconds);
}

TemplateTime gotime_add_date(TemplateTime time, int64_t years, int64_t months,
                             int64_t days)
{
    CivilTime civil = timestamp_civil(time.at);
    int64_t year = civil.year + CLAMP(years, -YEARS_MAX, YEARS_MAX);
    int month = civil.month + (int)CLAMP(months, -MONTHS_MAX, MONTHS_MAX);
    int day = civil.day + (int)CLAMP(days, -DAYS_MAX, DAYS_MAX);
    int64_t local = timestamp_days(year, month, day) * 86400 + civil.hour * 3600 +
                    civil.minute * 60 + civil.second;

    return at_local(time, local);
}

/* Nanoseconds since the zero time, modulo UNIT. */
static int64_t remainder_of(Timestamp at, int64_t unit)
{
    int64_t since_zero = at.seconds - TIMESTAMP_ZERO.seconds;
    uint64_t seconds = (uint64_t)(since_zero < 0 ? -since_zero : since_zero);
    Wide total = (Wide)seconds * (Wide)(uint64_t)SECOND;
    bool negative = since_zero < 0;
    Wide fraction = (Wide)(uint64_t)at.nanoseconds;

    total = negative ? total - fraction : total + fraction;
    int64_t rest = (int64_t)(total % (Wide)(uint64_t)unit);
    return negative && rest != 0 ? unit - rest : rest;
}

static bool less_than_half(int64_t rest, int64_t unit)
{
    return (uint64_t)rest + (uint64_t)rest < (uint64_t)unit;
}

TemplateTime gotime_truncate(TemplateTime time, int64_t nanoseconds)
{
    return nanoseconds <= 0 ? time
                            : gotime_add(time, -remainder_of(time.at, nanoseconds));
}

TemplateTime gotime_round(TemplateTime time, int64_t nanoseconds)
{
    if (nanoseconds <= 0) {
        return time;
    }
    int64_t rest = remainder_of(time.at, nanoseconds);
    return gotime_add(time,
                      less_than_half(rest, nanoseconds) ? -rest : nanoseconds - rest);
}

int64_t duration_truncate(int64_t nanoseconds, int64_t unit)
{
    return unit <= 0 ? nanoseconds : nanoseconds - nanoseconds % unit;
}

int64_t duration_round(int64_t nanoseconds, int64_t unit)
{
    int64_t rounded;

    if (unit <= 0) {
        return nanoseconds;
    }
    int64_t rest = nanoseconds % unit;
    if (less_than_half(rest < 0 ? -rest : rest, unit)) {
        return nanoseconds - rest;
    }
    if (nanoseconds < 0) {
        return __builtin_sub_overflow(nanoseconds - rest, unit, &rounded) ? INT64_MIN
                                                                          : rounded;
    }
    return __builtin_add_overflow(nanoseconds - rest, unit, &rounded) ? INT64_MAX
                                                                      : rounded;
}

/* WHOLE and FRACTION of it in units of 10^-DIGITS, without zeros at the end. */
static void print_fraction(uint64_t whole, uint64_t fraction, int digits, GString *out)
{
    g_string_append_printf(out, "%" G_GUINT64_FORMAT, whole);
    if (fraction == 0) {
        return;
    }
    g_string_append_printf(out, ".%0*" G_GUINT64_FORMAT, digits, fraction);
    while (out->str[out->len - 1] == '0') {
        g_string_truncate(out, out->len - 1);
    }
}

/* Less than a second. */
static void print_short(uint64_t nanoseconds, GString *out)
{
    if (nanoseconds >= 1000000) {
        print_fraction(nanoseconds / 1000000, nanoseconds % 1000000, 6, out);
        g_string_append(out, "ms");
    } else if (nanoseconds >= 1000) {
        print_fraction(nanoseconds / 1000, nanoseconds % 1000, 3, out);
        g_string_append(out, "µs");
    } else {
        g_string_append_printf(out, "%dns", (int)nanoseconds);
    }
}

void duration_print(int64_t nanoseconds, GString *out)
{
    uint64_t left = nanoseconds < 0 ? 0 - (uint64_t)nanoseconds : (uint64_t)nanoseconds;
    uint64_t seconds = left / (uint64_t)SECOND;

    if (nanoseconds == 0) {
        g_string_append(out, "0s");
        return;
    }
    if (nanoseconds < 0) {
        g_string_append_c(out, '-');
    }
    if (seconds == 0) {
        print_short(left, out);
        return;
    }
    if (seconds >= 3600) {
        g_string_append_printf(out, "%" G_GUINT64_FORMAT "h", seconds / 3600);
    }
    if (seconds >= 60) {
        g_string_append_printf(out, "%" G_GUINT64_FORMAT "m", seconds / 60 % 60);
    }
    print_fraction(seconds % 60, left % (uint64_t)SECOND, 9, out);
    g_string_append_c(out, 's');
}

void month_print(int64_t month, GString *out)
{
    if (month >= 1 && month <= 12) {
        g_string_append(out, layout_months[month - 1]);
    } else {
        g_string_append_printf(out, "%%!Month(%" G_GUINT64_FORMAT ")", (uint64_t)month);
    }
}

void weekday_print(int64_t weekday, GString *out)
{
    if (weekday >= 0 && weekday <= 6) {
        g_string_append(out, layout_weekdays[weekday]);
    } else {
        g_string_append_printf(out, "%%!Weekday(%" G_GUINT64_FORMAT ")",
                               (uint64_t)weekday);
    }
}
