/* SPDX-License-Identifier: MIT */
#ifndef BRIDGE_DELIVERY_SMTP_OUTGOING_H
#define BRIDGE_DELIVERY_SMTP_OUTGOING_H

#include <stdbool.h>
#include <stddef.h>

#include "bridge/delivery/smtp/body.h"
#include "bridge/delivery/smtp/transport.h"

/* What is on its way out of a session.  Commands and small mails are gathered in one
 * buffer, so that a group is one write; what is larger leaves from where it stands.
 * Nothing moves while a write is pending. */

#define OUTGOING_MAX 32768

typedef struct {
    size_t length, at;    /* filled, and sent, of `buffer` */
    size_t dot_at;        /* where the final dot begins in it; SIZE_MAX: not there */
    bool dot_left, dot_sent; /* of its line one byte, or all */
    const char *straight; /* goes out after `buffer` */
    size_t straight_length;
    const char *held;     /* a piece of the body that waits for room */
    size_t held_length;
    Body body;
    bool has_body;
    char buffer[OUTGOING_MAX];
} Outgoing;

typedef enum { OUTGOING_SENT, OUTGOING_AGAIN, OUTGOING_LOST } OutgoingStatus;

void outgoing_init(Outgoing *outgoing);
/* Adds a command, behind what is there; a mail's bytes must have been gathered. All commands of a transaction fit (its recipients are limited). */
void outgoing_add(Outgoing *outgoing, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* A mail's bytes and the final dot; they stay the caller's until all is sent. */
void outgoing_add_body(Outgoing *outgoing, const char *bytes, size_t length);
/* How many bytes of commands can be added. */
size_t outgoing_room(const Outgoing *outgoing);
/* Puts as much of the mail into the buffer as one write takes; true if the dot is there. */
bool outgoing_gather(Outgoing *outgoing);
/* Sends what there is; *MOVED says whether at least one byte left. */
OutgoingStatus outgoing_flush(Outgoing *outgoing, const Transport *transport, bool *moved);
bool outgoing_is_empty(const Outgoing *outgoing);
/* Of the last mail's final dot at least one byte left us, or all. */
bool outgoing_dot_left(const Outgoing *outgoing);
bool outgoing_dot_sent(const Outgoing *outgoing);

#endif
