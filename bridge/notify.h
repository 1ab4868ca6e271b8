/* SPDX-License-Identifier: MIT */
#ifndef BRIDGE_NOTIFY_H
#define BRIDGE_NOTIFY_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "bridge/log.h"

/* What the service manager is told: sd_notify(3)'s protocol, lines in one datagram to the socket
 * that $NOTIFY_SOCKET names.  It is written here, since systemd documents it as stable and meant
 * for that, and libsystemd would bring six more libraries into every image for one sendto().
 * What cannot be sent is logged, the first time, and nothing depends on it. */
typedef struct Notify Notify;

/* From $NOTIFY_SOCKET (a path, or "@…" for an abstract one), $WATCHDOG_USEC and $WATCHDOG_PID;
 * before there are threads.  NULL: nobody wants to be told.  LOG must live as long. */
Notify *notify_new(Log *log);
void notify_free(Notify *notify); /* NULL is allowed, here and below */

/* After so long without notify_alive() the manager ends the program; 0: never. */
int64_t notify_watchdog_ms(const Notify *notify);

/* Any thread.  STATUS is for a human; it is one line there whatever it holds. */
void notify_ready(Notify *notify, const char *status); /* serves, also: anew after a reload */
void notify_reloading(Notify *notify);                 /* until notify_ready() */
void notify_alive(Notify *notify, const char *status);
/* The end will take up to TIMEOUT_MS, in which there is no notify_alive(). */
void notify_stopping(Notify *notify, int64_t timeout_ms);

#endif
