/* SPDX-License-Identifier: MIT */
#ifndef BRIDGE_MAIL_H
#define BRIDGE_MAIL_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rules/retry.h"

/* What became of one recipient in one attempt: a value, never a log line. */
typedef struct {
    OutcomeKind kind;
    int code;          /* SMTP reply code, 0 if there was none */
    char enhanced[12]; /* "5.1.1", "" */
    char *relay;       /* "host:port" */
    char *text;        /* the server's words, or ours; "" if none; valid UTF-8, one line */
} Outcome;

void outcome_set(Outcome *outcome, OutcomeKind kind, int code, const char *enhanced,
                 const char *relay, const char *text);
void outcome_clear(Outcome *outcome);
const char *outcome_kind_text(OutcomeKind kind); /* "delivered", "deferred", … */

typedef struct {
    char *address;     /* envelope form, without <> */
    RecipientState state;
    unsigned attempts;
    int64_t due_ms;    /* next attempt, Unix time; 0: now */
    bool in_doubt;     /* an earlier attempt may have delivered it */
    Outcome last;      /* of the last attempt that said something … */
    int64_t last_ms;   /* … and when it ended; 0: there was none */
    bool tried;        /* `last` is of the attempt that is being reported */
} Recipient;

/* One mail: bytes made once, and who is still to get them. Passed from owner to owner. */
typedef struct Mail {
    int64_t id;        /* given by the outbox; 0 before */
    char *message_id;  /* without <>; also the mail's public name */
    char *sender;      /* envelope */
    Recipient *recipients;
    unsigned n_recipients;
    char *bytes;       /* canonical: CRLF, not dot-stuffed */
    size_t length;
    char *receiver;    /* the configuration's receiver, the index of its email_config, … */
    unsigned integration;
    char *relay;       /* … and RelayConfig.key at acceptance; resolved anew when claimed */
    char *group;       /* order is kept per group and recipient */
    char *subject;     /* decoded, for logs and lists */
    int64_t accepted_ms;
    int64_t since_ms;  /* when the time to give up began, if later: a retry by hand */
    unsigned attempts; /* claims so far */
} Mail;

Mail *mail_new(void); /* all texts "" */
void mail_free(Mail *mail); /* NULL is allowed */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Mail, mail_free)
void mail_add_recipient(Mail *mail, const char *address);

typedef enum {
    MAIL_PENDING, /* somebody is still to get it */
    MAIL_DONE,    /* somebody has it, and nobody was given up */
    MAIL_DEAD,    /* somebody was given up, or everybody refused; a mail to nobody too */
} MailFate;
MailFate mail_fate(const Mail *mail);

#endif
