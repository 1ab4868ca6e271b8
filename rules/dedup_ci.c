/* SPDX-License-Identifier: MIT */

/* CI is transitions.  A workflow (repository, branch, …: the group key) is red or green;
 * the first red run is mailed, the first green one after it is mailed, and whatever comes
 * in between or afterwards says nothing new, unless a reminder is due.  Runs that were
 * cancelled or skipped never come here: they change nothing.
 *
 * Senders deliver twice and out of order.  A delivery whose id is remembered is dropped, and
 * so is a run that is older than the latest one that counted.  The same run once more, with
 * another result, counts: it was tried again. */
#include <string.h>

#include "rules/dedup_inside.h"

typedef struct {
    const DedupState *old; /* never NULL: an empty one if nothing is remembered */
    const Event *event;
    const DedupSettings *settings;
    int64_t now_ms;
    uint64_t id; /* the delivery's hash; 0: it has none */
} Case;

static uint64_t hash(const char *id)
{
    const Label label = {"id", id};
    const Labels labels = {&label, 1};
    return *id == '\0' ? 0 : labels_fingerprint(&labels);
}

static bool is_remembered(const Case *c)
{
    for (size_t i = 0; i < c->old->runs.n_ids; i++) {
        if (c->id != 0 && c->old->runs.ids[i] == c->id) {
            return true;
        }
    }
    return false;
}

/* Negative, 0 or positive as the run is before, the same as or after the latest one; after
 * if the sender does not number its runs. */
static int compare_run(const Case *c)
{
    const uint64_t *run = c->event->sequence, *latest = c->old->runs.sequence;
    if (run[0] == 0 && run[1] == 0) {
        return 1;
    }
    return run[0] != latest[0] ? (run[0] > latest[0] ? 1 : -1)
                               : (run[1] > latest[1]) - (run[1] < latest[1]);
}

static DedupReason decide_red(const Case *c)
{
    if (!c->old->runs.red) {
        return DEDUP_FAILED;
    }
    if (compare_run(c) == 0) {
        return DEDUP_UNCHANGED;
    }
    bool due = c->settings->remind_ms > 0 &&
               c->now_ms - c->old->last_mail_ms >= c->settings->remind_ms;
    return due ? DEDUP_REMINDER : DEDUP_STILL_FAILING;
}

static DedupReason decide_green(const Case *c)
{
    if (!c->old->runs.red) {
        return DEDUP_STILL_PASSING;
    }
    return c->settings->send_resolved ? DEDUP_FIXED : DEDUP_RESOLVED_SILENT;
}

static DedupReason ask_rules(const Case *c)
{
    if (is_remembered(c)) {
        return DEDUP_REDELIVERED;
    }
    if (compare_run(c) < 0) {
        return DEDUP_OVERTAKEN;
    }
    return c->event->status == ALERT_FIRING ? decide_red(c) : decide_green(c);
}

static void remember_id(const Case *c, DedupRuns *runs)
{
    if (c->id == 0) {
        return;
    }
    if (runs->n_ids == DEDUP_IDS_MAX) {
        memmove(runs->ids, runs->ids + 1, (DEDUP_IDS_MAX - 1) * sizeof *runs->ids);
        runs->n_ids--;
    }
    runs->ids[runs->n_ids++] = c->id;
}

/* When the run ended; now, if that is unknown or still to come. */
static int64_t ended_ms(const Case *c)
{
    for (size_t i = 0; i < c->event->n_alerts; i++) {
        Timestamp ended = c->event->alerts[i].starts_at;
        bool known = !timestamp_is_zero(ended) && timestamp_ms(ended) > 0;
        if (known) {
            return MIN(timestamp_ms(ended), c->now_ms);
        }
    }
    return c->now_ms;
}

static void begin_streak(const Case *c, DedupRuns *runs)
{
    runs->streak = 0;
    runs->red_since_ms = ended_ms(c);
    const char *commit =
        c->event->n_alerts > 0
            ? labels_get(&c->event->alerts[0].annotations, "commit")
            : NULL;
    bool fits = commit != NULL && strlen(commit) <= DEDUP_COMMIT_MAX;
    g_strlcpy(runs->since_commit, fits ? commit : "", sizeof runs->since_commit);
}

static void take_run(const Case *c, bool is_again, DedupRuns *runs)
{
    bool red = c->event->status == ALERT_FIRING;
    if (red && !runs->red) {
        begin_streak(c, runs);
    }
    runs->streak += red && !is_again && runs->streak < G_MAXINT32;
    runs->red = red;
    remember_id(c, runs);
    if (c->event->sequence[0] > 0 || c->event->sequence[1] > 0) {
        memcpy(runs->sequence, c->event->sequence, sizeof runs->sequence);
    }
}

static void build_state(const Case *c, DedupDecision *decision)
{
    DedupState *state = decision->state = dedup_state_new();
    bool sends = dedup_reason_sends(decision->reason);
    state->family = FAMILY_CI;
    state->runs = c->old->runs;
    /* After a clock was set back nothing lies in the future for long. */
    state->last_mail_ms = sends ? c->now_ms : MIN(c->old->last_mail_ms, c->now_ms);
    decision->changed =
        decision->reason != DEDUP_REDELIVERED && decision->reason != DEDUP_OVERTAKEN;
    if (decision->changed) {
        take_run(c, decision->reason == DEDUP_UNCHANGED, &state->runs);
    }
    dedup_set_thread(c->old, sends, decision);
}

static void annotate(Event *event, Alert *alert, const DedupRuns *runs)
{
    Label *items = arena_array(event->arena, Label, alert->annotations.n + 2);
    size_t n = alert->annotations.n;
    if (n > 0) {
        memcpy(items, alert->annotations.items, n * sizeof *items);
    }
    items[n++] = (Label){"streak", arena_printf(event->arena, "%u", runs->streak)};
    if (runs->since_commit[0] != '\0') {
        items[n++] =
            (Label){"since_commit", arena_strdup(event->arena, runs->since_commit)};
    }
    alert->annotations = labels_make(items, n);
}

/* What a mail says of the streak. */
static void tell_streak(Event *event, const DedupDecision *decision)
{
    const DedupRuns *runs = &decision->state->runs;
    for (size_t i = 0; i < event->n_alerts; i++) {
        Alert *alert = &event->alerts[i];
        alert->is_new = decision->reason != DEDUP_REMINDER;
        alert->starts_at = timestamp_from_ms(runs->red_since_ms);
        annotate(event, alert, runs);
    }
    event_summarize(event);
}

void dedup_decide_ci(const DedupState *old, Event *event, const DedupSettings *settings,
                     const DedupInput *input, DedupDecision *decision)
{
    char nothing[] = "";
    DedupState empty = {.family = FAMILY_CI, .thread_root = nothing};
    const Case c = {
        .old = old != NULL ? old : &empty,
        .event = event,
        .settings = settings,
        .now_ms = input->now_ms,
        .id = hash(event->event_id),
    };
    *decision = (DedupDecision){.reason = ask_rules(&c)};
    build_state(&c, decision);
    if (dedup_reason_sends(decision->reason)) {
        tell_streak(event, decision);
    }
}
