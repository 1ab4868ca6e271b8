/* SPDX-License-Identifier: MIT */
#ifndef BRIDGE_DESCRIPTORS_H
#define BRIDGE_DESCRIPTORS_H

#include <glib.h>

#include "bridge/intake/server.h"
#include "bridge/log.h"
#include "config/config.h"

/* The files a process may have open (RLIMIT_NOFILE), and what they are for. */

/* Raises the limit to what LIMITS and CONFIG need, where it is lower.  Where the system does
 * not let us, says so in the LOG (which may be NULL), and lowers the connections of LIMITS
 * to those for which there is room. */
void descriptors_fit(HttpLimits *limits, const Config *config, Log *log);

/* How many of the WANTED connections there is room for with HAVE files, of which BESIDES
 * are for something else; that something leaves them half of all at least. */
unsigned descriptors_room(size_t have, size_t besides, unsigned wanted);

#endif
