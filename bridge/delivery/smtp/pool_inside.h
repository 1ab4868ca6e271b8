/* SPDX-License-Identifier: MIT */
#ifndef BRIDGE_DELIVERY_SMTP_POOL_INSIDE_H
#define BRIDGE_DELIVERY_SMTP_POOL_INSIDE_H

#include "bridge/delivery/smtp/courier.h"
#include "bridge/delivery/smtp/health.h"
#include "bridge/delivery/smtp/pool.h"
#include "bridge/delivery/smtp/rate.h"

/* The pool's inside, shared by pool.c (who carries what, and when) and pool_settle.c
 * (what became of it). */

#define N_STATES (COURIER_QUITTING + 1)

struct Pool {
    PoolPlan plan;
    Loop *loop;
    const RelayConfig *relay;
    const DeliveryConfig *delivery;
    char *name;           /* host:port; fixed, since outcomes and labels point to it */
    char *fault_text;     /* of the last session that failed */
    char *suspect;        /* message_id of the last mail that was refused as a whole */
    Health health;
    Rate rate;
    bool shallow;         /* the server minds commands behind the dot */
    bool limited;         /* the rate holds mails back */
    int64_t limited_ms;   /* when that was last logged; 0: never */
    GQueue waiting;       /* Job * */
    GPtrArray *couriers;  /* Courier *, those in use longest first */
    Timer timer;          /* looks again: a pause ends, patience does, or the stop */
    unsigned capacity;    /* as last told */
    unsigned shown[N_STATES]; /* sessions by state, as the metric has them */
    bool stopping, ended;
    int64_t stop_ms;
};

/* pool_settle.c */

unsigned pool_count(const Pool *pool, CourierState state);
/* The courier's transaction is over: settles TAKE_JOB's recipients, gives it back or
 * puts it in front of those that wait, and draws the conclusions for the relay. */
void pool_settle(Pool *pool, Courier *courier, Job *take_job);
/* A session could not be opened. */
void pool_fail_session(Pool *pool, RelayFault fault, const char *text);
/* The health has just turned to paused, because of the last session that failed. */
void pool_strand(Pool *pool);
void pool_give_back_waiting(Pool *pool, const char *why);
void pool_close_courier(Pool *pool, Courier *courier);
void pool_tell_capacity(Pool *pool); /* if it changed */
void pool_mended(Pool *pool); /* the relay works again */

#endif
