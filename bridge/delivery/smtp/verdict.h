/* SPDX-License-Identifier: MIT */
#ifndef BRIDGE_DELIVERY_SMTP_VERDICT_H
#define BRIDGE_DELIVERY_SMTP_VERDICT_H

#include "bridge/delivery/delivery.h"
#include "bridge/delivery/smtp/reply.h"

/* What a reply to a command of a transaction means: whose fault it is decides what
 * waits.  The relay's fault costs no mail anything; the recipient's and the mail's
 * are theirs; what is only for now is deferred. */

typedef enum { VERB_RSET, VERB_MAIL, VERB_RCPT, VERB_DATA, VERB_DOT, VERB_COUNT } Verb;
const char *verb_text(Verb verb); /* "MAIL", …; the final dot is "dot" */

typedef enum {
    VERDICT_OK,
    VERDICT_DEFER,    /* not now */
    VERDICT_REFUSE,   /* never */
    VERDICT_AGAIN,    /* too many recipients in one transaction: in the next one */
    VERDICT_RELAY,    /* the relay's own fault */
    VERDICT_CLOSING,  /* 421: the session is over */
    VERDICT_SURPRISE, /* no answer to this command: the session cannot be trusted */
} VerdictKind;

typedef struct {
    VerdictKind kind;
    RelayFault fault; /* with RELAY and CLOSING, else FAULT_NONE */
} Verdict;

Verdict verdict_of(Verb verb, const Reply *reply);
/* A refusal of a recipient that is rather of us: 5.7.x, or authentication wanted. If
 * every recipient gets one, it is the relay's fault. */
bool verdict_is_policy(const Reply *reply);

#endif
