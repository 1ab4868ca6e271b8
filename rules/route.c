/* SPDX-License-Identifier: MIT */
/* The routing tree.  Each node with many children has them indexed by one equality
 * matcher of each, the one fewest of its siblings share; an alert's labels then name
 * the few children that can match, which are tried in order together with those that
 * have no such matcher. */
#include "rules/route.h"

#include <string.h>

#include "rules/arena.h"

#define INDEX_MIN 16 /* with fewer children trying them all is as fast */

static void free_route(void *route)
{
    route_free(route);
}

static void free_matcher(void *matcher)
{
    matcher_free(matcher);
}

Route *route_new(void)
{
    Route *route = g_new0(Route, 1);
    route->matchers = g_ptr_array_new_with_free_func(free_matcher);
    route->routes = g_ptr_array_new_with_free_func(free_route);
    route->label_names = g_ptr_array_new_with_free_func(g_free);
    route->label_templates = g_ptr_array_new();
    return route;
}

void route_free(Route *route)
{
    if (route == NULL) {
        return;
    }
    g_free(route->receiver);
    g_ptr_array_unref(route->matchers);
    g_strfreev(route->group_by);
    g_strfreev(route->mute_time_intervals);
    g_strfreev(route->active_time_intervals);
    g_ptr_array_unref(route->routes);
    g_ptr_array_unref(route->label_names);
    g_ptr_array_unref(route->label_templates);
    g_free(route);
}

static const char *value_of(const Labels *labels, const Labels *match_only,
                            const char *name)
{
    const char *value = labels_get(labels, name);
    if (value == NULL && match_only != NULL) {
        value = labels_get(match_only, name);
    }
    return value != NULL ? value : "";
}

bool route_matches(const Route *route, const Labels *labels, const Labels *match_only,
                   unsigned *limits)
{
    for (guint i = 0; i < route->matchers->len; i++) {
        const Matcher *matcher = route->matchers->pdata[i];
        const char *value = value_of(labels, match_only, matcher_name(matcher));
        Matched matched = matcher_matches(matcher, value);
        *limits += matched == MATCHED_LIMIT;
        if (matched != MATCHED_YES) {
            return false;
        }
    }
    return true;
}

/* --- Building --- */

typedef struct {
    unsigned *items; /* positions among the siblings, ascending */
    unsigned n;
} Positions;

typedef struct Node {
    const Route *route;
    struct Node *children;
    unsigned n_children;
    GHashTable *index; /* const Label * -> Positions *; NULL if it would not pay */
    Positions others;  /* the children that are not in the index */
} Node;

struct RouteTree {
    Arena *arena; /* the nodes and what they point to */
    GPtrArray *indexes;
    Route *route;
    Node root;
};

static guint hash_label(const void *key)
{
    const Label *label = key;
    return g_str_hash(label->name) * 31 + g_str_hash(label->value);
}

static gboolean same_label(const void *a, const void *b)
{
    const Label *left = a, *right = b;
    return strcmp(left->name, right->name) == 0 &&
           strcmp(left->value, right->value) == 0;
}

/* Sets *LABEL if a label must be there for MATCHER to match. */
static bool demands(const Matcher *matcher, Label *label)
{
    *label = (Label){matcher_name(matcher), matcher_value(matcher)};
    return matcher_type(matcher) == MATCH_EQUAL && *label->value != '\0';
}

/* How often each label is demanded by the children of a node: Label * -> number. */
static GHashTable *count_demands(const Node *node)
{
    GHashTable *counts = g_hash_table_new_full(hash_label, same_label, g_free, NULL);
    for (unsigned i = 0; i < node->n_children; i++) {
        const GPtrArray *matchers = node->children[i].route->matchers;
        for (guint m = 0; m < matchers->len; m++) {
            Label label;
            if (demands(matchers->pdata[m], &label)) {
                guint count = GPOINTER_TO_UINT(g_hash_table_lookup(counts, &label));
                g_hash_table_replace(counts, g_memdup2(&label, sizeof label),
                                     GUINT_TO_POINTER(count + 1));
            }
        }
    }
    return counts;
}

/* The label demanded by ROUTE that the fewest siblings demand; false if it demands
 * none. */
static bool rarest_demand(const Route *route, GHashTable *counts, Label *rarest)
{
    guint fewest = G_MAXUINT;
    for (guint m = 0; m < route->matchers->len; m++) {
        Label label;
        if (!demands(route->matchers->pdata[m], &label)) {
            continue;
        }
        guint count = GPOINTER_TO_UINT(g_hash_table_lookup(counts, &label));
        if (count < fewest) {
            fewest = count;
            *rarest = label;
        }
    }
    return fewest != G_MAXUINT;
}

/* The positions filed under LABEL, with room for as many as demand it. */
static Positions *positions_of(RouteTree *tree, Node *node, const Label *label,
                               guint room)
{
    Positions *positions = g_hash_table_lookup(node->index, label);
    if (positions == NULL) {
        Label *key = arena_alloc(tree->arena, sizeof *key);
        *key = *label;
        positions = arena_alloc(tree->arena, sizeof *positions);
        positions->items = arena_array(tree->arena, unsigned, room);
        g_hash_table_insert(node->index, key, positions);
    }
    return positions;
}

static void file_children(RouteTree *tree, Node *node)
{
    g_autoptr(GHashTable) counts = count_demands(node);
    for (unsigned i = 0; i < node->n_children; i++) {
        Positions *positions = &node->others;
        Label label;
        if (rarest_demand(node->children[i].route, counts, &label)) {
            guint room = GPOINTER_TO_UINT(g_hash_table_lookup(counts, &label));
            positions = positions_of(tree, node, &label, room);
        }
        positions->items[positions->n++] = i;
    }
}

static void build_node(RouteTree *tree, Node *node, const Route *route)
{
    node->route = route;
    node->n_children = route->routes->len;
    node->children = arena_array(tree->arena, Node, node->n_children);
    for (unsigned i = 0; i < node->n_children; i++) {
        build_node(tree, &node->children[i], route->routes->pdata[i]);
    }
    node->others.items = arena_array(tree->arena, unsigned, node->n_children);
    if (node->n_children >= INDEX_MIN) {
        node->index = g_hash_table_new(hash_label, same_label);
        g_ptr_array_add(tree->indexes, node->index);
        file_children(tree, node);
        return;
    }
    for (unsigned i = 0; i < node->n_children; i++) {
        node->others.items[node->others.n++] = i;
    }
}

static void free_index(void *index)
{
    g_hash_table_unref(index);
}

RouteTree *route_tree_new(Route *take_root)
{
    RouteTree *tree = g_new0(RouteTree, 1);
    tree->arena = arena_new();
    tree->indexes = g_ptr_array_new_with_free_func(free_index);
    tree->route = take_root;
    build_node(tree, &tree->root, take_root);
    return tree;
}

void route_tree_free(RouteTree *tree)
{
    if (tree == NULL) {
        return;
    }
    g_ptr_array_unref(tree->indexes);
    arena_free(tree->arena);
    route_free(tree->route);
    g_free(tree);
}

const Route *route_tree_root(const RouteTree *tree)
{
    return tree->route;
}

/* --- Matching --- */

typedef struct {
    const unsigned *at, *end;
} Cursor;

typedef struct {
    const Labels *labels, *match_only;
    GPtrArray *found;
    GArray *cursors; /* Cursor: a stack, each node in progress owns the upper part */
    unsigned limits;
} Walk;

static void push(Walk *walk, const Positions *positions)
{
    if (positions != NULL && positions->n > 0) {
        Cursor cursor = {positions->items, positions->items + positions->n};
        g_array_append_val(walk->cursors, cursor);
    }
}

static void push_candidates(Walk *walk, const Node *node)
{
    push(walk, &node->others);
    if (node->index == NULL) {
        return;
    }
    for (size_t i = 0; i < walk->labels->n; i++) {
        push(walk, g_hash_table_lookup(node->index, &walk->labels->items[i]));
    }
    for (size_t i = 0; walk->match_only != NULL && i < walk->match_only->n; i++) {
        const Label *label = &walk->match_only->items[i];
        if (labels_get(walk->labels, label->name) == NULL) {
            push(walk, g_hash_table_lookup(node->index, label));
        }
    }
}

/* The lowest position that the cursors from BASE on are at, taken from them. */
static bool next_candidate(Walk *walk, guint base, unsigned *position)
{
    Cursor *lowest = NULL;
    for (guint i = base; i < walk->cursors->len; i++) {
        Cursor *cursor = &g_array_index(walk->cursors, Cursor, i);
        if (cursor->at < cursor->end && (lowest == NULL || *cursor->at < *lowest->at)) {
            lowest = cursor;
        }
    }
    if (lowest == NULL) {
        return false;
    }
    *position = *lowest->at++;
    return true;
}

/* NODE's own matchers match. */
static void visit(Walk *walk, const Node *node)
{
    guint before = walk->found->len, base = walk->cursors->len;
    unsigned position;
    push_candidates(walk, node);
    while (next_candidate(walk, base, &position)) {
        const Node *child = &node->children[position];
        if (!route_matches(child->route, walk->labels, walk->match_only,
                           &walk->limits)) {
            continue;
        }
        visit(walk, child);
        if (!child->route->continue_) {
            break;
        }
    }
    g_array_set_size(walk->cursors, base);
    if (walk->found->len == before) {
        g_ptr_array_add(walk->found, (void *)(uintptr_t)node->route);
    }
}

unsigned route_tree_match(const RouteTree *tree, const Labels *labels,
                          const Labels *match_only, GPtrArray *found)
{
    g_autoptr(GArray) cursors = g_array_new(FALSE, FALSE, sizeof(Cursor));
    Walk walk = {
        .labels = labels, .match_only = match_only, .found = found, .cursors = cursors};
    visit(&walk, &tree->root);
    return walk.limits;
}
