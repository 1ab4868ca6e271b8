/* SPDX-License-Identifier: MIT */
#ifndef RULES_DEDUP_H
#define RULES_DEDUP_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rules/dedup_state.h"

/* One notification, one email: whether an event says anything new.  Of the monitoring
 * family, whose senders have grouped and waited already, that is what fires and what is
 * resolved; of the CI family, that a workflow breaks or is fixed.  Times are Unix time in
 * ms unless the name says otherwise. */

/* What of the whole webhook counts, whatever of it reached one receiver; the order of
 * the alerts, externalURL, annotations and endsAt do not. */
typedef struct {
    bool fires; /* anything in it */
    uint64_t firing, resolved;
} DedupWebhook;
DedupWebhook dedup_webhook(const Event *event);

typedef struct {
    int64_t window_ms, repeat_interval_ms; /* of monitoring */
    int64_t remind_ms;                     /* of CI; 0: never */
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
    DEDUP_FAILED,           /* CI: the first red run */
    DEDUP_FIXED,            /* CI: the first green run after it */
    DEDUP_REMINDER,         /* CI: still red, and the last mail is older than remind */
    /* suppress, rule 6 */
    DEDUP_UNCHANGED,        /* nothing new, and it is not time to repeat */
    DEDUP_LATE,             /* all that fires in it is known to be resolved */
    DEDUP_RESOLVED_SILENT,  /* resolved, and send_resolved is off */
    DEDUP_NEVER_ANNOUNCED,  /* resolved, and no mail told of it firing */
    DEDUP_REPEAT_TOO_EARLY, /* the sender repeats within the window */
    DEDUP_REPEAT_QUEUED,    /* the sender repeats what is still queued */
    DEDUP_STILL_FAILING,    /* CI */
    DEDUP_STILL_PASSING,    /* CI */
    DEDUP_OVERTAKEN,        /* CI: a later run was there first */
    DEDUP_REDELIVERED,      /* CI: this very delivery was here before */
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

/* Decides about EVENT, one receiver's part of a webhook, by its family, and sets is_new of
 * its alerts.  Those of CI also get the time since when the workflow is (or was) red as
 * their start, and the annotations `streak` and `since_commit`.  OLD is NULL if nothing is
 * remembered.  *DECISION is written whole. */
void dedup_decide(const DedupState *old, Event *event, const DedupSettings *settings,
                  const DedupInput *input, DedupDecision *decision);

/* The event as it is mailed: without send_resolved, resolved alerts are gone, and
 * status and common labels are those of the rest.  Text is shared with EVENT, which
 * must live longer. */
Event *dedup_mailed(const Event *event, bool send_resolved);

#endif
