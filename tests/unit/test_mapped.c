/* SPDX-License-Identifier: MIT */
/* Sources of type json: what `map` makes of bodies.  The examples of
 * config/examples/json.yml are in test_formats.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "bridge/intake/format.h"
#include "bridge/intake/payload.h"
#include "rules/fault.h"

#define REST                                                         \
    "global: {smtp_smarthost: 'maildir:m', smtp_from: a@example.org}\n" \
    "route: {receiver: m}\n"                                            \
    "receivers: [{name: m}]\n"
#define SOURCE(more, map) \
    REST "sources:\n  - {name: s, type: json" more ", map: {status: '{{ .s }}', " map "}}\n"
#define NAMED "labels: {alertname: '{{ .n }}'}"

static Config *load(const char *yaml)
{
    g_autoptr(GError) error = NULL;
    Config *config = config_parse("f.yml", yaml, strlen(yaml), CONFIG_STRICT, &error);
    if (config == NULL) {
        fail_msg("%s", error->message);
    }
    return config;
}

/* The event belongs to nothing but itself. */
static Event *parse(const char *yaml, const char *body, GError **error)
{
    g_autoptr(Config) config = load(yaml);
    const SourceConfig *source = config_find_source(config, "s");
    FormatInput input = {.source = source, .limits = &config->limits};
    return format_parse(format_find("json"), &input, body, strlen(body), error);
}

static Event *parse_good(const char *yaml, const char *body)
{
    g_autoptr(GError) error = NULL;
    Event *event = parse(yaml, body, &error);
    if (event == NULL) {
        fail_msg("%s: %s", body, error->message);
    }
    return event;
}

static void assert_label(const Labels *labels, const char *name, const char *value)
{
    const char *found = labels_get(labels, name);
    if (value == NULL) {
        assert_null(found);
    } else {
        assert_non_null(found);
        assert_string_equal(found, value);
    }
}

static void a_map_picks_everything_an_alert_has(void **state)
{
    (void)state;
    g_autoptr(Event) event = parse_good(
        SOURCE(", family: ci", "labels: {alertname: '{{ .n }}', severity: '{{ (index .list 1).deep }}'}, "
                   "annotations: {a: ' {{ .text }} ', b: '{{ .missing }}'}, "
                   "links: {generator: '{{ .u }}/g', dashboard: '{{ .u }}/d', "
                   "panel: '{{ .u }}/p', silence: '{{ .u }}/s'}, "
                   "group_key: 'k-{{ .id }}', event_id: '{{ .id }}', sequence: '{{ .id }}', "
                   "time: '{{ .t }}'"),
        "{\"s\":\"firing\",\"n\":\"Disk\",\"list\":[1,{\"deep\":\"critical\"}],\"text\":\"x\\ny\","
        "\"u\":\"http://h\",\"id\":9007199254740991,\"t\":\"2026-11-28T12:00:00+01:00\"}");
    assert_int_equal(event->n_alerts, 1);
    const Alert *alert = &event->alerts[0];
    assert_int_equal(alert->status, ALERT_FIRING);
    assert_int_equal(alert->labels.n, 3);
    assert_label(&alert->labels, "alertname", "Disk");
    assert_label(&alert->labels, "severity", "critical");
    assert_label(&alert->annotations, "a", "x\ny");
    assert_label(&alert->annotations, "b", NULL);
    assert_string_equal(alert->generator_url, "http://h/g");
    assert_string_equal(alert->dashboard_url, "http://h/d");
    assert_string_equal(alert->panel_url, "http://h/p");
    assert_string_equal(alert->silence_url, "http://h/s");
    assert_string_equal(event->group_key, "k-9007199254740991");
    assert_string_equal(event->event_id, "9007199254740991");
    assert_true(event->sequence[0] == 9007199254740991);
    assert_int_equal(timestamp_ms(alert->starts_at), INT64_C(1795863600000));
    assert_true(timestamp_is_zero(alert->ends_at));
}

static void the_group_is_all_labels_but_severity(void **state)
{
    (void)state;
    g_autoptr(Event) event = parse_good(
        SOURCE(", labels: {team: web}",
               "labels: {alertname: A, host: '{{ .n }}', severity: critical}"),
        "{\"s\":\"resolved\",\"n\":\"a\\\"b\"}");
    assert_string_equal(event->group_key, "{}:{alertname=\"A\", host=\"a\\\"b\"}");
    assert_int_equal(event->family, FAMILY_MONITORING);
    assert_label(&event->group_labels, "severity", NULL);
    assert_label(&event->alerts[0].labels, "team", "web");
    assert_label(&event->alerts[0].labels, "source", NULL);
    assert_int_equal(event->alerts[0].status, ALERT_RESOLVED);
}

static void of_ci_the_labels_are_those_of_the_other_formats(void **state)
{
    (void)state;
    g_autoptr(Event) event =
        parse_good(SOURCE(", family: ci", NAMED), "{\"s\":\"firing\",\"n\":\"b\"}");
    assert_int_equal(event->family, FAMILY_CI);
    assert_label(&event->alerts[0].labels, "source", "s");
    assert_label(&event->alerts[0].labels, "severity", "error");
    assert_string_equal(event->group_key, "{}:{alertname=\"b\"}");
}

static void statuses_say_what_the_sender_s_words_mean(void **state)
{
    (void)state;
    static const char yaml[] =
        SOURCE("", "statuses: {DOWN: firing, '1': resolved, 'true': firing, '*': ignored}, " NAMED);
    static const struct {
        const char *status;
        int want; /* AlertStatus, -1: ignored */
    } table[] = {
        {"\"DOWN\"", ALERT_FIRING}, {"1", ALERT_RESOLVED},    {"true", ALERT_FIRING},
        {"\"down\"", -1},           {"null", -1},             {"\"firing\"", ALERT_FIRING},
        {"\"resolved\"", ALERT_RESOLVED},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(table); i++) {
        g_autofree char *body = g_strdup_printf("{\"n\":\"a\",\"s\":%s}", table[i].status);
        g_autoptr(Event) event = parse_good(yaml, body);
        assert_int_equal(event->n_alerts, table[i].want >= 0);
        if (table[i].want >= 0) {
            assert_int_equal(event->alerts[0].status, table[i].want);
        } else {
            assert_string_equal(event->ignored, "statuses has it as ignored");
        }
    }
}

static void a_body_that_cannot_be_mapped_is_refused_with_the_key(void **state)
{
    (void)state;
    static const struct {
        const char *map, *body, *message;
    } table[] = {
        {NAMED, "{\"s\":\"odd\",\"n\":\"a\"}",
         "map.status gives \"odd\": neither firing, resolved nor one of statuses"},
        {NAMED, "{}", "map.status gives \"\": neither firing, resolved nor one of statuses"},
        {NAMED, "{\"s\":\"firing\"}",
         "map.labels.alertname gives \"\": an alert must have a name"},
        {"labels: {alertname: a}, time: '{{ .t }}'", "{\"s\":\"firing\",\"t\":\"soon\"}",
         "map.time gives \"soon\": not a time"},
        {"labels: {alertname: a}, sequence: '{{ .t }}'", "{\"s\":\"firing\",\"t\":-1}",
         "map.sequence gives \"-1\": not a whole number"},
        {"labels: {alertname: a}, annotations: {b: '{{ .t.u.v }}'}",
         "{\"s\":\"firing\",\"t\":\"x\"}",
         "map.annotations.b: template: :1:5: executing \"\" at <.t.u.v>: can't evaluate field u "
         "in type interface {}"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(table); i++) {
        g_autofree char *yaml = g_strdup_printf(
            REST "sources:\n  - {name: s, type: json, family: ci, map: {status: '{{ .s }}', %s}}\n",
            table[i].map);
        g_autoptr(GError) error = NULL;
        g_autoptr(Event) event = parse(yaml, table[i].body, &error);
        assert_null(event);
        assert_string_equal(error->message, table[i].message);
        assert_true(g_error_matches(error, FAULT, FAULT_INPUT));
    }
}

static void numbers_print_as_they_were_written(void **state)
{
    (void)state;
    static const struct {
        const char *number, *printed;
    } table[] = {
        {"1", "1"},       {"-7", "-7"},       {"1000000", "1000000"}, {"1.5", "1.5"},
        {"1e3", "1000"},  {"0", "0"},         {"9007199254740993", "9007199254740992"},
        {"1e300", "1e+300"}, {"true", "true"}, {"[1,\"a\"]", "[1 a]"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(table); i++) {
        g_autofree char *body =
            g_strdup_printf("{\"s\":\"firing\",\"n\":%s}", table[i].number);
        g_autoptr(Event) event = parse_good(SOURCE("", NAMED), body);
        assert_label(&event->alerts[0].labels, "alertname", table[i].printed);
    }
}

static void times_are_read_as_people_and_programs_write_them(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t ms; /* -1: no time */
    } table[] = {
        {"2026-11-28T12:00:00Z", 1795867200000},   {"2026-11-28 12:00:00", 1795867200000},
        {"2026-11-28 12:00:00 UTC", 1795867200000}, {"2026-11-28 12:00:00.123", 1795867200123},
        {"2026-11-28 13:00:00 +0100", 1795867200000},
        {"2026-11-28 13:00:00 +01:00", 1795867200000},
        {"2026-11-28 12:00:00Z", 1795867200000},   {"1795867200", 1795867200000},
        {"1795867200.5", 1795867200500},           {"1795867200123", 1795867200123},
        {"2026-11-28", -1},                        {"2026-11-28 12:00", -1},
        {"2026-11-28 12:00:00 CET", -1},           {"2026-13-28 12:00:00", -1},
        {"-5", -1},                                {"1e999", -1},
        {"nan", -1},                               {"12 apples", -1},
        {"", -1},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(table); i++) {
        Timestamp time = TIMESTAMP_ZERO;
        bool is_time = payload_read_date(table[i].text, &time);
        if (is_time != (table[i].ms >= 0) || (is_time && timestamp_ms(time) != table[i].ms)) {
            fail_msg("%s", table[i].text);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_map_picks_everything_an_alert_has),
        cmocka_unit_test(the_group_is_all_labels_but_severity),
        cmocka_unit_test(of_ci_the_labels_are_those_of_the_other_formats),
        cmocka_unit_test(statuses_say_what_the_sender_s_words_mean),
        cmocka_unit_test(a_body_that_cannot_be_mapped_is_refused_with_the_key),
        cmocka_unit_test(numbers_print_as_they_were_written),
        cmocka_unit_test(times_are_read_as_people_and_programs_write_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
