/* SPDX-License-Identifier: MIT */
#ifndef BRIDGE_INTAKE_AUTH_H
#define BRIDGE_INTAKE_AUTH_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "config/config.h"

/* Whether a request may pass. */
typedef enum {
    AUTH_OK,
    AUTH_REFUSED, /* 401 */
    AUTH_STALE,   /* 401: signed too long ago, or in the future */
    AUTH_BROKEN,  /* 503: a secret cannot be read */
} AuthVerdict;

/* Looks up a header of REQUEST; NULL if it has none. */
typedef const char *AuthHeader(const void *request, const char *name);

/* What is judged. */
typedef struct {
    AuthHeader *header;
    const void *request;
    const char *body; /* as it came */
    size_t length;
    int64_t now_ms;   /* since 1970 */
} AuthRequest;

/* Whether there is anything to check; no secret is read, so any thread may ask. */
bool auth_is_tried(const AuthConfig *auth, AuthHeader *header, const void *request);
/* Any of the ways that are configured is enough.  Reads the secrets' files: on a worker.
 * BROKEN sets ERROR (SYSTEM), and is said only where nothing else was enough. */
AuthVerdict auth_check(const AuthConfig *auth, const AuthRequest *request, GError **error);
/* Takes an Authorization header apart, which may be NULL; free the name, and the password with
 * secret_free().  False if it is not of basic authentication. */
bool auth_parse_basic(const char *authorization, char **name, char **password);
/* The WWW-Authenticate header that goes with 401. */
const char *auth_challenge(const AuthConfig *auth);

#endif
