/* SPDX-License-Identifier: MIT */
#ifndef BRIDGE_INTAKE_LISTENER_H
#define BRIDGE_INTAKE_LISTENER_H

#include <glib.h>
#include <stdbool.h>
#include <sys/socket.h>

#include "bridge/intake/http.h"
#include "bridge/log.h"
#include "bridge/metrics.h"

/* Our listening sockets and the thread that accepts on them. */
typedef struct Listener Listener;

typedef struct {
    /* A new connection: FD is non-blocking, and yours to close. */
    void (*accepted)(void *who, int take_fd, HttpDoor door, const struct sockaddr *address,
                     socklen_t length);
    /* About every tick_ms; both on the listener's thread. */
    void (*tick)(void *who);
    int tick_ms;
} ListenerEvents;

/* EVENTS must live as long.  LOG and METRICS may be NULL. */
Listener *listener_new(const ListenerEvents *events, void *who, Log *log, Metrics *metrics);

/* Binds "HOST:PORT", ":PORT" (all addresses) or "[IPV6]:PORT"; a name with several
 * addresses gives several sockets, port 0 a free port.  ERROR: INPUT if the text is no
 * address, SYSTEM if it cannot be bound.  DOOR is what it is for.  Before start. */
bool listener_bind(Listener *listener, HttpDoor door, const char *address, GError **error);
/* The same for a socket that listens already; it is closed with the others.  INPUT if there are
 * too many. */
bool listener_adopt(Listener *listener, HttpDoor door, int take_fd, GError **error);
unsigned listener_n_addresses(const Listener *listener);
/* As bound: "127.0.0.1:9725". */
const char *listener_address(const Listener *listener, unsigned index);
/* The first bound address of the WEB door that others than this machine may reach; NULL if
 * none. */
const char *listener_exposed_address(const Listener *listener);

/* Listens, logs each address ("listening", "listening for management"), and accepts.  ERROR: SYSTEM. */
bool listener_start(Listener *listener, GError **error);
void listener_stop(Listener *listener);
void listener_join(Listener *listener); /* afterwards nothing listens any more */
void listener_free(Listener *listener); /* NULL is allowed */

#endif
