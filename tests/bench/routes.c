/* SPDX-License-Identifier: MIT */
/* How long it takes to find the route of an alert among N, each with the equality
 * matchers team="teamI" and severity="critical".
 *
 *   routes N COUNT
 *
 * Prints the nanoseconds a match. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "rules/route.h"

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static Route *route_of(unsigned number)
{
    Route *route = route_new();
    g_autofree char *text =
        g_strdup_printf("team=\"team%u\", severity=\"critical\"", number);
    g_ptr_array_unref(route->matchers);
    route->matchers = matchers_parse_utf8(text, NULL);
    g_assert(route->matchers != NULL);
    matchers_sort(route->matchers);
    route->receiver = g_strdup_printf("team%u", number);
    return route;
}

static RouteTree *tree_of(unsigned n)
{
    Route *root = route_new();
    root->receiver = g_strdup("default");
    for (unsigned i = 0; i < n; i++) {
        g_ptr_array_add(root->routes, route_of(i));
    }
    return route_tree_new(root);
}

/* The route of an alert of TEAM, checked. */
static void match(const RouteTree *tree, const char *team, GPtrArray *found)
{
    Label labels[] = {{"alertname", "DiskAlmostFull"}, {"cluster", "prod-eu1"},
                      {"instance", "node007:9100"},    {"job", "node-exporter"},
                      {"severity", "critical"},        {"team", team}};
    Labels sorted = labels_make(labels, G_N_ELEMENTS(labels));
    g_ptr_array_set_size(found, 0);
    route_tree_match(tree, &sorted, NULL, found);
    g_assert(found->len == 1 &&
             g_str_equal(((const Route *)found->pdata[0])->receiver, team));
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fputs("usage: routes N COUNT\n", stderr);
        return 2;
    }
    unsigned n = (unsigned)atoi(argv[1]), count = (unsigned)atoi(argv[2]);
    RouteTree *tree = tree_of(n);
    g_autoptr(GPtrArray) found = g_ptr_array_new();
    double start = now();
    for (unsigned i = 0; i < count; i++) {
        char team[16];
        g_snprintf(team, sizeof team, "team%u", (unsigned)((uint64_t)i * 2654435761U % n));
        match(tree, team, found);
    }
    printf("%.1f\n", (now() - start) / count * 1e9);
    route_tree_free(tree);
    return 0;
}
