/* SPDX-License-Identifier: MIT */
#ifndef RULES_DEDUP_H
#define RULES_DEDUP_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rules/alert.h"

/* One notification, one email: for the sources that have grouped and waited already
 * (the monitoring family), whether an event says anything new.  Times are Unix time
 * in ms unless the name says otherwise. */

typedef struct {
    uint64_t fingerprint;
    int64_t starts_ns; /* Unix time in ns, clamped to what fits */
} DedupAlert;

/* What is remembered of one (receiver, email_config, source, group key). */
typedef struct {
    int64_t last_mail_ms; /* 0: none */
    int64_t resolved_ms;  /* when `resolved` last gained an alert; 0: never */
    /* The last webhook seen: its firing alerts with the truncated count, and its
     * resolved ones. */
    uint64_t seen_firing, seen_resolved;
    /* Last accepted, by fingerprint, each once. Resolved ones that a webhook does not
     * repeat are kept for one window more. */
    DedupAlert *firing, *resolved;
    size_t n_firing, n_resolved;
    char *thread_root;    /* Message-ID without <>; "": no thread is open */
    unsigned thread_mails; /* since the root, which counts */
} DedupState;

#define DEDUP_THREAD_MAX 90    /* mails of one thread; Gmail breaks it at 100 */
#define DEDUP_CARRY_MAX  10000 /* alerts kept that the webhook itself does not list */

DedupState *dedup_state_new(void);
void dedup_state_free(DedupState *state); /* NULL is allowed */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DedupState, dedup_state_free)

/* The state as bytes, versioned, 16 for an alert; *LENGTH gets their number. */
guint8 *dedup_encode(const DedupState *state, size_t *length);
/* NULL with ERROR (SYSTEM) set if BYTES are not what dedup_encode makes. */
DedupState *dedup_decode(const guint8 *bytes, size_t length, GError **error);

/* What of the whole webhook counts, whatever of it reached one receiver; the order of
 * the alerts, externalURL, annotations and endsAt do not. */
typedef struct {
    bool fires; /* anything in it */
    uint64_t firing, resolved;
} DedupWebhook;
DedupWebhook dedup_webhook(const Event *event);

typedef struct {
    int64_t window_ms, repeat_interval_ms;
    bool send_resolved;
} DedupSettings;

typedef struct {
    DedupWebhook webhook;
    bool last_mail_out_of_queue;
    int64_t now_ms;
} DedupInput;

typedef enum {
    /* send */
    DEDUP_NEW_FIRING,       /* rule 1 */
    DEDUP_ALL_RESOLVED,     /* rule 2 */
    DEDUP_NEW_RESOLVED,     /* rule 3 */
    DEDUP_SENDER_REPEATS,   /* rule 4 */
    DEDUP_REPEAT_INTERVAL,  /* rule 5 */
    /* suppress, rule 6 */
    DEDUP_UNCHANGED,        /* nothing new, and it is not time to repeat */
    DEDUP_LATE,             /* all that fires in it is known to be resolved */
    DEDUP_RESOLVED_SILENT,  /* resolved, and send_resolved is off */
    DEDUP_NEVER_ANNOUNCED,  /* resolved, and no mail told of it firing */
    DEDUP_REPEAT_TOO_EARLY, /* the sender repeats within the window */
    DEDUP_REPEAT_QUEUED,    /* the sender repeats what is still queued */
} DedupReason;
bool dedup_reason_sends(DedupReason reason);
const char *dedup_reason_name(DedupReason reason); /* for metrics: "new_firing" */
const char *dedup_reason_text(DedupReason reason); /* for people */

typedef struct {
    DedupReason reason;
    DedupState *state;    /* the new one, to be stored once the mail is */
    bool changed;         /* against the old one */
    /* For a mail: the Message-ID of its thread's first mail; "": it is the first. */
    char *thread_root;
} DedupDecision;
void dedup_decision_clear(DedupDecision *decision);
/* Once the mail has its Message-ID (without <>): the first of a thread is its root. */
void dedup_name_mail(DedupDecision *decision, const char *message_id);

/* Decides about EVENT, one receiver's part of a webhook, and sets is_new of its alerts.
 * OLD is NULL if nothing is remembered.  *DECISION is written whole. */
void dedup_decide(const DedupState *old, Event *event, const DedupSettings *settings,
                  const DedupInput *input, DedupDecision *decision);

/* The event as it is mailed: without send_resolved, resolved alerts are gone, and
 * status and common labels are those of the rest.  Text is shared with EVENT, which
 * must live longer. */
Event *dedup_mailed(const Event *event, bool send_resolved);

#endif
