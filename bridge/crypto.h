/* SPDX-License-Identifier: MIT */
#ifndef BRIDGE_CRYPTO_H
#define BRIDGE_CRYPTO_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

/* The one home of OpenSSL.  Any thread may call. */

#define CRYPTO_SHA256_SIZE 32
void crypto_sha256(const void *data, size_t length, guint8 digest[CRYPTO_SHA256_SIZE]);

/* Whether two secrets are the same, in a time that tells nothing of where they differ,
 * nor of how long they are beyond what hashing them takes. */
bool crypto_equal(const void *a, size_t a_length, const void *b, size_t b_length);

/* LENGTH bytes that nobody can guess.  False if the system has none: use nothing then. */
bool crypto_random(void *bytes, size_t length);

#endif
