/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "rules/alert.h"

#define LABELS(...) \
    labels_make((Label[]){__VA_ARGS__}, sizeof((Label[]){__VA_ARGS__}) / sizeof(Label))

static void fingerprints_are_those_of_prometheus(void **state)
{
    (void)state;
    Labels warning_foo = LABELS({"severity", "warning"}, {"job", "foo"});
    Labels critical_foo = LABELS({"severity", "critical"}, {"job", "foo"});
    Labels critical_bar = LABELS({"severity", "critical"}, {"job", "bar"});
    assert_true(labels_fingerprint(&warning_foo) == 0x9266ef3da838ad95u);
    assert_true(labels_fingerprint(&critical_foo) == 0x3b15fd163d36582eu);
    assert_true(labels_fingerprint(&critical_bar) == 0xc7e68cb08e3e67f9u);
}

static void of_equal_names_the_last_wins(void **state)
{
    (void)state;
    Labels labels = LABELS({"b", "1"}, {"a", "2"}, {"b", "3"}, {"b", "4"});
    assert_int_equal(labels.n, 2);
    assert_string_equal(labels_get(&labels, "a"), "2");
    assert_string_equal(labels_get(&labels, "b"), "4");
    assert_null(labels_get(&labels, "c"));
}

static Event *two_alerts(void)
{
    Event *event = event_new();
    event->alerts = arena_array(event->arena, Alert, 2);
    event->n_alerts = 2;
    static const Label firing[] = {{"env", "prod"}, {"host", "a"}, {"zone", "1"}};
    static const Label resolved[] = {{"env", "prod"}, {"host", "b"}};
    event->alerts[0] = (Alert){.status = ALERT_FIRING, .labels = {firing, 3}};
    event->alerts[1] = (Alert){.status = ALERT_RESOLVED, .labels = {resolved, 2}};
    event_summarize(event);
    return event;
}

static void status_and_common_labels_come_from_the_alerts(void **state)
{
    (void)state;
    g_autoptr(Event) event = two_alerts();
    assert_int_equal(event->status, ALERT_FIRING);
    assert_int_equal(event->common_labels.n, 1);
    assert_string_equal(labels_get(&event->common_labels, "env"), "prod");
}

static void a_selection_has_its_own_status_and_common_labels(void **state)
{
    (void)state;
    g_autoptr(Event) event = two_alerts();
    g_autoptr(Event) resolved = event_select(event, (unsigned[]){1}, 1);
    assert_int_equal(resolved->status, ALERT_RESOLVED);
    assert_int_equal(resolved->common_labels.n, 2);
    assert_string_equal(labels_get(&resolved->common_labels, "host"), "b");
    g_autoptr(Event) none = event_select(event, NULL, 0);
    assert_int_equal(none->status, ALERT_RESOLVED);
    assert_int_equal(none->common_labels.n, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fingerprints_are_those_of_prometheus),
        cmocka_unit_test(of_equal_names_the_last_wins),
        cmocka_unit_test(status_and_common_labels_come_from_the_alerts),
        cmocka_unit_test(a_selection_has_its_own_status_and_common_labels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
