/* SPDX-License-Identifier: MIT */
#ifndef BRIDGE_DELIVERY_SMTP_HEALTH_H
#define BRIDGE_DELIVERY_SMTP_HEALTH_H

#include <stdbool.h>
#include <stdint.h>

#include "bridge/delivery/delivery.h"

/* How well a relay does, and what follows from it: how many sessions it may have, and
 * whether it is paused.  No I/O; NOW_MS is an argument (monotonic).
 *
 * A fault pauses the relay for 5 s; when the pause is over it takes one mail, the
 * probe; each failed probe doubles the pause, up to 50 s, so that mails have left within
 * a minute of the relay's return.  A mail that gets its answer ends it.  A relay that has
 * fallbacks is spared that its mails wait for a probe: it opens a session first, and after
 * a fault in connecting that is proof enough.  A fault in opening one more session while
 * others work pauses nothing, it only delays the next opening; "too many" halves the
 * sessions, and every minute without it one more is allowed. */

enum {
    HEALTH_PAUSE_MIN_MS = 5000,
    HEALTH_PAUSE_MAX_MS = 50000,
    HEALTH_PROBE_MIN_MS = 1000, /* the shortest pause, however many ask for a probe */
    HEALTH_GROW_MS = 60000,
    HEALTH_PROOF_MS = 60000,
    HEALTH_PATIENCE_MS = 50,      /* a lone mail waits that long before a session more is opened */
    HEALTH_MAILS_PER_SESSION = 8, /* taken ahead, so that no session waits for the next */
};

typedef struct {
    unsigned connections, allowed; /* configured, and now */
    RelayFault fault;              /* the last one, FAULT_NONE since the relay works again */
    bool paused, probing;
    bool spared;                   /* there are fallbacks meanwhile */
    bool opened;                   /* a session could be opened since the last fault */
    bool proven;                   /* it took a mail, lately */
    int64_t proven_ms, grow_ms, failed_ms, open_after_ms, pause_ms;
} Health;

/* What the relay's sessions and mails are doing. */
typedef struct {
    unsigned connecting, open; /* sessions */
    unsigned closing;          /* those that end, but still count at the server */
    unsigned waiting;          /* mails without a session */
    int64_t oldest_ms;         /* since when the first of them waits */
} HealthLoad;

void health_init(Health *health, unsigned connections);
/* New settings: a fault may be mended, so the next mail may try at once. */
void health_configure(Health *health, unsigned connections);
/* The pause is over, once it has lasted HEALTH_PROBE_MIN_MS; if the probe fails, the next one is as long as it would have been. */
void health_probe(Health *health);

/* A session could not be opened, or the relay closed one with "too many", while
 * OTHERS are open. */
void health_session_failed(Health *health, RelayFault fault, unsigned others, int64_t now_ms);
/* The relay itself fails: it is paused. */
void health_relay_failed(Health *health, RelayFault fault, int64_t now_ms);
/* True if that alone shows that the relay works again. */
bool health_session_opened(Health *health);
/* A mail got its answer (TAKEN: was accepted); true if the relay had failed before. */
bool health_mail_answered(Health *health, bool taken, int64_t now_ms);
/* Whether a refusal of everything is rather the mail's own fault: the relay took
 * another one within the last minute.  Such a proof counts once. */
bool health_take_proof(Health *health, int64_t now_ms);
/* Lets time do its part: ends a pause (true: this moment), allows a session more. */
bool health_pass(Health *health, int64_t now_ms);

/* How many sessions to open now. */
unsigned health_sessions_to_open(const Health *health, const HealthLoad *load, int64_t now_ms);
/* How many mails the relay may hold. */
unsigned health_capacity(const Health *health);
/* Where mails wait, no session is left and none may be opened yet: that is a pause too
 * (true: it begins). */
bool health_strand(Health *health, const HealthLoad *load, int64_t now_ms);
/* When to look again, -1: nothing will change by itself. */
int64_t health_next_ms(const Health *health, const HealthLoad *load, int64_t now_ms);

#endif
