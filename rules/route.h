/* SPDX-License-Identifier: MIT */
#ifndef RULES_ROUTE_H
#define RULES_ROUTE_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "rules/alert.h"
#include "rules/matcher.h"

/* A node of the routing tree, inheritance already applied by whoever built it
 * (config).  Plain data; the tree that holds it frees it. */
typedef struct Route {
    char *receiver;
    GPtrArray *matchers; /* Matcher *, sorted; frees them */
    bool continue_;
    bool group_by_all;
    char **group_by; /* NULL-terminated, sorted */
    int64_t group_wait_ms, group_interval_ms, repeat_interval_ms;
    char **mute_time_intervals, **active_time_intervals; /* NULL-terminated */
    GPtrArray *routes; /* Route *, children in order; frees them */
    GPtrArray *label_names,
        *label_templates; /* route labels, merged: char *, Template * */
} Route;

/* Empty arrays, which free what they hold, nothing else set: texts and text lists are
 * NULL. Of label_templates the builder says how they are freed
 * (g_ptr_array_set_free_func). */
Route *route_new(void);
void route_free(Route *route); /* with its children; NULL is allowed */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Route, route_free)

/* Whether all matchers of ROUTE match; an absent label is "".  MATCH_ONLY are labels
 * seen by matchers only (`__source__`), looked up after LABELS; it may be NULL.  A
 * regular expression that hits its ceiling counts as no match and is added to *LIMITS.
 */
bool route_matches(const Route *route, const Labels *labels, const Labels *match_only,
                   unsigned *limits);

/* The compiled tree: immutable. Equality matchers are indexed, so that 10,000 routes
 * cost about what 10 do. */
typedef struct RouteTree RouteTree;
RouteTree *route_tree_new(Route *take_root);
void route_tree_free(RouteTree *tree); /* NULL is allowed */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RouteTree, route_tree_free)
const Route *route_tree_root(const RouteTree *tree);

/* Where an alert goes (Alertmanager dispatch/route.go): depth first, left to right,
 * the first matching child ends the search unless it says `continue`; a node is a
 * result if none of its children matched.  The root takes every alert: its matchers
 * are not asked.  MATCH_ONLY as above.  Appends const Route * to FOUND, at least one.
 * Returns the number of regular expressions that hit their ceiling. */
unsigned route_tree_match(const RouteTree *tree, const Labels *labels,
                          const Labels *match_only, GPtrArray *found);

#endif
