/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "bridge/intake/format.h"
#include "rules/fault.h"

static const LimitsConfig limits = {.body = 1 << 20, .alerts = 3, .labels = 4};
static char source_name[] = "am", source_type[] = "alertmanager";

static Event *parse_with(const SourceConfig *source, const char *body, size_t length,
                         GError **error)
{
    const Format *format = format_find(source->type);
    assert_non_null(format);
    FormatInput input = {.source = source, .limits = &limits};
    return format_parse(format, &input, body, length, error);
}

static Event *parse(const char *body, GError **error)
{
    SourceConfig source = {.name = source_name, .type = source_type};
    return parse_with(&source, body, strlen(body), error);
}

static void a_webhook_of_version_0_34_is_read_whole(void **state)
{
    (void)state;
    g_autoptr(Event) event = parse(
        "{\"receiver\":\"team\\\\.mail\\\\+x\",\"status\":\"firing\",\"alerts\":[{"
        "\"status\":"
        "\"firing\",\"labels\":{\"severity\":\"warning\",\"job\":\"foo\"},"
        "\"annotations\":"
        "{\"summary\":\"a \\u003cb\\u003e \\u0026 "
        "c\"},\"startsAt\":\"2026-08-01T10:00:00.123-02:00\","
        "\"endsAt\":\"0001-01-01T00:00:00Z\",\"generatorURL\":\"http://p/graph?x=1\","
        "\"fingerprint\":\"0000000000000000\"},{\"status\":\"resolved\",\"labels\":{"
        "\"severity\":"
        "\"critical\",\"job\":\"foo\"},\"annotations\":{},\"startsAt\":\"2026-08-01T09:"
        "00:00Z\","
        "\"endsAt\":\"2026-08-01T09:30:00Z\",\"generatorURL\":\"\",\"fingerprint\":"
        "\"x\"}],"
        "\"groupLabels\":{\"job\":\"foo\"},\"commonLabels\":{\"job\":\"wrong\"},"
        "\"commonAnnotations\":{},\"externalURL\":\"http://am:9093\",\"version\":\"4\","
        "\"groupKey\":\"{}/{team=\\\"a\\\"}:{job=\\\"foo\\\"}\",\"truncatedAlerts\":7,"
        "\"notification_reason\":\"repeat interval "
        "elapsed\",\"routeLabels\":{\"r\":\"1\"}}\n",
        NULL);
    assert_non_null(event);
    assert_string_equal(event->source, "am");
    assert_int_equal(event->family, FAMILY_MONITORING);
    assert_int_equal(event->status, ALERT_FIRING);
    assert_string_equal(event->sender_receiver, "team.mail+x");
    assert_string_equal(event->group_key, "{}/{team=\"a\"}:{job=\"foo\"}");
    assert_string_equal(event->external_url, "http://am:9093");
    assert_string_equal(event->reason, "repeat interval elapsed");
    assert_int_equal(event->truncated_alerts, 7);
    assert_string_equal(labels_get(&event->group_labels, "job"), "foo");
    assert_string_equal(labels_get(&event->route_labels, "r"), "1");
    assert_int_equal(event->common_labels.n, 1);
    assert_string_equal(labels_get(&event->common_labels, "job"), "foo");
    assert_int_equal(event->n_alerts, 2);

    const Alert *firing = &event->alerts[0];
    assert_int_equal(firing->status, ALERT_FIRING);
    assert_true(firing->fingerprint == 0x9266ef3da838ad95u);
    assert_string_equal(labels_get(&firing->annotations, "summary"), "a <b> & c");
    assert_int_equal(timestamp_ms(firing->starts_at), 1785585600123);
    assert_int_equal(firing->starts_at.offset_s, -7200);
    assert_true(timestamp_is_zero(firing->ends_at));
    assert_string_equal(firing->generator_url, "http://p/graph?x=1");
    assert_string_equal(firing->silence_url, "");

    const Alert *resolved = &event->alerts[1];
    assert_int_equal(resolved->status, ALERT_RESOLVED);
    assert_true(resolved->fingerprint == 0x3b15fd163d36582eu);
    assert_int_equal(timestamp_ms(resolved->ends_at), 1785576600000);
}

static void what_is_absent_is_tolerated(void **state)
{
    (void)state;
    g_autoptr(Event) event = parse("{\"alerts\":[{\"new_key\":[1,{}]},{\"labels\":null,"
                                   "\"startsAt\":null}],\"other\":1}",
                                   NULL);
    assert_non_null(event);
    assert_int_equal(event->n_alerts, 2);
    assert_int_equal(event->status, ALERT_FIRING);
    assert_string_equal(event->sender_receiver, "");
    assert_string_equal(event->group_key, "{}:{}");
    assert_string_equal(event->external_url, "");
    assert_string_equal(event->reason, "");
    assert_int_equal(event->truncated_alerts, 0);
    assert_int_equal(event->alerts[0].labels.n, 0);
    assert_true(timestamp_is_zero(event->alerts[1].starts_at));
    assert_string_equal(event->alerts[1].generator_url, "");
}

static void an_alert_without_a_status_has_that_of_the_whole(void **state)
{
    (void)state;
    g_autoptr(Event) event = parse(
        "{\"status\":\"resolved\",\"alerts\":[{},{\"status\":\"firing\"}]}", NULL);
    assert_int_equal(event->alerts[0].status, ALERT_RESOLVED);
    assert_int_equal(event->alerts[1].status, ALERT_FIRING);
    g_autoptr(Event) empty = parse("{\"status\":\"firing\",\"alerts\":[]}", NULL);
    assert_int_equal(empty->n_alerts, 0);
    assert_int_equal(empty->status, ALERT_RESOLVED);
}

static void a_firing_alert_has_no_end(void **state)
{
    (void)state;
    g_autoptr(Event) event = parse(
        "{\"alerts\":[{\"status\":\"firing\",\"endsAt\":\"2030-01-01T00:00:00Z\"}]}",
        NULL);
    assert_true(timestamp_is_zero(event->alerts[0].ends_at));
}

static void without_a_group_key_one_is_made_of_the_group_labels(void **state)
{
    (void)state;
    g_autoptr(Event) event = parse("{\"groupLabels\":{\"cluster\":\"c\",\"alertname\":"
                                   "\"a \\\"b\\\", c=\\\\\\n\"},\"alerts\":[]}",
                                   NULL);
    assert_string_equal(event->group_key,
                        "{}:{alertname=\"a \\\"b\\\", c=\\\\\\n\", cluster=\"c\"}");
}

static void the_receiver_is_unquoted_as_go_quoted_it(void **state)
{
    (void)state;
    static const struct {
        const char *json, *receiver;
    } table[] = {
        {"plain-name/x_1", "plain-name/x_1"},
        {"ok\\\\.hook\\\\+x", "ok.hook+x"},
        {"\\\\\\\\\\\\.\\\\+\\\\*\\\\?\\\\(\\\\)\\\\|\\\\[\\\\]\\\\{\\\\}\\\\^\\\\$",
         "\\.+*?()|[]{}^$"},
        {"a.b", "a.b"},
        {"a\\\\nb", "a\\nb"},
        {"end\\\\", "end\\"},
        {"", ""},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        g_autofree char *body =
            g_strdup_printf("{\"alerts\":[],\"receiver\":\"%s\"}", table[i].json);
        g_autoptr(Event) event = parse(body, NULL);
        assert_string_equal(event->sender_receiver, table[i].receiver);
    }
}

static void a_wrong_shape_is_refused_with_its_place(void **state)
{
    (void)state;
    static const struct {
        const char *body;
        FaultKind kind;
        const char *message;
    } table[] = {
        {"", FAULT_INPUT, "byte 1: the text ends where a value should be"},
        {"[]", FAULT_INPUT, "not a JSON object"},
        {"\"text\"", FAULT_INPUT, "not a JSON object"},
        {"{}", FAULT_INPUT, "alerts: missing"},
        {"{\"alerts\":null}", FAULT_INPUT, "alerts: missing"},
        {"{\"alerts\":{}}", FAULT_INPUT, "alerts: not an array"},
        {"{\"alerts\":[{},[]]}", FAULT_INPUT, "alerts[1]: not an object"},
        {"{\"alerts\":[null]}", FAULT_INPUT, "alerts[0]: not an object"},
        {"{\"alerts\":[{},{},{},{}]}", FAULT_LIMIT,
         "alerts: 4 alerts, more than limits.alerts allows (3)"},
        {"{\"alerts\":[{},{\"labels\":[]}]}", FAULT_INPUT,
         "alerts[1].labels: not an object"},
        {"{\"alerts\":[{\"labels\":{\"a\":\"1\",\"severity\":3}}]}", FAULT_INPUT,
         "alerts[0].labels.severity: not a string"},
        {"{\"alerts\":[{\"annotations\":{\"a\":null}}]}", FAULT_INPUT,
         "alerts[0].annotations.a: not a string"},
        {"{\"alerts\":[{\"labels\":{\"a\":\"\",\"b\":\"\",\"c\":\"\",\"d\":\"\",\"e\":"
         "\"\"}}]}",
         FAULT_LIMIT,
         "alerts[0].labels: 5 entries, more than limits.labels allows (4)"},
        {"{\"alerts\":[{\"status\":\"on\"}]}", FAULT_INPUT,
         "alerts[0].status: neither \"firing\" nor \"resolved\""},
        {"{\"alerts\":[],\"status\":true}", FAULT_INPUT, "status: not a string"},
        {"{\"alerts\":[],\"status\":\"\"}", FAULT_INPUT,
         "status: neither \"firing\" nor \"resolved\""},
        {"{\"alerts\":[{\"startsAt\":\"yesterday\"}]}", FAULT_INPUT,
         "alerts[0].startsAt: not an RFC 3339 time"},
        {"{\"alerts\":[{\"endsAt\":17}]}", FAULT_INPUT,
         "alerts[0].endsAt: not an RFC 3339 time"},
        {"{\"alerts\":[{\"generatorURL\":{}}]}", FAULT_INPUT,
         "alerts[0].generatorURL: not a string"},
        {"{\"alerts\":[],\"receiver\":1}", FAULT_INPUT, "receiver: not a string"},
        {"{\"alerts\":[],\"groupKey\":1}", FAULT_INPUT, "groupKey: not a string"},
        {"{\"alerts\":[],\"groupLabels\":{\"x\":{}}}", FAULT_INPUT,
         "groupLabels.x: not a string"},
        {"{\"alerts\":[],\"routeLabels\":\"\"}", FAULT_INPUT,
         "routeLabels: not an object"},
        {"{\"alerts\":[],\"truncatedAlerts\":-1}", FAULT_INPUT,
         "truncatedAlerts: not a whole number from 0"},
        {"{\"alerts\":[],\"truncatedAlerts\":1.5}", FAULT_INPUT,
         "truncatedAlerts: not a whole number from 0"},
        {"{\"alerts\":[],\"truncatedAlerts\":\"1\"}", FAULT_INPUT,
         "truncatedAlerts: not a whole number from 0"},
        {"{\"alerts\":[],\"notification_reason\":[]}", FAULT_INPUT,
         "notification_reason: not a string"},
        {"{\"alerts\":[],\"externalURL\":0}", FAULT_INPUT, "externalURL: not a string"},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        g_autoptr(GError) error = NULL;
        assert_null(parse(table[i].body, &error));
        assert_string_equal(error->message, table[i].message);
        assert_true(g_error_matches(error, FAULT, (int)table[i].kind));
    }
}

static void the_limits_let_their_own_values_pass(void **state)
{
    (void)state;
    g_autoptr(Event) event =
        parse("{\"alerts\":[{},{},{\"labels\":{\"a\":\"1\",\"b\":\"2\","
              "\"c\":\"3\",\"d\":\"4\"}}]}",
              NULL);
    assert_int_equal(event->n_alerts, 3);
    assert_int_equal(event->alerts[2].labels.n, 4);
    g_autoptr(Event) many =
        parse("{\"alerts\":[],\"truncatedAlerts\":18446744073709551616}", NULL);
    assert_true(many->truncated_alerts == UINT64_MAX);
}

static void a_long_foreign_name_is_cut_in_the_message(void **state)
{
    (void)state;
    g_autoptr(GString) body = g_string_new("{\"alerts\":[],\"groupLabels\":{\"");
    for (int i = 0; i < 5000; i++) {
        g_string_append(body, "€");
    }
    g_string_append(body, "\":1}}");
    g_autoptr(GError) error = NULL;
    assert_null(parse(body->str, &error));
    assert_true(g_utf8_validate(error->message, -1, NULL));
    assert_int_equal(g_utf8_strlen(error->message, -1),
                     strlen("groupLabels.: not a string") + 100);
}

static void hostile_labels_become_valid_text_and_nothing_else(void **state)
{
    (void)state;
    static const char body[] =
        "{\"alerts\":[{\"labels\":{\"a\":\"x\\r\\nBcc: y\\u0000\xFF\","
        "\"b\\u0000\":\"<script>\",\"c\":\"\\ud800\"}}]}";
    g_autoptr(Event) event = parse(body, NULL);
    const Labels *labels = &event->alerts[0].labels;
    assert_string_equal(labels_get(labels, "a"), "x\r\nBcc: y\xEF\xBF\xBD\xEF\xBF\xBD");
    assert_string_equal(labels_get(labels, "b\xEF\xBF\xBD"), "<script>");
    assert_string_equal(labels_get(labels, "c"), "\xEF\xBF\xBD");
}

static void a_label_may_be_as_long_as_the_body_allows(void **state)
{
    (void)state;
    g_autofree char *value = g_strnfill(1000000, 'x');
    g_autofree char *body =
        g_strdup_printf("{\"alerts\":[{\"labels\":{\"a\":\"%s\"}}]}", value);
    g_autoptr(Event) event = parse(body, NULL);
    assert_string_equal(labels_get(&event->alerts[0].labels, "a"), value);
}

static void
more_values_than_the_alerts_need_are_refused_before_a_tree_is_built(void **state)
{
    (void)state;
    g_autoptr(GString) body = g_string_new("{\"alerts\":[],\"x\":[0");
    for (int i = 0; i < 10600; i++) {
        g_string_append(body, ",0");
    }
    g_string_append(body, "]}");
    g_autoptr(GError) error = NULL;
    assert_null(parse(body->str, &error));
    assert_true(g_error_matches(error, FAULT, FAULT_LIMIT));
    assert_true(g_str_has_suffix(error->message, ": too many values"));
}

static void the_sources_labels_are_added_where_the_alert_has_none(void **state)
{
    (void)state;
    static const Label extra[] = {{"job", "ours"}, {"severity", "warning"}};
    SourceConfig source = {
        .name = source_name, .type = source_type, .labels = {extra, 2}};
    static const char body[] = "{\"alerts\":[{\"labels\":{\"job\":\"foo\"}},{}]}";
    g_autoptr(Event) event = parse_with(&source, body, strlen(body), NULL);
    assert_int_equal(event->alerts[0].labels.n, 2);
    assert_string_equal(labels_get(&event->alerts[0].labels, "job"), "foo");
    assert_string_equal(labels_get(&event->alerts[0].labels, "severity"), "warning");
    assert_true(event->alerts[0].fingerprint == 0x9266ef3da838ad95u);
    assert_string_equal(labels_get(&event->alerts[1].labels, "job"), "ours");
    assert_int_equal(event->common_labels.n, 1);
    assert_string_equal(labels_get(&event->common_labels, "severity"), "warning");
}

static void only_known_formats_are_found(void **state)
{
    (void)state;
    assert_non_null(format_find("alertmanager"));
    assert_null(format_find("Alertmanager"));
    assert_null(format_find(""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_webhook_of_version_0_34_is_read_whole),
        cmocka_unit_test(what_is_absent_is_tolerated),
        cmocka_unit_test(an_alert_without_a_status_has_that_of_the_whole),
        cmocka_unit_test(a_firing_alert_has_no_end),
        cmocka_unit_test(without_a_group_key_one_is_made_of_the_group_labels),
        cmocka_unit_test(the_receiver_is_unquoted_as_go_quoted_it),
        cmocka_unit_test(a_wrong_shape_is_refused_with_its_place),
        cmocka_unit_test(the_limits_let_their_own_values_pass),
        cmocka_unit_test(a_long_foreign_name_is_cut_in_the_message),
        cmocka_unit_test(hostile_labels_become_valid_text_and_nothing_else),
        cmocka_unit_test(a_label_may_be_as_long_as_the_body_allows),
        cmocka_unit_test(
            more_values_than_the_alerts_need_are_refused_before_a_tree_is_built),
        cmocka_unit_test(the_sources_labels_are_added_where_the_alert_has_none),
        cmocka_unit_test(only_known_formats_are_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
