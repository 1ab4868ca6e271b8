/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "config/spans.h"
#include "rules/fault.h"

typedef struct {
    SpanParse *parse;
    const char *text;
    int begin, end;
    const char *error; /* NULL: parsed */
} Case;

static const Case cases[] = {
    {span_parse_weekdays, "monday:friday", 1, 5, NULL},
    {span_parse_weekdays, "Sunday", 0, 0, NULL},
    {span_parse_weekdays, "sunday:SATURDAY", 0, 6, NULL},
    {span_parse_weekdays, "friday:monday", 0, 0, "start day cannot be before end day"},
    {span_parse_weekdays, "blurgsday:flurgsday", 0, 0, "blurgsday is not a valid weekday"},
    {span_parse_weekdays, "1:3", 0, 0, "1 is not a valid weekday"},
    {span_parse_weekdays, "-2:-1", 0, 0, "-2 is not a valid weekday"},
    {span_parse_weekdays, "monday:tuesday:friday", 0, 0,
     "couldn't parse range monday:tuesday:friday, invalid format"},
    {span_parse_weekdays, "", 0, 0, " is not a valid weekday"},
    {span_parse_days, "1", 1, 1, NULL},
    {span_parse_days, "1:31", 1, 31, NULL},
    {span_parse_days, "-31:-1", -31, -1, NULL},
    {span_parse_days, "1:-1", 1, -1, NULL},
    {span_parse_days, "0", 0, 0, "0 is not a valid day of the month: out of range"},
    {span_parse_days, "-50:-20", 0, 0, "-50 is not a valid day of the month: out of range"},
    {span_parse_days, "1:50", 0, 0, "50 is not a valid day of the month: out of range"},
    {span_parse_days, "32", 0, 0, "32 is not a valid day of the month: out of range"},
    {span_parse_days, "-32", 0, 0, "-32 is not a valid day of the month: out of range"},
    {span_parse_days, "-15:5", 0, 0, "end day must be negative if start day is negative"},
    {span_parse_days, "10:-25", 0, 0, "end day -25 is always before start day 10"},
    {span_parse_days, "-1:-2", 0, 0, "end day -2 is always before start day -1"},
    {span_parse_days, "first", 0, 0, "first is not a valid day of the month"},
    {span_parse_days, "1:", 0, 0, " is not a valid day of the month"},
    {span_parse_months, "January:december", 1, 12, NULL},
    {span_parse_months, "5", 5, 5, NULL},
    {span_parse_months, "may:8", 5, 8, NULL},
    {span_parse_months, "13", 13, 13, NULL},
    {span_parse_months, "martius:june", 0, 0, "martius is not a valid month"},
    {span_parse_months, "march:junius", 0, 0, "junius is not a valid month"},
    {span_parse_months, "december:january", 0, 0,
     "end month january is before start month december"},
    {span_parse_years, "2020:2023", 2020, 2023, NULL},
    {span_parse_years, "2030", 2030, 2030, NULL},
    {span_parse_years, "2022:2020", 0, 0, "end year 2020 is before start year 2022"},
    {span_parse_years, "mmxx", 0, 0, "mmxx is not a valid year"},
};

static void ranges_are_read_as_alertmanager_reads_them(void **state)
{
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        const Case *c = &cases[i];
        g_autoptr(GError) error = NULL;
        Span span = {-777, -777};
        assert_int_equal(c->parse(c->text, &span, &error), c->error == NULL);
        if (c->error != NULL) {
            assert_true(g_error_matches(error, FAULT, FAULT_INPUT));
            assert_string_equal(error->message, c->error);
            assert_int_equal(span.begin, -777);
        } else {
            assert_int_equal(span.begin, c->begin);
            assert_int_equal(span.end, c->end);
        }
    }
}

static void times_of_day_are_checked(void **state)
{
    (void)state;
    static const struct {
        const char *start, *end;
        int begin_minute, end_minute;
        const char *error;
    } times[] = {
        {"09:00", "17:00", 540, 1020, NULL},
        {"00:00", "24:00", 0, 1440, NULL},
        {"23:59", "24:00", 1439, 1440, NULL},
        {"01:99", "23:59", 0, 0, "couldn't parse timestamp 01:99, invalid format"},
        {"00:00", "99:99", 0, 0, "couldn't parse timestamp 99:99, invalid format"},
        {"00:00", "24:01", 0, 0, "couldn't parse timestamp 24:01, invalid format"},
        {"9:00", "17:00", 0, 0, "couldn't parse timestamp 9:00, invalid format"},
        {"ab:cd", "17:00", 0, 0, "couldn't parse timestamp ab:cd, invalid format"},
        {"", "17:00", 0, 0, "both start and end times must be provided"},
        {"09:00", "", 0, 0, "both start and end times must be provided"},
        {"17:00", "17:00", 0, 0, "start time cannot be equal or greater than end time"},
        {"22:00", "06:00", 0, 0, "start time cannot be equal or greater than end time"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(times); i++) {
        g_autoptr(GError) error = NULL;
        Span span = {-777, -777};
        assert_int_equal(span_from_times(times[i].start, times[i].end, &span, &error),
                         times[i].error == NULL);
        if (times[i].error != NULL) {
            assert_string_equal(error->message, times[i].error);
            assert_int_equal(span.begin, -777);
        } else {
            assert_int_equal(span.begin, times[i].begin_minute);
            assert_int_equal(span.end, times[i].end_minute);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ranges_are_read_as_alertmanager_reads_them),
        cmocka_unit_test(times_of_day_are_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
