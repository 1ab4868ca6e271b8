/* SPDX-License-Identifier: MIT */
#ifndef BRIDGE_INTAKE_GRAFANA_H
#define BRIDGE_INTAKE_GRAFANA_H

#include "bridge/intake/format.h"

/* Grafana's webhook contact point: Alertmanager's payload (alertmanager.h), whose alerts
 * have links and values besides.  Its title, message, state and pictures are not used:
 * the mail is made of the alerts. */
bool grafana_parse(const FormatInput *input, Event *event, GError **error);

#endif
