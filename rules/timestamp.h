/* SPDX-License-Identifier: MIT */
#ifndef RULES_TIMESTAMP_H
#define RULES_TIMESTAMP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A moment: Unix time and the offset it was written in (0 for Z).  The zero value
 * is 1970; Go's zero time is TIMESTAMP_ZERO (0001-01-01T00:00:00Z). */
typedef struct {
    int64_t seconds;
    int32_t nanoseconds; /* 0 to 999,999,999 */
    int32_t offset_s;    /* east of UTC */
} Timestamp;

#define TIMESTAMP_ZERO ((Timestamp){.seconds = -62135596800})

bool timestamp_is_zero(Timestamp time);
/* Negative, 0 or positive as A is before, at or after B; offsets do not count. */
int timestamp_compare(Timestamp a, Timestamp b);
int64_t timestamp_ms(Timestamp time);       /* since 1970, rounded down */
Timestamp timestamp_from_ms(int64_t ms);    /* in UTC */

/* RFC 3339 with up to nine fractional digits (more are cut) and Z or an offset,
 * strictly.  False if TEXT is anything else; *TIME is written only on true. */
bool timestamp_parse(const char *text, Timestamp *time);

/* Days since 1970-01-01 of a proleptic Gregorian date; months and days may be out
 * of range and are normalised, as in Go's time.Date. */
int64_t timestamp_days(int64_t year, int month, int day);

/* Broken-down, in the moment's own offset. */
typedef struct {
    int64_t year;
    int month, day, hour, minute, second, weekday, yearday; /* weekday 0 is Sunday; yearday from 1 */
} CivilTime;
CivilTime timestamp_civil(Timestamp time);

#endif
