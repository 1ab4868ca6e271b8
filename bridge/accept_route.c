/* SPDX-License-Identifier: MIT */
#include "bridge/accept_route.h"

#include <stdbool.h>
#include <string.h>

typedef struct {
    const Receiver *receiver;
    const Route *route;
    GArray *chosen; /* unsigned: indices of alerts, ascending */
} Way;

typedef struct {
    const Config *config;
    GHashTable *by_name; /* receiver -> Way *, not owned */
    GPtrArray *ways;     /* Way *, in order of discovery */
} Ways;

static void way_free(gpointer data)
{
    Way *way = data;
    g_array_unref(way->chosen);
    g_free(way);
}

static Way *find_way(Ways *ways, const Route *route)
{
    Way *way = g_hash_table_lookup(ways->by_name, route->receiver);
    if (way == NULL) {
        way = g_new0(Way, 1);
        way->receiver = config_find_receiver(ways->config, route->receiver);
        way->route = route;
        way->chosen = g_array_new(FALSE, FALSE, sizeof(unsigned));
        g_assert(way->receiver != NULL); /* config has checked the tree */
        g_hash_table_insert(ways->by_name, route->receiver, way);
        g_ptr_array_add(ways->ways, way);
    }
    return way;
}

static void add(Ways *ways, const Route *route, unsigned index)
{
    GArray *chosen = find_way(ways, route)->chosen;
    if (chosen->len == 0 || g_array_index(chosen, unsigned, chosen->len - 1) != index) {
        g_array_append_val(chosen, index);
    }
}

static void reach_free(gpointer data)
{
    Reach *reach = data;
    event_free(reach->event);
    g_free(reach);
}

static Reach *reach_of(const Way *way, const Event *event)
{
    Reach *reach = g_new(Reach, 1);
    *reach = (Reach){
        .receiver = way->receiver,
        .route = way->route,
        .event = event_select(event, (const unsigned *)(const void *)way->chosen->data,
                              way->chosen->len),
    };
    return reach;
}

GPtrArray *accept_route(const Config *config, const Event *event, unsigned *limits)
{
    Label extra[] = {{"__receiver__", event->sender_receiver},
                     {"__source__", event->source}};
    Labels match_only = labels_make(extra, G_N_ELEMENTS(extra));
    Ways ways = {config, g_hash_table_new(g_str_hash, g_str_equal),
                 g_ptr_array_new_with_free_func(way_free)};
    g_autoptr(GPtrArray) found = g_ptr_array_new();
    for (size_t i = 0; i < event->n_alerts; i++) {
        g_ptr_array_set_size(found, 0);
        *limits += route_tree_match(config->routes, &event->alerts[i].labels,
                                    &match_only, found);
        for (unsigned k = 0; k < found->len; k++) {
            add(&ways, found->pdata[k], (unsigned)i);
        }
    }
    GPtrArray *reached = g_ptr_array_new_with_free_func(reach_free);
    for (unsigned i = 0; i < ways.ways->len; i++) {
        g_ptr_array_add(reached, reach_of(ways.ways->pdata[i], event));
    }
    g_hash_table_unref(ways.by_name);
    g_ptr_array_unref(ways.ways);
    return reached;
}
