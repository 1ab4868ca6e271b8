/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "rules/fault.h"
#include "rules/template/gotime.h"
#include "rules/template/reading.h"

static void quote(GString *out, const char *text, size_t n)
{
    g_string_append_c(out, '"');
    for (size_t i = 0; i < n; i++) {
        unsigned char byte = (unsigned char)text[i];
        if (byte < ' ' || byte >= 0x80) {
            g_string_append_printf(out, "\\x%02x", byte);
            continue;
        }
        if (byte == '"' || byte == '\\') {
            g_string_append_c(out, '\\');
        }
        g_string_append_c(out, text[i]);
    }
    g_string_append_c(out, '"');
}

/* parsing time "TEXT"REASON */
static bool refuse(Value text, const char *reason, GError **error)
{
    g_autoptr(GString) message = g_string_new("parsing time ");

    quote(message, text.text, text.n);
    g_set_error(error, FAULT, FAULT_INPUT, "%s%s", message->str, reason);
    return false;
}

/* parsing time "TEXT" as "LAYOUT": cannot parse "AT" as "ELEMENT" */
static bool refuse_part(Value layout, Value text, const Reading *at, Value element,
                        GError **error)
{
    g_autoptr(GString) reason = g_string_new(" as ");

    quote(reason, layout.text, layout.n);
    g_string_append(reason, ": cannot parse ");
    quote(reason, at->at, at->n);
    g_string_append(reason, " as ");
    quote(reason, element.text, element.n);
    return refuse(text, reason->str, error);
}

static bool refuse_rest(Value text, const Reading *reading, GError **error)
{
    g_autoptr(GString) reason = g_string_new(": extra text: ");

    quote(reason, reading->at, reading->n);
    return refuse(text, reason->str, error);
}

/* A fraction behind the seconds is read even where the layout has none. */
static void read_unasked_fraction(Reading *reading, const LayoutChunk *chunk,
                                  Value rest)
{
    bool is_second =
        chunk->element->kind == LAYOUT_NUMBER && chunk->element->part == PART_SECOND;

    if (is_second && reading_at_fraction(reading) &&
        layout_next(rest.text, rest.n).element->kind != LAYOUT_FRACTION) {
        reading_take_fraction(reading);
    }
}

static bool read_all(Reading *reading, Value layout, Value text, GError **error)
{
    Value rest = layout;

    for (;;) {
        LayoutChunk chunk = layout_next(rest.text, rest.n);
        Value literal = value_text_n(rest.text, chunk.start);
        Value element = value_text_n(rest.text + chunk.start, chunk.end - chunk.start);
        if (!reading_take_literal(reading, literal.text, literal.n)) {
            return refuse_part(layout, text, reading, literal, error);
        }
        if (chunk.element->kind == LAYOUT_END) {
            return reading->n == 0 || refuse_rest(text, reading, error);
        }
        Reading before = *reading;
        if (!reading_take(reading, &chunk)) {
            g_autofree char *reason =
                g_strdup_printf(": %s out of range", reading->out_of_range);
            return reading->out_of_range != NULL
                       ? refuse(text, reason, error)
                       : refuse_part(layout, text, &before, element, error);
        }
        rest = value_text_n(rest.text + chunk.end, rest.n - chunk.end);
        read_unasked_fraction(reading, &chunk, rest);
    }
}

static int days_in(int64_t year, int month)
{
    return (int)(timestamp_days(year, month + 1, 1) - timestamp_days(year, month, 1));
}

/* The date from the day of the year, which must agree with what else was said. */
static const char *set_yearday(Reading *reading)
{
    int64_t *parts = reading->parts, yearday = parts[PART_YEARDAY];
    int64_t first = timestamp_days(reading->year, 1, 1);

    if (yearday < 1 || yearday > timestamp_days(reading->year + 1, 1, 1) - first) {
        return ": day-of-year out of range";
    }
    CivilTime date =
        timestamp_civil((Timestamp){.seconds = (first + yearday - 1) * 86400});
    if (parts[PART_MONTH] >= 0 && parts[PART_MONTH] != date.month) {
        return ": day-of-year does not match month";
    }
    if (parts[PART_DAY] >= 0 && parts[PART_DAY] != date.day) {
        return ": day-of-year does not match day";
    }
    parts[PART_MONTH] = date.month;
    parts[PART_DAY] = date.day;
    return NULL;
}

/* Completes the date.  Returns what is wrong with it, or NULL. */
static const char *set_date(Reading *reading)
{
    int64_t *parts = reading->parts;

    if (parts[PART_YEARDAY] >= 0) {
        const char *wrong = set_yearday(reading);
        if (wrong != NULL) {
            return wrong;
        }
    }
    parts[PART_MONTH] = parts[PART_MONTH] < 0 ? 1 : parts[PART_MONTH];
    parts[PART_DAY] = parts[PART_DAY] < 0 ? 1 : parts[PART_DAY];
    return parts[PART_DAY] < 1 ||
                   parts[PART_DAY] > days_in(reading->year, (int)parts[PART_MONTH])
               ? ": day out of range"
               : NULL;
}

static int64_t local_seconds(const Reading *reading)
{
    const int64_t *parts = reading->parts;
    int64_t hour = MAX(parts[PART_HOUR], 0);

    if (reading->afternoon && hour < 12) {
        hour += 12;
    } else if (reading->morning && hour == 12) {
        hour = 0;
    }
    int64_t days =
        timestamp_days(reading->year, (int)parts[PART_MONTH], (int)parts[PART_DAY]);
    return days * 86400 + hour * 3600 + MAX(parts[PART_MINUTE], 0) * 60 +
           MAX(parts[PART_SECOND], 0);
}

/* Abbreviations mean nothing outside their zone: they are kept and count as UTC, except
 * where they say the hours. */
static void set_zone(Arena *arena, const Reading *reading, TemplateTime *time)
{
    int32_t offset = reading->has_offset ? reading->offset_s : 0;
    const char *name = "";

    if (reading->is_utc || (offset == 0 && reading->n_zone == 0)) {
        return;
    }
    if (reading->n_zone > 0) {
        name = arena_strndup(arena, reading->zone, reading->n_zone);
    }
    if (!reading->has_offset && reading->n_zone > 3 && memcmp(name, "GMT", 3) == 0) {
        offset = (int32_t)g_ascii_strtoll(name + 3, NULL, 10) * 3600;
    }
    if (reading->has_offset) {
        time->at.seconds -= offset;
    }
    time->at.offset_s = offset;
    time->zone = zone_new_fixed(arena, name, offset);
}

bool gotime_parse(Arena *arena, Value layout, Value text, TemplateTime *time,
                  GError **error)
{
    Reading reading = {.at = text.text, .n = text.n};

    for (size_t i = 0; i < PART_COUNT; i++) {
        reading.parts[i] = -1;
    }
    if (!read_all(&reading, layout, text, error)) {
        return false;
    }
    const char *wrong = set_date(&reading);
    if (wrong != NULL) {
        return refuse(text, wrong, error);
    }
    *time = (TemplateTime){
        .at = {.seconds = local_seconds(&reading), .nanoseconds = reading.nanoseconds},
    };
    set_zone(arena, &reading, time);
    return true;
}
