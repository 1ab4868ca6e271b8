/* SPDX-License-Identifier: MIT */
#ifndef BRIDGE_DELIVERY_OAUTH2_H
#define BRIDGE_DELIVERY_OAUTH2_H

#include <glib.h>

#include "config/config.h"

/* Tokens for the relays that log in with OAuth2: asked for in threads of their own, kept for
 * all sessions of a relay, renewed when 80 % of their life are over. */
typedef struct Oauth2 Oauth2;
/* A session's wait for a token. */
typedef struct Ticket Ticket;

typedef enum { TOKEN_WAIT, TOKEN_READY, TOKEN_FAILED } TokenState;

/* ANSWERED is called from another thread whenever a request has ended: then the tickets may
 * be looked at again. */
Oauth2 *oauth2_new(void (*answered)(void *who), void *who);
/* Ends what is asked for, within a second; after the last ticket. NULL is allowed. */
void oauth2_free(Oauth2 *oauth2);

/* Wants a token for RELAY (of CONFIG, whose oauth2 is set); asks for one if there is none
 * and nobody has asked yet.  Never blocks, but for reading a token_file. */
Ticket *oauth2_ask(Oauth2 *oauth2, Config *config, const RelayConfig *relay);
/* READY: *TOKEN, to be given back with secret_free().  FAILED: ERROR (REMOTE, INPUT, LIMIT,
 * SYSTEM) says why, naming the URL. */
TokenState oauth2_look(Ticket *ticket, char **token, GError **error);
/* The mail server refused TOKEN: it is not given again.  True if it was not asked for by this
 * ticket, so that asking anew may help. */
bool oauth2_refuse(Ticket *ticket, const char *token);
void oauth2_drop(Ticket *ticket); /* NULL is allowed */

#endif
