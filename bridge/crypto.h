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

/* HMAC (RFC 2104). */
typedef enum { CRYPTO_SHA1, CRYPTO_SHA224, CRYPTO_SHA256, CRYPTO_SHA384, CRYPTO_SHA512 } CryptoHash;
#define CRYPTO_HMAC_MAX 64
typedef struct {
    const void *data;
    size_t length;
} CryptoPart;
/* Of the PARTS one after the other; the digest's length, 0 if OpenSSL cannot: there is no
 * memory, or it does not allow this hash. */
size_t crypto_hmac(CryptoHash hash, const void *key, size_t key_length, const CryptoPart *parts,
                   size_t n, guint8 digest[CRYPTO_HMAC_MAX]);

/* An RSA private key; never changes. */
typedef struct CryptoKey CryptoKey;
/* From PEM text (PKCS #8 or PKCS #1, not encrypted). NULL with ERROR set (INPUT). */
CryptoKey *crypto_key_parse(const char *pem, GError **error);
CryptoKey *crypto_key_ref(CryptoKey *key);
void crypto_key_unref(CryptoKey *key); /* NULL is allowed */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(CryptoKey, crypto_key_unref)
unsigned crypto_key_bits(const CryptoKey *key);
/* The signature over LENGTH bytes at DATA (RSASSA-PKCS1-v1_5 with SHA-256) as base64, to
 * free.  NULL if OpenSSL cannot: the key is broken, or there is no memory. */
char *crypto_sign(const CryptoKey *key, const void *data, size_t length);

/* LENGTH bytes that nobody can guess.  False if the system has none: use nothing then. */
bool crypto_random(void *bytes, size_t length);

#endif
