/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "config/domain.h"
#include "config/suggest.h"
#include "config/values.h"
#include "rules/fault.h"

#define POISON (-77)

static void durations_are_those_of_prometheus(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t ms;
        const char *error;
    } cases[] = {
        {"0", 0, NULL},
        {"0s", 0, NULL},
        {"5m", 300000, NULL},
        {"1ms", 1, NULL},
        {"1y2w3d4h5m6s7ms", INT64_C(33019506007), NULL},
        {"1m30s", 90000, NULL},
        {"36h", 129600000, NULL},
        {"292y", INT64_C(9208512000000), NULL},
        {"", POISON, "empty duration string"},
        {"1", POISON, "not a valid duration string: \"1\""},
        {"00", POISON, "not a valid duration string: \"00\""},
        {"5 m", POISON, "not a valid duration string: \"5 m\""},
        {"-5m", POISON, "not a valid duration string: \"-5m\""},
        {"1.5h", POISON, "not a valid duration string: \"1.5h\""},
        {"m", POISON, "not a valid duration string: \"m\""},
        {"5M", POISON, "not a valid duration string: \"5M\""},
        {"30s1m", POISON, "not a valid duration string: \"30s1m\""},
        {"1s1s", POISON, "not a valid duration string: \"1s1s\""},
        {"1ms1s", POISON, "not a valid duration string: \"1ms1s\""},
        {"5mss", POISON, "not a valid duration string: \"5mss\""},
        {"9223372036854ms", INT64_C(9223372036854), NULL},
        {"9223372036855ms", POISON, "duration out of range"},
        {"293y", POISON, "duration out of range"},
        {"99999999999999999999y", POISON, "duration out of range"},
        {"292y99w", POISON, "duration out of range"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        int64_t ms = POISON;
        assert_int_equal(duration_parse(cases[i].text, &ms, &error), cases[i].error == NULL);
        assert_true(ms == cases[i].ms);
        assert_string_equal(error != NULL ? error->message : "",
                            cases[i].error != NULL ? cases[i].error : "");
    }
}

static void sizes_are_binary_and_bounded(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t bytes; /* SIZE_MAX - 1: refused */
    } cases[] = {
        {"0", 0},
        {"12", 12},
        {"12B", 12},
        {"1KiB", 1024},
        {"32MiB", 33554432},
        {"1 GiB", 1073741824},
        {"2TiB", (size_t)2 << 40},
        {"18446744073709551615", SIZE_MAX},
        {"16777215TiB", (size_t)16777215 << 40},
        {"16777216TiB", SIZE_MAX - 1},
        {"18446744073709551616", SIZE_MAX - 1},
        {"10MB", SIZE_MAX - 1},
        {"10M", SIZE_MAX - 1},
        {"MiB", SIZE_MAX - 1},
        {"-1", SIZE_MAX - 1},
        {"1.5GiB", SIZE_MAX - 1},
        {"", SIZE_MAX - 1},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        size_t bytes = SIZE_MAX - 1;
        assert_int_equal(size_parse(cases[i].text, &bytes, &error),
                         cases[i].bytes != SIZE_MAX - 1);
        assert_true(bytes == cases[i].bytes);
    }
    g_autoptr(GError) error = NULL;
    size_t bytes;
    assert_false(size_parse("10MB", &bytes, &error));
    assert_string_equal(error->message,
                        "not a size: \"10MB\" (as in 512KiB, 10MiB, 1GiB)");
}

static void booleans_are_those_of_yaml(void **state)
{
    (void)state;
    static const char *const yes[] = {"true", "True", "yes", "on", "Y", NULL};
    static const char *const no[] = {"false", "FALSE", "no", "Off", "n", NULL};
    for (size_t i = 0; yes[i] != NULL; i++) {
        bool value = false;
        assert_true(bool_parse(yes[i], &value, NULL) && value);
        value = true;
        assert_true(bool_parse(no[i], &value, NULL) && !value);
    }
    g_autoptr(GError) error = NULL;
    bool value;
    assert_false(bool_parse("1", &value, &error));
    assert_string_equal(error->message, "expected true or false, found \"1\"");
}

static void addresses_are_host_and_port(void **state)
{
    (void)state;
    static const struct {
        const char *text, *host;
        unsigned port;
        const char *error;
    } cases[] = {
        {"localhost:25", "localhost", 25, NULL},
        {":25", "", 25, NULL},
        {"[fd12:3456:789a::1]:25", "fd12:3456:789a::1", 25, NULL},
        {"mail.example:65535", "mail.example", 65535, NULL},
        {"mail.example:smtps", "mail.example", 465, NULL},
        {"mail.example:submission", "mail.example", 587, NULL},
        {"localhost", NULL, 0, "address localhost: missing port in address"},
        {"localhost:", NULL, 0, "address \"localhost:\": port cannot be empty"},
        {"", NULL, 0, "address : missing port in address"},
        {"fd12::1:25", NULL, 0, "address fd12::1:25: too many colons in address"},
        {"[fd12::1]", NULL, 0, "address [fd12::1]: missing port in address"},
        {"a:0", NULL, 0, "address \"a:0\": the port must be 1 to 65535"},
        {"a:65536", NULL, 0, "address \"a:65536\": the port must be 1 to 65535"},
        {"a:http", NULL, 0, "address \"a:http\": the port must be 1 to 65535"},
        {"[fe80::1%eth0]:25", "fe80::1%eth0", 25, NULL},
        {"bücher.example:25", "bücher.example", 25, NULL},
        {"a b:25", NULL, 0,
         "address \"a b:25\": not the name or address of a host"},
        {"a/b:25", NULL, 0,
         "address \"a/b:25\": not the name or address of a host"},
        {"user@a:25", NULL, 0,
         "address \"user@a:25\": not the name or address of a host"},
        {"a?b:25", NULL, 0,
         "address \"a?b:25\": not the name or address of a host"},
        {"a#b:25", NULL, 0,
         "address \"a#b:25\": not the name or address of a host"},
        {"%41:25", NULL, 0,
         "address \"%41:25\": not the name or address of a host"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        g_autofree char *host = NULL;
        unsigned port = 0;
        assert_int_equal(host_port_parse(cases[i].text, &host, &port, &error),
                         cases[i].error == NULL);
        assert_int_equal(g_strcmp0(host, cases[i].host), 0);
        assert_int_equal(port, cases[i].port);
        assert_string_equal(error != NULL ? error->message : "",
                            cases[i].error != NULL ? cases[i].error : "");
    }
}

#define LETTERS_60 "abcdefghijklmnopqrstabcdefghijklmnopqrstabcdefghijklmnopqrst"

static void domains_become_lower_case_a_labels(void **state)
{
    (void)state;
    static const struct {
        const char *text, *ascii; /* NULL: refused */
    } cases[] = {
        {"Example.ORG", "example.org"},
        {"bücher.example", "xn--bcher-kva.example"},
        {"BÜCHER.example", "xn--bcher-kva.example"},
        {"localhost", "localhost"},
        {"a-b.c_d.example", "a-b.c_d.example"},
        {"xn--bcher-kva.example", "xn--bcher-kva.example"},
        {"xn--a.example", NULL},
        {"-a.example", NULL},
        {"a-.example", NULL},
        {"ab--c.example", NULL},
        {LETTERS_60 "abc", LETTERS_60 "abc"},
        {LETTERS_60 "abcd", NULL},
        {LETTERS_60 "." LETTERS_60, LETTERS_60 "." LETTERS_60},
        {"", NULL},
        {"a b.example", NULL},
        {"@example.org", NULL},
        {"*.example.org", NULL},
        {"example..org", NULL},
        {".example.org", NULL},
        {"example.org.", NULL},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        g_autofree char *ascii = domain_to_ascii(cases[i].text, &error);
        assert_int_equal(g_strcmp0(ascii, cases[i].ascii), 0);
        assert_int_equal(error == NULL, ascii != NULL);
    }
}

static void the_closest_name_is_suggested(void **state)
{
    (void)state;
    static const char *const names[] = {"smtp_from", "smtp_hello", "smtp_smarthost", "to",
                                        "routes", NULL};
    static const struct {
        const char *wanted, *best;
    } cases[] = {
        {"smtp_form", "smtp_from"}, {"smtp_helo", "smtp_hello"},
        {"smarthost", NULL},        {"smtp_smart_host", "smtp_smarthost"},
        {"ot", "to"},               {"route", "routes"},
        {"x", NULL},                {"", NULL},
        {"receivers", NULL},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        Suggestion suggestion;
        suggestion_init(&suggestion, cases[i].wanted);
        for (size_t j = 0; names[j] != NULL; j++) {
            suggestion_offer(&suggestion, names[j]);
        }
        assert_int_equal(g_strcmp0(suggestion.best, cases[i].best), 0);
    }
}

static void names_of_any_length_are_compared_safely(void **state)
{
    (void)state;
    g_autofree char *at_edge = g_strnfill(64, 'a'), *beyond = g_strnfill(65, 'a');
    Suggestion suggestion;
    suggestion_init(&suggestion, at_edge);
    suggestion_offer(&suggestion, beyond);
    assert_null(suggestion.best);
    suggestion_offer(&suggestion, at_edge);
    assert_ptr_equal(suggestion.best, at_edge);
    suggestion_init(&suggestion, beyond);
    suggestion_offer(&suggestion, at_edge);
    assert_null(suggestion.best);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(durations_are_those_of_prometheus),
        cmocka_unit_test(sizes_are_binary_and_bounded),
        cmocka_unit_test(booleans_are_those_of_yaml),
        cmocka_unit_test(addresses_are_host_and_port),
        cmocka_unit_test(domains_become_lower_case_a_labels),
        cmocka_unit_test(the_closest_name_is_suggested),
        cmocka_unit_test(names_of_any_length_are_compared_safely),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
