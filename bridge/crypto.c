/* SPDX-License-Identifier: MIT */
#include "bridge/crypto.h"

#include <limits.h>
#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <stdatomic.h>
#include <string.h>

#include "rules/fault.h"

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

/* --- signatures --- */

struct CryptoKey {
    atomic_int refs;
    EVP_PKEY *key;
};

/* Without it OpenSSL would ask for the password of an encrypted key on the terminal. */
static int no_password(char *buffer, int size, int writing, void *user)
{
    (void)buffer;
    (void)size;
    (void)writing;
    (void)user;
    return -1;
}

/* NULL with REASON set. */
static EVP_PKEY *read_rsa(const char *pem, const char **reason)
{
    BIO *text = BIO_new_mem_buf(pem, (int)MIN(strlen(pem), INT_MAX));
    EVP_PKEY *key = text != NULL ? PEM_read_bio_PrivateKey(text, NULL, no_password, NULL) : NULL;
    BIO_free(text);
    ERR_clear_error(); /* libcurl looks for its own errors there */
    if (key == NULL) {
        bool encrypted = strstr(pem, "ENCRYPTED") != NULL;
        *reason = encrypted ? "the key is encrypted" : "no private key in PEM form";
    } else if (EVP_PKEY_get_base_id(key) != EVP_PKEY_RSA) {
        *reason = "not an RSA key";
        EVP_PKEY_free(key);
        key = NULL;
    }
    return key;
}

CryptoKey *crypto_key_parse(const char *pem, GError **error)
{
    const char *reason = NULL;
    EVP_PKEY *rsa = read_rsa(pem, &reason);
    if (rsa == NULL) {
        g_set_error_literal(error, FAULT, FAULT_INPUT, reason);
        return NULL;
    }
    CryptoKey *key = g_new(CryptoKey, 1);
    atomic_init(&key->refs, 1);
    key->key = rsa;
    return key;
}

CryptoKey *crypto_key_ref(CryptoKey *key)
{
    atomic_fetch_add(&key->refs, 1);
    return key;
}

void crypto_key_unref(CryptoKey *key)
{
    if (key != NULL && atomic_fetch_sub(&key->refs, 1) == 1) {
        EVP_PKEY_free(key->key);
        g_free(key);
    }
}

unsigned crypto_key_bits(const CryptoKey *key)
{
    return (unsigned)EVP_PKEY_get_bits(key->key);
}

char *crypto_sign(const CryptoKey *key, const void *data, size_t length)
{
    size_t size = (size_t)EVP_PKEY_get_size(key->key);
    g_autofree guint8 *signature = g_malloc(size);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool done = context != NULL &&
                EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, key->key) == 1 &&
                EVP_DigestSign(context, signature, &size, data, length) == 1;
    EVP_MD_CTX_free(context);
    ERR_clear_error();
    return done ? g_base64_encode(signature, size) : NULL;
}
