/* SPDX-License-Identifier: MIT */
#ifndef BRIDGE_DELIVERY_SMTP_SMTP_H
#define BRIDGE_DELIVERY_SMTP_SMTP_H

#include <glib.h>
#include <stdbool.h>

#include "bridge/delivery/delivery.h"

/* The one thread that serves every session of every SMTP relay.  Relays are made
 * (delivery_smtp.new) after smtp_new() and freed before smtp_stop(). */

/* NULL with ERROR (SYSTEM) set if the process is out of descriptors or memory. */
Smtp *smtp_new(GError **error);
bool smtp_start(Smtp *smtp, GError **error); /* starts the thread */
void smtp_stop(Smtp *smtp);
void smtp_join(Smtp *smtp);
void smtp_free(Smtp *smtp); /* NULL is allowed */

/* A sign of life: answer() is called on the thread, in its turn.  Not again before it was. */
void smtp_ask(Smtp *smtp, void (*answer)(void *who), void *who);

#endif
