/* SPDX-License-Identifier: MIT */
#ifndef BRIDGE_PASSWORD_H
#define BRIDGE_PASSWORD_H

#include <stdbool.h>

/* Whether HASH is of PASSWORD (bcrypt).  Takes a tenth of a second and more: on a worker.
 * The one home of libxcrypt; any thread. */
bool password_matches(const char *password, const char *hash);

#endif
