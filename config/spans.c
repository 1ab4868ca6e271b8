/* SPDX-License-Identifier: MIT */
#include "config/spans.h"

#include <string.h>

#include "rules/fault.h"

static const char *const weekday_names[] = {"sunday",   "monday", "tuesday", "wednesday",
                                            "thursday", "friday", "saturday", NULL};
static const char *const month_names[] = {"january",   "february", "march",    "april",
                                          "may",       "june",     "july",     "august",
                                          "september", "october",  "november", "december",
                                          NULL};

/* One end of a range; KIND is what the error calls it. */
typedef bool MemberParse(const char *text, int *value);

static bool refuse(GError **error, const char *format, ...) G_GNUC_PRINTF(2, 3);

static bool refuse(GError **error, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *text = g_strdup_vprintf(format, args);
    va_end(args);
    g_set_error_literal(error, FAULT, FAULT_INPUT, text);
    return false;
}

static bool find_name(const char *const *names, const char *text, int *index)
{
    for (int i = 0; names[i] != NULL; i++) {
        if (strcmp(names[i], text) == 0) {
            *index = i;
            return true;
        }
    }
    return false;
}

static bool parse_integer(const char *text, int *value)
{
    gint64 number;
    if (!g_ascii_string_to_signed(*text == '+' ? text + 1 : text, 10, G_MININT, G_MAXINT,
                                  &number, NULL)) {
        return false;
    }
    *value = (int)number;
    return true;
}

static bool parse_weekday(const char *text, int *value)
{
    return find_name(weekday_names, text, value);
}

static bool parse_month(const char *text, int *value)
{
    if (find_name(month_names, text, value)) {
        (*value)++;
        return true;
    }
    return parse_integer(text, value);
}

/* Splits "a:b" or takes "a" for both ends. */
static bool parse_range(const char *text, MemberParse *parse, const char *kind, Span *span,
                        GError **error)
{
    g_autofree char *lower = g_utf8_strdown(text, -1);
    g_auto(GStrv) ends = g_strsplit(lower, ":", 3);
    unsigned n = g_strv_length(ends);
    if (n > 2) {
        return refuse(error, "couldn't parse range %s, invalid format", lower);
    }
    int values[2] = {0};
    for (unsigned i = 0; i < MAX(n, 1); i++) {
        const char *end = n == 0 ? "" : ends[i];
        if (!parse(end, &values[i])) {
            return refuse(error, "%s is not a valid %s", end, kind);
        }
    }
    *span = (Span){values[0], n > 1 ? values[1] : values[0]};
    return true;
}

bool span_parse_weekdays(const char *text, Span *span, GError **error)
{
    Span found;
    if (!parse_range(text, parse_weekday, "weekday", &found, error)) {
        return false;
    }
    if (found.begin > found.end) {
        return refuse(error, "start day cannot be before end day");
    }
    *span = found;
    return true;
}

static bool check_day(int day, GError **error)
{
    return (day != 0 && day >= -31 && day <= 31) ||
           refuse(error, "%d is not a valid day of the month: out of range", day);
}

/* The day counted from the front in the shortest month, where that is surely wrong. */
static int from_front(int day)
{
    return day < 0 ? 28 + day : day;
}

bool span_parse_days(const char *text, Span *span, GError **error)
{
    Span found;
    if (!parse_range(text, parse_integer, "day of the month", &found, error) ||
        !check_day(found.begin, error) || !check_day(found.end, error)) {
        return false;
    }
    if (found.begin < 0 && found.end > 0) {
        return refuse(error, "end day must be negative if start day is negative");
    }
    if (from_front(found.begin) > from_front(found.end)) {
        return refuse(error, "end day %d is always before start day %d", found.end,
                      found.begin);
    }
    *span = found;
    return true;
}

static const char *month_name(int month)
{
    return month >= 1 && month <= 12 ? month_names[month - 1] : "";
}

bool span_parse_months(const char *text, Span *span, GError **error)
{
    Span found;
    if (!parse_range(text, parse_month, "month", &found, error)) {
        return false;
    }
    if (found.begin > found.end) {
        return refuse(error, "end month %s is before start month %s", month_name(found.end),
                      month_name(found.begin));
    }
    *span = found;
    return true;
}

bool span_parse_years(const char *text, Span *span, GError **error)
{
    Span found;
    if (!parse_range(text, parse_integer, "year", &found, error)) {
        return false;
    }
    if (found.begin > found.end) {
        return refuse(error, "end year %d is before start year %d", found.end, found.begin);
    }
    *span = found;
    return true;
}

static bool parse_minutes(const char *text, int *minutes, GError **error)
{
    bool shaped = strlen(text) == 5 && text[2] == ':' && g_ascii_isdigit(text[0]) &&
                  g_ascii_isdigit(text[1]) && g_ascii_isdigit(text[3]) &&
                  g_ascii_isdigit(text[4]);
    int hour = shaped ? (text[0] - '0') * 10 + text[1] - '0' : 99;
    int minute = shaped ? (text[3] - '0') * 10 + text[4] - '0' : 99;
    if (minute > 59 || hour * 60 + minute > 24 * 60) {
        return refuse(error, "couldn't parse timestamp %s, invalid format", text);
    }
    *minutes = hour * 60 + minute;
    return true;
}

bool span_from_times(const char *start, const char *end, Span *span, GError **error)
{
    Span found;
    if (*start == '\0' || *end == '\0') {
        return refuse(error, "both start and end times must be provided");
    }
    if (!parse_minutes(start, &found.begin, error) || !parse_minutes(end, &found.end, error)) {
        return false;
    }
    if (found.begin >= found.end) {
        return refuse(error, "start time cannot be equal or greater than end time");
    }
    *span = found;
    return true;
}
