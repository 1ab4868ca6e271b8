/* SPDX-License-Identifier: MIT */
#ifndef BRIDGE_INTAKE_FLUX_H
#define BRIDGE_INTAKE_FLUX_H

#include "bridge/intake/format.h"

/* Flux's providers generic and generic-hmac.  An event of severity error is red; one of
 * severity info is green if its reason tells of success, for a reconciliation that goes on
 * is info, too.  The key is kind, namespace and name of the object: give each cluster a
 * source of its own.  Times grow. */
bool flux_parse(const FormatInput *input, Event *event, GError **error);

#endif
