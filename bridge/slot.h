/* SPDX-License-Identifier: MIT */
#ifndef BRIDGE_SLOT_H
#define BRIDGE_SLOT_H

#include <pthread.h>

#include "bridge/dispatch.h"

/* What dispatch.c (configuration, thread) and slot.c (mails) share. */

enum {
    CLAIM_MAX = 64,  /* mails of one claim */
    AGAIN_MS = 1000, /* after what failed for a reason of ours */
};
#define NEVER    INT64_MAX
#define NO_RELAY "" /* the key of the slot without a relay */

/* One relay's place: when its next mail is due, and what was promised of its room. */
typedef struct {
    Dispatch *dispatch;
    char *key, *name;
    const DeliveryOps *ops; /* NULL: the slot without a relay */
    Relay *relay;
    /* Under the dispatch's lock: */
    int64_t next_due_ms;    /* Unix time; NEVER */
    int64_t pause_until_ms; /* Unix time: no claim before */
    unsigned reserved;      /* of the room: for claims and commits under way */
    unsigned asked;         /* by the claim under way */
    unsigned held;          /* mails at the relay */
    unsigned pins;          /* calls under way that use the slot */
    unsigned untried;       /* mails in a row that came back so */
    RelayFault fault;       /* NONE: it works */
    int64_t fault_ms;       /* Unix time: since when it fails */
    char *fault_text;
    bool claiming;
    bool full;              /* no use to look before something changes */
    bool retired;
} Slot;

struct Dispatch {
    DispatchContext context;
    pthread_t thread;
    bool started, joined;
    char *routed; /* the storage thread's: what the router answered last */

    pthread_mutex_t lock; /* guards all below, and the slots */
    pthread_cond_t wake;
    Config *config;
    GHashTable *slots;   /* by key; changed by dispatch_start() and _configure() only */
    GPtrArray *retired;  /* slots that are not in the table any more */
    int64_t route_at_ms; /* Unix time: the queue's relays are to be resolved; NEVER */
    int64_t until_ms;    /* Unix time: what the thread waits for */
    bool stopping;
    void (*answer)(void *who); /* of dispatch_ask(); NULL: nobody asked */
    void *answer_who;
};

Slot *slot_new(Dispatch *dispatch, const char *key, const char *name);
void slot_free(Slot *slot); /* its relay has been joined */

/* Claims for the slot if something is due and there is room.  The slot must be pinned,
 * or the caller be the one that frees it. */
void slot_consider(Slot *slot);
/* Under the lock: when the slot wants to claim, its room aside. */
int64_t slot_eager_at(const Slot *slot);
/* Under the lock: the key of the relay for such a mail. */
const char *slot_resolve(const Dispatch *dispatch, const char *receiver,
                         unsigned integration, const char *relay);

extern const OutboxClaimer slot_claimer;  /* who: the Dispatch */
extern const DeliveryEvents slot_events;  /* who: the Slot */

#endif
