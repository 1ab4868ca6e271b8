/* SPDX-License-Identifier: MIT */
#ifndef BRIDGE_INTAKE_WEB_H
#define BRIDGE_INTAKE_WEB_H

#include <glib.h>
#include <stdbool.h>

#include "bridge/lanes.h"
#include "bridge/log.h"
#include "bridge/tls_server.h"

/* What --web.config.file says, in force: certificates, and who may come in.  Every function
 * takes NULL for "there is no such file".  Any thread. */
typedef struct Web Web;

/* Reads the file and the certificates.  LOG may be NULL. */
Web *web_new(const char *path, Log *log, GError **error);
void web_free(Web *web);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Web, web_free)

/* Reads them anew.  False with ERROR set, and nothing changed, if they cannot be used, or the
 * file takes TLS or all authentication away, or brings TLS: these want a restart. */
bool web_reload(Web *web, GError **error);
/* The same if any of the files has changed, so that rotated certificates need no reload; a
 * failure is logged, once. */
void web_refresh(Web *web);

bool web_has_tls(const Web *web);
/* For a new connection, with a reference; there must be TLS. */
TlsServer *web_tls(Web *web);

/* Whether names and passwords are asked for. */
bool web_has_users(Web *web);
/* Whether nobody unknown comes in: there are users, or clients' certificates are verified. */
bool web_keeps_out(Web *web);

/* Calls add(data, …) for each header that every answer is to have. */
typedef void WebAddHeader(void *data, const char *name, const char *value);
void web_add_headers(Web *web, WebAddHeader *add, void *data);

#define WEB_CHALLENGE "Basic realm=\"alertpost\""

/* Whether AUTHORIZATION, a request's header, is known to be right; takes no time. */
bool web_knows(Web *web, const char *authorization);
/* Calls done(data, …) at once if it is known, else after its check.  On a worker; there is
 * one check at a time, the others wait for it and let their workers go. */
typedef void WebDone(void *data, bool passes);
void web_ask(Web *web, Lanes *lanes, const char *authorization, WebDone *done, void *data);

#endif
