/* SPDX-License-Identifier: MIT */
/* What is asked of a tree of nodes once it is built. */
#include <string.h>

#include "config/yaml.h"
#include "rules/quote.h"

void yaml_wipe(Node *node)
{
    if (node == NULL) {
        return;
    }
    if (node->text != NULL) {
        explicit_bzero(node->text, strlen(node->text));
    }
    for (Node *child = node->first; child != NULL; child = child->next) {
        yaml_wipe(child);
    }
}

const Node *node_get(const Node *node, const char *key)
{
    if (node == NULL || node->kind != NODE_MAPPING) {
        return NULL;
    }
    for (const Node *child = node->first; child != NULL; child = child->next) {
        if (strcmp(child->key->text, key) == 0) {
            return child;
        }
    }
    return NULL;
}

bool node_is_null(const Node *node)
{
    static const char *const words[] = {"", "~", "null", "Null", "NULL", NULL};
    return node == NULL ||
           (node->kind == NODE_SCALAR && node->plain && g_strv_contains(words, node->text));
}

static void append_key(GString *out, const char *key)
{
    bool simple = *key != '\0';
    for (const char *c = key; *c != '\0'; c++) {
        simple = simple && (g_ascii_isalnum(*c) || *c == '_' || *c == '-');
    }
    if (simple) {
        g_string_append(out, key);
    } else {
        quote_append(out, key);
    }
}

void node_path(const Node *node, GString *out)
{
    if (node == NULL || node->parent == NULL) {
        return;
    }
    node_path(node->parent, out);
    if (node->key == NULL) {
        g_string_append_printf(out, "[%u]", node->index);
        return;
    }
    if (out->len > 0) {
        g_string_append_c(out, '.');
    }
    append_key(out, node->key->text);
}
