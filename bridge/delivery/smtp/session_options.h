/* SPDX-License-Identifier: MIT */
#ifndef BRIDGE_DELIVERY_SMTP_SESSION_OPTIONS_H
#define BRIDGE_DELIVERY_SMTP_SESSION_OPTIONS_H

#include "bridge/delivery/smtp/session.h"

/* How a session is opened; part of session.c. */

bool options_encrypt(const RelayConfig *relay);
bool options_login(const RelayConfig *relay);
/* Anybody could listen: no mechanism that shows the password is used. */
bool options_hold_back_password(const RelayConfig *relay);

/* Sets what PLAN says on EASY (a CURL).  *TAKE_LIST (a curl_slist, or NULL) must live
 * as long as EASY.  Errors as session_open(). */
bool options_set(void *easy, const SessionPlan *plan, void **take_list, GError **error);

#endif
