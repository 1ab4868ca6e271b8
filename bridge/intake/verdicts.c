/* SPDX-License-Identifier: MIT */
#include "bridge/intake/verdicts.h"

#include <pthread.h>
#include <string.h>

#include "bridge/crypto.h"

typedef struct {
    guint8 digest[CRYPTO_SHA256_SIZE];
    bool right;
    int64_t until_us;
} Entry;

struct Verdicts {
    guint8 salt[32];
    pthread_mutex_t lock;
    GHashTable *entries; /* Entry -> itself; guarded by the lock */
};

static guint entry_hash(gconstpointer data)
{
    guint hash;
    memcpy(&hash, ((const Entry *)data)->digest, sizeof hash);
    return hash;
}

static gboolean entry_equal(gconstpointer a, gconstpointer b)
{
    return memcmp(((const Entry *)a)->digest, ((const Entry *)b)->digest, CRYPTO_SHA256_SIZE) == 0;
}

Verdicts *verdicts_new(void)
{
    Verdicts *verdicts = g_new0(Verdicts, 1);
    bool salted = crypto_random(verdicts->salt, sizeof verdicts->salt);
    g_assert(salted); /* nothing works on a system without random bytes */
    pthread_mutex_init(&verdicts->lock, NULL);
    verdicts->entries = g_hash_table_new_full(entry_hash, entry_equal, g_free, NULL);
    return verdicts;
}

void verdicts_free(Verdicts *verdicts)
{
    if (verdicts != NULL) {
        g_hash_table_unref(verdicts->entries);
        pthread_mutex_destroy(&verdicts->lock);
        g_free(verdicts);
    }
}

/* No text holds a NUL, which keeps them apart. */
static void digest(const Verdicts *verdicts, const char *user, const char *hash,
                   const char *password, guint8 out[CRYPTO_SHA256_SIZE])
{
    GByteArray *bytes = g_byte_array_new();
    const char *const texts[] = {user, hash, password};
    g_byte_array_append(bytes, verdicts->salt, sizeof verdicts->salt);
    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_byte_array_append(bytes, (const guint8 *)texts[i], (guint)strlen(texts[i]) + 1);
    }
    crypto_sha256(bytes->data, bytes->len, out);
    explicit_bzero(bytes->data, bytes->len);
    g_byte_array_unref(bytes);
}

Verdict verdicts_get(Verdicts *verdicts, const char *user, const char *hash,
                     const char *password, int64_t now_us)
{
    Entry wanted;
    Verdict verdict = VERDICT_UNKNOWN;
    digest(verdicts, user, hash, password, wanted.digest);
    pthread_mutex_lock(&verdicts->lock);
    const Entry *entry = g_hash_table_lookup(verdicts->entries, &wanted);
    if (entry != NULL && now_us < entry->until_us) {
        verdict = entry->right ? VERDICT_RIGHT : VERDICT_WRONG;
    }
    pthread_mutex_unlock(&verdicts->lock);
    return verdict;
}

void verdicts_put(Verdicts *verdicts, const char *user, const char *hash, const char *password,
                  bool right, int64_t now_us)
{
    Entry *entry = g_new0(Entry, 1);
    digest(verdicts, user, hash, password, entry->digest);
    entry->right = right;
    entry->until_us = now_us + VERDICTS_KEPT_US;
    pthread_mutex_lock(&verdicts->lock);
    if (g_hash_table_size(verdicts->entries) >= VERDICTS_MAX) {
        g_hash_table_remove_all(verdicts->entries);
    }
    g_hash_table_add(verdicts->entries, entry);
    pthread_mutex_unlock(&verdicts->lock);
}
