/* SPDX-License-Identifier: MIT */
#ifndef BRIDGE_INTAKE_ACTIVATION_H
#define BRIDGE_INTAKE_ACTIVATION_H

#include <glib.h>
#include <stdbool.h>

#include "bridge/intake/http.h"

/* Listening sockets that whoever started the program has opened for it: sd_listen_fds(3)'s
 * protocol, $LISTEN_FDS of them from descriptor 3 on. */

typedef struct {
    int fd; /* closed on exec, non-blocking */
    HttpDoor door;
} PassedSocket;

/* Those that are for this process ($LISTEN_PID), in their order; none is an array of length 0.
 * $LISTEN_FDNAMES says what they are for: "management", or "web", as is what has no name of its
 * own (then systemd gives the socket unit's, "alertpost.socket").  NULL with ERROR (INPUT) set
 * for another name, or what is no listening TCP socket.  Once, before other descriptors are
 * opened. */
GArray *activation_take(GError **error);

#endif
