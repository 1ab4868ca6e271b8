/* SPDX-License-Identifier: MIT */
#ifndef RULES_TEMPLATE_GOTIME_H
#define RULES_TEMPLATE_GOTIME_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rules/arena.h"
#include "rules/template/value.h"
#include "rules/template/zone.h"
#include "rules/timestamp.h"

/* Go's time.Time, time.Duration, time.Month and time.Weekday. */
typedef struct TemplateTime {
    Timestamp at;             /* offset_s is the zone's at this moment */
    const TemplateZone *zone; /* NULL: UTC if the offset is 0, else the bare offset */
} TemplateTime;

/* A moment as Go reads it from JSON: an offset that is the local zone's at that moment
 * is taken for the local zone. */
TemplateTime gotime_read(Timestamp at, const TemplateZone *local);
TemplateTime gotime_in(TemplateTime time, const TemplateZone *zone); /* NULL: UTC */

/* As a value and back.  A value of KIND_TIME with n == 1 points to a bare Timestamp. */
Value gotime_value(Arena *arena, TemplateTime time);
Value gotime_value_bare(const Timestamp *at);
TemplateTime gotime_of(Value value);

bool gotime_is_dst(TemplateTime time);

/* Appends TIME in a Go layout, in which 2006-01-02 15:04:05 stands for itself. */
void gotime_format(TemplateTime time, const char *layout, size_t n, GString *out);
void gotime_print(TemplateTime time, GString *out);         /* Time.String */
void gotime_print_rfc3339(TemplateTime time, GString *out); /* as JSON */
/* Reads TEXT by a layout; without a zone in it, it is UTC.  A zone it needs lives in
 * ARENA.  On error (INPUT) Go's `parsing time "…" as "…": …`. */
bool gotime_parse(Arena *arena, Value layout, Value text, TemplateTime *time,
                  GError **error);
/* The abbreviation of its zone, "" if it has none. */
const char *gotime_abbreviation(TemplateTime time);

/* Nanoseconds from B to A, held at the ends of an int64_t. */
int64_t gotime_sub(Timestamp a, Timestamp b);
TemplateTime gotime_add(TemplateTime time, int64_t nanoseconds);
TemplateTime gotime_add_date(TemplateTime time, int64_t years, int64_t months,
                             int64_t days);
/* The time rounded (or cut) to a multiple of NANOSECONDS since the zero time. */
TemplateTime gotime_round(TemplateTime time, int64_t nanoseconds);
TemplateTime gotime_truncate(TemplateTime time, int64_t nanoseconds);
void duration_print(int64_t nanoseconds, GString *out); /* 1h2m3.5s */
int64_t duration_round(int64_t nanoseconds, int64_t unit);
int64_t duration_truncate(int64_t nanoseconds, int64_t unit);

/* "March", "Saturday"; what is out of range prints as Go does: "%!Month(13)". */
void month_print(int64_t month, GString *out);
void weekday_print(int64_t weekday, GString *out);

#endif
