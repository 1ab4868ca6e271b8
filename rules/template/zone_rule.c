/* SPDX-License-Identifier: MIT */
#include "rules/template/zone_rule.h"

#include <string.h>

#include "rules/timestamp.h"

typedef enum {
    RULE_MONTH,  /* M3.5.0: the last Sunday of March */
    RULE_JULIAN, /* J60: 1 March in every year */
    RULE_DAY,    /* 60: the day of the year, from 0 */
} RuleForm;

typedef struct {
    RuleForm form;
    int month, week, day;
    int32_t time_s; /* of the day, by the clock that ends then */
} RuleDate;

struct ZoneRule {
    ZoneOffset standard, summer;
    bool has_summer;
    RuleDate begin, end;
};

/* Digits up to MAX, forward over *TEXT. */
static bool read_number(const char **text, int max, int *number)
{
    const char *start = *text;

    *number = 0;
    while (g_ascii_isdigit(**text) && *number <= max) {
        *number = *number * 10 + (**text - '0');
        (*text)++;
    }
    return *text > start && *number <= max;
}

/* CET or <+03> */
static const char *read_name(Arena *arena, const char **text)
{
    bool quoted = **text == '<';
    const char *start = *text + (quoted ? 1 : 0), *end = start;

    while (quoted ? *end != '\0' && *end != '>' : g_ascii_isalpha(*end)) {
        end++;
    }
    if (end - start < 3 || (quoted && *end != '>')) {
        return NULL;
    }
    *text = end + (quoted ? 1 : 0);
    return arena_strndup(arena, start, (size_t)(end - start));
}

/* [+-]hh[:mm[:ss]] */
static bool read_time(const char **text, int32_t *seconds)
{
    int sign = **text == '-' ? -1 : 1, hours, minutes = 0, rest = 0;

    *text += **text == '-' || **text == '+' ? 1 : 0;
    if (!read_number(text, 167, &hours)) {
        return false;
    }
    if (**text == ':') {
        (*text)++;
        if (!read_number(text, 59, &minutes)) {
            return false;
        }
    }
    if (**text == ':') {
        (*text)++;
        if (!read_number(text, 59, &rest)) {
            return false;
        }
    }
    *seconds = sign * (hours * 3600 + minutes * 60 + rest);
    return true;
}

static bool read_day(const char **text, RuleDate *date)
{
    if (**text == 'J') {
        (*text)++;
        date->form = RULE_JULIAN;
        return read_number(text, 365, &date->day) && date->day > 0;
    }
    if (**text != 'M') {
        date->form = RULE_DAY;
        return read_number(text, 365, &date->day);
    }
    (*text)++;
    date->form = RULE_MONTH;
    if (!read_number(text, 12, &date->month) || *(*text)++ != '.' ||
        !read_number(text, 5, &date->week) || *(*text)++ != '.') {
        return false;
    }
    return read_number(text, 6, &date->day) && date->month > 0 && date->week > 0;
}

static bool read_date(const char **text, RuleDate *date)
{
    date->time_s = 2 * 3600;
    if (**text != ',') {
        return false;
    }
    (*text)++;
    if (!read_day(text, date)) {
        return false;
    }
    if (**text != '/') {
        return true;
    }
    (*text)++;
    return read_time(text, &date->time_s);
}

/* The offset is written west of UTC. */
static bool read_offset(Arena *arena, const char **text, ZoneOffset *offset)
{
    int32_t west = -offset->offset_s;

    offset->abbreviation = read_name(arena, text);
    if (offset->abbreviation == NULL ||
        (**text != '\0' && **text != ',' && !read_time(text, &west))) {
        return false;
    }
    offset->offset_s = -west;
    return true;
}

const ZoneRule *zone_rule_parse(Arena *arena, const char *text)
{
    ZoneRule *rule = arena_alloc(arena, sizeof *rule);

    if (!read_offset(arena, &text, &rule->standard)) {
        return NULL;
    }
    if (*text == '\0') {
        return rule;
    }
    rule->has_summer = true;
    rule->summer.dst = true;
    rule->summer.offset_s = rule->standard.offset_s + 3600;
    if (!read_offset(arena, &text, &rule->summer) || !read_date(&text, &rule->begin) ||
        !read_date(&text, &rule->end) || *text != '\0') {
        return NULL;
    }
    return rule;
}

static bool is_leap(int64_t year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* The day DATE falls on in YEAR, since 1970. */
static int64_t date_days(const RuleDate *date, int64_t year)
{
    int64_t first = timestamp_days(year, 1, 1);

    if (date->form == RULE_DAY) {
        return first + date->day;
    }
    if (date->form == RULE_JULIAN) {
        return first + date->day - 1 + (is_leap(year) && date->day > 59 ? 1 : 0);
    }
    int64_t start = timestamp_days(year, date->month, 1);
    int64_t next = timestamp_days(year, date->month + 1, 1);
    int64_t weekday = ((start + 4) % 7 + 7) % 7;
    int64_t day = start + (date->day - weekday + 7) % 7 + 7 * (date->week - 1);
    return day >= next ? day - 7 : day;
}

ZoneOffset zone_rule_lookup(const ZoneRule *rule, int64_t seconds)
{
    if (!rule->has_summer) {
        return rule->standard;
    }
    Timestamp local = {.seconds = seconds, .offset_s = rule->standard.offset_s};
    int64_t year = timestamp_civil(local).year;
    int64_t begin = date_days(&rule->begin, year) * 86400 + rule->begin.time_s -
                    rule->standard.offset_s;
    int64_t end =
        date_days(&rule->end, year) * 86400 + rule->end.time_s - rule->summer.offset_s;
    bool summer = begin < end ? seconds >= begin && seconds < end
                              : seconds >= begin || seconds < end;

    return summer ? rule->summer : rule->standard;
}
