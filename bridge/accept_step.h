/* SPDX-License-Identifier: MIT */
#ifndef BRIDGE_ACCEPT_STEP_H
#define BRIDGE_ACCEPT_STEP_H

#include <glib.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "bridge/accept.h"
#include "bridge/accept_mail.h"
#include "bridge/accept_route.h"
#include "rules/dedup.h"

/* What the files of accept share: accept.c (the way through the threads),
 * accept_decide.c (what comes of each part) and accept_answer.c (what is said of it). */

/* One email_config of a receiver that alerts reached. */
typedef struct {
    const Reach *reach;
    unsigned integration;
    char *key;             /* of its record, and the group of its mails */
    Record record;         /* as read */
    DedupDecision decision;
    Event *mailed;         /* what the mail is about; NULL: suppressed */
    int64_t last_mail_ms;  /* before this decision */
    bool last_mail_queued; /* asked only where it matters */
    MailReport report;
    char *message_id;      /* of its mail; NULL: suppressed */
} Part;

typedef struct {
    const Accept *accept;
    Config *config;
    Event *event;
    DedupWebhook webhook;
    int64_t now_ms;
    GPtrArray *reached; /* Reach * */
    Part *parts;
    size_t n_parts;
    size_t asked;       /* parts whose last mail has been asked about */
    unsigned tries;
    pthread_t caller;   /* who is inside a call of the outbox */
    AcceptDone *done;
    void *who;
} Step;

/* Whether the part is worth a mail, as things stood when its record was read. */
void part_decide(const Step *step, Part *part);
/* Adds the part's mail, if it sends one, and its state, if that changed. */
void part_change(const Step *step, Part *part, Change *change);
/* Back to before the record was read. */
void part_forget(Part *part);

/* After the commit: metrics and log lines of all parts. */
void step_account(const Step *step);
/* One AcceptResult a part and a receiver without email_configs; texts to free. */
GArray *step_results(const Step *step);

#endif
