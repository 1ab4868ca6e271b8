/* SPDX-License-Identifier: MIT */
#ifndef BRIDGE_OUTBOX_CACHE_H
#define BRIDGE_OUTBOX_CACHE_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

#include "bridge/outbox/outbox.h"

/* The records in memory, least recently used out first.  Thread-safe. */
typedef struct RecordCache RecordCache;

RecordCache *record_cache_new(size_t records_max, size_t bytes_max);
void record_cache_free(RecordCache *cache); /* NULL is allowed */
void record_cache_limit(RecordCache *cache, size_t records_max, size_t bytes_max);

/* Fills in the record of record->key with a copy; false if it is not here. */
bool record_cache_get(RecordCache *cache, Record *record);
/* Copies it; a record without a value is dropped. */
void record_cache_put(RecordCache *cache, const Record *record);
void record_cache_drop(RecordCache *cache, const char *key);

size_t record_cache_count(RecordCache *cache);

#endif
