/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "rules/fault.h"
#include "rules/template/gotime.h"
#include "rules/template/zone_rule.h"

static Timestamp at(const char *text)
{
    Timestamp time = {0};

    assert_true(timestamp_parse(text, &time));
    return time;
}

static char *format(TemplateTime time, const char *layout)
{
    GString *out = g_string_new(NULL);

    gotime_format(time, layout, strlen(layout), out);
    return g_string_free(out, FALSE);
}

static char *print(TemplateTime time)
{
    GString *out = g_string_new(NULL);

    gotime_print(time, out);
    return g_string_free(out, FALSE);
}

static Value text(const char *bytes)
{
    return (Value){.kind = KIND_STRING, .text = bytes, .n = (uint32_t)strlen(bytes)};
}

static void every_element_of_a_layout_is_written(void **state)
{
    (void)state;
    static const struct {
        const char *layout, *morning, *evening;
    } table[] = {
        {"2006-01-02T15:04:05Z07:00", "2024-03-09T04:05:06+01:00",
         "0807-12-31T23:00:09Z"},
        {"Mon Jan _2 15:04:05 2006", "Sat Mar  9 04:05:06 2024",
         "Mon Dec 31 23:00:09 0807"},
        {"Monday, 2-January-06", "Saturday, 9-March-24", "Monday, 31-December-07"},
        {"002 __2 1 3 4 5", "069  69 3 4 5 6", "365 365 12 11 0 9"},
        {"03:04PM 3pm", "04:05AM 4am", "11:00PM 11pm"},
        {".000 ,000000 .00000000000", ".007 ,007000 .007000000",
         ".000 ,000000 .000000000"},
        {".999 ,9 5.9999999999", ".007  6.007", "  9"},
        {"-07 -0700 -07:00 -070000 -07:00:00", "+01 +0100 +01:00 +010000 +01:00:00",
         "+00 +0000 +00:00 +000000 +00:00:00"},
        {"Z07 Z0700 Z07:00 Z070000 Z07:00:00", "+01 +0100 +01:00 +010000 +01:00:00",
         "Z Z Z Z Z"},
        {"MST", "+0100", "UTC"},
        {"Januar Monsoon _2006 .00x .001 x15x", "Januar Monsoon _2024 .00x .003 x04x",
         "Januar Monsoon _0807 .00x .012 x23x"},
        {"", "", ""},
    };
    TemplateTime morning = {.at = at("2024-03-09T04:05:06.007+01:00")};
    TemplateTime evening = {.at = at("0807-12-31T23:00:09Z")};
    for (size_t i = 0; i < G_N_ELEMENTS(table); i++) {
        g_autofree char *first = format(morning, table[i].layout);
        g_autofree char *second = format(evening, table[i].layout);
        assert_string_equal(first, table[i].morning);
        assert_string_equal(second, table[i].evening);
    }
}

static void a_time_is_read_by_its_layout(void **state)
{
    (void)state;
    static const struct {
        const char *layout, *text, *want;
    } table[] = {
        {"2006-01-02", "2024-02-29", "2024-02-29 00:00:00 +0000 UTC"},
        {"2006-01-02T15:04:05Z07:00", "2024-03-09T17:04:05.123+01:00",
         "2024-03-09 17:04:05.123 +0100 +0100"},
        {"2006-01-02T15:04:05Z07:00", "2024-03-09T17:04:05Z",
         "2024-03-09 17:04:05 +0000 UTC"},
        {"Mon, 02 Jan 2006 15:04:05 MST", "Sat, 09 Mar 2024 17:04:05 CET",
         "2024-03-09 17:04:05 +0000 CET"},
        {"Mon, 02 Jan 2006 15:04:05 -0700", "sat, 09 mar 2024 17:04:05 -0230",
         "2024-03-09 17:04:05 -0230 -0230"},
        {"Mon Jan _2 15:04:05 2006", "Sat Mar  9 7:04:05 2024",
         "2024-03-09 07:04:05 +0000 UTC"},
        {"January 2 06 3PM", "March 9 69 12AM", "1969-03-09 00:00:00 +0000 UTC"},
        {"3:4:5 pm", "1:2:3 pm", "0000-01-01 13:02:03 +0000 UTC"},
        {"2006 002", "2024 060", "2024-02-29 00:00:00 +0000 UTC"},
        {"2006 __2", "2023  60", "2023-03-01 00:00:00 +0000 UTC"},
        {"05.000", "07.250", "0000-01-01 00:00:07.25 +0000 UTC"},
        {"05.999", "07", "0000-01-01 00:00:07 +0000 UTC"},
        {"05", "07,1234567891", "0000-01-01 00:00:07.123456789 +0000 UTC"},
        {"15 MST", "01 GMT+3", "0000-01-01 04:00:00 +0300 GMT+3"},
        {"15 MST -0700", "01 CEST +0200", "0000-01-01 01:00:00 +0200 CEST"},
        {"15 MST", "01 UTC", "0000-01-01 01:00:00 +0000 UTC"},
        {"15 Z070000", "01 -010203", "0000-01-01 01:00:00 -0102 -0102"},
        {"x y2006", "x    y2024", "2024-01-01 00:00:00 +0000 UTC"},
        {"2006-01-02", "0000-01-01", "0000-01-01 00:00:00 +0000 UTC"},
    };
    g_autoptr(Arena) arena = arena_new();
    for (size_t i = 0; i < G_N_ELEMENTS(table); i++) {
        TemplateTime time;
        g_autoptr(GError) error = NULL;
        memset(&time, 0x5a, sizeof time);
        if (!gotime_parse(arena, text(table[i].layout), text(table[i].text), &time,
                          &error)) {
            fail_msg("%s", error->message);
        }
        g_autofree char *got = print(time);
        assert_string_equal(got, table[i].want);
    }
}

static void what_does_not_fit_the_layout_is_named(void **state)
{
    (void)state;
    static const struct {
        const char *layout, *text, *want;
    } table[] = {
        {"2006", "x", "parsing time \"x\" as \"2006\": cannot parse \"x\" as \"2006\""},
        {"2006-01", "2024-13", "parsing time \"2024-13\": month out of range"},
        {"2006-01-02", "2024-1-02",
         "parsing time \"2024-1-02\" as \"2006-01-02\": cannot parse \"1-02\" as "
         "\"01\""},
        {"2006-01-02", "2023-02-29", "parsing time \"2023-02-29\": day out of range"},
        {"2006-01-02", "2023-02-00", "parsing time \"2023-02-00\": day out of range"},
        {"15:04", "24:00", "parsing time \"24:00\": hour out of range"},
        {"03:04", "13:00", "parsing time \"13:00\": hour out of range"},
        {"15:04", "10:60", "parsing time \"10:60\": minute out of range"},
        {"05", "60", "parsing time \"60\": second out of range"},
        {"05", "10x", "parsing time \"10x\": extra text: \"x\""},
        {"a-05", "b-10",
         "parsing time \"b-10\" as \"a-05\": cannot parse \"b-10\" as \"a-\""},
        {"a-05", "a+10",
         "parsing time \"a+10\" as \"a-05\": cannot parse \"+10\" as \"a-\""},
        {"Jan", "Foo",
         "parsing time \"Foo\" as \"Jan\": cannot parse \"Foo\" as \"Jan\""},
        {"2006 002", "2023 366", "parsing time \"2023 366\": day-of-year out of range"},
        {"2006 002 01", "2023 060 02",
         "parsing time \"2023 060 02\": day-of-year does not match month"},
        {"2006 002 02", "2023 060 02",
         "parsing time \"2023 060 02\": day-of-year does not match day"},
        {"-0700", "+2500",
         "parsing time \"+2500\": time zone offset hour out of range"},
        {"MST", "xx", "parsing time \"xx\" as \"MST\": cannot parse \"xx\" as \"MST\""},
        {"MST", "ABCDE",
         "parsing time \"ABCDE\" as \"MST\": cannot parse \"ABCDE\" as "
         "\"MST\""},
        {"PM", "XM", "parsing time \"XM\" as \"PM\": cannot parse \"XM\" as \"PM\""},
        {".000", ".12",
         "parsing time \".12\" as \".000\": cannot parse \".12\" as \".000\""},
        {"2006", "\xC3\xBC\"",
         "parsing time \"\\xc3\\xbc\\\"\" as \"2006\": cannot parse "
         "\"\\xc3\\xbc\\\"\" as \"2006\""},
        {"15", "", "parsing time \"\" as \"15\": cannot parse \"\" as \"15\""},
    };
    g_autoptr(Arena) arena = arena_new();
    for (size_t i = 0; i < G_N_ELEMENTS(table); i++) {
        TemplateTime time = {.at = {.seconds = 42}};
        g_autoptr(GError) error = NULL;
        assert_false(gotime_parse(arena, text(table[i].layout), text(table[i].text),
                                  &time, &error));
        assert_true(g_error_matches(error, FAULT, FAULT_INPUT));
        assert_string_equal(error->message, table[i].want);
        assert_int_equal(time.at.seconds, 42);
    }
}

static void zones_come_from_tzdata(void **state)
{
    (void)state;
    static const struct {
        const char *zone, *time, *want;
    } table[] = {
        {"Europe/Berlin", "2024-03-31T00:59:59Z", "2024-03-31 01:59:59 +0100 CET"},
        {"Europe/Berlin", "2024-03-31T01:00:00Z", "2024-03-31 03:00:00 +0200 CEST"},
        {"Europe/Berlin", "2124-07-01T00:00:00Z", "2124-07-01 02:00:00 +0200 CEST"},
        {"Europe/Berlin", "2124-12-01T00:00:00Z", "2124-12-01 01:00:00 +0100 CET"},
        {"Europe/Berlin", "0001-01-01T00:00:00Z", "0001-01-01 00:53:28 +0053 LMT"},
        {"America/New_York", "2024-07-04T16:08:07Z", "2024-07-04 12:08:07 -0400 EDT"},
        {"Asia/Kathmandu", "2024-03-09T16:30:00Z", "2024-03-09 22:15:00 +0545 +0545"},
        {"Australia/Sydney", "2090-01-01T00:00:00Z", "2090-01-01 11:00:00 +1100 AEDT"},
        {"UTC", "2024-07-04T16:08:07+02:00", "2024-07-04 14:08:07 +0000 UTC"},
        {"", "2024-07-04T16:08:07Z", "2024-07-04 16:08:07 +0000 UTC"},
        {"Local", "2024-07-04T16:08:07+02:00", "2024-07-04 14:08:07 +0000 UTC"},
    };
    g_autoptr(ZoneCache) cache = zone_cache_new();
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < G_N_ELEMENTS(table); i++) {
            const TemplateZone *zone = zone_find(cache, table[i].zone, NULL);
            assert_non_null(zone);
            assert_ptr_equal(zone_find(cache, table[i].zone, NULL), zone);
            TemplateTime time =
                gotime_in((TemplateTime){.at = at(table[i].time)}, zone);
            g_autofree char *got = print(time);
            assert_string_equal(got, table[i].want);
        }
    }
}

static void the_local_zone_is_that_of_tz(void **state)
{
    (void)state;
    static const struct {
        const char *variable, *name, *abbreviation;
    } table[] = {
        {"UTC", "UTC", "UTC"},
        {"", "UTC", "UTC"},
        {"Europe/Berlin", "Europe/Berlin", "CET"},
        {":Europe/Berlin", "Europe/Berlin", "CET"},
        {"/usr/share/zoneinfo/Europe/Berlin", "/usr/share/zoneinfo/Europe/Berlin",
         "CET"},
        {"Mars/Olympus", "UTC", "UTC"},
    };
    g_autofree char *before = g_strdup(g_getenv("TZ"));
    for (size_t i = 0; i < G_N_ELEMENTS(table); i++) {
        g_setenv("TZ", table[i].variable, TRUE);
        g_autoptr(ZoneCache) cache = zone_cache_new();
        const TemplateZone *zone = zone_local(cache);
        assert_ptr_equal(zone_find(cache, "Local", NULL), zone);
        assert_string_equal(zone_name(zone), table[i].name);
        assert_string_equal(zone_lookup(zone, 0).abbreviation, table[i].abbreviation);
    }
    if (before == NULL) {
        g_unsetenv("TZ");
    } else {
        g_setenv("TZ", before, TRUE);
    }
}

static void only_files_of_tzdata_are_zones(void **state)
{
    (void)state;
    static const struct {
        const char *name, *want;
    } table[] = {
        {"Mars/Olympus", "unknown time zone Mars/Olympus"},
        {"Europe", "unknown time zone Europe"},
        {"zone.tab", "unknown time zone zone.tab"},
        {"/etc/localtime", "time: invalid location name"},
        {"../zoneinfo/UTC", "time: invalid location name"},
    };
    g_autoptr(ZoneCache) cache = zone_cache_new();
    for (size_t i = 0; i < G_N_ELEMENTS(table); i++) {
        g_autoptr(GError) error = NULL;
        assert_null(zone_find(cache, table[i].name, &error));
        assert_string_equal(error->message, table[i].want);
    }
    g_autoptr(Arena) arena = arena_new();
    assert_null(zone_parse(arena, "x", (const uint8_t *)"TZif2", 5));
}

/* A file cut anywhere is no zone, or one without its rule: never a crash. */
static void a_zone_file_that_is_cut_is_refused(void **state)
{
    (void)state;
    g_autofree char *bytes = NULL;
    size_t n = 0;
    assert_true(
        g_file_get_contents("/usr/share/zoneinfo/Europe/Dublin", &bytes, &n, NULL));
    for (size_t cut = 0; cut < n; cut++) {
        g_autoptr(Arena) arena = arena_new();
        g_autofree uint8_t *copy = g_memdup2(bytes, cut + 1);
        const TemplateZone *zone = zone_parse(arena, "x", copy, cut);
        if (zone != NULL) {
            assert_true(cut > n - 50);
            zone_lookup(zone, INT64_C(4000000000));
        }
    }
}

static void yearly_rules_are_those_of_posix(void **state)
{
    (void)state;
    static const struct {
        const char *rule;
        const char *time;
        const char *abbreviation; /* NULL: no rule at all */
        int offset_s;
    } table[] = {
        {"UTC0", "2050-01-01T00:00:00Z", "UTC", 0},
        {"<+0545>-5:45", "2050-01-01T00:00:00Z", "+0545", 20700},
        {"CET-1CEST,M3.5.0,M10.5.0/3", "2050-03-27T00:59:59Z", "CET", 3600},
        {"CET-1CEST,M3.5.0,M10.5.0/3", "2050-03-27T01:00:00Z", "CEST", 7200},
        {"CET-1CEST,M3.5.0,M10.5.0/3", "2050-10-30T00:59:59Z", "CEST", 7200},
        {"CET-1CEST,M3.5.0,M10.5.0/3", "2050-10-30T01:00:00Z", "CET", 3600},
        {"IST-1GMT0,M10.5.0,M3.5.0/1", "2050-01-01T00:00:00Z", "GMT", 0},
        {"IST-1GMT0,M10.5.0,M3.5.0/1", "2050-07-01T00:00:00Z", "IST", 3600},
        {"AEST-10AEDT,M10.1.0,M4.1.0/3", "2050-01-01T00:00:00Z", "AEDT", 39600},
        {"AEST-10AEDT,M10.1.0,M4.1.0/3", "2050-07-01T00:00:00Z", "AEST", 36000},
        {"XXX3YYY,J60,300/-1:30", "2052-03-01T04:59:59Z", "XXX", -10800},
        {"XXX3YYY,J60,300/-1:30", "2052-03-01T05:00:00Z", "YYY", -7200},
        {"XXX3YYY,J60,300/-1:30", "2052-10-27T00:30:00Z", "XXX", -10800},
        {"CET-1CEST", "2050-01-01T00:00:00Z", NULL, 0},
        {"CE-1", "2050-01-01T00:00:00Z", NULL, 0},
        {"CET-1CEST,M13.5.0,M10.5.0", "2050-01-01T00:00:00Z", NULL, 0},
        {"CET-1CEST,M3.5.7,M10.5.0", "2050-01-01T00:00:00Z", NULL, 0},
        {"CET-1CEST,M3.5.0,M10.5.0x", "2050-01-01T00:00:00Z", NULL, 0},
        {"CET-168", "2050-01-01T00:00:00Z", NULL, 0},
        {"", "2050-01-01T00:00:00Z", NULL, 0},
    };
    g_autoptr(Arena) arena = arena_new();
    for (size_t i = 0; i < G_N_ELEMENTS(table); i++) {
        const ZoneRule *rule = zone_rule_parse(arena, table[i].rule);
        assert_int_equal(rule == NULL, table[i].abbreviation == NULL);
        if (rule != NULL) {
            ZoneOffset offset = zone_rule_lookup(rule, at(table[i].time).seconds);
            assert_string_equal(offset.abbreviation, table[i].abbreviation);
            assert_int_equal(offset.offset_s, table[i].offset_s);
        }
    }
}

static void an_offset_that_is_the_local_one_is_the_local_zone(void **state)
{
    (void)state;
    g_autoptr(ZoneCache) cache = zone_cache_new();
    const TemplateZone *berlin = zone_find(cache, "Europe/Berlin", NULL);
    g_autofree char *same = print(gotime_read(at("2024-03-09T17:04:05+01:00"), berlin));
    assert_string_equal(same, "2024-03-09 17:04:05 +0100 CET");
    g_autofree char *other =
        print(gotime_read(at("2024-07-09T17:04:05+01:00"), berlin));
    assert_string_equal(other, "2024-07-09 17:04:05 +0100 +0100");
    g_autofree char *utc = print(gotime_read(at("2024-03-09T17:04:05Z"), berlin));
    assert_string_equal(utc, "2024-03-09 17:04:05 +0000 UTC");
}

static void differences_stop_at_the_ends_of_a_duration(void **state)
{
    (void)state;
    Timestamp zero = TIMESTAMP_ZERO, now = at("2024-03-09T17:04:05.5Z");
    assert_true(gotime_sub(zero, now) == INT64_MIN);
    assert_true(gotime_sub(now, zero) == INT64_MAX);
    assert_true(gotime_sub(now, at("2024-03-09T17:04:04.75Z")) == 750000000);
    assert_true(gotime_sub(at("2024-03-09T17:04:04.75Z"), now) == -750000000);
    Timestamp edge = gotime_add((TemplateTime){.at = now}, INT64_MAX).at;
    assert_true(gotime_sub(edge, now) == INT64_MAX);
    edge = gotime_add((TemplateTime){.at = now}, INT64_MIN).at;
    assert_true(gotime_sub(edge, now) == INT64_MIN);
    edge = gotime_add((TemplateTime){.at = now}, INT64_MIN + 1).at;
    assert_true(gotime_sub(edge, now) == INT64_MIN + 1);
}

static void dates_are_added_in_the_place_of_the_time(void **state)
{
    (void)state;
    g_autoptr(ZoneCache) cache = zone_cache_new();
    const TemplateZone *berlin = zone_find(cache, "Europe/Berlin", NULL);
    TemplateTime leap = {.at = at("2024-02-29T12:00:00Z")};
    g_autofree char *year = print(gotime_add_date(leap, 1, 0, 0));
    assert_string_equal(year, "2025-03-01 12:00:00 +0000 UTC");
    g_autofree char *month = print(gotime_add_date(leap, 0, -25, 1));
    assert_string_equal(month, "2022-01-30 12:00:00 +0000 UTC");
    g_autofree char *summer = print(gotime_add_date(gotime_in(leap, berlin), 0, 4, 0));
    assert_string_equal(summer, "2024-06-29 13:00:00 +0200 CEST");
    g_autofree char *hour =
        print(gotime_add(gotime_in(leap, berlin), 3600000000000 * 24 * 60));
    assert_string_equal(hour, "2024-04-29 14:00:00 +0200 CEST");
    gotime_add_date(leap, INT64_MAX, INT64_MIN, INT64_MAX);
}

static void times_are_rounded_since_the_zero_time(void **state)
{
    (void)state;
    TemplateTime time = {.at = at("2024-03-09T17:34:05.5Z")};
    g_autofree char *hour = print(gotime_truncate(time, 3600000000000));
    assert_string_equal(hour, "2024-03-09 17:00:00 +0000 UTC");
    g_autofree char *rounded = print(gotime_round(time, 3600000000000));
    assert_string_equal(rounded, "2024-03-09 18:00:00 +0000 UTC");
    g_autofree char *second = print(gotime_round(time, 1000000000));
    assert_string_equal(second, "2024-03-09 17:34:06 +0000 UTC");
    g_autofree char *same = print(gotime_round(time, -1));
    assert_string_equal(same, "2024-03-09 17:34:05.5 +0000 UTC");
    TemplateTime early = {.at = {.seconds = TIMESTAMP_ZERO.seconds - 1}};
    g_autofree char *before = print(gotime_truncate(early, 3600000000000));
    assert_string_equal(before, "0000-12-31 23:00:00 +0000 UTC");
}

static void durations_are_printed_as_go_does(void **state)
{
    (void)state;
    static const struct {
        int64_t nanoseconds;
        const char *want;
    } table[] = {
        {0, "0s"},
        {1, "1ns"},
        {1100, "1.1µs"},
        {2200000, "2.2ms"},
        {999999999, "999.999999ms"},
        {3300000000, "3.3s"},
        {305000000000, "5m5s"},
        {300000000000, "5m0s"},
        {3600000000000, "1h0m0s"},
        {93784005000000, "26h3m4.005s"},
        {-1500000000, "-1.5s"},
        {INT64_MAX, "2562047h47m16.854775807s"},
        {INT64_MIN, "-2562047h47m16.854775808s"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(table); i++) {
        g_autoptr(GString) out = g_string_new(NULL);
        duration_print(table[i].nanoseconds, out);
        assert_string_equal(out->str, table[i].want);
    }
}

static void durations_are_rounded_half_away_from_zero(void **state)
{
    (void)state;
    static const struct {
        int64_t nanoseconds, unit, rounded, cut;
    } table[] = {
        {149, 100, 100, 100},
        {150, 100, 200, 100},
        {-149, 100, -100, -100},
        {-150, 100, -200, -100},
        {150, 0, 150, 150},
        {150, -1, 150, 150},
        {INT64_MAX, INT64_MAX - 1, INT64_MAX - 1, INT64_MAX - 1},
        {INT64_MAX, 4, INT64_MAX, INT64_MAX - 3},
        {INT64_MIN, 3, INT64_MIN, INT64_MIN + 2},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(table); i++) {
        assert_true(duration_round(table[i].nanoseconds, table[i].unit) ==
                    table[i].rounded);
        assert_true(duration_truncate(table[i].nanoseconds, table[i].unit) ==
                    table[i].cut);
    }
}

static void months_and_weekdays_have_names(void **state)
{
    (void)state;
    g_autoptr(GString) out = g_string_new(NULL);
    month_print(3, out);
    weekday_print(6, out);
    month_print(13, out);
    weekday_print(-1, out);
    assert_string_equal(out->str,
                        "MarchSaturday%!Month(13)%!Weekday(18446744073709551615)");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_element_of_a_layout_is_written),
        cmocka_unit_test(a_time_is_read_by_its_layout),
        cmocka_unit_test(what_does_not_fit_the_layout_is_named),
        cmocka_unit_test(zones_come_from_tzdata),
        cmocka_unit_test(the_local_zone_is_that_of_tz),
        cmocka_unit_test(only_files_of_tzdata_are_zones),
        cmocka_unit_test(a_zone_file_that_is_cut_is_refused),
        cmocka_unit_test(yearly_rules_are_those_of_posix),
        cmocka_unit_test(an_offset_that_is_the_local_one_is_the_local_zone),
        cmocka_unit_test(differences_stop_at_the_ends_of_a_duration),
        cmocka_unit_test(dates_are_added_in_the_place_of_the_time),
        cmocka_unit_test(times_are_rounded_since_the_zero_time),
        cmocka_unit_test(durations_are_printed_as_go_does),
        cmocka_unit_test(durations_are_rounded_half_away_from_zero),
        cmocka_unit_test(months_and_weekdays_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
