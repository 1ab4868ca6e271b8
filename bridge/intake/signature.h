/* SPDX-License-Identifier: MIT */
#ifndef BRIDGE_INTAKE_SIGNATURE_H
#define BRIDGE_INTAKE_SIGNATURE_H

#include "bridge/intake/auth.h"

/* Signatures (HMAC) over a webhook's bytes. */

/* Whether the header is there, and those that are signed with the body. */
bool signature_is_tried(const SignatureConfig *signature, AuthHeader *header,
                        const void *request);
/* Any of the secrets is enough; an empty one is never.  STALE only if the signature is right.
 * BROKEN, with ERROR set (SYSTEM), if a secret cannot be read and no other one fits. */
AuthVerdict signature_check(const SignatureConfig *signature, const AuthRequest *request,
                            GError **error);

#endif
