/* SPDX-License-Identifier: MIT */
#include "rules/timestamp.h"

#include <glib.h>

#define DAY_S 86400

bool timestamp_is_zero(Timestamp time)
{
    return time.seconds == TIMESTAMP_ZERO.seconds && time.nanoseconds == 0;
}

int timestamp_compare(Timestamp a, Timestamp b)
{
    if (a.seconds != b.seconds) {
        return a.seconds < b.seconds ? -1 : 1;
    }
    return (a.nanoseconds > b.nanoseconds) - (a.nanoseconds < b.nanoseconds);
}

int64_t timestamp_ms(Timestamp time)
{
    return time.seconds * 1000 + time.nanoseconds / 1000000;
}

Timestamp timestamp_from_ms(int64_t ms)
{
    int64_t rest = (ms % 1000 + 1000) % 1000;
    return (Timestamp){.seconds = (ms - rest) / 1000,
                       .nanoseconds = (int32_t)rest * 1000000};
}

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

/* Years start in March here, so that the leap day is the last day of its year. */
int64_t timestamp_days(int64_t year, int month, int day)
{
    int64_t month0 = (int64_t)month - 1;
    year += floor_div(month0, 12);
    month0 -= floor_div(month0, 12) * 12;
    int64_t march = (month0 + 10) % 12;
    year -= month0 < 2;
    int64_t era = floor_div(year, 400);
    int64_t in_era = year - era * 400;
    int64_t in_year = (153 * march + 2) / 5;
    return era * 146097 + in_era * 365 + in_era / 4 - in_era / 100 + in_year + day - 1 -
           719468;
}

CivilTime timestamp_civil(Timestamp time)
{
    int64_t local = time.seconds + time.offset_s;
    int64_t days = floor_div(local, DAY_S);
    int in_day = (int)(local - days * DAY_S);
    int64_t shifted = days + 719468;
    int64_t era = floor_div(shifted, 146097);
    int64_t in_era = shifted - era * 146097;
    int64_t year = (in_era - in_era / 1460 + in_era / 36524 - in_era / 146096) / 365;
    int64_t in_year = in_era - (365 * year + year / 4 - year / 100);
    int64_t march = (5 * in_year + 2) / 153;
    CivilTime civil = {
        .month = (int)(march < 10 ? march + 3 : march - 9),
        .day = (int)(in_year - (153 * march + 2) / 5 + 1),
        .hour = in_day / 3600,
        .minute = in_day / 60 % 60,
        .second = in_day % 60,
        .weekday = (int)(((days + 4) % 7 + 7) % 7),
    };
    civil.year = year + era * 400 + (civil.month <= 2);
    civil.yearday = (int)(days - timestamp_days(civil.year, 1, 1)) + 1;
    return civil;
}

/* Takes exactly N digits. */
static bool take_number(const char **at, int n, int *value)
{
    int number = 0;
    for (int i = 0; i < n; i++, (*at)++) {
        if (!g_ascii_isdigit(**at)) {
            return false;
        }
        number = number * 10 + (**at - '0');
    }
    *value = number;
    return true;
}

static bool take_char(const char **at, const char *allowed)
{
    for (; *allowed != '\0'; allowed++) {
        if (**at == *allowed) {
            (*at)++;
            return true;
        }
    }
    return false;
}

static bool take_fraction(const char **at, int32_t *nanoseconds)
{
    int digits = 0;
    int32_t value = 0;
    for (; g_ascii_isdigit(**at); (*at)++, digits++) {
        if (digits < 9) {
            value = value * 10 + (**at - '0');
        }
    }
    for (int i = digits; i < 9; i++) {
        value *= 10;
    }
    *nanoseconds = value;
    return digits > 0;
}

static bool take_offset(const char **at, int32_t *offset_s)
{
    if (take_char(at, "Zz")) {
        *offset_s = 0;
        return true;
    }
    bool west = **at == '-';
    int hours, minutes;
    if (!take_char(at, "+-") || !take_number(at, 2, &hours) || !take_char(at, ":") ||
        !take_number(at, 2, &minutes) || hours > 23 || minutes > 59) {
        return false;
    }
    *offset_s = (hours * 60 + minutes) * (west ? -60 : 60);
    return true;
}

static int days_in(int year, int month)
{
    return (int)(timestamp_days(year, month + 1, 1) - timestamp_days(year, month, 1));
}

bool timestamp_parse(const char *text, Timestamp *time)
{
    const char *at = text;
    int year, month, day, hour, minute, second;
    Timestamp parsed = {0};
    if (!take_number(&at, 4, &year) || !take_char(&at, "-") ||
        !take_number(&at, 2, &month) || !take_char(&at, "-") ||
        !take_number(&at, 2, &day) || !take_char(&at, "Tt ") ||
        !take_number(&at, 2, &hour) || !take_char(&at, ":") ||
        !take_number(&at, 2, &minute) || !take_char(&at, ":") ||
        !take_number(&at, 2, &second)) {
        return false;
    }
    if (take_char(&at, ".") && !take_fraction(&at, &parsed.nanoseconds)) {
        return false;
    }
    if (!take_offset(&at, &parsed.offset_s) || *at != '\0' || month < 1 || month > 12 ||
        day < 1 || day > days_in(year, month) || hour > 23 || minute > 59 ||
        second > 60) {
        return false;
    }
    parsed.seconds = timestamp_days(year, month, day) * DAY_S + hour * 3600 +
                     minute * 60 + second - parsed.offset_s;
    *time = parsed;
    return true;
}
