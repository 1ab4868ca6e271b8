/* SPDX-License-Identifier: MIT */
#ifndef BRIDGE_TLS_SERVER_H
#define BRIDGE_TLS_SERVER_H

#include <glib.h>

#include "config/web_config.h"

/* What a connection that comes in over TLS is served with.  The one home of GnuTLS.
 * Immutable; any thread. */
typedef struct TlsServer TlsServer;

/* Reads the certificates.  ERROR: SYSTEM if they cannot be used. */
TlsServer *tls_server_new(const WebConfig *config, GError **error);
TlsServer *tls_server_ref(TlsServer *server);
void tls_server_unref(TlsServer *server); /* NULL is allowed */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TlsServer, tls_server_unref)

/* SESSION (gnutls_session_t), before its handshake, is served with this, which must live as
 * long as the session. */
void tls_server_prepare(TlsServer *server, void *session);

/* For libmicrohttpd's MHD_OPTION_HTTPS_CERT_CALLBACK, which wants one: never called, as every
 * session is prepared. */
int tls_server_no_certificate(void);

#endif
