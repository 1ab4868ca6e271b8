/* SPDX-License-Identifier: MIT */
#ifndef BRIDGE_ACCEPT_FALLBACK_H
#define BRIDGE_ACCEPT_FALLBACK_H

#include <glib.h>

#include "rules/alert.h"

/* The texts of the plain mail that goes out where the configured one cannot be made. */

#define FALLBACK_ALERTS_MAX 100   /* listed; the rest is counted */
#define FALLBACK_TEXT_MAX   40000 /* bytes, about: no alert is begun beyond it */

/* "[FIRING:2] DiskFull": state, count and the group's alert name or labels. */
char *fallback_subject(const Event *event);
/* PROBLEM and the alerts of EVENT with their labels, annotations and start. */
char *fallback_text(const Event *event, const char *receiver, const char *problem);

#endif
