/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "rules/template/reading.h"

static bool has_digit(const Reading *reading, size_t i)
{
    return i < reading->n && g_ascii_isdigit(reading->at[i]);
}

static void skip(Reading *reading, size_t n)
{
    reading->at += n;
    reading->n -= n;
}

/* Between MIN and MAX digits. */
static bool read_digits(Reading *reading, size_t min, size_t max, int64_t *number)
{
    size_t i = 0;

    *number = 0;
    for (; i < max && has_digit(reading, i); i++) {
        *number = *number * 10 + (reading->at[i] - '0');
    }
    if (i < min || i == 0) {
        return false;
    }
    skip(reading, i);
    return true;
}

bool reading_take_literal(Reading *reading, const char *text, size_t n)
{
    while (n > 0) {
        if (*text == ' ') {
            if (reading->n > 0 && *reading->at != ' ') {
                return false;
            }
            while (n > 0 && *text == ' ') {
                text++;
                n--;
            }
            while (reading->n > 0 && *reading->at == ' ') {
                skip(reading, 1);
            }
            continue;
        }
        if (reading->n == 0 || *reading->at != *text) {
            return false;
        }
        skip(reading, 1);
        text++;
        n--;
    }
    return true;
}

static bool read_name(Reading *reading, const char *const *names, size_t n_names,
                      size_t width, size_t *index)
{
    for (size_t i = 0; i < n_names; i++) {
        size_t length = width == 0 ? strlen(names[i]) : width;
        if (reading->n >= length &&
            g_ascii_strncasecmp(reading->at, names[i], length) == 0) {
            skip(reading, length);
            *index = i;
            return true;
        }
    }
    return false;
}

/* .123 behind the seconds: N bytes with the separator. */
static void read_nanoseconds(Reading *reading, size_t n)
{
    reading->nanoseconds = 0;
    for (size_t i = 1; i < 10; i++) {
        int digit = i < n ? reading->at[i] - '0' : 0;
        reading->nanoseconds = reading->nanoseconds * 10 + digit;
    }
    skip(reading, n);
}

bool reading_at_fraction(const Reading *reading)
{
    return reading->n >= 2 && (*reading->at == '.' || *reading->at == ',') &&
           has_digit(reading, 1);
}

void reading_take_fraction(Reading *reading)
{
    size_t n = 1;

    while (has_digit(reading, n)) {
        n++;
    }
    read_nanoseconds(reading, n);
}

static bool read_fraction(Reading *reading, const LayoutChunk *chunk)
{
    size_t n = (size_t)chunk->digits + 1;

    if (chunk->trims) {
        if (reading_at_fraction(reading)) {
            reading_take_fraction(reading);
        }
        return true;
    }
    if (reading->n < n || (*reading->at != '.' && *reading->at != ',')) {
        return false;
    }
    for (size_t i = 1; i < n; i++) {
        if (!has_digit(reading, i)) {
            return false;
        }
    }
    read_nanoseconds(reading, n);
    return true;
}

static const struct {
    const char *name;
    int64_t min, max;
} ranges[PART_COUNT] = {
    [PART_YEAR] = {"year", 0, 9999},          [PART_YEAR_OF_CENTURY] = {"year", 0, 99},
    [PART_MONTH] = {"month", 1, 12},          [PART_DAY] = {"day", 0, 99},
    [PART_YEARDAY] = {"day-of-year", 0, 999}, [PART_HOUR] = {"hour", 0, 23},
    [PART_HOUR12] = {"hour", 0, 12},          [PART_MINUTE] = {"minute", 0, 59},
    [PART_SECOND] = {"second", 0, 59},
};

static bool read_number(Reading *reading, const LayoutElement *element)
{
    LayoutPart part = element->part;
    size_t max = part == PART_YEAR ? 4 : part == PART_YEARDAY ? 3 : 2;
    /* 15 is the one that is written with two digits and read with one as well. */
    size_t min = element->pad == '0' && part != PART_HOUR ? max : 1;
    int64_t number;

    for (int i = 0; element->pad == ' ' && i < element->width - 1; i++) {
        if (reading->n > 0 && *reading->at == ' ') {
            skip(reading, 1);
        }
    }
    if (!read_digits(reading, min, max, &number)) {
        return false;
    }
    if (number < ranges[part].min || number > ranges[part].max) {
        reading->out_of_range = ranges[part].name;
        return false;
    }
    reading->parts[part] = number;
    if (part == PART_YEAR) {
        reading->year = number;
    } else if (part == PART_YEAR_OF_CENTURY) {
        reading->year = number + (number >= 69 ? 1900 : 2000);
    } else if (part == PART_HOUR12) {
        reading->parts[PART_HOUR] = number;
    }
    return true;
}

static bool read_half(Reading *reading, const LayoutElement *element)
{
    if (reading->n < 2) {
        return false;
    }
    reading->afternoon = memcmp(reading->at, element->lower ? "pm" : "PM", 2) == 0;
    reading->morning = memcmp(reading->at, element->lower ? "am" : "AM", 2) == 0;
    skip(reading, 2);
    return reading->afternoon || reading->morning;
}

static bool read_offset(Reading *reading, const LayoutElement *element)
{
    static const char *const names[] = {
        "time zone offset hour",
        "time zone offset minute",
        "time zone offset second",
    };
    static const int32_t maxima[] = {24, 60, 60}, units[] = {3600, 60, 1};
    int64_t number;

    if (element->z && reading->n > 0 && *reading->at == 'Z') {
        reading->is_utc = true;
        skip(reading, 1);
        return true;
    }
    if (reading->n == 0 || (*reading->at != '+' && *reading->at != '-')) {
        return false;
    }
    int32_t sign = *reading->at == '-' ? -1 : 1, offset = 0;
    skip(reading, 1);
    for (int i = 0; i < element->width; i++) {
        if (i > 0 && element->colons && !reading_take_literal(reading, ":", 1)) {
            return false;
        }
        if (!read_digits(reading, 2, 2, &number)) {
            return false;
        }
        if (number > maxima[i]) {
            reading->out_of_range = names[i];
            return false;
        }
        offset += (int32_t)number * units[i];
    }
    reading->has_offset = true;
    reading->offset_s = sign * offset;
    return true;
}

/* +03 or GMT-3: the bytes of the signed hours, 0 if there are none. */
static size_t signed_hours(const Reading *reading, size_t at)
{
    size_t i = at + 1;
    int64_t hours = 0;

    if (at >= reading->n || (reading->at[at] != '+' && reading->at[at] != '-')) {
        return 0;
    }
    for (; has_digit(reading, i) && hours < 100; i++) {
        hours = hours * 10 + (reading->at[i] - '0');
    }
    return i == at + 1 || hours > 23 ? 0 : i - at;
}

/* What looks like an abbreviation: three capitals, four or five that end in T. */
static size_t zone_length(const Reading *reading)
{
    const char *at = reading->at;
    size_t capitals = 0;

    if (reading->n < 3) {
        return 0;
    }
    if (reading->n >= 4 && (memcmp(at, "ChST", 4) == 0 || memcmp(at, "MeST", 4) == 0)) {
        return 4;
    }
    if (memcmp(at, "GMT", 3) == 0) {
        return 3 + signed_hours(reading, 3);
    }
    if (*at == '+' || *at == '-') {
        return signed_hours(reading, 0);
    }
    while (capitals < 6 && capitals < reading->n && g_ascii_isupper(at[capitals])) {
        capitals++;
    }
    if (capitals == 3) {
        return 3;
    }
    bool ends_in_t = capitals > 3 && capitals < 6 && at[capitals - 1] == 'T';
    return ends_in_t || (capitals == 4 && memcmp(at, "WITA", 4) == 0) ? capitals : 0;
}

static bool read_zone(Reading *reading)
{
    if (reading->n >= 3 && memcmp(reading->at, "UTC", 3) == 0) {
        reading->is_utc = true;
        skip(reading, 3);
        return true;
    }
    reading->n_zone = zone_length(reading);
    reading->zone = reading->at;
    skip(reading, reading->n_zone);
    return reading->n_zone > 0;
}

bool reading_take(Reading *reading, const LayoutChunk *chunk)
{
    const LayoutElement *element = chunk->element;
    size_t width = (size_t)element->width, index;

    switch (element->kind) {
    case LAYOUT_NUMBER:
        return read_number(reading, element);
    case LAYOUT_MONTH:
        if (!read_name(reading, layout_months, 12, width, &index)) {
            return false;
        }
        reading->parts[PART_MONTH] = (int64_t)index + 1;
        return true;
    case LAYOUT_WEEKDAY:
        return read_name(reading, layout_weekdays, 7, width, &index);
    case LAYOUT_HALF:
        return read_half(reading, element);
    case LAYOUT_OFFSET:
        return read_offset(reading, element);
    case LAYOUT_ZONE:
        return read_zone(reading);
    case LAYOUT_FRACTION:
        return read_fraction(reading, chunk);
    case LAYOUT_END:
        break;
    }
    return true;
}
