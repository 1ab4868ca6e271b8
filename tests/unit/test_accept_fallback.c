/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "bridge/accept_fallback.h"

static Event *event_of(size_t firing, size_t resolved, const char *value)
{
    Event *event = event_new();
    event->n_alerts = firing + resolved;
    event->alerts = arena_array(event->arena, Alert, event->n_alerts);
    for (size_t i = 0; i < event->n_alerts; i++) {
        Label *label = arena_array(event->arena, Label, 1);
        *label = (Label){"host", value};
        event->alerts[i] = (Alert){
            .status = i < resolved ? ALERT_RESOLVED : ALERT_FIRING,
            .labels = {label, 1},
            .starts_at = {.seconds = 1795446880, .offset_s = -5400},
            .generator_url = ""};
    }
    event_summarize(event);
    return event;
}

static void the_text_names_the_problem_and_lists_what_fires_first(void **state)
{
    (void)state;
    g_autoptr(Event) event = event_of(1, 1, "db1");
    static const Label notes[] = {{"summary", "Disk full"}};
    event->alerts[1].annotations = (Labels){notes, 1};
    event->alerts[1].generator_url = "http://p/graph";
    event->external_url = "http://am";
    g_autofree char *text = fallback_text(event, "ops", "template: x:1:2: boom");
    assert_string_equal(text,
                        "This is a plain mail: the configured one could not be made.\n"
                        "\n"
                        "  template: x:1:2: boom\n"
                        "\n"
                        "Receiver: ops\n"
                        "Firing: 1\n"
                        "Resolved: 1\n"
                        "\n"
                        "1. FIRING\n"
                        "   since 2026-11-23 13:44:40 -01:30\n"
                        "   host: db1\n"
                        "   summary: Disk full\n"
                        "   http://p/graph\n"
                        "\n"
                        "2. RESOLVED\n"
                        "   since 2026-11-23 13:44:40 -01:30\n"
                        "   host: db1\n"
                        "\n"
                        "Sent by http://am\n");
}

static void the_subject_has_state_count_and_group(void **state)
{
    (void)state;
    g_autoptr(Event) event = event_of(3, 1, "db1");
    g_autofree char *bare = fallback_subject(event);
    assert_string_equal(bare, "[FIRING:3]");
    static const Label group[] = {{"cluster", "eu"}, {"job", "node"}};
    event->group_labels = (Labels){group, 2};
    g_autofree char *grouped = fallback_subject(event);
    assert_string_equal(grouped, "[FIRING:3] eu node");
    static const Label common[] = {{"alertname", "DiskFull"}};
    event->common_labels = (Labels){common, 1};
    g_autofree char *named = fallback_subject(event);
    assert_string_equal(named, "[FIRING:3] DiskFull");
    g_autoptr(Event) over = event_of(0, 2, "db1");
    over->common_labels = event->common_labels;
    g_autofree char *resolved = fallback_subject(over);
    assert_string_equal(resolved, "[RESOLVED] DiskFull");
}

static void many_and_long_alerts_are_cut_and_counted(void **state)
{
    (void)state;
    g_autoptr(Event) many = event_of(FALLBACK_ALERTS_MAX + 1, 5, "x");
    many->truncated_alerts = 7;
    g_autofree char *text = fallback_text(many, "ops", "p");
    assert_non_null(strstr(text, "\n100. FIRING\n"));
    assert_null(strstr(text, "\n101. "));
    assert_non_null(strstr(text, "\n… and 13 more\n"));
    g_autofree char *megabyte = g_strnfill(1000000, 'x');
    g_autoptr(Event) wide = event_of(1, 0, megabyte);
    g_autofree char *cut = fallback_text(wide, "ops", megabyte);
    assert_true(strlen(cut) < 4000);
    assert_non_null(strstr(cut, "xxx…\n"));
    g_autofree char *line = g_strnfill(290, 'y');
    g_autoptr(Event) both = event_of(500, 0, line);
    g_autofree char *bounded = fallback_text(both, "ops", "p");
    assert_true(strlen(bounded) < FALLBACK_TEXT_MAX + 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_text_names_the_problem_and_lists_what_fires_first),
        cmocka_unit_test(the_subject_has_state_count_and_group),
        cmocka_unit_test(many_and_long_alerts_are_cut_and_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
