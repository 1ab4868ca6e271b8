/* SPDX-License-Identifier: MIT */
#ifndef BRIDGE_DELIVERY_SMTP_THREAD_H
#define BRIDGE_DELIVERY_SMTP_THREAD_H

#include "bridge/delivery/smtp/loop.h"
#include "bridge/delivery/smtp/session.h"
#include "bridge/delivery/smtp/smtp.h"

/* What the relays of one SMTP thread share; inside of smtp/ only. */
typedef struct Naming Naming;

struct Smtp {
    Loop *loop;
    Connector *connector;
    char *hello; /* loop thread: this host's name */
    Naming *naming; /* the search for it */
    Task name;
    Task asked; /* of smtp_ask() */
};

#endif
