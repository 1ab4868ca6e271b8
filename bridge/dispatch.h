/* SPDX-License-Identifier: MIT */
#ifndef BRIDGE_DISPATCH_H
#define BRIDGE_DISPATCH_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "bridge/delivery/delivery.h"
#include "bridge/outbox/outbox.h"
#include "config/config.h"

/* Due mails to relays with room, outcomes back to the outbox.  Owns the relays. */
typedef struct Dispatch Dispatch;

typedef struct {
    Outbox *outbox;
    Log *log;
    Metrics *metrics;
    const DeliveryOps *const *backends; /* NULL-terminated, lives as long */
    Smtp *smtp;                         /* NULL where there are only Maildirs */
} DispatchContext;

/* Makes itself the outbox's claimer: call it before outbox_start().  Claims nothing
 * before dispatch_start(). */
Dispatch *dispatch_new(const DispatchContext *context);
/* Makes the relays of CONFIG, gives every queued mail its relay, and begins.  False with
 * ERROR set, and nothing begun, if a relay cannot be made. */
bool dispatch_start(Dispatch *dispatch, Config *config, GError **error);
/* Reload: new relays are made, kept ones get their settings, gone ones finish what they
 * have.  False with ERROR set, and nothing changed, if a relay cannot be made.  From one
 * thread at a time, as start and stop. */
bool dispatch_configure(Dispatch *dispatch, Config *config, GError **error);
/* Claims nothing more; the relays have until the deadline (monotonic, ms).  After a join
 * both do nothing. */
void dispatch_stop(Dispatch *dispatch, int64_t deadline_ms);
/* Waits until every mail is back at the outbox, which must still run. */
void dispatch_join(Dispatch *dispatch);
/* After outbox_join(), because the outbox asks its claimer to the end. */
void dispatch_free(Dispatch *dispatch); /* NULL is allowed */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Dispatch, dispatch_free)

/* A sign of life: answer() is called on dispatch's thread, in its turn, and must not call back.  Not
 * again before it was. */
void dispatch_ask(Dispatch *dispatch, void (*answer)(void *who), void *who);

#endif
