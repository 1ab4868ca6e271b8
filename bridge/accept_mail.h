/* SPDX-License-Identifier: MIT */
#ifndef BRIDGE_ACCEPT_MAIL_H
#define BRIDGE_ACCEPT_MAIL_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "bridge/compose/compose.h"
#include "bridge/mail.h"
#include "config/config.h"
#include "rules/alert.h"
#include "rules/route.h"

/* The mail that one email_config sends for an event: behind accept, render and send.
 * Any thread. */

typedef struct {
    const Config *config;
    const Receiver *receiver;
    unsigned integration;    /* index of the email_config */
    const Event *event;      /* as it is mailed: see dedup_mailed() */
    const Route *route;      /* whose labels templates see; NULL: none */
    int64_t now_ms;
    const char *thread_root; /* Message-ID of the thread's first mail; "": this is it */
    const char *group;       /* Mail.group */
    Dkim *signer;            /* NULL: not signed */
    const char *to;          /* instead of all recipients that the receiver has; NULL: those */
} MailOrder;

/* A template that failed. */
typedef struct {
    char *part;  /* html, text, subject, to, …, labels, or a header's name */
    char *place; /* "file:line:col" in the user's files */
    char *text;  /* "file:line:col: path.to.key: reason" */
} RenderProblem;

/* What the templates made of it; NULL: the email_config has no such part. */
typedef struct {
    char *from, *to, *cc, *bcc, *reply_to, *subject, *html, *text;
    DraftHeader *headers; /* names are the configuration's */
    char **header_values; /* NULL-terminated, as many */
    size_t n_headers;
    const char *problem;     /* the text of the first problem; NULL: none */
    RenderProblem *problems; /* in the order of the parts */
    size_t n_problems;
} Rendered;

/* Runs every template; where one fails, its part stays NULL and the rest is rendered
 * all the same. */
void accept_render(const MailOrder *order, Rendered *rendered);
void rendered_clear(Rendered *rendered);

/* The mail as configured.  COMPOSED (may be NULL) is filled in as well, for its
 * problems and to be cleared by the caller.  NULL with ERROR set: INPUT if a template
 * or the sender's address fails or no recipient is left, LIMIT if it is too large. */
Mail *accept_mail(const MailOrder *order, Composed *composed, GError **error);

/* What COMPOSED is to the outbox and the relays; takes its bytes. */
Mail *accept_mail_of(const MailOrder *order, Composed *composed);

/* What became of the attempt to make a mail. */
typedef struct {
    char *problem;   /* why it is the plain fallback mail; NULL: it is as configured */
    char *part, *place; /* of the template that failed, as in RenderProblem; NULL if none did */
    char **left_out; /* recipients and headers: "to: x@: reason", NULL-terminated */
    char *unsigned_because; /* NULL: it is signed, or was not to be */
} MailReport;
void mail_report_clear(MailReport *report);

/* The mail as configured or, where that fails, a plain one that says why and lists the
 * alerts, to those recipients that are known, else to the postmaster.  Never NULL: with
 * nobody at all to send it to, it has one recipient, who is dead. */
Mail *accept_mail_always(const MailOrder *order, MailReport *report);

#endif
