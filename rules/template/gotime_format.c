/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "rules/template/gotime.h"
#include "rules/template/layout.h"

const char *const layout_months[12] = {
    "January", "February", "March",     "April",   "May",      "June",
    "July",    "August",   "September", "October", "November", "December",
};

const char *const layout_weekdays[7] = {
    "Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday",
};

#define NUMBER(text, part, width, pad)                                                 \
    {                                                                                  \
        text, LAYOUT_NUMBER, PART_##part, width, pad                                   \
    }
#define OFFSET(text, units, has_colons, has_z)                                         \
    {                                                                                  \
        text, LAYOUT_OFFSET, .width = units, .colons = has_colons, .z = has_z          \
    }

/* Of those that begin alike the longer comes first. */
static const LayoutElement elements[] = {
    {"January", LAYOUT_MONTH},
    {"Jan", LAYOUT_MONTH, .width = 3},
    {"Monday", LAYOUT_WEEKDAY},
    {"Mon", LAYOUT_WEEKDAY, .width = 3},
    {"MST", LAYOUT_ZONE},
    NUMBER("002", YEARDAY, 3, '0'),
    NUMBER("01", MONTH, 2, '0'),
    NUMBER("02", DAY, 2, '0'),
    NUMBER("03", HOUR12, 2, '0'),
    NUMBER("04", MINUTE, 2, '0'),
    NUMBER("05", SECOND, 2, '0'),
    NUMBER("06", YEAR_OF_CENTURY, 2, '0'),
    NUMBER("15", HOUR, 2, '0'),
    NUMBER("1", MONTH, 1, 0),
    NUMBER("2006", YEAR, 4, '0'),
    NUMBER("2", DAY, 1, 0),
    NUMBER("__2", YEARDAY, 3, ' '),
    NUMBER("_2", DAY, 2, ' '),
    NUMBER("3", HOUR12, 1, 0),
    NUMBER("4", MINUTE, 1, 0),
    NUMBER("5", SECOND, 1, 0),
    {"PM", LAYOUT_HALF},
    {"pm", LAYOUT_HALF, .lower = true},
    OFFSET("-070000", 3, false, false),
    OFFSET("-07:00:00", 3, true, false),
    OFFSET("-0700", 2, false, false),
    OFFSET("-07:00", 2, true, false),
    OFFSET("-07", 1, false, false),
    OFFSET("Z070000", 3, false, true),
    OFFSET("Z07:00:00", 3, true, true),
    OFFSET("Z0700", 2, false, true),
    OFFSET("Z07:00", 2, true, true),
    OFFSET("Z07", 1, false, true),
};

static const LayoutElement fraction = {"", LAYOUT_FRACTION};
static const LayoutElement end = {"", LAYOUT_END};

static bool is_digit(const char *text, size_t n, size_t i)
{
    return i < n && g_ascii_isdigit(text[i]);
}

/* .000 or ,999: the digits must be alike and no other digit may follow. */
static bool find_fraction(const char *layout, size_t n, size_t i, LayoutChunk *chunk)
{
    size_t at = i + 1;

    if ((layout[i] != '.' && layout[i] != ',') || at >= n ||
        (layout[at] != '0' && layout[at] != '9')) {
        return false;
    }
    while (at < n && layout[at] == layout[i + 1]) {
        at++;
    }
    if (is_digit(layout, n, at)) {
        return false;
    }
    *chunk = (LayoutChunk){
        .element = &fraction,
        .start = i,
        .end = at,
        .digits = (int)MIN(at - i - 1, 4095),
        .separator = layout[i],
        .trims = layout[i + 1] == '9',
    };
    return true;
}

static bool stands_at(const LayoutElement *element, const char *layout, size_t n,
                      size_t i)
{
    size_t length = strlen(element->text);

    if (n - i < length || memcmp(layout + i, element->text, length) != 0) {
        return false;
    }
    /* Januar and Monsoon are words. */
    bool is_name = element->kind == LAYOUT_MONTH || element->kind == LAYOUT_WEEKDAY;
    if (is_name && element->width == 3) {
        return i + 3 == n || !g_ascii_islower(layout[i + 3]);
    }
    /* In _2006 the blank is no part of a day. */
    return strcmp(element->text, "_2") != 0 || n - i < 5 ||
           memcmp(layout + i + 1, "2006", 4) != 0;
}

LayoutChunk layout_next(const char *layout, size_t n)
{
    LayoutChunk chunk;

    for (size_t i = 0; i < n; i++) {
        if (find_fraction(layout, n, i, &chunk)) {
            return chunk;
        }
        if (layout[i] == '\0' || strchr("JM0123456_Pp-Z", layout[i]) == NULL) {
            continue;
        }
        for (size_t e = 0; e < G_N_ELEMENTS(elements); e++) {
            if (layout[i] == elements[e].text[0] &&
                stands_at(&elements[e], layout, n, i)) {
                return (LayoutChunk){
                    .element = &elements[e],
                    .start = i,
                    .end = i + strlen(elements[e].text),
                };
            }
        }
    }
    return (LayoutChunk){.element = &end, .start = n, .end = n};
}

static int64_t part_of(const CivilTime *civil, LayoutPart part)
{
    int64_t century_year = ABS(civil->year) % 100;
    int hour12 = civil->hour % 12 == 0 ? 12 : civil->hour % 12;
    const int64_t parts[PART_COUNT] = {
        [PART_YEAR] = civil->year,       [PART_YEAR_OF_CENTURY] = century_year,
        [PART_MONTH] = civil->month,     [PART_DAY] = civil->day,
        [PART_YEARDAY] = civil->yearday, [PART_HOUR] = civil->hour,
        [PART_HOUR12] = hour12,          [PART_MINUTE] = civil->minute,
        [PART_SECOND] = civil->second,
    };

    return parts[part];
}

/* At least WIDTH characters; printf would take longer than all the rest. */
static void append_padded(GString *out, int64_t number, int width, char pad)
{
    char text[24];
    int at = sizeof text;
    do {
        text[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    while ((int)sizeof text - at < width) {
        text[--at] = pad;
    }
    g_string_append_len(out, text + at, (gssize)sizeof text - at);
}

static void write_number(const LayoutElement *element, int64_t number, GString *out)
{
    if (number < 0) {
        g_string_append_c(out, '-');
        number = -number;
    }
    append_padded(out, number, element->width, element->pad == ' ' ? ' ' : '0');
}

static void write_offset(const LayoutElement *element, int offset, GString *out)
{
    if (element->z && offset == 0) {
        g_string_append_c(out, 'Z');
        return;
    }
    int minutes = offset / 60, seconds = offset % 60;
    const int parts[] = {ABS(minutes) / 60, ABS(minutes) % 60, ABS(seconds)};
    g_string_append_c(out, minutes < 0 ? '-' : '+');
    for (int i = 0; i < element->width; i++) {
        g_string_append(out, i > 0 && element->colons ? ":" : "");
        append_padded(out, parts[i], 2, '0');
    }
}

static void write_zone(TemplateTime time, GString *out)
{
    static const LayoutElement unnamed = OFFSET("", 2, false, false);
    const char *name = gotime_abbreviation(time);

    if (*name != '\0') {
        g_string_append(out, name);
    } else {
        write_offset(&unnamed, time.at.offset_s, out);
    }
}

static void write_fraction(const LayoutChunk *chunk, int nanoseconds, GString *out)
{
    char digits[16];
    size_t n = (size_t)MIN(chunk->digits, 9);

    g_snprintf(digits, sizeof digits, "%09d", nanoseconds);
    while (chunk->trims && n > 0 && digits[n - 1] == '0') {
        n--;
    }
    if (n > 0) {
        g_string_append_c(out, chunk->separator);
        g_string_append_len(out, digits, (gssize)n);
    }
}

static const char *half_of(int hour, bool lower)
{
    if (lower) {
        return hour < 12 ? "am" : "pm";
    }
    return hour < 12 ? "AM" : "PM";
}

static void write_chunk(TemplateTime time, const CivilTime *civil,
                        const LayoutChunk *chunk, GString *out)
{
    const LayoutElement *element = chunk->element;
    gssize width = element->width == 3 ? 3 : -1;

    switch (element->kind) {
    case LAYOUT_NUMBER:
        write_number(element, part_of(civil, element->part), out);
        break;
    case LAYOUT_MONTH:
        g_string_append_len(out, layout_months[civil->month - 1], width);
        break;
    case LAYOUT_WEEKDAY:
        g_string_append_len(out, layout_weekdays[civil->weekday], width);
        break;
    case LAYOUT_HALF:
        g_string_append(out, half_of(civil->hour, element->lower));
        break;
    case LAYOUT_OFFSET:
        write_offset(element, time.at.offset_s, out);
        break;
    case LAYOUT_ZONE:
        write_zone(time, out);
        break;
    case LAYOUT_FRACTION:
        write_fraction(chunk, time.at.nanoseconds, out);
        break;
    case LAYOUT_END:
        break;
    }
}

void gotime_format(TemplateTime time, const char *layout, size_t n, GString *out)
{
    CivilTime civil = timestamp_civil(time.at);
    LayoutChunk chunk;

    do {
        chunk = layout_next(layout, n);
        g_string_append_len(out, layout, (gssize)chunk.start);
        write_chunk(time, &civil, &chunk, out);
        layout += chunk.end;
        n -= chunk.end;
    } while (chunk.element->kind != LAYOUT_END);
}
