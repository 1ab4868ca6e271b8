/* SPDX-License-Identifier: MIT */
#ifndef BRIDGE_FETCH_H
#define BRIDGE_FETCH_H

#include <glib.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "config/config.h"

/* One HTTP request of ours, over http or https.  Redirections are not followed, and no
 * proxy is taken from the environment. */
typedef struct {
    const char *method; /* NULL: POST with a body, else GET */
    const char *url;    /* with no user in it */
    const char *const *headers; /* "Name: value", NULL-terminated; NULL: none */
    const char *body;   /* NULL: none */
    size_t length;      /* of the body */
    int64_t timeout_ms; /* for everything, from the name to the last byte */
    size_t answer_max;  /* the largest body taken */
    const char *username, *password; /* basic authentication; NULL: none */
    const char *proxy;               /* its URL; NULL: none */
    const TlsConfig *tls;            /* NULL: the system's certificates, nothing special */
    const atomic_bool *stop;         /* once true, the request ends within a second; NULL: never */
} FetchRequest;

typedef struct {
    unsigned status;
    char *body; /* with a NUL behind it */
    size_t length;
} FetchAnswer;

/* Blocks until the answer is there, whatever its status.  False with ERROR set: INPUT (URL,
 * header or setting of no use), REMOTE (network, TLS, timeout, no HTTP), LIMIT (larger than
 * answer_max), SYSTEM (the client's key cannot be read).  ANSWER then has nothing to free.
 * Any thread. */
bool fetch(const FetchRequest *request, FetchAnswer *answer, GError **error);
/* It may hold a secret: overwritten before it is freed. */
void fetch_answer_clear(FetchAnswer *answer);

#endif
