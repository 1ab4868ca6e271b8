/* SPDX-License-Identifier: MIT */
#ifndef BRIDGE_OUTBOX_KNOWN_H
#define BRIDGE_OUTBOX_KNOWN_H

#include <stdbool.h>

/* Which keys the storage may have, so that it need not be asked for a record that was
 * never written: a Bloom filter of 1 MiB.  It errs to "may" only: hardly ever with
 * 100,000 keys, for one key in fifty with a million.  Any thread. */
typedef struct KnownKeys KnownKeys;

KnownKeys *known_keys_new(void);
void known_keys_free(KnownKeys *known); /* NULL is allowed */

void known_keys_add(KnownKeys *known, const char *key);
/* All keys of the storage have been added; until then it may have any. */
void known_keys_complete(KnownKeys *known);
bool known_keys_may_have(const KnownKeys *known, const char *key);

#endif
