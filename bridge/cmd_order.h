/* SPDX-License-Identifier: MIT */
#ifndef BRIDGE_CMD_ORDER_H
#define BRIDGE_CMD_ORDER_H

#include <glib.h>
#include <stdbool.h>

#include "bridge/accept_mail.h"

/* What the subcommands that make one mail (render, send) share. */

/* What is in the file PATH, at most 64 MiB.  NULL with ERROR set. */
char *cmd_read_file(const char *path, gsize *length, GError **error);
/* The same, or what is on the standard input if PATH is "-". */
char *cmd_read(const char *path, gsize *length, GError **error);

/* The event that SOURCE (NULL: alertmanager) would make of what cmd_read() reads; one that it
 * would ignore is an error. Free with event_free(). NULL with ERROR set. */
Event *cmd_read_event(const Config *config, const char *path, const char *source, GError **error);

/* The first route at or below FROM that leads to the receiver, whose labels are those of
 * the mail; NULL if there is none. */
const Route *cmd_route_to(const Route *from, const char *receiver);

typedef struct {
    const char *receiver; /* NULL: the root route's */
    int email;            /* which of its email_configs, from 0 */
    const char *data;     /* a webhook's body, as cmd_read(); NULL: one without alerts */
    const char *source;   /* whose webhook it is; NULL: alertmanager's */
} CmdOrder;

typedef struct {
    MailOrder order;      /* as if all alerts were new */
    Event *read, *mailed; /* what its texts belong to */
} OrderedMail;
void ordered_mail_clear(OrderedMail *ordered);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(OrderedMail, ordered_mail_clear)

/* Fills in *ORDERED (zeroed), to be cleared whatever comes.  False with ERROR (INPUT)
 * set. */
bool cmd_order(const Config *config, const CmdOrder *wanted, OrderedMail *ordered,
               GError **error);

#endif
