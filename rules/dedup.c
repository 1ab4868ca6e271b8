/* SPDX-License-Identifier: MIT */

/* How a decision is made: every alert of the event is sorted into what it says against
 * the old state (known, new, late), the rules are asked in their order on the counts,
 * and the new state is built from the same sorting.
 *
 * Late is what a slower half of an HA pair says again after the faster one went on: a
 * firing alert that is remembered as resolved with the same startsAt, or a resolved one
 * that has fired anew since.  Such a webhook is old as a whole, so what it does not
 * list is not taken as gone. */
#include "rules/dedup.h"

#include <stdlib.h>
#include <string.h>

#include "rules/dedup_inside.h"

typedef enum { SAYS_KNOWN, SAYS_NEW, SAYS_LATE } Says;

typedef struct {
    DedupAlert alert;
    AlertStatus status;
    Says says;
} Seen;

/* One decision under way. */
typedef struct {
    const DedupState *old; /* never NULL: an empty one if nothing is remembered */
    bool remembered;
    const Event *event;
    const DedupSettings *settings;
    const DedupInput *input;
    Seen *seen; /* the event's alerts by fingerprint */
    size_t n_seen;
    size_t count[2][3]; /* by AlertStatus and Says */
} Case;

static int64_t starts_ns(Timestamp time)
{
    const int64_t limit = INT64_MAX / 1000000000 - 1;
    if (time.seconds > limit) {
        return INT64_MAX;
    }
    if (time.seconds < -limit) {
        return INT64_MIN;
    }
    return time.seconds * 1000000000 + time.nanoseconds;
}

static uint64_t mix(uint64_t value)
{
    value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9u;
    value = (value ^ (value >> 27)) * 0x94d049bb133111ebu;
    return value ^ (value >> 31);
}

DedupWebhook dedup_webhook(const Event *event)
{
    DedupWebhook webhook = {.firing = mix(event->truncated_alerts + 1)};
    for (size_t i = 0; i < event->n_alerts; i++) {
        const Alert *alert = &event->alerts[i];
        uint64_t said =
            mix(alert->fingerprint ^ mix((uint64_t)starts_ns(alert->starts_at)));
        if (alert->status == ALERT_FIRING) {
            webhook.fires = true;
            webhook.firing += said;
        } else {
            webhook.resolved += said;
        }
    }
    return webhook;
}

static int compare_alerts(const void *a, const void *b)
{
    const DedupAlert *left = a, *right = b;
    return (left->fingerprint > right->fingerprint) -
           (left->fingerprint < right->fingerprint);
}

static int compare_seen(const void *a, const void *b)
{
    const Seen *left = a, *right = b;
    return compare_alerts(&left->alert, &right->alert);
}

static const DedupAlert *find(const DedupAlert *alerts, size_t n, uint64_t fingerprint)
{
    DedupAlert wanted = {.fingerprint = fingerprint};
    return n == 0 ? NULL : bsearch(&wanted, alerts, n, sizeof *alerts, compare_alerts);
}

static const Seen *find_seen(const Case *c, uint64_t fingerprint)
{
    Seen wanted = {.alert.fingerprint = fingerprint};
    return c->n_seen == 0
               ? NULL
               : bsearch(&wanted, c->seen, c->n_seen, sizeof *c->seen, compare_seen);
}

static int64_t age(const Case *c, int64_t since_ms)
{
    return c->input->now_ms - since_ms;
}

static bool last_mail_is_older(const Case *c, int64_t than_ms)
{
    return c->old->last_mail_ms == 0 || age(c, c->old->last_mail_ms) > than_ms;
}

static bool resolved_are_fresh(const Case *c)
{
    return c->old->n_resolved > 0 &&
           age(c, c->old->resolved_ms) <= c->settings->window_ms;
}

static Says firing_says(const Case *c, const DedupAlert *alert)
{
    const DedupState *old = c->old;
    const DedupAlert *firing = find(old->firing, old->n_firing, alert->fingerprint);
    if (firing != NULL) {
        bool later = alert->starts_ns > firing->starts_ns &&
                     alert->starts_ns / 1000000 > old->last_mail_ms;
        return later ? SAYS_NEW : SAYS_KNOWN;
    }
    const DedupAlert *resolved =
        find(old->resolved, old->n_resolved, alert->fingerprint);
    bool late = resolved != NULL && resolved->starts_ns == alert->starts_ns;
    return late && resolved_are_fresh(c) ? SAYS_LATE : SAYS_NEW;
}

static Says resolved_says(const Case *c, const DedupAlert *alert)
{
    const DedupState *old = c->old;
    const DedupAlert *firing = find(old->firing, old->n_firing, alert->fingerprint);
    const DedupAlert *resolved =
        find(old->resolved, old->n_resolved, alert->fingerprint);
    bool told = resolved != NULL && resolved->starts_ns >= alert->starts_ns;
    if (firing != NULL) {
        bool anew = told && firing->starts_ns > alert->starts_ns;
        return anew && resolved_are_fresh(c) ? SAYS_LATE : SAYS_NEW;
    }
    return told ? SAYS_KNOWN : SAYS_NEW;
}

/* Of alerts with equal labels the firing one, then the youngest, speaks. */
static void drop_doubles(Case *c)
{
    size_t kept = 0;
    for (size_t i = 0; i < c->n_seen; i++) {
        Seen *last = kept > 0 ? &c->seen[kept - 1] : NULL;
        if (last == NULL || last->alert.fingerprint != c->seen[i].alert.fingerprint) {
            c->seen[kept++] = c->seen[i];
            continue;
        }
        bool alike = c->seen[i].status == last->status;
        if ((alike && c->seen[i].alert.starts_ns > last->alert.starts_ns) ||
            (!alike && c->seen[i].status == ALERT_FIRING)) {
            *last = c->seen[i];
        }
    }
    c->n_seen = kept;
}

static void sort_out(Case *c, Event *event)
{
    c->n_seen = event->n_alerts;
    c->seen = g_new(Seen, MAX(c->n_seen, 1));
    for (size_t i = 0; i < c->n_seen; i++) {
        const Alert *alert = &event->alerts[i];
        c->seen[i] = (Seen){{alert->fingerprint, starts_ns(alert->starts_at)},
                            alert->status,
                            SAYS_KNOWN};
    }
    qsort(c->seen, c->n_seen, sizeof *c->seen, compare_seen);
    drop_doubles(c);
    for (size_t i = 0; i < c->n_seen; i++) {
        Seen *seen = &c->seen[i];
        seen->says = seen->status == ALERT_FIRING ? firing_says(c, &seen->alert)
                                                  : resolved_says(c, &seen->alert);
        c->count[seen->status][seen->says]++;
    }
    for (size_t i = 0; i < event->n_alerts; i++) {
        Alert *alert = &event->alerts[i];
        const Seen *seen = find_seen(c, alert->fingerprint);
        alert->is_new = seen->status == alert->status && seen->says == SAYS_NEW;
    }
}

static bool fires(const Case *c)
{
    return c->count[ALERT_FIRING][SAYS_NEW] + c->count[ALERT_FIRING][SAYS_KNOWN] > 0;
}

static bool any_late(const Case *c)
{
    return c->count[ALERT_FIRING][SAYS_LATE] + c->count[ALERT_RESOLVED][SAYS_LATE] > 0;
}

static bool gives_reason(const Event *event)
{
    static const char *const none[] = {"", "none", "unknown", NULL};
    return !g_strv_contains(none, event->reason);
}

/* Resolved alerts leave the webhook once they were sent: that is no change. */
static bool sender_repeats(const Case *c)
{
    if (gives_reason(c->event)) {
        return strcmp(c->event->reason, "repeat interval elapsed") == 0;
    }
    const DedupWebhook *webhook = &c->input->webhook;
    return c->remembered && webhook->firing == c->old->seen_firing &&
           (webhook->resolved == c->old->seen_resolved || webhook->resolved == 0);
}

static DedupReason why_suppressed(const Case *c)
{
    bool resolved_only = c->count[ALERT_FIRING][SAYS_LATE] == 0 && !fires(c);
    if (any_late(c)) {
        return DEDUP_LATE;
    }
    if (resolved_only && !c->settings->send_resolved) {
        return DEDUP_RESOLVED_SILENT;
    }
    if (resolved_only && !c->remembered) {
        return DEDUP_NEVER_ANNOUNCED;
    }
    if (!fires(c) || !sender_repeats(c)) {
        return DEDUP_UNCHANGED;
    }
    if (last_mail_is_older(c, c->settings->window_ms)) {
        return DEDUP_REPEAT_QUEUED;
    }
    return gives_reason(c->event) ? DEDUP_REPEAT_TOO_EARLY : DEDUP_UNCHANGED;
}

/* The numbered rules of DESIGN.md, in their order. */
static DedupReason ask_rules(const Case *c)
{
    bool send_resolved = c->settings->send_resolved;
    if (c->count[ALERT_FIRING][SAYS_NEW] > 0) {
        return DEDUP_NEW_FIRING;
    }
    bool nothing_fires = !fires(c) && !any_late(c);
    if (nothing_fires && c->old->n_firing > 0 && c->event->truncated_alerts == 0) {
        return send_resolved ? DEDUP_ALL_RESOLVED : DEDUP_RESOLVED_SILENT;
    }
    if (send_resolved && c->count[ALERT_RESOLVED][SAYS_NEW] > 0 &&
        (c->remembered || !c->input->webhook.fires)) {
        return DEDUP_NEW_RESOLVED;
    }
    if (fires(c) && sender_repeats(c) && c->input->last_mail_out_of_queue &&
        last_mail_is_older(c, c->settings->window_ms)) {
        return DEDUP_SENDER_REPEATS;
    }
    if (fires(c) && last_mail_is_older(c, c->settings->repeat_interval_ms)) {
        return DEDUP_REPEAT_INTERVAL;
    }
    return why_suppressed(c);
}

static void keep(GArray *out, DedupAlert alert)
{
    g_array_append_val(out, alert);
}

/* A late alert that a mail lists as firing does fire from then on. */
static void keep_seen_firing(const Case *c, bool sends, GArray *out)
{
    for (size_t i = 0; i < c->n_seen; i++) {
        const Seen *seen = &c->seen[i];
        const DedupAlert *old =
            find(c->old->firing, c->old->n_firing, seen->alert.fingerprint);
        if (seen->status == ALERT_RESOLVED) {
            if (seen->says == SAYS_LATE) {
                keep(out, *old);
            }
        } else if (seen->says != SAYS_LATE || sends) {
            DedupAlert alert = seen->alert;
            alert.starts_ns =
                old == NULL ? alert.starts_ns : MAX(alert.starts_ns, old->starts_ns);
            keep(out, alert);
        }
    }
}

static void carry_firing(const Case *c, bool sends, GArray *out)
{
    if (c->event->truncated_alerts == 0 && (sends || !any_late(c))) {
        return;
    }
    size_t carried = 0;
    for (size_t i = 0; i < c->old->n_firing && carried < DEDUP_CARRY_MAX; i++) {
        if (find_seen(c, c->old->firing[i].fingerprint) == NULL) {
            keep(out, c->old->firing[i]);
            carried++;
        }
    }
}

/* An alert that fires again with the same startsAt is resolved no more. */
static bool still_resolved(const DedupState *state, const DedupAlert *alert)
{
    const DedupAlert *firing = find(state->firing, state->n_firing, alert->fingerprint);
    return firing == NULL || firing->starts_ns > alert->starts_ns;
}

static void keep_resolved(const Case *c, const DedupState *state, GArray *out)
{
    size_t carried = 0;
    for (size_t i = 0; i < c->n_seen; i++) {
        DedupAlert alert = c->seen[i].alert;
        if (c->seen[i].status != ALERT_RESOLVED || c->seen[i].says == SAYS_LATE) {
            continue;
        }
        const DedupAlert *old =
            find(c->old->resolved, c->old->n_resolved, alert.fingerprint);
        alert.starts_ns =
            old == NULL ? alert.starts_ns : MAX(alert.starts_ns, old->starts_ns);
        keep(out, alert);
    }
    size_t n = resolved_are_fresh(c) ? c->old->n_resolved : 0;
    for (size_t i = 0; i < n && carried < DEDUP_CARRY_MAX; i++) {
        const DedupAlert *old = &c->old->resolved[i];
        const Seen *seen = find_seen(c, old->fingerprint);
        bool listed =
            seen != NULL && seen->status == ALERT_RESOLVED && seen->says != SAYS_LATE;
        if (!listed && still_resolved(state, old)) {
            keep(out, *old);
            carried++;
        }
    }
}

static DedupAlert *sorted(GArray *take, size_t *n)
{
    if (take->len > 0) {
        qsort(take->data, take->len, sizeof(DedupAlert), compare_alerts);
    }
    *n = take->len;
    return (DedupAlert *)(void *)g_array_free(take, FALSE);
}

void dedup_set_thread(const DedupState *old, bool sends, DedupDecision *decision)
{
    DedupState *state = decision->state;
    bool full = old->thread_mails >= DEDUP_THREAD_MAX;
    bool open = old->thread_root[0] != '\0' && !(sends && full);
    decision->thread_root = g_strdup(sends && open ? old->thread_root : "");
    if (!dedup_goes_on(state)) {
        return;
    }
    if (open) {
        g_free(state->thread_root);
        state->thread_root = g_strdup(old->thread_root);
    }
    state->thread_mails = (open ? old->thread_mails : 0) + sends;
}

bool dedup_goes_on(const DedupState *state)
{
    return state->n_firing > 0 || state->runs.red;
}

void dedup_name_mail(DedupDecision *decision, const char *message_id)
{
    DedupState *state = decision->state;
    if (dedup_goes_on(state) && state->thread_root[0] == '\0') {
        g_free(state->thread_root);
        state->thread_root = g_strdup(message_id);
    }
}

static bool alerts_equal(const DedupAlert *a, size_t n_a, const DedupAlert *b,
                         size_t n_b)
{
    return n_a == n_b && (n_a == 0 || memcmp(a, b, n_a * sizeof *a) == 0);
}

static bool states_equal(const DedupState *a, const DedupState *b)
{
    return a->last_mail_ms == b->last_mail_ms && a->resolved_ms == b->resolved_ms &&
           a->seen_firing == b->seen_firing && a->seen_resolved == b->seen_resolved &&
           a->thread_mails == b->thread_mails &&
           strcmp(a->thread_root, b->thread_root) == 0 &&
           alerts_equal(a->firing, a->n_firing, b->firing, b->n_firing) &&
           alerts_equal(a->resolved, a->n_resolved, b->resolved, b->n_resolved);
}

static void build_state(const Case *c, DedupDecision *decision)
{
    bool sends = dedup_reason_sends(decision->reason);
    DedupState *state = decision->state = dedup_state_new();
    int64_t now = c->input->now_ms;
    /* After a clock was set back nothing lies in the future for long. */
    state->last_mail_ms = sends ? now : MIN(c->old->last_mail_ms, now);
    state->resolved_ms =
        c->count[ALERT_RESOLVED][SAYS_NEW] > 0 ? now : MIN(c->old->resolved_ms, now);
    bool stale = decision->reason == DEDUP_LATE;
    state->seen_firing = stale ? c->old->seen_firing : c->input->webhook.firing;
    state->seen_resolved = stale ? c->old->seen_resolved : c->input->webhook.resolved;
    GArray *firing = g_array_new(FALSE, FALSE, sizeof(DedupAlert));
    keep_seen_firing(c, sends, firing);
    carry_firing(c, sends, firing);
    state->firing = sorted(firing, &state->n_firing);
    GArray *resolved = g_array_new(FALSE, FALSE, sizeof(DedupAlert));
    keep_resolved(c, state, resolved);
    state->resolved = sorted(resolved, &state->n_resolved);
    dedup_set_thread(c->old, sends, decision);
    decision->changed = !states_equal(c->old, state);
}

static void decide_monitoring(const DedupState *old, Event *event,
                              const DedupSettings *settings, const DedupInput *input,
                              DedupDecision *decision)
{
    char nothing[] = "";
    DedupState empty = {.thread_root = nothing};
    Case c = {
        .old = old != NULL ? old : &empty,
        .remembered = old != NULL,
        .event = event,
        .settings = settings,
        .input = input,
    };
    sort_out(&c, event);
    *decision = (DedupDecision){.reason = ask_rules(&c)};
    build_state(&c, decision);
    g_free(c.seen);
}

/* What was remembered while the source was of another family does not count. */
void dedup_decide(const DedupState *old, Event *event, const DedupSettings *settings,
                  const DedupInput *input, DedupDecision *decision)
{
    if (old != NULL && old->family != event->family) {
        old = NULL;
    }
    if (event->family == FAMILY_CI) {
        dedup_decide_ci(old, event, settings, input, decision);
    } else {
        decide_monitoring(old, event, settings, input, decision);
    }
}

void dedup_decision_clear(DedupDecision *decision)
{
    dedup_state_free(decision->state);
    g_free(decision->thread_root);
    *decision = (DedupDecision){0};
}

Event *dedup_mailed(const Event *event, bool send_resolved)
{
    g_autofree unsigned *chosen = g_new(unsigned, MAX(event->n_alerts, 1));
    size_t n = 0;
    for (size_t i = 0; i < event->n_alerts; i++) {
        if (send_resolved || event->alerts[i].status == ALERT_FIRING) {
            chosen[n++] = (unsigned)i;
        }
    }
    return event_select(event, chosen, n);
}
