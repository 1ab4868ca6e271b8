/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "rules/dedup.h"
#include "rules/fault.h"

/* One webhook and what must come of it.  Alerts are written "+A@10" (A fires, its
 * startsAt is second 10) and "-A@10" (it is resolved); `elsewhere` are those of the
 * same webhook that went to other receivers. Between steps the state is stored and
 * read again. */
typedef struct {
    int64_t at_s;
    const char *alerts;
    DedupReason want;
    const char *new_alerts; /* marked is_new, in order */
    const char *says;       /* notification_reason */
    const char *elsewhere;
    unsigned truncated;
    bool restart;           /* the state is lost before this step */
    bool queued;            /* the last mail is still in the queue */
    bool unchanged;         /* the state stays as it is */
} Step;

#define REPEATS "repeat interval elapsed"
#define HOUR    3600

static unsigned count_alerts(const char *text)
{
    unsigned n = 0;
    for (; *text != '\0'; text++) {
        n += *text == '@';
    }
    return n;
}

static Event *event_of(const char *alerts)
{
    Event *event = event_new();
    event->n_alerts = count_alerts(alerts);
    event->alerts = arena_array(event->arena, Alert, event->n_alerts);
    g_auto(GStrv) words = g_strsplit(alerts, " ", -1);
    unsigned n = 0;
    for (char **word = words; *word != NULL; word++) {
        if ((*word)[0] == '\0') {
            continue;
        }
        Label *label = arena_array(event->arena, Label, 1);
        char *at = strchr(*word, '@');
        label->name = "alertname";
        label->value = arena_strndup(event->arena, *word + 1, (size_t)(at - *word - 1));
        Alert *alert = &event->alerts[n++];
        alert->status = (*word)[0] == '+' ? ALERT_FIRING : ALERT_RESOLVED;
        alert->labels = labels_make(label, 1);
        alert->fingerprint = labels_fingerprint(&alert->labels);
        alert->starts_at = timestamp_from_ms(strtoll(at + 1, NULL, 10) * 1000);
        alert->ends_at = TIMESTAMP_ZERO;
        alert->generator_url = "";
        alert->is_new = true;
    }
    event_summarize(event);
    return event;
}

static char *new_alerts(const Event *event)
{
    GString *names = g_string_new("");
    for (size_t i = 0; i < event->n_alerts; i++) {
        if (event->alerts[i].is_new) {
            g_string_append(names, labels_get(&event->alerts[i].labels, "alertname"));
        }
    }
    return g_string_free(names, FALSE);
}

static DedupState *stored_and_read(DedupState *take_state)
{
    size_t length;
    g_autofree guint8 *bytes = dedup_encode(take_state, &length);
    GError *error = NULL;
    DedupState *read = dedup_decode(bytes, length, &error);
    assert_null(error);
    assert_int_equal(length, 46 + strlen(take_state->thread_root) +
                                 16 * (take_state->n_firing + take_state->n_resolved));
    dedup_state_free(take_state);
    return read;
}

static DedupState *run_step(DedupState *take_state, const Step *step, bool send_resolved,
                            const char *title)
{
    g_autofree char *all =
        g_strconcat(step->alerts, " ", step->elsewhere ? step->elsewhere : "", NULL);
    g_autoptr(Event) webhook = event_of(all);
    webhook->truncated_alerts = step->truncated;
    g_autoptr(Event) event = event_of(step->alerts);
    event->truncated_alerts = step->truncated;
    event->reason = step->says ? step->says : "";
    DedupSettings settings = {.window_ms = 300 * 1000,
                              .repeat_interval_ms = 4 * HOUR * 1000,
                              .send_resolved = send_resolved};
    DedupInput input = {.webhook = dedup_webhook(webhook),
                        .last_mail_out_of_queue = !step->queued,
                        .now_ms = step->at_s * 1000};
    if (step->restart) {
        dedup_state_free(take_state);
        take_state = NULL;
    }
    DedupDecision decision;
    memset(&decision, 0x5a, sizeof decision);
    dedup_decide(take_state, event, &settings, &input, &decision);
    g_autofree char *is_new = new_alerts(event);
    const char *want_new = step->new_alerts ? step->new_alerts : "";
    if (decision.reason != step->want || strcmp(is_new, want_new) != 0 ||
        decision.changed == step->unchanged) {
        fail_msg("%s: %s at %" G_GINT64_FORMAT ": %s, new \"%s\", %s; want %s, \"%s\"",
                 title, step->alerts, step->at_s, dedup_reason_name(decision.reason),
                 is_new, decision.changed ? "changed" : "unchanged",
                 dedup_reason_name(step->want), want_new);
    }
    if (dedup_reason_sends(decision.reason)) {
        dedup_name_mail(&decision, "id@example.org");
    }
    dedup_state_free(take_state);
    DedupState *state = stored_and_read(g_steal_pointer(&decision.state));
    dedup_decision_clear(&decision);
    return state;
}

static void run(const char *title, bool send_resolved, const Step *steps, size_t n)
{
    DedupState *state = NULL;
    for (size_t i = 0; i < n; i++) {
        state = run_step(state, &steps[i], send_resolved, title);
    }
    dedup_state_free(state);
}

#define RUN(title, send_resolved, ...) \
    run(title, send_resolved, (const Step[]){__VA_ARGS__}, \
        sizeof((const Step[]){__VA_ARGS__}) / sizeof(Step))

static void rule_1_a_firing_alert_that_is_new_is_mailed(void **state)
{
    (void)state;
    RUN("first", false, {1000, "+A@900", DEDUP_NEW_FIRING, "A"});
    RUN("another joins", false, {1000, "+A@900", DEDUP_NEW_FIRING, "A"},
        {1060, "+A@900 +B@1050", DEDUP_NEW_FIRING, "B"},
        {1060, "+B@1050 +A@900", DEDUP_UNCHANGED, "", .unchanged = true});
    RUN("fires anew unseen: startsAt later than before and than the mail", false,
        {1000, "+A@900", DEDUP_NEW_FIRING, "A"},
        {1400, "+A@1001", DEDUP_NEW_FIRING, "A"});
    RUN("startsAt later than before, not than the mail: the other half of a pair", false,
        {1000, "+A@900", DEDUP_NEW_FIRING, "A"}, {1010, "+A@910", DEDUP_UNCHANGED},
        {1020, "+A@900", DEDUP_UNCHANGED}, {1030, "+A@1000", DEDUP_UNCHANGED},
        {1040, "+A@1001", DEDUP_NEW_FIRING, "A"});
    RUN("a sender whose clock is ahead", false, {1000, "+A@2000", DEDUP_NEW_FIRING, "A"},
        {1010, "+A@2000", DEDUP_UNCHANGED, .unchanged = true},
        {1020, "+A@900", DEDUP_UNCHANGED}, {1030, "+A@2000", DEDUP_UNCHANGED});
    RUN("came back after it was left out", false, {1000, "+A@900", DEDUP_NEW_FIRING, "A"},
        {1060, "+B@1050", DEDUP_NEW_FIRING, "B"},
        {1100, "+A@900 +B@1050", DEDUP_NEW_FIRING, "A"});
    RUN("a restart without state tells again", false,
        {1000, "+A@900", DEDUP_NEW_FIRING, "A"},
        {1010, "+A@900", DEDUP_NEW_FIRING, "A", .restart = true});
    RUN("the sender's reason does not matter", false,
        {1000, "+A@900", DEDUP_NEW_FIRING, "A", .says = REPEATS});
}

static void rule_1_within_the_window_a_resolved_alert_that_fires_again_is_late(void **state)
{
    (void)state;
    RUN("late firing, then anew", true, {1000, "+A@900", DEDUP_NEW_FIRING, "A"},
        {1100, "-A@900", DEDUP_ALL_RESOLVED, "A"},
        {1110, "+A@900", DEDUP_LATE, .unchanged = true},
        {1400, "+A@900", DEDUP_LATE, .unchanged = true},
        {1401, "+A@900", DEDUP_NEW_FIRING, "A"});
    RUN("late also without send_resolved", false,
        {1000, "+A@900", DEDUP_NEW_FIRING, "A"},
        {1100, "-A@900", DEDUP_RESOLVED_SILENT, "A"},
        {1110, "+A@900", DEDUP_LATE, .unchanged = true});
    RUN("another startsAt is another episode, later or earlier", true,
        {1000, "+A@900", DEDUP_NEW_FIRING, "A"}, {1100, "-A@900", DEDUP_ALL_RESOLVED, "A"},
        {1110, "+A@1105", DEDUP_NEW_FIRING, "A"},
        {1120, "-A@1105", DEDUP_ALL_RESOLVED, "A"},
        {1130, "+A@800", DEDUP_NEW_FIRING, "A"});
    RUN("one of two is late: the other keeps firing", true,
        {1000, "+A@900 +B@900", DEDUP_NEW_FIRING, "AB"},
        {1100, "-A@900 +B@900", DEDUP_NEW_RESOLVED, "A"},
        {1110, "+A@900 +B@900", DEDUP_LATE, .unchanged = true},
        {1120, "+B@900", DEDUP_UNCHANGED},
        {1130, "-B@900", DEDUP_ALL_RESOLVED, "B"});
    RUN("a late webhook from before B does not end B", true,
        {1000, "+A@900", DEDUP_NEW_FIRING, "A"}, {1100, "-A@900", DEDUP_ALL_RESOLVED, "A"},
        {1110, "+B@1100", DEDUP_NEW_FIRING, "B"},
        {1120, "+A@900", DEDUP_LATE, .unchanged = true},
        {1130, "+B@1100", DEDUP_UNCHANGED, .unchanged = true});
    RUN("what a mail listed as firing does fire", true,
        {1000, "+A@900", DEDUP_NEW_FIRING, "A"}, {1100, "-A@900", DEDUP_ALL_RESOLVED, "A"},
        {1110, "+A@900 +B@1100", DEDUP_NEW_FIRING, "B"},
        {1120, "+B@1100 -A@900", DEDUP_NEW_RESOLVED, "A"});
    RUN("… and is news again after it was left out", true,
        {1000, "+A@900", DEDUP_NEW_FIRING, "A"}, {1100, "-A@900", DEDUP_ALL_RESOLVED, "A"},
        {1110, "+A@900 +B@1100", DEDUP_NEW_FIRING, "B"},
        {1120, "+B@1100", DEDUP_UNCHANGED},
        {1130, "+A@900 +B@1100", DEDUP_NEW_FIRING, "A"});
}

static void rule_2_when_nothing_fires_any_more_the_state_is_cleared(void **state)
{
    (void)state;
    RUN("with send_resolved", true, {1000, "+A@900 +B@900", DEDUP_NEW_FIRING, "AB"},
        {1100, "-A@900 -B@900", DEDUP_ALL_RESOLVED, "AB"},
        {1101, "-B@900 -A@900", DEDUP_UNCHANGED, .unchanged = true},
        {90000, "-A@900 -B@900", DEDUP_UNCHANGED, .unchanged = true});
    RUN("without: silent, but the next firing is news", false,
        {1000, "+A@900", DEDUP_NEW_FIRING, "A"},
        {1100, "-A@900", DEDUP_RESOLVED_SILENT, "A"},
        {1101, "-A@900", DEDUP_RESOLVED_SILENT, .unchanged = true},
        {1200, "+A@1150", DEDUP_NEW_FIRING, "A"});
    RUN("only the last one is listed", true,
        {1000, "+A@900 +B@900", DEDUP_NEW_FIRING, "AB"},
        {1100, "-B@900", DEDUP_ALL_RESOLVED, "B"});
    RUN("truncated: others may fire", true,
        {1000, "+A@900 +B@900", DEDUP_NEW_FIRING, "AB"},
        {1100, "-A@900", DEDUP_NEW_RESOLVED, "A", .truncated = 1},
        {1110, "+B@900", DEDUP_UNCHANGED},
        {1200, "-B@900", DEDUP_ALL_RESOLVED, "B"});
    RUN("truncated, without send_resolved", false,
        {1000, "+A@900 +B@900", DEDUP_NEW_FIRING, "AB"},
        {1100, "-A@900", DEDUP_RESOLVED_SILENT, "A", .truncated = 1},
        {1110, "+B@900", DEDUP_UNCHANGED});
}

static void rule_2_a_late_all_clear_does_not_end_what_fired_anew(void **state)
{
    (void)state;
    RUN("late resolved", true, {1000, "+A@900", DEDUP_NEW_FIRING, "A"},
        {1100, "-A@900", DEDUP_ALL_RESOLVED, "A"},
        {1110, "+A@1105", DEDUP_NEW_FIRING, "A"},
        {1120, "-A@900", DEDUP_LATE, .unchanged = true},
        {1130, "+A@1105", DEDUP_UNCHANGED, .unchanged = true},
        {1140, "-A@1105", DEDUP_ALL_RESOLVED, "A"});
    RUN("after the window it is believed", true, {1000, "+A@900", DEDUP_NEW_FIRING, "A"},
        {1100, "-A@900", DEDUP_ALL_RESOLVED, "A"},
        {1110, "+A@1105", DEDUP_NEW_FIRING, "A"},
        {1401, "-A@900", DEDUP_ALL_RESOLVED, "A"});
    RUN("an earlier startsAt that was never resolved is no late one", true,
        {1000, "+A@900 +B@900", DEDUP_NEW_FIRING, "AB"},
        {1100, "+A@900 -B@900", DEDUP_NEW_RESOLVED, "B"},
        {1110, "-A@890 -B@900", DEDUP_ALL_RESOLVED, "A"});
}

static void rule_3_a_newly_resolved_alert_is_mailed_with_send_resolved(void **state)
{
    (void)state;
    RUN("mixed", true, {1000, "+A@900 +B@900", DEDUP_NEW_FIRING, "AB"},
        {1100, "+A@900 -B@900", DEDUP_NEW_RESOLVED, "B"},
        {1110, "-B@900 +A@900", DEDUP_UNCHANGED, .unchanged = true},
        {1120, "+A@900", DEDUP_UNCHANGED},
        {1130, "+A@900 -B@900", DEDUP_UNCHANGED});
    RUN("an older episode is no news", true, {1000, "+A@900 +B@900", DEDUP_NEW_FIRING, "AB"},
        {1100, "+A@900 -B@900", DEDUP_NEW_RESOLVED, "B"},
        {1110, "+A@900 -B@800", DEDUP_UNCHANGED});
    RUN("mixed, without send_resolved", false,
        {1000, "+A@900 +B@900", DEDUP_NEW_FIRING, "AB"},
        {1100, "+A@900 -B@900", DEDUP_UNCHANGED, "B"});
    RUN("resolved again after firing anew", true,
        {1000, "+A@900 +B@900", DEDUP_NEW_FIRING, "AB"},
        {1100, "+A@900 -B@900", DEDUP_NEW_RESOLVED, "B"},
        {1150, "+A@900 +B@1140", DEDUP_NEW_FIRING, "B"},
        {1160, "+A@900 -B@1140", DEDUP_NEW_RESOLVED, "B"});
    RUN("fires anew with the same startsAt, and is resolved again", true,
        {1000, "+A@900 +B@900", DEDUP_NEW_FIRING, "AB"},
        {1100, "+A@900 -B@900", DEDUP_NEW_RESOLVED, "B"},
        {1500, "+A@900 +B@900", DEDUP_NEW_FIRING, "B"},
        {1510, "+A@900 -B@900", DEDUP_NEW_RESOLVED, "B"});
}

static void rule_3_without_state_only_a_wholly_resolved_webhook_is_mailed(void **state)
{
    (void)state;
    RUN("an all-clear after a restart", true, {1000, "+A@900", DEDUP_NEW_FIRING, "A"},
        {1100, "-A@900", DEDUP_NEW_RESOLVED, "A", .restart = true},
        {1101, "-A@900", DEDUP_UNCHANGED, .unchanged = true});
    RUN("the same without send_resolved", false,
        {1100, "-A@900", DEDUP_RESOLVED_SILENT, "A"});
    RUN("the firing part went to another receiver", true,
        {1100, "-A@900", DEDUP_NEVER_ANNOUNCED, "A", .elsewhere = "+B@1000"},
        {1160, "-A@900", DEDUP_UNCHANGED, .elsewhere = "-B@1000"});
    RUN("firing and resolved at once: the firing one is mailed, both are told", true,
        {1100, "+A@900 -B@900", DEDUP_NEW_FIRING, "AB"},
        {1110, "+A@900 -B@900", DEDUP_UNCHANGED, .unchanged = true});
}

static void rule_4_what_the_sender_repeats_is_mailed_after_the_window(void **state)
{
    (void)state;
    RUN("it says so", false, {1000, "+A@900", DEDUP_NEW_FIRING, "A"},
        {1300, "+A@900", DEDUP_REPEAT_TOO_EARLY, .says = REPEATS, .unchanged = true},
        {1301, "+A@900", DEDUP_REPEAT_QUEUED, .says = REPEATS, .queued = true,
         .unchanged = true},
        {1302, "+A@900", DEDUP_SENDER_REPEATS, .says = REPEATS},
        {1303, "+A@900", DEDUP_REPEAT_TOO_EARLY, .says = REPEATS, .unchanged = true});
    RUN("it gives no reason, and nothing has changed", false,
        {1000, "+A@900", DEDUP_NEW_FIRING, "A"},
        {1300, "+A@900", DEDUP_UNCHANGED, .unchanged = true},
        {1301, "+A@900", DEDUP_REPEAT_QUEUED, .queued = true, .unchanged = true},
        {1301, "+A@900", DEDUP_SENDER_REPEATS});
    RUN("it gives another reason", false, {1000, "+A@900", DEDUP_NEW_FIRING, "A"},
        {1400, "+A@900", DEDUP_UNCHANGED, .says = "some alerts resolved",
         .unchanged = true},
        {1401, "+A@900", DEDUP_SENDER_REPEATS, .says = "unknown"});
    RUN("what changed went elsewhere", false,
        {1000, "+A@900", DEDUP_NEW_FIRING, "A", .elsewhere = "+B@900"},
        {1400, "+A@900", DEDUP_UNCHANGED, .elsewhere = "+B@900 +C@1300"},
        {1500, "+A@900", DEDUP_SENDER_REPEATS, .elsewhere = "+C@1300 +B@900"});
    RUN("resolved alerts that left are no change", false,
        {1000, "+A@900 +B@900", DEDUP_NEW_FIRING, "AB"},
        {1400, "+A@900 -B@900", DEDUP_UNCHANGED, "B"},
        {1500, "+A@900", DEDUP_SENDER_REPEATS});
    RUN("the truncated count is part of it", false,
        {1000, "+A@900", DEDUP_NEW_FIRING, "A", .truncated = 3},
        {1400, "+A@900", DEDUP_UNCHANGED, .truncated = 4},
        {1500, "+A@900", DEDUP_SENDER_REPEATS, .truncated = 4});
    RUN("a late one before it does not hide it", true,
        {1000, "+A@900 +B@900", DEDUP_NEW_FIRING, "AB"},
        {1390, "+A@900 -B@900", DEDUP_NEW_RESOLVED, "B"},
        {1400, "+A@900 +B@900", DEDUP_LATE, .unchanged = true},
        {1691, "+A@900", DEDUP_SENDER_REPEATS});
    RUN("an all-clear is not repeated", true, {1000, "+A@900", DEDUP_NEW_FIRING, "A"},
        {1100, "-A@900", DEDUP_ALL_RESOLVED, "A"},
        {2000, "-A@900", DEDUP_UNCHANGED, .says = REPEATS, .unchanged = true},
        {3000, "-A@900", DEDUP_UNCHANGED, .unchanged = true});
}

static void rule_5_what_fires_is_mailed_again_after_the_repeat_interval(void **state)
{
    (void)state;
    RUN("whatever the sender says", false, {1000, "+A@900", DEDUP_NEW_FIRING, "A"},
        {1000 + 4 * HOUR, "+A@900", DEDUP_UNCHANGED, .says = "new alerts added",
         .unchanged = true},
        {1001 + 4 * HOUR, "+A@900", DEDUP_REPEAT_INTERVAL, .says = "new alerts added"},
        {1002 + 4 * HOUR, "+A@900", DEDUP_UNCHANGED, .says = "new alerts added",
         .unchanged = true});
    RUN("although the last mail is queued", false,
        {1000, "+A@900", DEDUP_NEW_FIRING, "A"},
        {1001 + 4 * HOUR, "+A@900", DEDUP_REPEAT_INTERVAL, .says = REPEATS,
         .queued = true});
    RUN("not what is late", false, {1000, "+A@900", DEDUP_NEW_FIRING, "A"},
        {1000 + 4 * HOUR, "-A@900", DEDUP_RESOLVED_SILENT, "A"},
        {1010 + 4 * HOUR, "+A@900", DEDUP_LATE, .unchanged = true});
    RUN("not what is resolved", true, {1000, "+A@900", DEDUP_NEW_FIRING, "A"},
        {1100, "-A@900", DEDUP_ALL_RESOLVED, "A"},
        {1200 + 4 * HOUR, "-A@900", DEDUP_UNCHANGED, .unchanged = true});
}

static void the_halves_of_a_pair_are_one(void **state)
{
    (void)state;
    RUN("duplicates of every kind of webhook", true,
        {1000, "+A@900 +B@901", DEDUP_NEW_FIRING, "AB", .says = "first notification"},
        {1015, "+B@901 +A@900", DEDUP_UNCHANGED, .says = "first notification",
         .unchanged = true},
        {1100, "+A@900 -B@901", DEDUP_NEW_RESOLVED, "B", .says = "some alerts resolved"},
        {1115, "-B@901 +A@900", DEDUP_UNCHANGED, .says = "some alerts resolved",
         .unchanged = true},
        {1200, "-A@900", DEDUP_ALL_RESOLVED, "A", .says = "all alerts resolved"},
        {1215, "-A@900", DEDUP_UNCHANGED, .says = "all alerts resolved",
         .unchanged = true});
    RUN("a slower half, one step behind", true, {1000, "+A@900", DEDUP_NEW_FIRING, "A"},
        {1100, "+A@900 +B@1050", DEDUP_NEW_FIRING, "B"},
        {1200, "-A@900 +B@1050", DEDUP_NEW_RESOLVED, "A"},
        {1215, "+A@900 +B@1050", DEDUP_LATE, .unchanged = true},
        {1300, "+B@1050 +C@1250", DEDUP_NEW_FIRING, "C"},
        {1315, "-A@900 +B@1050", DEDUP_UNCHANGED});
}

static void external_url_order_annotations_and_ends_at_play_no_part(void **state)
{
    (void)state;
    g_autoptr(Event) one = event_of("+A@1 -B@2");
    g_autoptr(Event) other = event_of("-B@2 +A@1");
    one->external_url = "http://am-0";
    other->external_url = "http://am-1";
    other->alerts[0].ends_at = timestamp_from_ms(77);
    static const Label note[] = {{"value", "3"}};
    other->alerts[0].annotations = (Labels){note, 1};
    DedupWebhook a = dedup_webhook(one), b = dedup_webhook(other);
    assert_true(a.firing == b.firing && a.resolved == b.resolved && a.fires && b.fires);
    other->alerts[1].starts_at = timestamp_from_ms(1001);
    assert_true(a.firing != dedup_webhook(other).firing);
    g_autoptr(Event) swapped = event_of("-A@1 +B@2");
    assert_true(a.firing != dedup_webhook(swapped).firing);
}

static void truncated_alerts_stay_remembered(void **state)
{
    (void)state;
    RUN("alternating lists of a truncated group", false,
        {1000, "+A@900", DEDUP_NEW_FIRING, "A", .truncated = 1},
        {1100, "+B@900", DEDUP_NEW_FIRING, "B", .truncated = 1},
        {1200, "+A@900", DEDUP_UNCHANGED, .truncated = 1},
        {1300, "+B@900", DEDUP_UNCHANGED, .truncated = 1},
        {1310, "+B@900", DEDUP_UNCHANGED},
        {1320, "+A@900 +B@900", DEDUP_NEW_FIRING, "A"});
}

static void alerts_with_equal_labels_count_once(void **state)
{
    (void)state;
    RUN("twice firing", true, {1000, "+A@900 +A@800", DEDUP_NEW_FIRING, "AA"},
        {1001, "+A@900", DEDUP_UNCHANGED});
    RUN("the youngest speaks", true, {1000, "+A@800 +A@2000", DEDUP_NEW_FIRING, "AA"},
        {1001, "+A@2000", DEDUP_UNCHANGED});
    RUN("the youngest speaks", true, {1000, "+A@2000 +A@800", DEDUP_NEW_FIRING, "AA"},
        {1001, "+A@2000", DEDUP_UNCHANGED});
    RUN("firing speaks louder than resolved", true,
        {1000, "-A@800 +A@900 -A@700", DEDUP_NEW_FIRING, "A"},
        {1001, "+A@900", DEDUP_UNCHANGED});
}

static void a_clock_that_was_set_back_does_not_silence_repeats(void **state)
{
    (void)state;
    RUN("a day back", false, {100000, "+A@900", DEDUP_NEW_FIRING, "A"},
        {1000, "+A@900", DEDUP_REPEAT_TOO_EARLY, .says = REPEATS},
        {1301, "+A@900", DEDUP_SENDER_REPEATS, .says = REPEATS});
}

static void times_beyond_what_fits_are_clamped(void **state)
{
    (void)state;
    g_autoptr(Event) event = event_of("+A@1 +B@1");
    event->alerts[0].starts_at = TIMESTAMP_ZERO;
    event->alerts[1].starts_at = (Timestamp){.seconds = INT64_MAX};
    DedupSettings settings = {.window_ms = 1, .repeat_interval_ms = 1};
    DedupInput input = {.webhook = dedup_webhook(event), .now_ms = 1};
    DedupDecision decision;
    dedup_decide(NULL, event, &settings, &input, &decision);
    int64_t a = decision.state->firing[0].starts_ns, b = decision.state->firing[1].starts_ns;
    assert_true(MIN(a, b) == INT64_MIN && MAX(a, b) == INT64_MAX);
    dedup_decision_clear(&decision);
}

typedef struct {
    DedupState *state;
    bool send_resolved;
    int64_t now_ms;
} Thread;

/* The root that the mail for ALERTS, named ID, refers to. */
static char *root_of(Thread *thread, const char *alerts, const char *id)
{
    g_autoptr(Event) event = event_of(alerts);
    DedupSettings settings = {.window_ms = 1000, .repeat_interval_ms = 1000,
                              .send_resolved = thread->send_resolved};
    thread->now_ms += 2000;
    DedupInput input = {.webhook = dedup_webhook(event), .last_mail_out_of_queue = true,
                        .now_ms = thread->now_ms};
    DedupDecision decision;
    dedup_decide(thread->state, event, &settings, &input, &decision);
    dedup_name_mail(&decision, id);
    dedup_state_free(thread->state);
    thread->state = g_steal_pointer(&decision.state);
    char *root = g_steal_pointer(&decision.thread_root);
    dedup_decision_clear(&decision);
    return root;
}

static void expect_root(Thread *thread, const char *alerts, const char *id, const char *want)
{
    g_autofree char *root = root_of(thread, alerts, id);
    assert_string_equal(root, want);
}

static void a_thread_lasts_from_the_first_mail_to_the_all_clear(void **state)
{
    (void)state;
    Thread thread = {.send_resolved = true};
    expect_root(&thread, "+A@900", "1@x", "");
    expect_root(&thread, "+A@900 +B@900", "2@x", "1@x");
    expect_root(&thread, "-A@900 -B@900", "3@x", "1@x");
    assert_string_equal(thread.state->thread_root, "");
    expect_root(&thread, "+A@950", "4@x", "");
    expect_root(&thread, "+A@950", "5@x", "4@x");
    dedup_state_free(thread.state);
}

static void a_silent_all_clear_ends_the_thread_too(void **state)
{
    (void)state;
    Thread thread = {.send_resolved = false};
    expect_root(&thread, "+A@900", "1@x", "");
    expect_root(&thread, "-A@900", "2@x", "");
    expect_root(&thread, "+A@950", "3@x", "");
    expect_root(&thread, "+A@950", "4@x", "3@x");
    dedup_state_free(thread.state);
}

static void a_long_thread_gets_a_new_root_after_90_mails(void **state)
{
    (void)state;
    Thread thread = {.send_resolved = true};
    expect_root(&thread, "+A@900", "1@x", "");
    for (int i = 2; i <= DEDUP_THREAD_MAX; i++) {
        expect_root(&thread, "+A@900", "n@x", "1@x");
    }
    expect_root(&thread, "+A@900", "91@x", "");
    expect_root(&thread, "+A@900", "92@x", "91@x");
    dedup_state_free(thread.state);
}

static DedupState *sample_state(void)
{
    DedupState *sample = dedup_state_new();
    sample->last_mail_ms = 1795446880123;
    sample->resolved_ms = -5;
    sample->seen_firing = 0x1122334455667788;
    sample->seen_resolved = UINT64_MAX;
    g_free(sample->thread_root);
    sample->thread_root = g_strdup("abc@example.org");
    sample->thread_mails = 89;
    sample->n_firing = 2;
    sample->firing = g_new0(DedupAlert, 2);
    sample->firing[0] = (DedupAlert){1, INT64_MIN};
    sample->firing[1] = (DedupAlert){UINT64_MAX, INT64_MAX};
    sample->n_resolved = 1;
    sample->resolved = g_new0(DedupAlert, 1);
    sample->resolved[0] = (DedupAlert){7, 8};
    return sample;
}

static void a_state_survives_being_stored(void **state)
{
    (void)state;
    g_autoptr(DedupState) read = stored_and_read(sample_state());
    g_autoptr(DedupState) want = sample_state();
    assert_int_equal(read->last_mail_ms, want->last_mail_ms);
    assert_int_equal(read->resolved_ms, want->resolved_ms);
    assert_true(read->seen_firing == want->seen_firing);
    assert_true(read->seen_resolved == want->seen_resolved);
    assert_string_equal(read->thread_root, want->thread_root);
    assert_int_equal(read->thread_mails, want->thread_mails);
    assert_memory_equal(read->firing, want->firing, 2 * sizeof(DedupAlert));
    assert_memory_equal(read->resolved, want->resolved, sizeof(DedupAlert));
}

/* What version 0.1.0 has written. */
static void a_stored_state_keeps_its_form(void **state)
{
    (void)state;
    static const char form[] =
        "4d017b37f908a2010000fbffffffffffffff8877665544332211ffffffffffff"
        "ffff59000f000200000001000000616263406578616d706c652e6f7267010000"
        "00000000000000000000000080ffffffffffffffffffffffffffffff7f070000"
        "00000000000800000000000000";
    g_autoptr(DedupState) sample = sample_state();
    size_t length;
    g_autofree guint8 *bytes = dedup_encode(sample, &length);
    g_autoptr(GString) hex = g_string_new(NULL);
    for (size_t i = 0; i < length; i++) {
        g_string_append_printf(hex, "%02x", bytes[i]);
    }
    assert_string_equal(hex->str, form);
}

static void broken_bytes_are_refused(void **state)
{
    (void)state;
    g_autoptr(DedupState) sample = sample_state();
    size_t length;
    g_autofree guint8 *bytes = dedup_encode(sample, &length);
    for (size_t cut = 0; cut < length; cut++) {
        g_autoptr(GError) error = NULL;
        g_autofree guint8 *copy = g_memdup2(bytes, cut);
        assert_null(dedup_decode(copy, cut, &error));
        assert_true(g_error_matches(error, FAULT, FAULT_SYSTEM));
    }
    /* kind, version, root's length, counts, the root's text */
    static const size_t places[] = {0, 1, 36, 37, 38, 41, 42, 45, 46, 60};
    for (size_t i = 0; i < G_N_ELEMENTS(places); i++) {
        g_autoptr(GError) error = NULL;
        g_autofree guint8 *copy = g_memdup2(bytes, length);
        copy[places[i]] = 0xff;
        assert_null(dedup_decode(copy, length, &error));
        assert_non_null(error);
    }
    memset(bytes + 61, 0xff, 8); /* the second alert has this fingerprint */
    assert_null(dedup_decode(bytes, length, NULL));
}

static void random_bytes_never_harm(void **state)
{
    (void)state;
    g_autoptr(DedupState) sample = sample_state();
    size_t length;
    g_autofree guint8 *bytes = dedup_encode(sample, &length);
    g_autoptr(GRand) random = g_rand_new_with_seed(7);
    for (int round = 0; round < 20000; round++) {
        g_autofree guint8 *copy = g_memdup2(bytes, length);
        for (int i = g_rand_int_range(random, 1, 4); i > 0; i--) {
            copy[g_rand_int_range(random, 0, (gint32)length)] =
                (guint8)g_rand_int_range(random, 0, 256);
        }
        g_autoptr(DedupState) read = dedup_decode(copy, length, NULL);
        if (read != NULL) {
            size_t again;
            g_autofree guint8 *back = dedup_encode(read, &again);
            assert_int_equal(again, length);
            assert_memory_equal(back, copy, length);
        }
    }
}

static void what_a_webhook_does_not_list_is_carried_up_to_a_ceiling(void **state)
{
    (void)state;
    g_autoptr(DedupState) old = dedup_state_new();
    old->n_firing = DEDUP_CARRY_MAX + 1;
    old->firing = g_new0(DedupAlert, old->n_firing);
    for (size_t i = 0; i < old->n_firing; i++) {
        old->firing[i].fingerprint = i + 1;
    }
    g_autoptr(Event) event = event_of("+A@1");
    event->truncated_alerts = 1;
    DedupSettings settings = {.window_ms = 1, .repeat_interval_ms = 1};
    DedupInput input = {.webhook = dedup_webhook(event), .now_ms = 1};
    DedupDecision decision;
    dedup_decide(old, event, &settings, &input, &decision);
    assert_int_equal(decision.state->n_firing, DEDUP_CARRY_MAX + 1);
    dedup_decision_clear(&decision);
}

static void without_send_resolved_a_mail_is_about_what_fires(void **state)
{
    (void)state;
    g_autoptr(Event) event = event_of("+A@1 -B@2 +A2@3");
    g_autoptr(Event) firing = dedup_mailed(event, false);
    assert_int_equal(firing->n_alerts, 2);
    assert_int_equal(firing->status, ALERT_FIRING);
    g_autoptr(Event) all = dedup_mailed(event, true);
    assert_int_equal(all->n_alerts, 3);
    g_autoptr(Event) resolved = event_of("-B@2");
    g_autoptr(Event) none = dedup_mailed(resolved, false);
    assert_int_equal(none->n_alerts, 0);
}

static void every_reason_has_its_name_and_text(void **state)
{
    (void)state;
    for (DedupReason reason = 0; reason <= DEDUP_REPEAT_QUEUED; reason++) {
        assert_true(dedup_reason_name(reason)[0] != '\0');
        assert_true(dedup_reason_text(reason)[0] != '\0');
        assert_int_equal(dedup_reason_sends(reason), reason < DEDUP_UNCHANGED);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rule_1_a_firing_alert_that_is_new_is_mailed),
        cmocka_unit_test(rule_1_within_the_window_a_resolved_alert_that_fires_again_is_late),
        cmocka_unit_test(rule_2_when_nothing_fires_any_more_the_state_is_cleared),
        cmocka_unit_test(rule_2_a_late_all_clear_does_not_end_what_fired_anew),
        cmocka_unit_test(rule_3_a_newly_resolved_alert_is_mailed_with_send_resolved),
        cmocka_unit_test(rule_3_without_state_only_a_wholly_resolved_webhook_is_mailed),
        cmocka_unit_test(rule_4_what_the_sender_repeats_is_mailed_after_the_window),
        cmocka_unit_test(rule_5_what_fires_is_mailed_again_after_the_repeat_interval),
        cmocka_unit_test(the_halves_of_a_pair_are_one),
        cmocka_unit_test(external_url_order_annotations_and_ends_at_play_no_part),
        cmocka_unit_test(truncated_alerts_stay_remembered),
        cmocka_unit_test(alerts_with_equal_labels_count_once),
        cmocka_unit_test(a_clock_that_was_set_back_does_not_silence_repeats),
        cmocka_unit_test(times_beyond_what_fits_are_clamped),
        cmocka_unit_test(a_thread_lasts_from_the_first_mail_to_the_all_clear),
        cmocka_unit_test(a_silent_all_clear_ends_the_thread_too),
        cmocka_unit_test(a_long_thread_gets_a_new_root_after_90_mails),
        cmocka_unit_test(a_state_survives_being_stored),
        cmocka_unit_test(a_stored_state_keeps_its_form),
        cmocka_unit_test(broken_bytes_are_refused),
        cmocka_unit_test(random_bytes_never_harm),
        cmocka_unit_test(what_a_webhook_does_not_list_is_carried_up_to_a_ceiling),
        cmocka_unit_test(without_send_resolved_a_mail_is_about_what_fires),
        cmocka_unit_test(every_reason_has_its_name_and_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
