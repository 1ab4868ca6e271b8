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

/* Sets what PLAN says on EASY (a CURL).  *TAKE_LIST (a curl_slist, or NULL) must live
 * as long as EASY.  Errors as session_open(). */
bool options_set(void *easy, const SessionPlan *plan, void **take_list, GError **error);

#endif
