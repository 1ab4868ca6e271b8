/* SPDX-License-Identifier: MIT */
#ifndef BRIDGE_DELIVERY_SMTP_SERVERS_H
#define BRIDGE_DELIVERY_SMTP_SERVERS_H

#include "bridge/delivery/smtp/pool.h"

/* The servers of one relay, a pool each: the one it is named after, and its fallbacks.  A
 * mail goes to the first of them that works.  Loop thread only; used as a Pool is. */
typedef struct Servers Servers;

/* PLAN's `spared` does not count. */
Servers *servers_new(const PoolPlan *plan);
void servers_free(Servers *servers); /* before it was used, or after ended() */
void servers_add(Servers *servers, Job *take_job);
void servers_pump(Servers *servers);
void servers_configure(Servers *servers, Config *config, const RelayConfig *relay);
void servers_probe(Servers *servers);
int64_t servers_probe_ms(const Servers *servers); /* of the first one */
void servers_stop(Servers *servers, int64_t deadline_ms);
/* Of those a mail may go to now. */
unsigned servers_capacity(const Servers *servers);

#endif
