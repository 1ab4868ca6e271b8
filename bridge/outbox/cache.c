/* SPDX-License-Identifier: MIT */
/* A record in memory is one block: links, numbers, key, value.  The tree finds it by
 * key (foreign keys cannot make a balanced tree slow, as they can a hash table); the
 * ring of links keeps the order of use.  The mutex guards everything. */
#include "bridge/outbox/cache.h"

#include <pthread.h>
#include <string.h>

typedef struct Link Link;
struct Link {
    Link *older, *newer;
};

typedef struct {
    Link link; /* first: a link of the ring is an entry */
    uint64_t version;
    int64_t expires_ms;
    size_t length;
    size_t key_size;
    char bytes[]; /* the key with its NUL, then the value */
} Entry;

/* What the tree and the allocator add to an entry, about. */
enum { OVERHEAD = 64 };

struct RecordCache {
    pthread_mutex_t lock;
    GTree *tree;
    Link ring; /* ring.newer is the oldest, ring.older the newest */
    size_t records_max, bytes_max, bytes;
};

static int compare_keys(const void *a, const void *b)
{
    return strcmp(a, b);
}

RecordCache *record_cache_new(size_t records_max, size_t bytes_max)
{
    RecordCache *cache = g_new0(RecordCache, 1);
    pthread_mutex_init(&cache->lock, NULL);
    cache->tree = g_tree_new(compare_keys);
    cache->ring.older = cache->ring.newer = &cache->ring;
    cache->records_max = records_max;
    cache->bytes_max = bytes_max;
    return cache;
}

static void take_out(Link *link)
{
    link->older->newer = link->newer;
    link->newer->older = link->older;
}

static void link_newest(RecordCache *cache, Link *link)
{
    link->newer = &cache->ring;
    link->older = cache->ring.older;
    link->older->newer = link;
    cache->ring.older = link;
}

static size_t entry_size(const Entry *entry)
{
    return sizeof *entry + entry->key_size + entry->length + OVERHEAD;
}

static void remove_entry(RecordCache *cache, Entry *entry)
{
    if (entry != NULL) {
        g_tree_remove(cache->tree, entry->bytes);
        take_out(&entry->link);
        cache->bytes -= entry_size(entry);
        g_free(entry);
    }
}

static void shrink(RecordCache *cache)
{
    while (cache->ring.newer != &cache->ring &&
           (cache->bytes > cache->bytes_max ||
            (size_t)g_tree_nnodes(cache->tree) > cache->records_max)) {
        remove_entry(cache, (Entry *)cache->ring.newer);
    }
}

void record_cache_free(RecordCache *cache)
{
    if (cache == NULL) {
        return;
    }
    cache->records_max = 0;
    shrink(cache);
    g_tree_unref(cache->tree);
    pthread_mutex_destroy(&cache->lock);
    g_free(cache);
}

void record_cache_limit(RecordCache *cache, size_t records_max, size_t bytes_max)
{
    pthread_mutex_lock(&cache->lock);
    cache->records_max = records_max;
    cache->bytes_max = bytes_max;
    shrink(cache);
    pthread_mutex_unlock(&cache->lock);
}

bool record_cache_get(RecordCache *cache, Record *record)
{
    pthread_mutex_lock(&cache->lock);
    Entry *entry = g_tree_lookup(cache->tree, record->key);
    if (entry != NULL) {
        take_out(&entry->link);
        link_newest(cache, &entry->link);
        record->value = g_malloc(entry->length + 1);
        memcpy(record->value, entry->bytes + entry->key_size, entry->length);
        record->length = entry->length;
        record->version = entry->version;
        record->expires_ms = entry->expires_ms;
    }
    pthread_mutex_unlock(&cache->lock);
    return entry != NULL;
}

static Entry *entry_new(const Record *record)
{
    size_t key_size = strlen(record->key) + 1;
    Entry *entry = g_malloc(sizeof *entry + key_size + record->length);
    *entry = (Entry){.version = record->version,
                     .expires_ms = record->expires_ms,
                     .length = record->length,
                     .key_size = key_size};
    memcpy(entry->bytes, record->key, key_size);
    memcpy(entry->bytes + key_size, record->value, record->length);
    return entry;
}

void record_cache_put(RecordCache *cache, const Record *record)
{
    Entry *entry = record->value != NULL ? entry_new(record) : NULL;
    pthread_mutex_lock(&cache->lock);
    remove_entry(cache, g_tree_lookup(cache->tree, record->key));
    if (entry != NULL) {
        g_tree_insert(cache->tree, entry->bytes, entry);
        link_newest(cache, &entry->link);
        cache->bytes += entry_size(entry);
        shrink(cache);
    }
    pthread_mutex_unlock(&cache->lock);
}

void record_cache_drop(RecordCache *cache, const char *key)
{
    pthread_mutex_lock(&cache->lock);
    remove_entry(cache, g_tree_lookup(cache->tree, key));
    pthread_mutex_unlock(&cache->lock);
}

size_t record_cache_count(RecordCache *cache)
{
    pthread_mutex_lock(&cache->lock);
    size_t count = (size_t)g_tree_nnodes(cache->tree);
    pthread_mutex_unlock(&cache->lock);
    return count;
}
