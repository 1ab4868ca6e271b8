/* SPDX-License-Identifier: MIT */
#include "rules/template/calls.h"

#include <string.h>

#include "rules/fault.h"
#include "rules/quote.h"

typedef struct {
    GHashTable *trees, *seen;
    GPtrArray *waiting; /* const Tree *: seen, and to be searched */
    const Tree *tree;   /* that is searched */
} Search;

static bool fail(const Search *search, const Node *node, GError **error)
{
    const char *name = node->call.name;
    g_autoptr(GString) reason = g_string_new("template ");
    quote_append_n(reason, name, strlen(name), QUOTE_PLAIN);
    g_string_append(reason, " not defined");
    GError *fault = g_error_new(FAULT, FAULT_INPUT, "template: %s:%u:%u: %s",
                                search->tree->parse_name, node->at.line, node->at.column,
                                reason->str);
    fault_set_place(fault, search->tree->file, node->at.line, node->at.column, reason->str);
    g_propagate_error(error, fault);
    return false;
}

static bool enter(Search *search, const Node *node, GError **error)
{
    Tree *tree = g_hash_table_lookup(search->trees, node->call.name);
    if (tree == NULL) {
        return fail(search, node, error);
    }
    if (g_hash_table_add(search->seen, tree)) {
        g_ptr_array_add(search->waiting, tree);
    }
    return true;
}

/* As deep as actions nest, which the parser bounds. */
static bool search_list(Search *search, const NodeList *list, GError **error)
{
    for (const Node *node = list->first; node != NULL; node = node->next) {
        bool is_branch = node->type == NODE_IF || node->type == NODE_WITH ||
                         node->type == NODE_RANGE;
        if (node->type == NODE_TEMPLATE && !enter(search, node, error)) {
            return false;
        }
        if (is_branch && !(search_list(search, &node->branch.body, error) &&
                           search_list(search, &node->branch.otherwise, error))) {
            return false;
        }
    }
    return true;
}

bool calls_check(const Tree *entry, GHashTable *trees, GError **error)
{
    g_autoptr(GHashTable) seen = g_hash_table_new(NULL, NULL);
    g_autoptr(GPtrArray) waiting = g_ptr_array_new();
    Search search = {.trees = trees, .seen = seen, .waiting = waiting, .tree = entry};
    bool good = search_list(&search, &entry->root, error);
    while (good && waiting->len > 0) {
        search.tree = g_ptr_array_remove_index_fast(waiting, waiting->len - 1);
        good = search_list(&search, &search.tree->root, error);
    }
    return good;
}
