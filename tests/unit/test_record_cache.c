/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "bridge/outbox/cache.h"

static void put(RecordCache *cache, const char *key, const char *value, uint64_t version)
{
    g_autofree char *own_key = g_strdup(key);
    g_autofree char *own_value = g_strdup(value);
    const Record record = {own_key, (guint8 *)own_value,
                           value != NULL ? strlen(value) : 0, version, 77};
    record_cache_put(cache, &record);
}

/* What the cache holds of the one-letter KEYS: "a=1 b=2". */
static char *list(RecordCache *cache, const char *keys)
{
    GString *text = g_string_new("");
    for (; *keys != '\0'; keys++) {
        char key[] = {*keys, '\0'};
        Record record = {.key = g_strdup(key)};
        if (record_cache_get(cache, &record)) {
            g_string_append_printf(text, "%s%s=%.*s", text->len > 0 ? " " : "", key,
                                   (int)record.length, (const char *)record.value);
            assert_int_equal(record.expires_ms, 77);
        }
        record_clear(&record);
    }
    return g_string_free(text, FALSE);
}

#define assert_holds(cache, keys, expected)                                              \
    do {                                                                                 \
        g_autofree char *held_ = list(cache, keys);                                      \
        assert_string_equal(held_, expected);                                            \
    } while (0)

static void what_was_put_is_there_in_its_latest_version(void **state)
{
    (void)state;
    RecordCache *cache = record_cache_new(10, 10000);
    put(cache, "a", "one", 1);
    put(cache, "b", "two", 1);
    put(cache, "a", "three", 2);
    assert_holds(cache, "abc", "a=three b=two");
    assert_int_equal(record_cache_count(cache), 2);
    Record record = {.key = g_strdup("a")};
    assert_true(record_cache_get(cache, &record));
    assert_int_equal(record.version, 2);
    record_clear(&record);
    record_cache_free(cache);
}

static void what_is_dropped_or_has_no_value_is_gone(void **state)
{
    (void)state;
    RecordCache *cache = record_cache_new(10, 10000);
    put(cache, "a", "1", 1);
    put(cache, "b", "2", 1);
    put(cache, "c", "", 1);
    record_cache_drop(cache, "a");
    record_cache_drop(cache, "none");
    put(cache, "b", NULL, 0);
    assert_holds(cache, "abc", "c=");
    record_cache_free(cache);
}

static void the_least_recently_used_goes_first(void **state)
{
    (void)state;
    RecordCache *cache = record_cache_new(3, 10000);
    put(cache, "a", "1", 1);
    put(cache, "b", "2", 1);
    put(cache, "c", "3", 1);
    assert_holds(cache, "a", "a=1"); /* used */
    put(cache, "d", "4", 1);
    assert_int_equal(record_cache_count(cache), 3);
    assert_holds(cache, "abcd", "a=1 c=3 d=4");
    put(cache, "a", "5", 2); /* written */
    put(cache, "e", "6", 1);
    assert_holds(cache, "abcde", "a=5 d=4 e=6");
    record_cache_limit(cache, 1, 10000);
    assert_holds(cache, "abcde", "e=6");
    record_cache_limit(cache, 0, 10000);
    assert_int_equal(record_cache_count(cache), 0);
    put(cache, "f", "7", 1);
    assert_int_equal(record_cache_count(cache), 0);
    record_cache_free(cache);
}

static void the_bytes_have_a_ceiling_too(void **state)
{
    (void)state;
    g_autofree char *big = g_strnfill(1000, 'x');
    RecordCache *cache = record_cache_new(1000, 5000);
    for (unsigned i = 0; i < 26; i++) {
        const char key[] = {(char)('a' + i), '\0'};
        put(cache, key, big, 1);
    }
    assert_int_equal(record_cache_count(cache), 4); /* each 1000 and some */
    record_cache_limit(cache, 1000, 1000);
    assert_int_equal(record_cache_count(cache), 0);
    record_cache_limit(cache, 1000, 2000);
    put(cache, "a", big, 1);
    put(cache, "a", big, 2);
    assert_int_equal(record_cache_count(cache), 1);
    record_cache_free(cache);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_put_is_there_in_its_latest_version),
        cmocka_unit_test(what_is_dropped_or_has_no_value_is_gone),
        cmocka_unit_test(the_least_recently_used_goes_first),
        cmocka_unit_test(the_bytes_have_a_ceiling_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
