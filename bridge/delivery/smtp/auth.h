/* SPDX-License-Identifier: MIT */
#ifndef BRIDGE_DELIVERY_SMTP_AUTH_H
#define BRIDGE_DELIVERY_SMTP_AUTH_H

#include <glib.h>
#include <stdbool.h>

#include "config/config.h"

/* The words of SMTP AUTH: which mechanism is used, and what is said in it.  No network. */

/* With what we may log in; "" is none.  Each secret is overwritten when it is no longer
 * needed. */
typedef struct {
    char *username, *identity;
    char *password, *secret, *token;
    char *host;     /* for OAUTHBEARER */
    unsigned port;
    bool exposed;   /* anybody could listen: only what shows no secret is used */
} Credentials;

void credentials_clear(Credentials *credentials);

typedef struct AuthMechanism AuthMechanism;

typedef struct {
    const AuthMechanism *mechanism; /* NULL: none */
    unsigned answers;               /* given so far */
    unsigned challenges;            /* heard so far */
    GPtrArray *said;                /* what went over the wire, to be known again */
} Auth;

/* The best mechanism that OFFERED (what follows AUTH in the reply to EHLO) and CREDENTIALS
 * have in common, and AUTH with its initial response where that fits into a line; ends in
 * CRLF.  NULL if there is none in common. */
char *auth_start(Auth *auth, const Credentials *credentials, const char *offered);
/* The line for a 334 with CHALLENGE behind it.  A challenge that nothing can be said to is
 * answered with "*", which makes the server end it.  NULL: it goes on all the same, and more
 * often than any mechanism does. */
char *auth_answer(Auth *auth, const Credentials *credentials, const char *challenge);
void auth_clear(Auth *auth);

/* Every secret, in every form in which the server may say it again, for mask_list(). */
GPtrArray *auth_secrets(const Auth *auth, const Credentials *credentials);

#endif
