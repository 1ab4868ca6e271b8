/* SPDX-License-Identifier: MIT */
#ifndef CONFIG_INTERVALS_H
#define CONFIG_INTERVALS_H

/* Alertmanager's time_intervals, as plain data. */

/* Both ends included; a time of day is in minutes, its end excluded. */
typedef struct {
    int begin, end;
} Span;

typedef struct {
    Span *items;
    unsigned n; /* 0: any */
} Spans;

/* A moment is inside when it is inside every one of these. */
typedef struct {
    Spans times, weekdays /* 0 is Sunday */, days_of_month /* -1 is the last */, months, years;
    char *location; /* a zone of the tz database, "UTC" or "Local" */
} TimeInterval;

typedef struct {
    char *name;
    TimeInterval *intervals; /* inside one of them */
    unsigned n;
} TimeIntervals;

#endif
