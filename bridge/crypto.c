/* SPDX-License-Identifier: MIT */
#include "bridge/crypto.h"

#include <limits.h>
#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>
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

static size_t run_hmac(EVP_MAC_CTX *context, const char *hash, const void *key,
                       size_t key_length, const CryptoPart *parts, size_t n, guint8 *digest)
{
    char name[8];
    g_strlcpy(name, hash, sizeof name);
    const OSSL_PARAM settings[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name, 0), OSSL_PARAM_END};
    size_t size = 0;
    bool done = context != NULL && EVP_MAC_init(context, key, key_length, settings) == 1;
    for (size_t i = 0; done && i < n; i++) {
        done = EVP_MAC_update(context, parts[i].data, parts[i].length) == 1;
    }
    return done && EVP_MAC_final(context, digest, &size, CRYPTO_HMAC_MAX) == 1 ? size : 0;
}

size_t crypto_hmac(CryptoHash hash, const void *key, size_t key_length, const CryptoPart *parts,
                   size_t n, guint8 digest[CRYPTO_HMAC_MAX])
{
    static const char *const names[] = {"SHA1", "SHA224", "SHA256", "SHA384", "SHA512"};
    EVP_MAC *mac = EVP_MAC_fetch(NULL, OSSL_MAC_NAME_HMAC, NULL);
    EVP_MAC_CTX *context = mac != NULL ? EVP_MAC_CTX_new(mac) : NULL;
    size_t size = run_hmac(context, names[hash], key, key_length, parts, n, digest);
    EVP_MAC_CTX_free(context);
    EVP_MAC_free(mac);
    ERR_clear_error();
    return size;
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
