/* SPDX-License-Identifier: MIT */
/* Zones from tzdata.  A file is read when its zone is first asked for, and kept in a
 * list that only grows; a reader may follow it while another puts something in front,
 * so no lock is needed.  A zone that two threads load at once stands in it twice. */
#include "rules/template/zone.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "rules/fault.h"
#include "rules/template/zone_rule.h"
#include "rules/timestamp.h"

#define ZONE_FILE_MAX (64 * 1024)

struct TemplateZone {
    const char *name;
    const ZoneOffset *types;
    size_t n_types;
    const int64_t
        *transitions; /* ascending; from each on, the type of that index holds */
    const uint8_t *indices;
    size_t n_transitions;
    const ZoneRule *rule; /* what holds behind the last transition, or NULL */
};

static const ZoneOffset utc_offset = {.abbreviation = "UTC"};
static const TemplateZone utc = {.name = "UTC", .types = &utc_offset, .n_types = 1};

const char *zone_name(const TemplateZone *zone)
{
    return zone->name;
}

/* The type that holds before the first transition: the first that no transition leads
 * to, else the standard time in front of the first one's, else any standard time. */
static size_t first_type(const TemplateZone *zone)
{
    bool used = false;

    for (size_t i = 0; i < zone->n_transitions; i++) {
        used = used || zone->indices[i] == 0;
    }
    if (!used) {
        return 0;
    }
    if (zone->n_transitions > 0 && zone->types[zone->indices[0]].dst) {
        for (size_t i = zone->indices[0]; i-- > 0;) {
            if (!zone->types[i].dst) {
                return i;
            }
        }
    }
    for (size_t i = 0; i < zone->n_types; i++) {
        if (!zone->types[i].dst) {
            return i;
        }
    }
    return 0;
}

ZoneOffset zone_lookup(const TemplateZone *zone, int64_t seconds)
{
    size_t low = 0, high = zone->n_transitions;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (zone->transitions[middle] <= seconds) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low == zone->n_transitions && zone->rule != NULL) {
        return zone_rule_lookup(zone->rule, seconds);
    }
    return zone->types[low == 0 ? first_type(zone) : zone->indices[low - 1]];
}

const TemplateZone *zone_new_fixed(Arena *arena, const char *name, int32_t offset_s)
{
    TemplateZone *zone = arena_alloc(arena, sizeof *zone);
    ZoneOffset *type = arena_alloc(arena, sizeof *type);

    zone->name = arena_strdup(arena, name);
    *type = (ZoneOffset){.offset_s = offset_s, .abbreviation = zone->name};
    zone->types = type;
    zone->n_types = 1;
    return zone;
}

/* The counts in a TZif header, in its order. */
typedef struct {
    size_t ut, std, leaps, transitions, types, chars;
} Counts;

#define HEADER_BYTES 44

static uint32_t read32(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static bool read_header(const uint8_t *bytes, size_t n, Counts *counts)
{
    if (n < HEADER_BYTES || memcmp(bytes, "TZif", 4) != 0) {
        return false;
    }
    *counts = (Counts){
        .ut = read32(bytes + 20),
        .std = read32(bytes + 24),
        .leaps = read32(bytes + 28),
        .transitions = read32(bytes + 32),
        .types = read32(bytes + 36),
        .chars = read32(bytes + 40),
    };
    return true;
}

/* The bytes behind a header, with moments of WIDTH bytes. */
static size_t body_bytes(const Counts *counts, size_t width)
{
    return counts->transitions * (width + 1) + counts->types * 6 + counts->chars +
           counts->leaps * (width + 4) + counts->std + counts->ut;
}

static bool read_types(Arena *arena, TemplateZone *zone, const uint8_t *at,
                       const Counts *counts)
{
    ZoneOffset *types = arena_array(arena, ZoneOffset, counts->types);
    const char *names =
        arena_strndup(arena, (const char *)at + counts->types * 6, counts->chars);

    for (size_t i = 0; i < counts->types; i++, at += 6) {
        if (at[5] >= counts->chars) {
            return false;
        }
        types[i].offset_s = (int32_t)read32(at);
        types[i].dst = at[4] != 0;
        types[i].abbreviation = names + at[5];
    }
    zone->types = types;
    zone->n_types = counts->types;
    return counts->types > 0;
}

static bool read_body(Arena *arena, TemplateZone *zone, const uint8_t *at,
                      const Counts *counts)
{
    int64_t *transitions = arena_array(arena, int64_t, counts->transitions + 1);
    uint8_t *indices = arena_array(arena, uint8_t, counts->transitions + 1);

    for (size_t i = 0; i < counts->transitions; i++, at += 8) {
        transitions[i] = (int64_t)((uint64_t)read32(at) << 32 | read32(at + 4));
    }
    for (size_t i = 0; i < counts->transitions; i++, at++) {
        if (*at >= counts->types) {
            return false;
        }
        indices[i] = *at;
    }
    zone->transitions = transitions;
    zone->indices = indices;
    zone->n_transitions = counts->transitions;
    return read_types(arena, zone, at, counts);
}

/* The rule stands between newlines at the end of the file. */
static const ZoneRule *read_rule(Arena *arena, const uint8_t *at, size_t n)
{
    const uint8_t *end = n > 2 && at[0] == '\n' ? memchr(at + 1, '\n', n - 1) : NULL;

    if (end == NULL) {
        return NULL;
    }
    return zone_rule_parse(
        arena, arena_strndup(arena, (const char *)at + 1, (size_t)(end - at) - 1));
}

const TemplateZone *zone_parse(Arena *arena, const char *name, const uint8_t *bytes,
                               size_t n)
{
    TemplateZone *zone = arena_alloc(arena, sizeof *zone);
    Counts counts;

    /* The first part, with moments of four bytes, is for old readers. */
    if (n > ZONE_FILE_MAX || !read_header(bytes, n, &counts) || bytes[4] < '2' ||
        n - HEADER_BYTES < body_bytes(&counts, 4)) {
        return NULL;
    }
    size_t skipped = HEADER_BYTES + body_bytes(&counts, 4);
    bytes += skipped;
    n -= skipped;
    if (!read_header(bytes, n, &counts) || n - HEADER_BYTES < body_bytes(&counts, 8) ||
        !read_body(arena, zone, bytes + HEADER_BYTES, &counts)) {
        return NULL;
    }
    skipped = HEADER_BYTES + body_bytes(&counts, 8);
    zone->rule = read_rule(arena, bytes + skipped, n - skipped);
    zone->name = arena_strdup(arena, name);
    return zone;
}

typedef struct CacheEntry CacheEntry;
struct CacheEntry {
    CacheEntry *next;
    Arena *arena;    /* of the rest */
    const char *key; /* what it was asked for by */
    const TemplateZone *zone;
};

struct ZoneCache {
    _Atomic(CacheEntry *) head;
};

ZoneCache *zone_cache_new(void)
{
    ZoneCache *cache = g_new0(ZoneCache, 1);

    atomic_init(&cache->head, NULL);
    return cache;
}

void zone_cache_free(ZoneCache *cache)
{
    CacheEntry *entry = cache == NULL ? NULL : atomic_load(&cache->head);

    while (entry != NULL) {
        CacheEntry *next = entry->next;
        arena_free(entry->arena);
        g_free(entry);
        entry = next;
    }
    g_free(cache);
}

static const TemplateZone *find_cached(ZoneCache *cache, const char *key)
{
    CacheEntry *entry = atomic_load_explicit(&cache->head, memory_order_acquire);

    while (entry != NULL && strcmp(entry->key, key) != 0) {
        entry = entry->next;
    }
    return entry == NULL ? NULL : entry->zone;
}

static void keep(ZoneCache *cache, Arena *arena, const char *key,
                 const TemplateZone *zone)
{
    CacheEntry *entry = g_new0(CacheEntry, 1);

    entry->arena = arena;
    entry->key = arena_strdup(arena, key);
    entry->zone = zone;
    entry->next = atomic_load(&cache->head);
    while (!atomic_compare_exchange_weak(&cache->head, &entry->next, entry)) {
    }
}

/* What a zone is kept as and called, and where it is. */
typedef struct {
    const char *key, *name, *path;
} ZoneFile;

/* Zones are small regular files; anything else is none. */
static const TemplateZone *load_file(ZoneCache *cache, ZoneFile file)
{
    g_autofree char *bytes = NULL;
    size_t n = 0;
    struct stat status;

    if (stat(file.path, &status) != 0 || !S_ISREG(status.st_mode) ||
        status.st_size > ZONE_FILE_MAX ||
        !g_file_get_contents(file.path, &bytes, &n, NULL)) {
        return NULL;
    }
    g_autoptr(Arena) arena = arena_new();
    const TemplateZone *zone = zone_parse(arena, file.name, (const uint8_t *)bytes, n);
    if (zone != NULL) {
        keep(cache, g_steal_pointer(&arena), file.key, zone);
    }
    return zone;
}

static const TemplateZone *load_named(ZoneCache *cache, const char *key,
                                      const char *name)
{
    const char *directory = g_getenv("TZDIR");
    g_autofree char *path = g_build_filename(
        directory == NULL ? "/usr/share/zoneinfo" : directory, name, NULL);

    return load_file(cache, (ZoneFile){key, name, path});
}

#define LOCAL "Local"

/* As Go does: by TZ it has TZ's name, by /etc/localtime it is called Local, and if
 * there is neither it is UTC. */
static const TemplateZone *load_local(ZoneCache *cache)
{
    const char *variable = g_getenv("TZ");
    const TemplateZone *zone = NULL;

    if (variable == NULL) {
        zone = load_file(cache, (ZoneFile){LOCAL, LOCAL, "/etc/localtime"});
    } else {
        variable += *variable == ':' ? 1 : 0;
        if (*variable == '/') {
            zone = load_file(cache, (ZoneFile){LOCAL, variable, variable});
        } else if (*variable != '\0' && strcmp(variable, "UTC") != 0) {
            zone = load_named(cache, LOCAL, variable);
        }
    }
    if (zone == NULL) {
        zone = &utc;
        keep(cache, arena_new(), LOCAL, zone);
    }
    return zone;
}

const TemplateZone *zone_local(ZoneCache *cache)
{
    const TemplateZone *zone = find_cached(cache, LOCAL);

    return zone == NULL ? load_local(cache) : zone;
}

const TemplateZone *zone_find(ZoneCache *cache, const char *name, GError **error)
{
    if (*name == '\0' || strcmp(name, "UTC") == 0) {
        return &utc;
    }
    if (strcmp(name, LOCAL) == 0) {
        return zone_local(cache);
    }
    if (*name == '/' || *name == '\\' || strstr(name, "..") != NULL) {
        g_set_error(error, FAULT, FAULT_INPUT, "time: invalid location name");
        return NULL;
    }
    const TemplateZone *zone = find_cached(cache, name);
    if (zone == NULL) {
        zone = load_named(cache, name, name);
    }
    if (zone == NULL) {
        g_set_error(error, FAULT, FAULT_INPUT, "unknown time zone %s", name);
    }
    return zone;
}
