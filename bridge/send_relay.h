/* SPDX-License-Identifier: MIT */
#ifndef BRIDGE_SEND_RELAY_H
#define BRIDGE_SEND_RELAY_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "bridge/delivery/delivery.h"

/* One mail, once, over the relay that the daemon would use: no outbox, no second try. */
typedef struct {
    Config *config;
    unsigned relay;     /* index in config->relays */
    int64_t timeout_ms; /* then it is cut short */
    const WireTap *tap; /* NULL: nobody listens */
} SendPlan;

/* Waits for what becomes of MAIL: *OUTCOMES, one a recipient, to be cleared and freed.
 * *LATE: the time was up.  False with ERROR (SYSTEM) set if nothing could be tried. */
bool send_to_relay(const SendPlan *plan, Mail *mail, Outcome **outcomes, bool *late,
                   GError **error);

#endif
