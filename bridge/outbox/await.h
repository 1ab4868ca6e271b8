/* SPDX-License-Identifier: MIT */
#ifndef BRIDGE_OUTBOX_AWAIT_H
#define BRIDGE_OUTBOX_AWAIT_H

#include "bridge/mail.h"
#include "bridge/outbox/outbox.h"

/* Who waits for a mail's end, and which groups have mails at their relays.  The storage
 * thread's own. */
typedef struct Awaited Awaited;

Awaited *awaited_new(void);
void awaited_free(Awaited *awaited); /* nobody waits any more */

/* A mail is given out, and is back; whoever waits for its group looks again. */
void awaited_given_out(Awaited *awaited, const Mail *mail);
void awaited_back(Outbox *outbox, const Mail *mail);
/* A mail that nobody was given has come to its end: given up, dropped. */
void awaited_ended(Outbox *outbox, const Mail *mail);

/* When the next of them has waited long enough (monotonic, ms); INT64_MAX: none waits. */
int64_t awaited_until_ms(const Awaited *awaited);
/* Answers those whose time is over at NOW_MS; INT64_MAX: all. */
void awaited_expire(Outbox *outbox, int64_t now_ms);

#endif
