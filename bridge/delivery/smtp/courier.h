/* SPDX-License-Identifier: MIT */
#ifndef BRIDGE_DELIVERY_SMTP_COURIER_H
#define BRIDGE_DELIVERY_SMTP_COURIER_H

#include <glib.h>

#include "bridge/delivery/smtp/job.h"
#include "bridge/delivery/smtp/session.h"
#include "bridge/delivery/smtp/transaction.h"

/* A session and the mail it carries at the moment, with every deadline that goes with
 * it.  Which mail comes next, and when to end, its owner decides.  Loop thread. */
typedef struct Courier Courier;

typedef enum {
    COURIER_CONNECTING,
    COURIER_IDLE,
    COURIER_BUSY,
    COURIER_SPENT, /* its session cannot be used any more */
    COURIER_QUITTING,
} CourierState;

/* Any call on the courier is allowed from within, courier_free() too. */
typedef struct {
    void (*opened)(void *who, Courier *courier); /* now IDLE */
    void (*failed)(void *who, Courier *courier, RelayFault fault, const char *text);
    /* A transaction is over: courier_transaction() says how; now IDLE or SPENT, or BUSY
     * with the mail that was behind it. */
    void (*finished)(void *who, Courier *courier, Job *take_job);
    /* With `deep`: a mail that may go behind the one that is leaving, NULL if there is none. */
    Job *(*wanted)(void *who, Courier *courier);
    /* The mail behind did not get its turn; finished() for the one before it follows.  The
     * courier is not to be given anything from within. */
    void (*returned)(void *who, Courier *courier, Job *take_job);
    /* While idle or quitting, the session came to its end; now SPENT. */
    void (*gone)(void *who, Courier *courier);
} CourierEvents;

typedef struct {
    Loop *loop;
    Connector *connector;
    SessionPlan session;
    bool lockstep, deep;
    const char *relay; /* for the outcomes; outlives the courier */
    const CourierEvents *events;
    void *who;
} CourierPlan;

/* NULL with ERROR set as session_open(). PLAN need not outlive the call. */
Courier *courier_new(const CourierPlan *plan, GError **error);
void courier_free(Courier *courier); /* closes at once; not while it has a job */

CourierState courier_state(const Courier *courier);
unsigned courier_mails(const Courier *courier); /* transactions it has had */
bool courier_is_encrypted(const Courier *courier);
/* Its last transaction that is over. */
Transaction *courier_transaction(Courier *courier);

/* IDLE: begins a transaction for the first 100 pending recipients of JOB. */
void courier_carry(Courier *courier, Job *take_job);
/* BUSY with one mail, whose reply to the dot it waits for, and can take another one. */
bool courier_takes_next(const Courier *courier);
/* The same: begins a transaction behind that dot. */
void courier_queue(Courier *courier, Job *take_job);
/* IDLE: waits for the next mail until IDLE_MS have gone by; then it quits. */
void courier_rest(Courier *courier, int64_t idle_ms);
/* IDLE: says QUIT and waits for the end, at most QUIT_MS; then it is gone(). */
void courier_quit(Courier *courier, int64_t quit_ms);
/* BUSY: ends the transaction here; finished() follows from within. */
void courier_cut(Courier *courier, const char *why);

/* Served others before, or had a pause: a loss before the dot says nothing about the
 * mail. Meaningful in finished(). */
bool courier_was_reused(const Courier *courier);
/* No more mails for it: MAILS (the one it carries counts) or LIFETIME_MS are used up, or
 * courier_retire() was called. */
bool courier_is_worn(const Courier *courier, unsigned mails, int64_t lifetime_ms);
void courier_retire(Courier *courier);

#endif
