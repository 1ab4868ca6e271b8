/* SPDX-License-Identifier: MIT */
#ifndef BRIDGE_INTAKE_GITLAB_H
#define BRIDGE_INTAKE_GITLAB_H

#include "bridge/intake/format.h"

/* GitLab's pipeline and job events.  GitLab posts every change of their state: only
 * success and failed count, and no failure that is allowed.  The key of a pipeline is
 * project and branch (or tag), that of a job its name as well; child pipelines are kept
 * apart from their parents.  The numbers of pipelines and jobs grow, and a pipeline that
 * is retried ends later.  Variables are not read: they may hold secrets. */
bool gitlab_parse(const FormatInput *input, Event *event, GError **error);

#endif
