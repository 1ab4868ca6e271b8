/* SPDX-License-Identifier: MIT */
#ifndef BRIDGE_DELIVERY_SMTP_ENVELOPE_H
#define BRIDGE_DELIVERY_SMTP_ENVELOPE_H

#include "bridge/delivery/smtp/capabilities.h"
#include "bridge/delivery/smtp/job.h"

/* Who gets a mail in one transaction, and whether the server can take it at all. */

#define ENVELOPE_MAX 100 /* recipients; every server takes that many (RFC 5321) */

/* Puts the first pending recipients of JOB into WHICH and gives their number.  Those
 * whose address cannot be used are refused; all are, if the sender's cannot, or if the
 * mail is larger than the server takes. */
unsigned envelope_choose(Job *job, const Capabilities *capabilities, const char *relay,
                         unsigned which[ENVELOPE_MAX]);
/* The sender's or one of these recipients' addresses needs SMTPUTF8. */
bool envelope_is_international(const Mail *mail, const unsigned *which, unsigned n);

#endif
