/* SPDX-License-Identifier: MIT */
#ifndef BRIDGE_INTAKE_WEBHOOK_ANSWER_H
#define BRIDGE_INTAKE_WEBHOOK_ANSWER_H

#include "bridge/intake/format.h"
#include "bridge/intake/hooks.h"
#include "bridge/intake/http.h"

/* A webhook on its way through webhook.c, and the ways out of it: each is one answer, one
 * line in the log, one count, and after each of them the webhook is gone. */
typedef struct {
    const IntakeHooks *hooks;
    HttpExchange *exchange;
    Config *config;
    const SourceConfig *source; /* of `config`; NULL: no such source */
    const Format *format;
    Event *event; /* until accept takes it */
    Lane *lane;
    /* While it waits for the delivery. */
    HttpAnswer answer;
    const char *result;
    /* For the log. */
    char *group, *reason;
    char *ignored; /* why the payload has no alerts */
    AlertStatus status;
    size_t alerts;
} Webhook;

/* 4xx.  REASON is one line. */
void webhook_refuse(Webhook *webhook, unsigned code, const char *reason);
/* 503: later. */
void webhook_busy(Webhook *webhook, const char *reason);
/* 200: nothing in it is for anybody. */
void webhook_ignored(Webhook *webhook);
/* accept_event()'s done(); WHO is the webhook.  With `ack: delivered` the answer comes when
 * its mails are settled. */
void webhook_accepted(void *who, AcceptStatus status, const char *reason,
                      const AcceptResult *results, size_t n);

#endif
