/* SPDX-License-Identifier: MIT */
#ifndef BRIDGE_DELIVERY_SMTP_OPENING_H
#define BRIDGE_DELIVERY_SMTP_OPENING_H

#include <stdbool.h>
#include <stddef.h>

#include "bridge/delivery/delivery.h"
#include "bridge/delivery/smtp/capabilities.h"
#include "bridge/delivery/smtp/reply.h"

/* What is known of a session while it is being opened: how far it came, and what the
 * server said.  It only listens. */

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
    bool answered;             /* STARTTLS was, in whatever way */
    bool first_line;           /* of a reply to EHLO: the server's name */
    Capabilities capabilities; /* of the last EHLO: what was said before TLS is forgotten */
    Reply last;                /* the last reply; code 0: none yet */
    ReplyParser parser;
} Opening;

/* What kept a session from being opened. */
typedef enum {
    OPENING_BROKEN,      /* the connection, the name; or what the server said last */
    OPENING_TIMED_OUT,
    OPENING_TLS_FAILED,
    OPENING_TLS_UNTRUSTED, /* the server's certificate is not one we trust */
    OPENING_NO_STARTTLS,
    OPENING_NO_AUTH,     /* open, but not authenticated */
    OPENING_NO_AUTH_CLEAR, /* the same, because a password is not sent in clear */
} OpeningFailure;

void opening_init(Opening *opening, bool starttls, bool login);
void opening_connected(Opening *opening);
/* A line the server said, with its end. */
void opening_hear(Opening *opening, const char *line, size_t length);

/* For the log: "TLS handshake: …".  DETAIL: in libcurl's or the system's words; WAIT_MS:
 * how long was waited. */
char *opening_failure_text(const Opening *opening, OpeningFailure failure, const char *detail,
                           int64_t wait_ms);
RelayFault opening_failure_fault(const Opening *opening, OpeningFailure failure);

#endif
