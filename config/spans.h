/* SPDX-License-Identifier: MIT */
#ifndef CONFIG_SPANS_H
#define CONFIG_SPANS_H

#include <glib.h>
#include <stdbool.h>

#include "config/intervals.h"

/* The ranges of time intervals, "begin:end" or one value, in any case of letters; the
 * errors (INPUT) are Alertmanager's, to the letter.  *SPAN is written only on true. */
typedef bool SpanParse(const char *text, Span *span, GError **error);

SpanParse span_parse_weekdays; /* names; Sunday is 0 and comes first */
SpanParse span_parse_days;     /* 1 to 31, -1 to -31 from the end */
SpanParse span_parse_months;   /* names or numbers */
SpanParse span_parse_years;

/* "HH:MM", the end up to "24:00" and later than the start; in minutes of the day. */
bool span_from_times(const char *start, const char *end, Span *span, GError **error);

#endif
