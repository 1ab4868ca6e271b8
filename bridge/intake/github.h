/* SPDX-License-Identifier: MIT */
#ifndef BRIDGE_INTAKE_GITHUB_H
#define BRIDGE_INTAKE_GITHUB_H

#include "bridge/intake/format.h"

/* GitHub's (and Gitea's) event workflow_run, once the run is completed; ping and every
 * other event are ignored.  The key is the workflow's id, the repository the commit comes
 * from and the branch, so a fork's main is not ours.  A run's number and attempt grow; the
 * delivery's id stays when it is delivered again. */
bool github_parse(const FormatInput *input, Event *event, GError **error);

#endif
