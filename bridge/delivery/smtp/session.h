/* SPDX-License-Identifier: MIT */
#ifndef BRIDGE_DELIVERY_SMTP_SESSION_H
#define BRIDGE_DELIVERY_SMTP_SESSION_H

#include <glib.h>

#include "bridge/delivery/delivery.h"
#include "bridge/delivery/smtp/capabilities.h"
#include "bridge/delivery/smtp/loop.h"
#include "bridge/delivery/smtp/transport.h"
#include "config/config.h"

/* A connection to a mail server, opened (name, TCP, EHLO, STARTTLS, AUTH), and then a stream
 * of bytes.  All on the loop's thread; nothing blocks. */

/* What opens sessions; one a loop. */
typedef struct Connector Connector;
Connector *connector_new(Loop *loop, GError **error); /* SYSTEM */
void connector_free(Connector *connector); /* after its last session; NULL is allowed */

typedef struct Session Session;

typedef struct {
    /* The session is open and authenticated. */
    void (*opened)(void *who);
    /* It is not, for REASON; TEXT is what happened ("TLS handshake: …").  It is still
     * to be closed. */
    void (*failed)(void *who, RelayFault reason, const char *text);
    /* An open session can be read from or, where session_want_write() asked for it,
     * be written to. */
    void (*ready)(void *who, bool readable);
} SessionEvents;

typedef struct {
    Config *config; /* that the relay is of; referenced while a token is waited for */
    const RelayConfig *relay;
    const DeliveryConfig *delivery; /* timeouts */
    const char *hello;              /* our name where the relay has none */
    const WireTap *tap;             /* NULL: nobody listens; else it outlives the session */
} SessionPlan;

/* Begins; events come later, never from within.  NULL with ERROR set (SYSTEM: the
 * secret cannot be read; INPUT: a setting is of no use).  PLAN need not outlive it. */
Session *session_open(Connector *connector, const SessionPlan *plan,
                      const SessionEvents *events, void *who, GError **error);
/* Closes the connection at once, whatever its state. */
void session_close(Session *session); /* NULL is allowed */

/* Valid once opened. */
const Capabilities *session_capabilities(const Session *session);
bool session_is_encrypted(const Session *session);
void session_want_write(Session *session, bool want);
/* WHO of the transport is the session. */
extern const TransportOps session_transport;

#endif
