/* SPDX-License-Identifier: MIT */
#ifndef BRIDGE_ACCEPT_H
#define BRIDGE_ACCEPT_H

#include <glib.h>
#include <stdbool.h>

#include "bridge/log.h"
#include "bridge/metrics.h"
#include "bridge/outbox/outbox.h"
#include "config/config.h"
#include "rules/alert.h"

/* An event becomes records and mails: route, dedup, template, compose, one commit. */

typedef enum { ACCEPT_QUEUED, ACCEPT_SUPPRESSED, ACCEPT_IGNORED } AcceptKind;

typedef struct {
    char *receiver;
    AcceptKind kind;
    char *text; /* QUEUED: the mail's message id; else the reason */
} AcceptResult;

typedef enum {
    ACCEPT_OK,     /* answered with 202 if anything is queued, else 200 */
    ACCEPT_BUSY,   /* 503: the queue is full or the storage fails */
} AcceptStatus;

/* RESULTS are valid during the call. Runs once, on any thread. */
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
} Accept;

/* Takes the event; CONFIG is referenced until done(). The caller makes sure that two
 * events of one (source, group key) do not overlap. */
void accept_event(const Accept *accept, Config *config, Event *take_event,
                  AcceptDone *done, void *who);

/* The mail that RECEIVER's email_config INTEGRATION would send for EVENT: what render
 * and check use, and accept itself. NULL with ERROR set if the template or the address
 * fails. */
#endif
