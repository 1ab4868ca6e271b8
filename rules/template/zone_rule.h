/* SPDX-License-Identifier: MIT */
#ifndef RULES_TEMPLATE_ZONE_RULE_H
#define RULES_TEMPLATE_ZONE_RULE_H

#include "rules/template/zone.h"

/* A yearly rule as POSIX writes it in TZ: CET-1CEST,M3.5.0,M10.5.0/3. */
typedef struct ZoneRule ZoneRule;

/* NULL if TEXT is none. */
const ZoneRule *zone_rule_parse(Arena *arena, const char *text);
ZoneOffset zone_rule_lookup(const ZoneRule *rule, int64_t seconds);

#endif
