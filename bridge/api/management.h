/* SPDX-License-Identifier: MIT */
#ifndef BRIDGE_API_MANAGEMENT_H
#define BRIDGE_API_MANAGEMENT_H

#include <stdatomic.h>
#include <stdint.h>

#include "bridge/intake/hooks.h"
#include "bridge/intake/http.h"

/* The endpoints beside the webhooks: health, metrics, reload, status.  With users in
 * the web configuration all but health wants one of them; without any, reload and /api answer
 * only on a loopback address or to clients whose certificate is verified. */
typedef struct {
    const IntakeHooks *hooks;
    int64_t started_us;   /* monotonic */
    atomic_bool draining; /* not ready any more */
} Management;

/* For http_server_new()'s begin(). */
void management_begin(Management *management, HttpExchange *exchange);

#endif
