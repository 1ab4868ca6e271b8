/* SPDX-License-Identifier: MIT */
#ifndef BRIDGE_DELIVERY_SMTP_OPENING_H
#define BRIDGE_DELIVERY_SMTP_OPENING_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

#include "bridge/delivery/delivery.h"
#include "bridge/delivery/smtp/capabilities.h"
#include "bridge/delivery/smtp/reply.h"

/* What is known of a session while it is being opened: how far it came, what the server
 * said, and what follows from it.  No network, no clock. */

typedef enum {
    STAGE_CONNECT,
    STAGE_GREETING, /* connected; with implicit TLS the handshake belongs to it */
    STAGE_HELLO,
    STAGE_STARTTLS,
    STAGE_TLS,      /* STARTTLS was accepted */
    STAGE_AUTH,
    STAGE_READY,
} OpeningStage;
const char *stage_text(OpeningStage stage); /* "connect", "greeting", "EHLO", … */

typedef struct {
    OpeningStage stage;
    bool starttls, login;      /* what is still to come */
    bool helo;                 /* EHLO was refused, HELO is what was said */
    Capabilities capabilities; /* of the last EHLO: what was said before TLS is forgotten */
    Reply last;                /* the last reply; code 0: none yet */
    GString *heard;            /* the lines of the reply under way, as they came */
    ReplyParser parser;
} Opening;

/* What to do next, when a reply has come. */
typedef enum {
    NEXT_EHLO,
    NEXT_HELO,
    NEXT_STARTTLS,
    NEXT_TLS,    /* the handshake; then opening_encrypted() */
    NEXT_LOGIN,  /* AUTH: session_login.c */
    NEXT_MAIL,   /* it is open */
    NEXT_FAIL,   /* an answer that will not do */
    NEXT_FAIL_STARTTLS, /* TLS cannot be had */
} OpeningNext;

/* What kept a session from being opened. */
typedef enum {
    OPENING_BROKEN,      /* the connection, the name; or what the server said last */
    OPENING_UNEXPECTED,  /* the server's last reply is the reason */
    OPENING_TIMED_OUT,
    OPENING_TLS_FAILED,
    OPENING_TLS_UNTRUSTED, /* the server's certificate is not one we trust */
    OPENING_NO_STARTTLS,
    OPENING_NO_AUTH,     /* open, but not authenticated */
    OPENING_NO_AUTH_CLEAR, /* the same, because a password is not sent in clear */
} OpeningFailure;

void opening_init(Opening *opening, bool starttls, bool login); /* a zeroed or used one */
void opening_clear(Opening *opening);
void opening_connected(Opening *opening);
void opening_encrypted(Opening *opening); /* STARTTLS is done: EHLO is said anew */
/* Eats what the server said, as reply_feed() does; a complete reply is then `last`. */
ReplyStatus opening_feed(Opening *opening, const char **bytes, size_t *length);
/* `last` is the answer to what was said last, up to STAGE_AUTH. */
OpeningNext opening_heard(Opening *opening);

/* For the log: "TLS handshake: …".  DETAIL: in libcurl's or the system's words; WAIT_MS:
 * how long was waited. */
char *opening_failure_text(const Opening *opening, OpeningFailure failure, const char *detail,
                           int64_t wait_ms);
RelayFault opening_failure_fault(const Opening *opening, OpeningFailure failure);

#endif
