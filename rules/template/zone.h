/* SPDX-License-Identifier: MIT */
#ifndef RULES_TEMPLATE_ZONE_H
#define RULES_TEMPLATE_ZONE_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rules/arena.h"

/* A time zone: an offset from UTC and an abbreviation that may change with the date.
 * Immutable. */
typedef struct TemplateZone TemplateZone;

/* What holds in a zone at one moment. */
typedef struct {
    int32_t offset_s;         /* east of UTC */
    const char *abbreviation; /* "" if it has none */
    bool dst;                 /* summer time */
} ZoneOffset;

ZoneOffset zone_lookup(const TemplateZone *zone, int64_t seconds);
/* The name it was asked for by: "Europe/Berlin", "Local", "UTC"; "" for a bare offset.
 */
const char *zone_name(const TemplateZone *zone);
/* A zone that never changes.  NAME is both its name and its abbreviation. */
const TemplateZone *zone_new_fixed(Arena *arena, const char *name, int32_t offset_s);
/* From the bytes of a tzdata file (TZif).  NULL if they are none.  In the arena. */
const TemplateZone *zone_parse(Arena *arena, const char *name, const uint8_t *bytes,
                               size_t n);

/* Zones by name, loaded from tzdata when first asked for and kept.  May be used from
 * any number of threads; the zones live as long as the cache. */
typedef struct ZoneCache ZoneCache;
ZoneCache *zone_cache_new(void);
void zone_cache_free(ZoneCache *cache); /* NULL is allowed; nobody may be using it */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ZoneCache, zone_cache_free)

/* As Go's time.LoadLocation: "" and "UTC" are UTC, "Local" is the process's zone (TZ,
 * else /etc/localtime, else UTC).  NULL and "unknown time zone NAME" (INPUT). */
const TemplateZone *zone_find(ZoneCache *cache, const char *name, GError **error);
const TemplateZone *zone_local(ZoneCache *cache); /* never NULL */

#endif
