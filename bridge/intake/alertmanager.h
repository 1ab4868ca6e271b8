/* SPDX-License-Identifier: MIT */
#ifndef BRIDGE_INTAKE_ALERTMANAGER_H
#define BRIDGE_INTAKE_ALERTMANAGER_H

#include "bridge/intake/format.h"

/* Alertmanager's webhook, payload version 4 of every release: keys it does not know are
 * ignored, and of those it knows only `alerts` must be there.  Fingerprints, the status
 * of the whole and the common labels are computed anew, so those sent do not count.
 * Without a groupKey one is made from the group labels, as Alertmanager would for a
 * single route: {}:{alertname="X", cluster="a"}. */
bool alertmanager_parse(const FormatInput *input, Event *event, GError **error);

#endif
