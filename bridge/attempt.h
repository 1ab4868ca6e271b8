/* SPDX-License-Identifier: MIT */
#ifndef BRIDGE_ATTEMPT_H
#define BRIDGE_ATTEMPT_H

#include "bridge/log.h"
#include "bridge/mail.h"
#include "bridge/metrics.h"

typedef struct {
    const Mail *mail;         /* as it was claimed */
    const Outcome *outcomes;  /* one a recipient */
    const char *relay;        /* its name, where an outcome tells none */
    int64_t now_ms;
} Attempt;

/* Some recipient that was to be tried got an answer, good or bad. */
bool attempt_said_something(const Attempt *attempt);

/* One line a recipient that was to be tried, always with the same keys in the same
 * order, and the counts.  UNTRIED is a line of level debug. */
void attempt_tell(const Attempt *attempt, Log *log, Metrics *metrics);

#endif
