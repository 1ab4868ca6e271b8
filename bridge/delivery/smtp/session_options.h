/* SPDX-License-Identifier: MIT */
#ifndef BRIDGE_DELIVERY_SMTP_SESSION_OPTIONS_H
#define BRIDGE_DELIVERY_SMTP_SESSION_OPTIONS_H

#include "bridge/delivery/smtp/auth.h"
#include "bridge/delivery/smtp/session.h"

/* How a session is opened; part of session.c. */

bool options_encrypt(const RelayConfig *relay);
bool options_login(const RelayConfig *relay);
/* Reads the secrets; false with ERROR set (SYSTEM) if one cannot be read.  To be cleared
 * either way. */
bool options_read_credentials(const RelayConfig *relay, Credentials *credentials, GError **error);

/* The name that the server's certificate must have; it stands in the URL. */
const char *options_tls_name(const RelayConfig *relay);
/* A curl_slist for CURLOPT_CONNECT_TO, where another host than the URL's is meant. */
void *options_connect_to(const char *host, unsigned port);
/* Sets what PLAN says on EASY (a CURL) for a connection that begins with TLS, or without.
 * Errors as session_open(). */
bool options_set(void *easy, const SessionPlan *plan, bool tls, GError **error);

#endif
