/* SPDX-License-Identifier: MIT */
#ifndef BRIDGE_INTAKE_MAPPED_H
#define BRIDGE_INTAKE_MAPPED_H

#include "bridge/intake/format.h"

/* Any JSON, of which the source's `map` (config/json_map.h) makes one alert: a template
 * that fails, or gives what cannot be used, is an error of the payload that names its key.
 * Of the CI family the alert has the labels that the other CI formats give it besides,
 * unless the map has its own: `source`, and the severity error. */
bool mapped_parse(const FormatInput *input, Event *event, GError **error);

#endif
