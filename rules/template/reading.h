/* SPDX-License-Identifier: MIT */
#ifndef RULES_TEMPLATE_READING_H
#define RULES_TEMPLATE_READING_H

#include <glib.h>

#include "rules/template/layout.h"

/* Between gotime_parse.c, which knows the whole, and gotime_read.c, which knows the
 * elements. */

/* A text being read: what is left of it, and what it said so far. */
typedef struct {
    const char *at;
    size_t n;
    int64_t year, parts[PART_COUNT]; /* -1: not said */
    int32_t nanoseconds;
    bool morning, afternoon;
    bool is_utc, has_offset;
    int32_t offset_s;
    const char *zone;
    size_t n_zone;
    const char *out_of_range; /* what was */
} Reading;

/* Takes what an element stands for off the text.  False if it is not there, or out of
 * range. */
bool reading_take(Reading *reading, const LayoutChunk *chunk);
/* The layout's text in front of an element; one blank there takes any number here. */
bool reading_take_literal(Reading *reading, const char *text, size_t n);
/* Fractions of a second stand next, and are taken with all their digits. */
bool reading_at_fraction(const Reading *reading);
void reading_take_fraction(Reading *reading);

#endif
