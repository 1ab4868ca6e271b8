/* SPDX-License-Identifier: MIT */
#ifndef BRIDGE_TROUBLE_H
#define BRIDGE_TROUBLE_H

#include "bridge/dispatch.h"

/* What is wrong with a relay, for those who ask. */
typedef struct {
    RelayFault fault;    /* NONE: nothing */
    int64_t since_ms;    /* Unix time */
    int64_t probe_in_ms; /* until it is tried again; 0: it is, or will be with the next mail */
    char *text;          /* complete; NULL if nothing is wrong */
} RelayTrouble;
void relay_trouble_clear(RelayTrouble *trouble);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(RelayTrouble, relay_trouble_clear)

/* Of the relay with this key; nothing is wrong with one that there is not.  Any thread. */
void dispatch_trouble(Dispatch *dispatch, const char *relay, RelayTrouble *trouble);
/* Has every paused relay try again, a second after it failed at the soonest.  Any thread. */
void dispatch_probe(Dispatch *dispatch);

#endif
