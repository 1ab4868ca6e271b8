/* SPDX-License-Identifier: MIT */
/* What the built-in mail says about time and change, at 04:40 UTC.  How it looks is
 * tested by flow/test_default_mail.py. */
#include "mail_event.h"

#include "config/config.h"

#define GROUP  "alertname=DiskFull;cluster=eu1"
#define LABELS GROUP ";severity=critical;instance="

static const char *const ours[] = {config_default_tmpl, config_ci_tmpl, NULL};

static char *render(const Event *event, const char *text)
{
    return mail_render(event, ours, TEMPLATE_TEXT, text);
}

#define N(alerts)       (sizeof(alerts) / sizeof *(alerts))
#define TEXT_OF(alerts) text_of(alerts, N(alerts))

static char *text_of(const MailAlert *alerts, size_t n)
{
    g_autoptr(Event) event = mail_event(GROUP, alerts, n);
    return render(event, "{{ template `email.default.text` . }}");
}

static void assert_has(const char *text, const char *part)
{
    if (strstr(text, part) == NULL) {
        fail_msg("%s\nhas no %s", text, part);
    }
}

static void assert_has_no(const char *text, const char *part)
{
    if (strstr(text, part) != NULL) {
        fail_msg("%s\nhas %s", text, part);
    }
}

static void a_mail_of_one_alert_reads_like_this(void **state)
{
    (void)state;
    const MailAlert alerts[] = {
        {LABELS "db07", "3.4% free", "2026-11-23T04:12:00Z", NULL, true}};
    g_autofree char *text = TEXT_OF(alerts);
    assert_string_equal(
        text,
        "FIRING: 1 critical\n"
        "DiskFull · eu1\n"
        "Since 04:12 UTC, 28 min at sending\n"
        "\n"
        "1. 3.4% free\n"
        "\n"
        "Labels: alertname=DiskFull cluster=eu1 instance=db07 severity=critical\n"
        "\n"
        "----------------------------------------\n"
        "You get this mail because these alerts reached the receiver operations.\n"
        "Times are UTC.\n");
}

static void a_mail_tells_what_changed_since_the_last_one(void **state)
{
    (void)state;
    const MailAlert alerts[] = {
        {LABELS "a", "full", "2026-11-23T04:12:00Z", NULL, true},
        {LABELS "b", "full", "2026-11-23T04:11:00Z", NULL, false},
        {LABELS "c", "full", "2026-11-23T04:10:00Z", "2026-11-23T04:37:00Z", true},
    };
    g_autofree char *text = TEXT_OF(alerts);
    assert_has(text, "FIRING: 2 critical, 1 resolved\n");
    assert_has(
        text,
        "Since 04:11 UTC, 29 min at sending\n1 new, 1 resolved since the last mail\n");
    assert_has(text, "\n1. full\n   since 04:12, 28 min, new\n");
    assert_has(text, "\n   since 04:11, 29 min\n");
    assert_has(text, "\nResolved:\n3. c  lasted 27 min, just resolved\n");
}

static void a_mail_in_which_all_is_new_does_not_say_so(void **state)
{
    (void)state;
    const MailAlert alerts[] = {
        {LABELS "a", "full", "2026-11-23T04:12:00Z", NULL, true},
        {LABELS "c", "full", "2026-11-23T04:10:00Z", "2026-11-23T04:37:00Z", true},
    };
    g_autofree char *text = TEXT_OF(alerts);
    assert_has_no(text, "new");
    assert_has_no(text, "last mail");
}

static void a_repeated_mail_says_that_nothing_is_new(void **state)
{
    (void)state;
    const MailAlert alerts[] = {
        {LABELS "a", "full", "2026-11-23T04:12:00Z", NULL, false},
        {LABELS "b", "full", "2026-11-23T04:12:00Z", NULL, false},
    };
    g_autofree char *text = TEXT_OF(alerts);
    assert_has(text, "\nNothing new since the last mail\n");
}

static void a_day_that_is_not_today_is_named(void **state)
{
    (void)state;
    const MailAlert alerts[] = {
        {LABELS "a", "full", "2026-11-23T00:00:00Z", NULL, true},
        {LABELS "b", "full", "2026-11-22T23:59:59Z", NULL, true},
        {LABELS "c", "full", "2025-11-23T04:40:00Z", NULL, true},
    };
    g_autofree char *text = TEXT_OF(alerts);
    assert_has(text, "Since 2025-11-23 04:40 UTC, 365 d at sending\n");
    assert_has(text, "   since 00:00, 4 h 40 min\n");
    assert_has(text, "   since 2026-11-22 23:59, 4 h 40 min\n");
}

static void times_are_those_of_the_process_s_zone(void **state)
{
    (void)state;
    const MailAlert alerts[] = {
        {LABELS "a", "full", "2026-11-22T18:29:00Z", NULL, true},
        {LABELS "b", "full", "2026-11-22T18:31:00Z", NULL, true},
    };
    g_setenv("TZ", "Asia/Kolkata", TRUE);
    g_autofree char *text = TEXT_OF(alerts);
    g_setenv("TZ", "UTC", TRUE);
    /* Sent at 10:10 there; the day had begun at 18:30 UTC. */
    assert_has(text, "Since 2026-11-22 23:59 UTC+05:30, 10 h 11 min at sending\n");
    assert_has(text, "   since 00:01, 10 h 9 min\n");
    assert_has(text, "\nTimes are UTC+05:30.\n");
}

static void what_is_over_tells_how_long_it_lasted(void **state)
{
    (void)state;
    const MailAlert alerts[] = {
        {LABELS "a", "full", "2026-11-23T04:00:00Z", "2026-11-23T04:27:00Z", true},
        {LABELS "b", "full", "2026-11-22T23:10:00Z", "2026-11-23T04:20:00Z", true},
    };
    g_autofree char *text = TEXT_OF(alerts);
    assert_has(text, "RESOLVED: 2 alerts\n");
    assert_has(text, "Lasted 5 h 17 min, from 2026-11-22 23:10 to 04:27 UTC\n");
    assert_has(text, "1. a\n   lasted 27 min\n   While it fired:\n   full\n");
}

static void unknown_and_future_times_do_no_harm(void **state)
{
    (void)state;
    const MailAlert unknown[] = {{LABELS "a", "full", NULL, NULL, true}};
    const MailAlert future[] = {
        {LABELS "a", "full", "2027-01-01T00:00:00Z", NULL, true}};
    const MailAlert backwards[] = {
        {LABELS "a", "full", "2026-11-23T04:00:00Z", "2026-11-23T03:00:00Z", true}};
    g_autofree char *without = TEXT_OF(unknown), *later = TEXT_OF(future);
    g_autofree char *back = TEXT_OF(backwards);
    assert_has_no(without, "ince ");
    assert_has(later, "Since 04:40 UTC, 0 s at sending\n");
    assert_has_no(back, "asted");
}

static void the_sender_s_own_links_win(void **state)
{
    (void)state;
    const MailAlert alerts[] = {
        {LABELS "a", "full", "2026-11-23T04:12:00Z", NULL, true},
        {LABELS "b", "full", "2026-11-23T04:12:00Z", NULL, true},
    };
    g_autoptr(Event) event = mail_event(GROUP, alerts, 2);
    Alert *first = &event->alerts[0];
    event->external_url = "https://grafana.example/";
    first->generator_url = "https://grafana.example/rule";
    first->dashboard_url = "https://grafana.example/dashboard";
    first->silence_url = "https://grafana.example/silence?x=1&y=2";
    first->value_string = "[ A=97.3 ]";
    g_autofree char *text = render(event, "{{ template `email.default.text` . }}");
    first->panel_url = "https://grafana.example/panel";
    g_autofree char *html = mail_render(event, ours, TEMPLATE_HTML,
                                        "{{ template `email.default.html` . }}");
    assert_has(text, "   Value: [ A=97.3 ]\n");
    assert_has(text, "   Graph: https://grafana.example/dashboard\n"
                     "   Silence: https://grafana.example/silence?x=1&y=2\n");
    assert_has_no(text, "Silence everything");
    assert_has(html, "href=\"https://grafana.example/panel\"");
    assert_has(html, "href=\"https://grafana.example/silence?x=1&amp;y=2\"");
    assert_has_no(html, "/rule");
}

static void links_of_an_alert_lead_to_the_web_or_nowhere(void **state)
{
    (void)state;
    const MailAlert alert = {LABELS "a", "full", "2026-11-23T04:12:00Z", NULL, true};
    g_autoptr(Event) event = mail_event(GROUP, &alert, 1);
    Alert *first = &event->alerts[0];
    first->generator_url = first->dashboard_url = first->silence_url =
        first->panel_url = "javascript:alert(1)";
    g_autofree char *text = render(event, "{{ template `email.default.text` . }}");
    g_autofree char *html = mail_render(event, ours, TEMPLATE_HTML,
                                        "{{ template `email.default.html` . }}");
    assert_has_no(text, "javascript");
    assert_has_no(html, "href");
}

static void the_worst_alerts_come_first_and_say_what_they_are(void **state)
{
    (void)state;
    const MailAlert alerts[] = {
        {GROUP ";severity=info;instance=a", "a", "2026-11-23T04:12:00Z", NULL, true},
        {GROUP ";instance=b", "b", "2026-11-23T04:12:00Z", NULL, true},
        {GROUP ";severity=Critical;instance=c", "c", "2026-11-23T04:12:00Z", NULL,
         true},
    };
    g_autofree char *text = TEXT_OF(alerts);
    assert_has(text, "FIRING: 1 Critical, 1 info, 1 without severity\n");
    assert_has(text, "1. c\n   Critical, since 04:12, 28 min\n");
    assert_has(text, "2. a\n   info, since 04:12, 28 min\n");
    assert_has(text, "3. b\n   since 04:12, 28 min\n");
}

static void alerts_of_several_names_are_headed_by_three_of_them(void **state)
{
    (void)state;
    const MailAlert alerts[] = {
        {.labels = "alertname=D"},
        {.labels = "alertname=A;severity=info"},
        {.labels = "alertname=B;severity=critical"},
        {.labels = "alertname=C;severity=warning"},
    };
    g_autoptr(Event) four = mail_event("dc=x", alerts, 4),
                     two = mail_event("", alerts, 2);
    g_autofree char *of_four = render(four, "{{ template `email.default.text` . }}");
    g_autofree char *of_two = render(two, "{{ template `email.default.text` . }}");
    assert_has(of_four, "without severity\nB, C, A, … · x\n");
    assert_has(of_two, "without severity\nA, D\n");
}

static void what_cannot_be_listed_is_counted(void **state)
{
    (void)state;
    MailAlert alerts[60];
    char labels[60][96];
    for (unsigned i = 0; i < 60; i++) {
        g_snprintf(labels[i], sizeof labels[i], "%s%u;dc=%s", LABELS, i,
                   i % 3 ? "x" : "y");
        alerts[i] = (MailAlert){labels[i], "full", "2026-11-23T04:12:00Z",
                                i < 12 ? "2026-11-23T04:22:00Z" : NULL, true};
    }
    g_autoptr(Event) event = mail_event(GROUP, alerts, 60);
    event->truncated_alerts = 7;
    g_autofree char *text = render(event, "{{ template `email.default.text` . }}");
    assert_has(text, "\ndc: 20 y, 40 x\n");
    assert_has(text,
               "\n… and 8 more firing, 2 more resolved. The sender left out 7 more.\n");
    assert_has(text, "\n40. ");
    assert_has(text, "\n58. "); /* the tenth resolved one, behind 48 firing */
    assert_has_no(text, "\n41. ");
    assert_has_no(text, "\n59. ");
}

static void an_event_without_alerts_is_a_mail_too(void **state)
{
    (void)state;
    g_autoptr(Event) event = mail_event("", NULL, 0);
    g_autofree char *text = render(event, "{{ template `email.default.text` . }}");
    g_autofree char *html = mail_render(event, ours, TEMPLATE_HTML,
                                        "{{ template `email.default.html` . }}");
    assert_has(text, "RESOLVED: 0 alerts\n");
    assert_has(html, "<span dir=\"auto\">0 alerts</span></p>");
    assert_has(html, "<span dir=\"auto\">No alert name</span></h1>");
}

static char *subject_of(const char *group, const MailAlert *alerts, size_t n)
{
    g_autoptr(Event) event = mail_event(group, alerts, n);
    return render(event, "{{ template `email.default.subject` . }}");
}

static void the_subject_is_the_state_and_the_group(void **state)
{
    (void)state;
    static const struct {
        const char *group, *want;
    } cases[] = {
        {"alertname=Down", "[FIRING:1 critical] Down"},
        {"alertname=Down;severity=critical", "[FIRING:1 critical] Down"},
        {"alertname=Down;a=x;b=y;c=z", "[FIRING:1 critical] Down x/y"},
        {"alertname=Down;a=x;instance=db07;cluster=eu1",
         "[FIRING:1 critical] Down eu1/db07"},
        {"job=node;zz=1", "[FIRING:1 critical] node/1"},
        {"severity=critical", "[FIRING:1 critical] Alerts for operations"},
        {"", "[FIRING:1 critical] DiskFull"},
        {"alertname=KubePodCrashLoopingForALongTime;namespace=payments",
         "[FIRING:1 critical] KubePodCrashLoopingForALongTime pa…"},
    };
    const MailAlert alert = {LABELS "a", "full", "2026-11-23T04:12:00Z", NULL, true};
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *subject = subject_of(cases[i].group, &alert, 1);
        assert_string_equal(subject, cases[i].want);
    }
}

static char *subject_with(const char *severity, size_t firing, size_t resolved)
{
    g_autofree char *labels = g_strdup_printf("severity=%s", severity);
    g_autofree MailAlert *alerts = g_new0(MailAlert, firing + resolved);
    for (size_t i = 0; i < firing + resolved; i++) {
        alerts[i] = (MailAlert){.labels = labels, .ends = i < firing ? NULL : MAIL_NOW};
    }
    return subject_of("alertname=KubePodCrashLooping;namespace=payments-prod", alerts,
                      firing + resolved);
}

static void the_subject_counts_the_worst_severity_and_the_others(void **state)
{
    (void)state;
    static const struct {
        const char *group, *want;
        size_t worst, others;
    } cases[] = {
        {"alertname=PgDown;cluster=eu1", "[FIRING:1 critical, 119 more] PgDown eu1", 1, 119},
        {"alertname=PgDown;cluster=eu1", "[FIRING:999+ critical, 999+ more] PgDown eu1", 1000, 1000},
        {"alertname=KubePodCrashLooping;namespace=payments-prod",
         "[FIRING:1 critical +3] KubePodCrashLooping payments-prod", 1, 3},
        {"alertname=KubePodCrashLooping;namespace=payments-prod",
         "[FIRING:12 critical +988] KubePodCrashLooping payments-prod", 12, 988},
        {"alertname=KubePodCrashLooping;namespace=payments-prod",
         "[FIRING:100 critical+] KubePodCrashLooping payments-prod", 100, 1000},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        size_t n = cases[i].worst + cases[i].others;
        g_autofree MailAlert *alerts = g_new0(MailAlert, n);
        for (size_t k = 0; k < n; k++) { /* the worst last; its case does not matter */
            alerts[k].labels = k % 2 == 0 ? "severity=warning" : "";
            if (k >= cases[i].others) {
                alerts[k].labels = k % 2 == 0 ? "severity=critical" : "severity=Critical";
            }
        }
        g_autofree char *subject = subject_of(cases[i].group, alerts, n);
        assert_string_equal(subject, cases[i].want);
        assert_true(g_utf8_strlen(subject, -1) <= 60);
    }
}

/* 34 characters of stem leave the brackets 25. */
static void
the_brackets_lose_the_resolved_ones_before_the_subject_exceeds_60(void **state)
{
    (void)state;
    static const struct {
        const char *severity, *want;
        size_t firing, resolved;
    } cases[] = {
        {"critical", "[FIRING:3 critical, 1 ok] ", 3, 1},
        {"critical", "[FIRING:12 critical, 1 ok] ", 12, 1},
        {"critical", "[FIRING:12 critical] ", 12, 12},
        {"critical", "[FIRING:999 critical] ", 999, 0},
        {"critical", "[FIRING:999+ critical] ", 1000, 1},
        {"", "[FIRING:999+, 999+ ok] ", 1000, 1000},
        {"catastrophic", "[FIRING:999+ catastrop…] ", 1000, 0},
        {"critical", "[RESOLVED] ", 0, 1000},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *subject =
            subject_with(cases[i].severity, cases[i].firing, cases[i].resolved);
        g_autofree char *want =
            g_strconcat(cases[i].want, "KubePodCrashLooping payments-prod", NULL);
        assert_string_equal(subject, want);
        assert_true(g_utf8_strlen(subject, -1) <= 60);
    }
}

static void user_s_definitions_replace_ours_wherever_they_are_used(void **state)
{
    (void)state;
    const MailAlert alert = {LABELS "a", "full", "2026-11-23T04:12:00Z", NULL, true};
    g_autoptr(Event) event = mail_event(GROUP, &alert, 1);
    event->external_url = "https://am.example";
    const char *const files[] = {
        config_default_tmpl,
        config_ci_tmpl,
        "{{ define `__subject` }}My <subject>{{ end }}"
        "{{ define `__alertmanager` }}Karma{{ end }}"
        "{{ define `__alertmanagerURL` }}https://karma.example/{{ end }}",
        NULL,
    };
    g_autofree char *subject = mail_render(event, files, TEMPLATE_TEXT,
                                           "{{ template `email.default.subject` . }}");
    g_autofree char *html = mail_render(event, files, TEMPLATE_HTML,
                                        "{{ template `email.default.html` . }}");
    g_autofree char *text = mail_render(event, files, TEMPLATE_TEXT,
                                        "{{ template `email.default.text` . }}");
    assert_string_equal(subject, "My <subject>");
    assert_has(html, "<title>My &lt;subject></title>");
    assert_has(
        html,
        "href=\"https://karma.example/\" style=\"color:#0b57d0\">View in Karma</a>");
    assert_has(text, "\nKarma: https://karma.example/\n");
}

static void alertmanager_s_helpers_give_what_they_give_there(void **state)
{
    (void)state;
    const MailAlert alert = {LABELS "a", "full", "2026-11-23T04:12:00Z", NULL, true};
    g_autoptr(Event) event = mail_event(GROUP, &alert, 1);
    event->external_url = "https://am.example/";
    event->alerts[0].generator_url = "http://p/g";
    g_autofree char *helpers = render(
        event, "{{ template `__alertmanager` . }} {{ template `__description` . }} "
               "{{ template `__alertmanagerURL` . }}\n"
               "{{ template `__text_alert_list` .Alerts.Firing }}");
    assert_string_equal(helpers,
                        "Alertmanager  https://am.example/#/alerts?filter="
                        "%7balertname%3d%22DiskFull%22%2ccluster%3d%22eu1%22%7d\n"
                        "Labels:\n"
                        " - alertname = DiskFull\n"
                        " - cluster = eu1\n"
                        " - instance = a\n"
                        " - severity = critical\n"
                        "Annotations:\n"
                        " - summary = full\n"
                        "Source: http://p/g\n");
}

static char *ci_subject(AlertStatus status, const char *labels, const char *streak)
{
    const MailAlert alert = {labels, NULL, "2026-11-23T04:12:00Z",
                             status == ALERT_FIRING ? NULL : "2026-11-23T04:30:00Z", true};
    g_autoptr(Event) event = mail_event("", &alert, 1);
    event->family = FAMILY_CI;
    const Label note = {"streak", streak};
    event->alerts[0].annotations = (Labels){&note, 1};
    return render(event, "{{ template `email.default.subject` . }}");
}

static void the_subject_of_ci_says_state_repository_branch_and_workflow(void **state)
{
    (void)state;
#define TESTS "alertname=tests;branch=main;repository=acme/api;severity=error;source=gh"
    static const struct {
        AlertStatus status;
        const char *labels, *streak, *subject;
    } table[] = {
        {ALERT_FIRING, TESTS, "1", "[FAILED] acme/api main: tests"},
        {ALERT_FIRING, TESTS, "2", "[FAILED:2] acme/api main: tests"},
        {ALERT_FIRING, TESTS, "999", "[FAILED:999] acme/api main: tests"},
        {ALERT_FIRING, TESTS, "1000", "[FAILED:999+] acme/api main: tests"},
        {ALERT_RESOLVED, TESTS, "7", "[FIXED] acme/api main: tests"},
        {ALERT_FIRING, TESTS ";head_repository=m/api", "1",
         "[FAILED] acme/api m/api main: tests"},
        {ALERT_FIRING, "alertname=a", "1", "[FAILED] a"},
        {ALERT_FIRING,
         "alertname=a;repository=rrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrr;branch=b", "1",
         "[FAILED] rrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrr… b: a"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(table); i++) {
        g_autofree char *subject =
            ci_subject(table[i].status, table[i].labels, table[i].streak);
        assert_string_equal(subject, table[i].subject);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_mail_of_one_alert_reads_like_this),
        cmocka_unit_test(the_subject_of_ci_says_state_repository_branch_and_workflow),
        cmocka_unit_test(a_mail_tells_what_changed_since_the_last_one),
        cmocka_unit_test(a_mail_in_which_all_is_new_does_not_say_so),
        cmocka_unit_test(a_repeated_mail_says_that_nothing_is_new),
        cmocka_unit_test(a_day_that_is_not_today_is_named),
        cmocka_unit_test(times_are_those_of_the_process_s_zone),
        cmocka_unit_test(what_is_over_tells_how_long_it_lasted),
        cmocka_unit_test(unknown_and_future_times_do_no_harm),
        cmocka_unit_test(the_sender_s_own_links_win),
        cmocka_unit_test(links_of_an_alert_lead_to_the_web_or_nowhere),
        cmocka_unit_test(the_worst_alerts_come_first_and_say_what_they_are),
        cmocka_unit_test(alerts_of_several_names_are_headed_by_three_of_them),
        cmocka_unit_test(what_cannot_be_listed_is_counted),
        cmocka_unit_test(an_event_without_alerts_is_a_mail_too),
        cmocka_unit_test(the_subject_is_the_state_and_the_group),
        cmocka_unit_test(the_subject_counts_the_worst_severity_and_the_others),
        cmocka_unit_test(
            the_brackets_lose_the_resolved_ones_before_the_subject_exceeds_60),
        cmocka_unit_test(user_s_definitions_replace_ours_wherever_they_are_used),
        cmocka_unit_test(alertmanager_s_helpers_give_what_they_give_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
