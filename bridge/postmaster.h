/* SPDX-License-Identifier: MIT */
#ifndef BRIDGE_POSTMASTER_H
#define BRIDGE_POSTMASTER_H

#include <stddef.h>
#include <stdint.h>

#include "bridge/compose/compose.h"
#include "bridge/mail.h"
#include "config/config.h"

/* The mail that tells the postmaster of N dead mails.  NULL if the configuration names no
 * postmaster, or no mail server.  It has no receiver: nobody is told when it dies itself. */
Mail *postmaster_notice(const Config *config, Dkim *signer, const Mail *const *dead, size_t n,
                        int64_t now_ms);

#endif
