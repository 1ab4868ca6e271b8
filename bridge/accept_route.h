/* SPDX-License-Identifier: MIT */
#ifndef BRIDGE_ACCEPT_ROUTE_H
#define BRIDGE_ACCEPT_ROUTE_H

#include <glib.h>

#include "config/config.h"
#include "rules/alert.h"
#include "rules/route.h"

/* What of an event reached one receiver, by whichever routes. */
typedef struct {
    const Receiver *receiver;
    const Route *route; /* the first that led here: its repeat_interval and labels count */
    Event *event;       /* the alerts that reached it; text is the whole event's */
} Reach;

/* Sends every alert its own way: an array of Reach *, in the order in which the routes
 * led to them, which frees them.  Adds to *LIMITS the regular expressions that hit
 * their ceiling (they count as no match).  CONFIG and EVENT must live longer. */
GPtrArray *accept_route(const Config *config, const Event *event, unsigned *limits);

#endif
