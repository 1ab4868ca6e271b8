/* SPDX-License-Identifier: MIT */
/* A key sets BITS bits, all in one block of a cache line; it is known if all are set.
 * Nothing is ever taken out: a removed record costs a question to the storage. */
#include "bridge/outbox/known.h"

#include <glib.h>
#include <stdatomic.h>
#include <stdint.h>

enum { BLOCKS = 16384, WORDS = 8, BITS = 5 };

struct KnownKeys {
    atomic_bool complete;
    atomic_uint_fast64_t blocks[BLOCKS][WORDS];
};

KnownKeys *known_keys_new(void)
{
    return g_new0(KnownKeys, 1);
}

void known_keys_free(KnownKeys *known)
{
    g_free(known);
}

/* FNV-1a, and a last round that lets every bit of it depend on all. */
static uint64_t hash(const char *key)
{
    uint64_t h = 0xCBF29CE484222325;
    for (; *key != '\0'; key++) {
        h = (h ^ (guchar)*key) * 0x100000001B3;
    }
    h = (h ^ h >> 30) * 0xBF58476D1CE4E5B9;
    h = (h ^ h >> 27) * 0x94D049BB133111EB;
    return h ^ h >> 31;
}

/* The bits of KEY: 14 of the hash name the block, nine a bit in it. */
static unsigned find_bits(const char *key, unsigned bits[BITS])
{
    uint64_t h = hash(key);
    for (unsigned i = 0; i < BITS; i++) {
        bits[i] = (unsigned)(h >> (14 + 9 * i)) % (WORDS * 64);
    }
    return (unsigned)h % BLOCKS;
}

void known_keys_add(KnownKeys *known, const char *key)
{
    unsigned bits[BITS], block = find_bits(key, bits);
    for (unsigned i = 0; i < BITS; i++) {
        atomic_fetch_or(&known->blocks[block][bits[i] / 64], UINT64_C(1)
                                                                 << bits[i] % 64);
    }
}

void known_keys_complete(KnownKeys *known)
{
    atomic_store(&known->complete, true);
}

bool known_keys_may_have(const KnownKeys *known, const char *key)
{
    unsigned bits[BITS], block = find_bits(key, bits);
    bool all = true;
    for (unsigned i = 0; i < BITS; i++) {
        uint64_t word = atomic_load(&known->blocks[block][bits[i] / 64]);
        all = all && (word >> bits[i] % 64 & 1) != 0;
    }
    return all || !atomic_load(&known->complete);
}
