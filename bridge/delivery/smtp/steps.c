/* SPDX-License-Identifier: MIT */
#include "bridge/delivery/smtp/steps.h"

#include <string.h>

enum {
    FIXED_SIZE = 128, /* RSET, MAIL FROM:<> SIZE= SMTPUTF8, DATA */
    RCPT_SIZE = 16,   /* RCPT TO:<> */
};

Verb steps_verb(const Transaction *t, unsigned step)
{
    if (step < 2) {
        return step == 0 ? VERB_RSET : VERB_MAIL;
    }
    return step < t->n + 2 ? VERB_RCPT : VERB_DATA;
}

static void add_mail(Transaction *t)
{
    const Mail *mail = t->plan.job->mail;
    bool international = envelope_is_international(mail, t->which, t->n);
    outgoing_add(t->plan.out, "MAIL FROM:<%s>", mail->sender);
    if (t->plan.capabilities->size) {
        outgoing_add(t->plan.out, " SIZE=%zu", mail->length);
    }
    outgoing_add(t->plan.out, "%s\r\n", international ? " SMTPUTF8" : "");
}

static void add_step(Transaction *t)
{
    unsigned step = t->sent++;
    switch (steps_verb(t, step)) {
    case VERB_RSET:
        outgoing_add(t->plan.out, "RSET\r\n");
        break;
    case VERB_MAIL:
        add_mail(t);
        break;
    case VERB_RCPT: {
        unsigned i = t->which[step - 2];
        outgoing_add(t->plan.out, "RCPT TO:<%s>\r\n", t->plan.job->mail->recipients[i].address);
        break;
    }
    default:
        outgoing_add(t->plan.out, "DATA\r\n");
    }
}

bool steps_are_grouped(const Transaction *t)
{
    return t->plan.capabilities->pipelining && !t->plan.lockstep;
}

size_t steps_size(const Transaction *t)
{
    const Mail *mail = t->plan.job->mail;
    size_t size = FIXED_SIZE + strlen(mail->sender);
    for (unsigned i = 0; i < t->n; i++) {
        size += RCPT_SIZE + strlen(mail->recipients[t->which[i]].address);
    }
    return size;
}

void steps_add(Transaction *t)
{
    unsigned end = t->n + 3;
    if (steps_are_grouped(t)) {
        while (t->sent < end) {
            add_step(t);
        }
    } else if (t->sent < end && t->sent == t->answered) {
        add_step(t);
    }
}
