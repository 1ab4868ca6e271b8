/* SPDX-License-Identifier: MIT */
#ifndef BRIDGE_DELIVERY_TOKEN_H
#define BRIDGE_DELIVERY_TOKEN_H

#include <glib.h>
#include <stdint.h>

#include "bridge/fetch.h"

/* What a token endpoint is asked and answers (RFC 6749, 4.4 and 6); no network, no clock. */

typedef struct {
    char *text; /* NULL: none */
    char *refresh; /* the token to refresh it with next time; NULL: as before */
    int64_t renew_ms, end_ms; /* when a new one is to be asked for; when it is of no use */
} Token;

/* TOKEN from an answer that came at NOW_MS.  False with ERROR set (REMOTE) if it holds none:
 * "HTTP 401: invalid_client: the endpoint's words". */
bool token_read(const FetchAnswer *answer, int64_t now_ms, Token *token, GError **error);
void token_clear(Token *token); /* overwrites it */

/* The endpoint would not have the client's secret in the form; it may take it in a header. */
bool token_wants_header(const FetchAnswer *answer);

#endif
