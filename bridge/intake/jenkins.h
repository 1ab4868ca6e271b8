/* SPDX-License-Identifier: MIT */
#ifndef BRIDGE_INTAKE_JENKINS_H
#define BRIDGE_INTAKE_JENKINS_H

#include "bridge/intake/format.h"

/* Jenkins' Notification plugin, format JSON.  The phases COMPLETED and FINALIZED count,
 * whichever is sent; FAILURE and UNSTABLE are red.  The key is the job's path (a branch of
 * a multibranch job is a job of its own) and the branch of its checkout.  A build's start
 * and number grow.  Of the log, where it is sent, the last lines are kept. */
bool jenkins_parse(const FormatInput *input, Event *event, GError **error);

#endif
