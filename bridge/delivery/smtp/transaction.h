/* SPDX-License-Identifier: MIT */
#ifndef BRIDGE_DELIVERY_SMTP_TRANSACTION_H
#define BRIDGE_DELIVERY_SMTP_TRANSACTION_H

#include <glib.h>

#include "bridge/delivery/smtp/capabilities.h"
#include "bridge/delivery/smtp/envelope.h"
#include "bridge/delivery/smtp/job.h"
#include "bridge/delivery/smtp/outgoing.h"
#include "bridge/delivery/smtp/reply.h"
#include "bridge/delivery/smtp/transport.h"
#include "bridge/delivery/smtp/verdict.h"

/* One SMTP transaction (MAIL, RCPT…, DATA, the mail, the dot) over a session that is
 * open and authenticated. */

/* In what state the session is left. */
typedef enum {
    END_KEEP,  /* ready for the next transaction */
    END_RESET, /* the same, if that begins with RSET */
    END_CLOSE, /* not to be used again; what was said holds */
    END_LOST,  /* gone before the final dot: who is pending got nothing */
} TransactionEnd;

typedef enum { NEED_READ, NEED_WRITE, NEED_NOTHING } TransactionNeed;
typedef enum { WAIT_COMMAND, WAIT_WRITE, WAIT_DOT } TransactionWait;
typedef enum { PHASE_GROUP, PHASE_BODY, PHASE_LONE_DOT, PHASE_OVER } TransactionPhase;

typedef struct {
    Transport transport;
    Job *job;                         /* the first 100 of its pending recipients */
    const Capabilities *capabilities; /* of the session; outlives the transaction */
    const char *relay;                /* for the outcomes; the same */
    bool reset;                       /* begin with RSET */
    Outgoing *out;                    /* the session's */
    bool lockstep;                    /* no command before the reply to the last one */
    bool behind;                      /* begins behind the final dot of another one */
} TransactionPlan;

/* Its owner reads the first six after NEED_NOTHING, `progress` any time; the rest is
 * the transaction's own. */
typedef struct Transaction {
    TransactionEnd end;
    RelayFault fault;  /* not FAULT_NONE: the relay's, for those who are pending */
    Reply why;         /* the words behind a fault or a loss; code 0 if they are ours */
    Verb why_verb;     /* what they answer */
    unsigned replies[VERB_COUNT][6]; /* by the code's first digit */
    unsigned progress; /* grows with every reply and every write */

    TransactionPlan plan;
    TransactionPhase phase;
    bool mail_failed;
    unsigned n, n_accepted, n_policy; /* recipients of this transaction, and of them */
    unsigned which[ENVELOPE_MAX]; /* their index in the mail */
    bool accepted[ENVELOPE_MAX], again[ENVELOPE_MAX];
    unsigned sent, answered; /* steps of the group: RSET, MAIL, RCPT…, DATA */
    ReplyParser parser;
    struct Transaction *next; /* whose commands go behind our final dot */
} Transaction;

/* Takes the recipients, refusing those whose address cannot be used.  Sends nothing:
 * the first step does. */
void transaction_start(Transaction *transaction, const TransactionPlan *plan);
/* Does what can be done now; READABLE says that there is something to read.  Recipients
 * are settled in the job as their answers come. */
TransactionNeed transaction_step(Transaction *transaction, bool readable);
/* Its two halves. */
void transaction_read(Transaction *transaction);
TransactionNeed transaction_write(Transaction *transaction);
/* The server takes a mail of ours now, and the commands of another transaction may stand
 * behind its dot. */
bool transaction_takes_next(const Transaction *transaction);
/* NEXT was started with `behind`.  What the server says after the reply to our dot is for
 * it; if we do not end with KEEP or RESET, it got nothing and is to be started anew. */
void transaction_queue(Transaction *transaction, Transaction *next);
/* It is over, and the session can be used on. */
bool transaction_leaves_session(const Transaction *transaction);
/* It got no answer at all so far. */
bool transaction_is_unheard(const Transaction *transaction);
/* Ends it from outside (time is up, stopping) with our words: LOST, or in doubt if the
 * final dot may be out. */
void transaction_cut(Transaction *transaction, const char *why);
/* Makes every recipient of it pending again: the refusal of all was the relay's fault. */
void transaction_take_back(Transaction *transaction);

TransactionWait transaction_wait(const Transaction *transaction);
/* "MAIL", "DATA", "the final dot": whose reply is waited for. */
const char *transaction_waits_for(const Transaction *transaction);

#endif
