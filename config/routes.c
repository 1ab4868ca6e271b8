/* SPDX-License-Identifier: MIT */
/* Route settings become rules' routes, what children inherit filled in. */
#include <string.h>

#include "config/loader.h"

static const Field route_fields[] = {
    FIELD(RouteSettings, receiver, "receiver", NULL,
          "Who gets the alerts that end here; inherited. The root must have one."),
    TEXTS(RouteSettings, matchers, "matchers",
          "What an alert must match to come here, as in `team=\"db\"`, `severity=~\"a|b\"`; "
          "all of them. The root has none."),
    MAP(RouteSettings, match, "match", "The old form: labels and their values."),
    MAP(RouteSettings, match_re, "match_re",
        "The old form: labels and regular expressions, which match the whole value."),
    FIELD(RouteSettings, continue_, "continue", "false",
          "Go on with the next sibling after a match."),
    {ROW("routes", &type_list, MEMBER_OF(RouteSettings, routes, List),
         "Children, tried in order."),
     .detail = &route_schema},
    FIELD(RouteSettings, repeat_interval, "repeat_interval", NULL,
          "Mail again while something fires and this has passed; inherited, `4h` at the "
          "root."),
    TEXTS(RouteSettings, group_by, "group_by",
          "Labels to group by, or `['...']` for all; inherited."),
    FIELD(RouteSettings, group_wait, "group_wait", NULL,
          "Wait before the first mail of a group; inherited, `30s` at the root."),
    FIELD(RouteSettings, group_interval, "group_interval", NULL,
          "Wait between changes of a group; inherited, `5m` at the root."),
    TEXTS(RouteSettings, mute_time_intervals, "mute_time_intervals",
          "Send nothing inside these; not inherited."),
    TEXTS(RouteSettings, active_time_intervals, "active_time_intervals",
          "Send only inside these; not inherited."),
    MAP(RouteSettings, labels, "labels",
        "Route labels, as templates, for `{{ routeLabels \"x\" }}`; inherited and merged."),
};

const Schema route_schema =
    SCHEMA("route", RouteSettings, route_fields,
           "The routing tree. An alert goes to the first child that matches, and so on; where "
           "no child matches, it ends. Senders have grouped already, so `group_by`, "
           "`group_wait` and `group_interval` do not act; the time intervals do not act yet.");

static bool is_all(const Node *node)
{
    return strcmp(reader_text(node), "...") == 0;
}

/* Checks the labels of a list without `...`. */
static void check_group_by(Loader *loader, const Node *list)
{
    loader_check_names(loader, list, "group_by list");
    g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
    for (const Node *node = list->first; node != NULL; node = node->next) {
        if (!g_hash_table_add(seen, (char *)(uintptr_t)reader_text(node))) {
            g_autofree char *quoted = report_quote(reader_text(node));
            report_error(loader->reader.report, node, "duplicated label %s in group_by",
                         quoted);
        }
    }
}

static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void set_group_by(Loader *loader, const Node *list, Route *route)
{
    unsigned n_all = 0;
    for (const Node *node = list->first; node != NULL; node = node->next) {
        n_all += is_all(node);
    }
    route->group_by_all = n_all > 0;
    g_strfreev(route->group_by);
    route->group_by = g_new0(char *, (gsize)(list->n - n_all) + 1);
    if (n_all > 0 && n_all < list->n) {
        report_error(loader->reader.report, list,
                     "cannot have wildcard group_by (`...`) and other labels at the same "
                     "time");
    }
    if (n_all > 0) {
        return;
    }
    check_group_by(loader, list);
    unsigned n = 0;
    for (const Node *node = list->first; node != NULL; node = node->next) {
        route->group_by[n++] = g_strdup(reader_text(node));
    }
    qsort(route->group_by, n, sizeof *route->group_by, compare_texts);
}

static char **copy_texts(const Node *list)
{
    char **texts = g_new0(char *, list != NULL ? (gsize)list->n + 1 : 1);
    unsigned n = 0;
    for (const Node *node = list != NULL ? list->first : NULL; node != NULL;
         node = node->next) {
        texts[n++] = g_strdup(reader_text(node));
    }
    return texts;
}

static void set_interval(Loader *loader, const RouteSettings *settings,
                         const OptionalDuration *own, const char *key, int64_t *ms)
{
    if (!own->set) {
        return;
    }
    *ms = own->ms;
    if (own->ms == 0 && strcmp(key, "group_wait") != 0) {
        report_error(loader->reader.report, node_get(settings->at.node, key),
                     "%s cannot be zero", key);
    }
}

static void set_label(Loader *loader, const Node *node, Route *route)
{
    Template *value =
        loader_compile(loader, TEMPLATE_TEXT, node, NULL, reader_text(node));
    for (unsigned i = 0; i < route->label_names->len; i++) {
        if (strcmp(route->label_names->pdata[i], node->key->text) == 0) {
            route->label_templates->pdata[i] = value;
            return;
        }
    }
    g_ptr_array_add(route->label_names, g_strdup(node->key->text));
    g_ptr_array_add(route->label_templates, value);
}

/* What a child has before it says anything itself. */
static Route *inherit(const Route *parent)
{
    Route *route = route_new();
    route->receiver = g_strdup(parent->receiver);
    route->group_by_all = parent->group_by_all;
    g_strfreev(route->group_by);
    route->group_by = g_strdupv(parent->group_by);
    route->group_wait_ms = parent->group_wait_ms;
    route->group_interval_ms = parent->group_interval_ms;
    route->repeat_interval_ms = parent->repeat_interval_ms;
    for (unsigned i = 0; i < parent->label_names->len; i++) {
        g_ptr_array_add(route->label_names, g_strdup(parent->label_names->pdata[i]));
        g_ptr_array_add(route->label_templates, parent->label_templates->pdata[i]);
    }
    return route;
}

/* Every name in LIST must be one of KNOWN. */
static void check_intervals(Loader *loader, const Node *list)
{
    for (const Node *node = list != NULL ? list->first : NULL; node != NULL;
         node = node->next) {
        bool known = false;
        for (unsigned i = 0; i < loader->config->n_time_intervals; i++) {
            known = known || g_strcmp0(loader->config->time_intervals[i].name,
                                       reader_text(node)) == 0;
        }
        if (!known) {
            g_autofree char *quoted = report_quote(reader_text(node));
            report_error(loader->reader.report, node,
                         "undefined time interval %s used in route", quoted);
        }
    }
}

static void set_receiver(Loader *loader, const RouteSettings *settings, Route *route)
{
    if (settings->receiver == NULL || *settings->receiver == '\0') {
        return;
    }
    g_free(route->receiver);
    route->receiver = g_strdup(settings->receiver);
    if (config_find_receiver(loader->config, settings->receiver) == NULL) {
        g_autofree char *quoted = report_quote(settings->receiver);
        report_error(loader->reader.report, node_get(settings->at.node, "receiver"),
                     "undefined receiver %s used in route", quoted);
    }
}

static Route *build_route(Loader *loader, const RouteSettings *settings, const Route *parent)
{
    Route *route = inherit(parent);
    loader->config->n_routes++;
    set_receiver(loader, settings, route);
    loader_matchers(loader, route->matchers, settings->match, settings->match_re,
                    settings->matchers);
    route->continue_ = settings->continue_;
    if (settings->group_by != NULL) {
        set_group_by(loader, settings->group_by, route);
    }
    set_interval(loader, settings, &settings->group_wait, "group_wait",
                 &route->group_wait_ms);
    set_interval(loader, settings, &settings->group_interval, "group_interval",
                 &route->group_interval_ms);
    set_interval(loader, settings, &settings->repeat_interval, "repeat_interval",
                 &route->repeat_interval_ms);
    check_intervals(loader, settings->mute_time_intervals);
    check_intervals(loader, settings->active_time_intervals);
    g_strfreev(route->mute_time_intervals);
    g_strfreev(route->active_time_intervals);
    route->mute_time_intervals = copy_texts(settings->mute_time_intervals);
    route->active_time_intervals = copy_texts(settings->active_time_intervals);
    for (const Node *node = settings->labels != NULL ? settings->labels->first : NULL;
         node != NULL; node = node->next) {
        set_label(loader, node, route);
    }
    for (unsigned i = 0; i < settings->routes.n; i++) {
        const RouteSettings *child = LIST_ITEM(settings->routes, RouteSettings, i);
        g_ptr_array_add(route->routes, build_route(loader, child, route));
    }
    return route;
}

/* The rules for the root only. */
static void check_root(Loader *loader, const RouteSettings *root)
{
    const struct {
        bool broken;
        const char *key; /* NULL: the route itself */
        const char *reason;
    } rules[] = {
        {root->receiver == NULL || *root->receiver == '\0', NULL,
         "root route must specify a default receiver"},
        {root->match != NULL && root->match->n > 0, "match",
         "root route must not have any matchers"},
        {root->match_re != NULL && root->match_re->n > 0, "match_re",
         "root route must not have any matchers"},
        {root->matchers != NULL && root->matchers->n > 0, "matchers",
         "root route must not have any matchers"},
        {root->mute_time_intervals != NULL && root->mute_time_intervals->n > 0,
         "mute_time_intervals", "root route must not have any mute time intervals"},
        {root->active_time_intervals != NULL && root->active_time_intervals->n > 0,
         "active_time_intervals", "root route must not have any active time intervals"},
        {root->continue_, "continue", "cannot have continue in root route"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rules); i++) {
        if (rules[i].broken) {
            const Node *node = root->at.node;
            report_error(loader->reader.report,
                         rules[i].key != NULL ? node_get(node, rules[i].key) : node, "%s",
                         rules[i].reason);
        }
    }
}

void load_routes(Loader *loader)
{
    const RouteSettings *root = &loader->file.route;
    if (root->at.node == NULL) {
        report_error(loader->reader.report, loader->file.at.node,
                     "no route provided in config");
        return;
    }
    check_root(loader, root);
    g_autoptr(Route) defaults = route_new();
    defaults->group_by = g_new0(char *, 1);
    defaults->group_wait_ms = 30 * 1000;
    defaults->group_interval_ms = 5 * 60 * 1000;
    defaults->repeat_interval_ms = 4 * 60 * 60 * 1000;
    Route *tree = build_route(loader, root, defaults);
    if (report_has_errors(loader->reader.report)) {
        route_free(tree);
        return;
    }
    loader->config->routes = route_tree_new(tree);
}
