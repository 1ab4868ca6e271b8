/* SPDX-License-Identifier: MIT */
#ifndef BRIDGE_API_MAILS_H
#define BRIDGE_API_MAILS_H

#include <glib.h>
#include <stdint.h>

#include "bridge/intake/http.h"
#include "bridge/outbox/manage.h"

/* /api/v1/mails and all below it: behind HTTP, and behind `alertpost queue` where no
 * daemon runs. */
#define MAILS_PATH "/api/v1/mails"

typedef struct {
    HttpMethod method;
    const char *path;      /* decoded; begins with MAILS_PATH */
    GHashTable *arguments; /* of char *: the query's, decoded; NULL: none */
    int64_t now_ms;        /* Unix time, from which ages count */
} MailsRequest;

typedef void MailsDone(void *who, const HttpAnswer *answer);
/* done() gets the answer, whose body is its to take: on the storage thread, or before
 * this returns. */
void mails_answer(Outbox *outbox, const MailsRequest *request, MailsDone *done, void *who);

#endif
