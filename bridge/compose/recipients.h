/* SPDX-License-Identifier: MIT */
#ifndef BRIDGE_COMPOSE_RECIPIENTS_H
#define BRIDGE_COMPOSE_RECIPIENTS_H

#include <glib.h>

#include "bridge/compose/compose.h"

/* Who gets a mail: each mailbox once, under the first of to, cc, bcc that names it. */
typedef struct {
    GPtrArray *to, *cc, *bcc; /* Address * */
} Recipients;

/* Reads the draft's lists; what is not valid, not allowed or too much goes to PROBLEMS. */
void recipients_parse(const Draft *draft, Recipients *recipients, GPtrArray *problems);
void recipients_clear(Recipients *recipients);

#endif
