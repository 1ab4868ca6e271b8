/* SPDX-License-Identifier: MIT */
#ifndef BRIDGE_DELIVERY_SMTP_JOB_H
#define BRIDGE_DELIVERY_SMTP_JOB_H

#include <stdbool.h>
#include <stdint.h>

#include "bridge/delivery/smtp/reply.h"
#include "bridge/mail.h"

/* A mail on its way through a relay: who still waits, and what became of the others.
 * It may take several transactions, on several sessions. */
typedef struct {
    Mail *mail;
    unsigned n;        /* its recipients */
    Outcome *outcomes; /* one for each recipient of the mail */
    bool *pending;     /* still to be tried, one for each recipient */
    unsigned n_pending;
    bool restarted;    /* lost once with a session that had served others before */
    int64_t queued_ms; /* monotonic: when it began to wait here */
} Job;

/* Recipients that are not QUEUED are settled as UNTRIED. */
Job *job_new(Mail *take_mail);
/* Does not touch the mail, which is the caller's then. */
void job_free(Job *job);

/* What became of recipient I, in our words or the server's. */
void job_settle(Job *job, unsigned i, OutcomeKind kind, const char *relay, const char *text);
void job_settle_reply(Job *job, unsigned i, OutcomeKind kind, const char *relay,
                      const Reply *reply);
/* The same for all that are pending. */
void job_settle_rest(Job *job, OutcomeKind kind, const char *relay, const char *text);
/* Recipient I is pending again. */
void job_reopen(Job *job, unsigned i);

#endif
