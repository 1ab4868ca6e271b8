/* SPDX-License-Identifier: MIT */
#include "bridge/crypto.h"

#include <limits.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

void crypto_sha256(const void *data, size_t length, guint8 digest[CRYPTO_SHA256_SIZE])
{
    unsigned size = 0;
    int done = EVP_Digest(data, length, digest, &size, EVP_sha256(), NULL);
    g_assert(done == 1 && size == CRYPTO_SHA256_SIZE); /* fails only without memory */
}

bool crypto_equal(const void *a, size_t a_length, const void *b, size_t b_length)
{
    guint8 left[CRYPTO_SHA256_SIZE], right[CRYPTO_SHA256_SIZE];
    crypto_sha256(a, a_length, left);
    crypto_sha256(b, b_length, right);
    return CRYPTO_memcmp(left, right, sizeof left) == 0;
}

bool crypto_random(void *bytes, size_t length)
{
    return length <= INT_MAX && RAND_bytes(bytes, (int)length) == 1;
}
