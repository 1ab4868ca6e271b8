/* SPDX-License-Identifier: MIT */
#ifndef BRIDGE_INTAKE_WEBHOOK_H
#define BRIDGE_INTAKE_WEBHOOK_H

#include "bridge/intake/hooks.h"
#include "bridge/intake/http.h"

#define WEBHOOK_PATH "/hooks/"

/* For http_server_new()'s begin(), with a path below WEBHOOK_PATH.  Each webhook gets
 * exactly one answer and one line in the log, whatever becomes of it. */
void webhook_begin(const IntakeHooks *hooks, HttpExchange *exchange);

#endif
