/* SPDX-License-Identifier: MIT */
#ifndef BRIDGE_INTAKE_INTAKE_H
#define BRIDGE_INTAKE_INTAKE_H

#include <glib.h>
#include <stdbool.h>

#include "bridge/intake/activation.h"
#include "bridge/intake/hooks.h"
#include "bridge/intake/server.h"

/* All that comes in over HTTP: listeners, webhooks, management. */
typedef struct Intake Intake;

/* Binds ADDRESSES ("HOST:PORT", NULL-terminated), so that a port in use is known before
 * anything starts.  HOOKS are copied; what they point to must live as long.  NULL with
 * ERROR set: INPUT for what is no address, SYSTEM for what cannot be bound. */
Intake *intake_new(const IntakeHooks *hooks, const HttpLimits *limits,
                   const char *const *addresses, GError **error);

/* A listener of its own for everything but webhooks, which is then answered nowhere else.
 * Before the start; ERROR as above. */
bool intake_add_management(Intake *intake, const char *address, GError **error);

/* A listening socket that is there already, from activation_take(), for the same two uses.
 * Before the start.  ERROR: INPUT if there are too many. */
bool intake_add_socket(Intake *intake, const PassedSocket *take_socket, GError **error);

/* Whether CONFIG may be served on these listeners: its formats are known, and no source
 * is open to other machines unless it says allow_unauthenticated, or the web configuration keeps
 * strangers out.  INPUT if not, with
 * the YAML that would help.  At start, and before a reload puts CONFIG in force. */
bool intake_check(const Intake *intake, const Config *config, GError **error);

/* The bound address at INDEX, NULL beyond the last: "127.0.0.1:9725". */
const char *intake_address(const Intake *intake, unsigned index);

/* Serves.  The lanes must be running.  ERROR: SYSTEM. */
bool intake_start(Intake *intake, GError **error);

/* A sign of life: answer() is called on the listener's thread, within a second or so.  Not
 * again before it was. */
void intake_ask(Intake *intake, void (*answer)(void *who), void *who);

/* SIGTERM came: not ready any more, but webhooks are accepted still, and every answer
 * ends its connection. */
void intake_drain(Intake *intake);
/* No new connections; webhooks that come in over the open ones are answered with 503. */
void intake_stop(Intake *intake);
/* Waits until every webhook inside is answered: accept, lanes and storage must go on
 * until then.  Afterwards nothing of intake runs. */
void intake_join(Intake *intake);
void intake_free(Intake *intake); /* NULL is allowed; after join, or never started */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Intake, intake_free)

#endif
