/* SPDX-License-Identifier: MIT */
#ifndef RULES_TEMPLATE_LAYOUT_H
#define RULES_TEMPLATE_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The language of Go's time layouts, between gotime_format.c and gotime_parse.c. */

typedef enum {
    LAYOUT_NUMBER,
    LAYOUT_MONTH,   /* by name */
    LAYOUT_WEEKDAY, /* by name */
    LAYOUT_HALF,    /* PM */
    LAYOUT_OFFSET,
    LAYOUT_ZONE, /* MST */
    LAYOUT_FRACTION,
    LAYOUT_END, /* no element is left */
} LayoutKind;

typedef enum {
    PART_YEAR,
    PART_YEAR_OF_CENTURY,
    PART_MONTH,
    PART_DAY,
    PART_YEARDAY,
    PART_HOUR,
    PART_HOUR12,
    PART_MINUTE,
    PART_SECOND,
    PART_COUNT,
} LayoutPart;

/* One way to write something, by how the reference time is written. */
typedef struct {
    const char *text;
    LayoutKind kind;
    LayoutPart part; /* NUMBER */
    int width;       /* NUMBER: digits at least; names: 3 if short; OFFSET: units */
    char pad;        /* NUMBER: in front; 0: as many digits as there are */
    bool colons;     /* OFFSET */
    bool z;          /* OFFSET: UTC is written Z */
    bool lower;      /* HALF */
} LayoutElement;

/* The next element in a layout: it stands from `start` to `end`. */
typedef struct {
    const LayoutElement *element;
    size_t start, end;
    int digits;     /* FRACTION */
    char separator; /* FRACTION: . or , */
    bool trims;     /* FRACTION: zeros at the end are left out */
} LayoutChunk;

LayoutChunk layout_next(const char *layout, size_t n);

extern const char *const layout_months[12];
extern const char *const layout_weekdays[7];

#endif
