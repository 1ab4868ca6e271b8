/* SPDX-License-Identifier: MIT */
#ifndef BRIDGE_DELIVERY_SMTP_STEPS_H
#define BRIDGE_DELIVERY_SMTP_STEPS_H

#include "bridge/delivery/smtp/transaction.h"

/* The commands of a transaction, by their number: 0 RSET, 1 MAIL, then a RCPT for each
 * recipient, then DATA.  Inside of transaction.c. */

Verb steps_verb(const Transaction *transaction, unsigned step);
/* All may leave in one write. */
bool steps_are_grouped(const Transaction *transaction);
/* Not less than the bytes of all of them. */
size_t steps_size(const Transaction *transaction);
/* Adds those that may leave now and have not. */
void steps_add(Transaction *transaction);

#endif
