/* SPDX-License-Identifier: MIT */
#ifndef BRIDGE_DELIVERY_SMTP_POOL_H
#define BRIDGE_DELIVERY_SMTP_POOL_H

#include <glib.h>

#include "bridge/delivery/smtp/job.h"
#include "bridge/delivery/smtp/thread.h"

/* The sessions of one relay and the mails that wait for them.  Loop thread only. */
typedef struct Pool Pool;

typedef struct {
    void (*done)(void *who, Job *take_job); /* every recipient is settled */
    void (*fault)(void *who, RelayFault fault, const char *text);
    void (*capacity)(void *who, unsigned mails); /* how many it wants to hold; if changed */
    void (*ended)(void *who); /* after pool_stop(): nothing is left */
} PoolEvents;

typedef struct {
    Smtp *smtp;
    Log *log;
    Metrics *metrics;
    Config *config; /* referenced as long as needed */
    const RelayConfig *relay; /* in it */
    bool spared; /* there are other servers: a pause ends with a session, not with a mail */
    const PoolEvents *events;
    void *who;
    const WireTap *tap; /* NULL: nobody listens */
} PoolPlan;

Pool *pool_new(const PoolPlan *plan);
void pool_free(Pool *pool); /* before it was used, or after ended() */

/* Several may be added before one pool_pump(), which hands them out. */
void pool_add(Pool *pool, Job *take_job);
void pool_pump(Pool *pool);
/* New settings. Open sessions end with the mail they carry. */
void pool_configure(Pool *pool, Config *config, const RelayConfig *relay, bool spared);
/* Ends a pause; with the next pool_pump(). */
void pool_probe(Pool *pool);
/* Monotonic: when it is over; 0: there is none. */
int64_t pool_probe_ms(const Pool *pool);
void pool_stop(Pool *pool, int64_t deadline_ms); /* monotonic */
unsigned pool_capacity(const Pool *pool);
/* Neither paused nor being probed. */
bool pool_is_well(const Pool *pool);
const char *pool_name(const Pool *pool); /* host:port */

#endif
