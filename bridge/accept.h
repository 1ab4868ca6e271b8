/* SPDX-License-Identifier: MIT */
#ifndef BRIDGE_ACCEPT_H
#define BRIDGE_ACCEPT_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "bridge/compose/dkim.h"
#include "bridge/log.h"
#include "bridge/metrics.h"
#include "bridge/outbox/outbox.h"
#include "config/config.h"
#include "rules/alert.h"

/* An event becomes records and mails: route, dedup, template, compose, one commit.
 * What accept does with one event, step by step, is told at the top of accept.c; the
 * mail alone (for render, check and send) comes from accept_mail.h. */

typedef enum { ACCEPT_QUEUED, ACCEPT_SUPPRESSED, ACCEPT_IGNORED } AcceptKind;

/* One per receiver and email_config that an alert reached. */
typedef struct {
    char *receiver;
    AcceptKind kind;
    char *text; /* QUEUED: the mail's message id; else the reason */
    MailName mail; /* the one that tells of it, this or an earlier; no group: none */
} AcceptResult;

typedef enum {
    ACCEPT_OK,     /* answered with 202 if anything is queued, else 200 */
    ACCEPT_BUSY,   /* 503: the queue is full or the storage fails; nothing was kept */
} AcceptStatus;

/* RESULTS are valid during the call; none (N 0) unless STATUS is OK.  REASON is "" for
 * OK, else one line for the answer.  Runs once, on any thread, and must not block. */
typedef void AcceptDone(void *who, AcceptStatus status, const char *reason,
                        const AcceptResult *results, size_t n);
/* Work that accept wants done on a worker thread (after a read, after a conflict). */
typedef void AcceptResume(void *step);
typedef void AcceptSchedule(void *scheduler, AcceptResume *resume, void *step);

typedef struct {
    Outbox *outbox;
    Log *log;
    Metrics *metrics;
    AcceptSchedule *schedule; /* thread-safe: runs resume(step) on a worker soon */
    void *scheduler;
    int64_t (*clock)(void);   /* Unix time in ms; NULL: the system's clock */
    Dkim *signer;             /* NULL: nothing is signed */
} Accept;

/* Takes the event; CONFIG is referenced until done(), ACCEPT must live as long.  The
 * caller makes sure that two events of one (source, group key) do not overlap: the
 * next one may start when done() runs.  Call on a worker thread. */
void accept_event(const Accept *accept, Config *config, Event *take_event,
                  AcceptDone *done, void *who);

#endif
