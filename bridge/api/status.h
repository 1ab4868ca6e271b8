/* SPDX-License-Identifier: MIT */
#ifndef BRIDGE_API_STATUS_H
#define BRIDGE_API_STATUS_H

#include "bridge/intake/hooks.h"

/* The JSON of GET /api/v1/status, with a newline.  No secret is in it. */
void status_print(const IntakeHooks *hooks, int64_t uptime_us, GString *out);

/* Sets the metrics that nobody else keeps: the age of the queue, the log's lost lines. */
void status_count(const IntakeHooks *hooks);

#endif
