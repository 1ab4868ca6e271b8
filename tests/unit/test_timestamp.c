/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "rules/timestamp.h"

typedef struct {
    const char *text;
    int64_t seconds;
    int32_t nanoseconds, offset_s;
} Good;

static void rfc_3339_is_read_with_fraction_and_offset(void **state)
{
    (void)state;
    static const Good table[] = {
        {"1970-01-01T00:00:00Z", 0, 0, 0},
        {"2024-03-09T17:04:05.123456789+01:00", 1710000245, 123456789, 3600},
        {"2024-02-29T23:59:59.5-02:30", 1709260199, 500000000, -9000},
        {"0001-01-01T00:00:00Z", -62135596800, 0, 0},
        {"2026-11-23T15:14:40.1234567891Z", 1795446880, 123456789, 0},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        Timestamp time = {.seconds = 0x5a5a5a, .nanoseconds = 0x5a, .offset_s = 0x5a};
        assert_true(timestamp_parse(table[i].text, &time));
        assert_int_equal(time.seconds, table[i].seconds);
        assert_int_equal(time.nanoseconds, table[i].nanoseconds);
        assert_int_equal(time.offset_s, table[i].offset_s);
    }
}

static void anything_else_is_refused_and_writes_nothing(void **state)
{
    (void)state;
    static const char *const table[] = {
        "", "2024-03-09", "2024-03-09T17:04:05", "2024-13-09T17:04:05Z",
        "2023-02-29T17:04:05Z", "2024-03-09T24:04:05Z", "2024-03-09T17:04:05.Z",
        "2024-03-09T17:04:05+1:00", "2024-03-09T17:04:05Z ", "20240309T170405Z",
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        Timestamp time = {.seconds = 42};
        assert_false(timestamp_parse(table[i], &time));
        assert_int_equal(time.seconds, 42);
    }
}

static void every_day_of_four_centuries_breaks_down_and_comes_back(void **state)
{
    (void)state;
    int64_t first = timestamp_days(1899, 12, 31);
    for (int64_t day = first; day < first + 146100; day++) {
        CivilTime civil = timestamp_civil((Timestamp){.seconds = day * 86400 + 86399});
        assert_int_equal(timestamp_days(civil.year, civil.month, civil.day), day);
        assert_int_equal(civil.weekday, (day % 7 + 11) % 7);
        assert_int_equal(civil.hour * 10000 + civil.minute * 100 + civil.second, 235959);
    }
}

static void offsets_do_not_count_when_comparing(void **state)
{
    (void)state;
    Timestamp east, utc;
    assert_true(timestamp_parse("2024-03-09T17:04:05+01:00", &east));
    assert_true(timestamp_parse("2024-03-09T16:04:05Z", &utc));
    assert_int_equal(timestamp_compare(east, utc), 0);
    assert_int_equal(timestamp_civil(east).hour, 17);
    assert_true(timestamp_compare(TIMESTAMP_ZERO, utc) < 0);
    assert_int_equal(timestamp_ms(timestamp_from_ms(-1)), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rfc_3339_is_read_with_fraction_and_offset),
        cmocka_unit_test(anything_else_is_refused_and_writes_nothing),
        cmocka_unit_test(every_day_of_four_centuries_breaks_down_and_comes_back),
        cmocka_unit_test(offsets_do_not_count_when_comparing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
