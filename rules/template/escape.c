/* SPDX-License-Identifier: MIT */
/* The HTML escaper's way through the trees.
 *
 * A context is carried over every list of nodes; what each action needs there is noted
 * as an edit.  A template is walked once for each context it is called in, on a copy of
 * its own; while it is, calls of itself are believed to end where they begin, and
 * if that turns out wrong it is walked once more.  Such walks may fail and are then
 * forgotten, so edits are kept in levels and made only when everything has passed. */
#include "rules/template/escape.h"

#include <string.h>

#include "rules/fault.h"
#include "rules/template/escape_internal.h"
#include "rules/template/escape_level.h"

/* Lists within lists, across templates, and nodes in all. */
#define DEPTH_MAX 1000
#define NODES_MAX 5000000

/* Where a loop is left or goes on. */
typedef struct {
    Context context;
    const Node *node; /* break or continue */
} Exit;

typedef struct {
    Arena *arena;
    GHashTable *trees;
    GHashTable *copied; /* names whose trees are ours to edit */
    EscapeLevel *level;
    GArray *exits; /* of the loop that is being walked */
    const Tree *tree;
    unsigned depth, nodes;
    const Tree *bad_tree; /* where the error is */
    Position bad, opened; /* and where text was left last */
    const Tree *opened_tree;
} Walk;

static bool walk_list(Walk *walk, Context *context, const NodeList *list,
                      GError **error);
static bool enter_tree(Walk *walk, Context *context, const char *name, Position at,
                       const char **called, GError **error);

/* Notes the place of an error whose reason is, or will be, in `error`. */
static bool fail_at(Walk *walk, Position at)
{
    walk->bad_tree = walk->tree;
    walk->bad = at;
    return false;
}

static Position position_in(const Node *text, size_t offset)
{
    Position at = text->at;

    for (size_t i = 0; i < offset; i++) {
        at.column++;
        if (text->text.bytes[i] == '\n') {
            at.line++;
            at.column = 0;
        }
    }
    return at;
}

static bool walk_text(Walk *walk, Context *context, Node *node, GError **error)
{
    g_autoptr(GString) out = g_string_new(NULL);
    CleanedText cleaned = {.changed = false};
    bool in_text = context->state == STATE_TEXT;

    if (!escape_clean_text(context, node, out, &cleaned, error)) {
        return fail_at(walk, position_in(node, cleaned.bad));
    }
    if (in_text && context->state != STATE_TEXT) {
        walk->opened_tree = walk->tree;
        walk->opened = node->at;
    }
    if (cleaned.changed) {
        EscapeEdit edit = {
            .node = node,
            .text = arena_strndup(walk->arena, out->str, out->len),
            .length = out->len,
        };
        level_add_edit(walk->level, &edit);
    }
    return true;
}

static bool walk_action(Walk *walk, Context *context, Node *node, GError **error)
{
    EscapeEdit edit = {.node = node};

    if (!escape_choose(context, node, &edit.escapers, error)) {
        return fail_at(walk, node->at);
    }
    if (edit.escapers.n > 0) {
        level_add_edit(walk->level, &edit);
    }
    return true;
}

static bool walk_call(Walk *walk, Context *context, Node *node, GError **error)
{
    EscapeEdit edit = {.node = node};

    if (!enter_tree(walk, context, node->call.name, node->at, &edit.text, error)) {
        return false;
    }
    if (strcmp(edit.text, node->call.name) != 0) {
        level_add_edit(walk->level, &edit);
    }
    return true;
}

static const char *branch_word(const Node *node)
{
    return node->type == NODE_IF ? "if" : node->type == NODE_WITH ? "with" : "range";
}

/* *CONTEXT and OTHER become one behind NODE. */
static bool join(Walk *walk, Context *context, Context other, const Node *node,
                 GError **error)
{
    Context joined;

    if (context_join(*context, other, &joined)) {
        *context = joined;
        return true;
    }
    g_autoptr(GString) both = g_string_new(NULL);
    context_print(*context, both);
    g_string_append(both, ", ");
    context_print(other, both);
    g_set_error(error, FAULT, FAULT_INPUT,
                "{{%s}} branches end in different contexts: %s", branch_word(node),
                both->str);
    return fail_at(walk, node->at);
}

/* END is where the body itself ends.  Where that is at the exit, Go, which walks a
 * failed template twice, says so twice. */
static bool join_exits(Walk *walk, Context *context, Context end, const GArray *exits,
                       GError **error)
{
    for (size_t i = 0; i < exits->len; i++) {
        const Exit *left = &g_array_index(exits, Exit, i);
        if (join(walk, context, left->context, left->node, error)) {
            continue;
        }
        const char *word = left->node->type == NODE_BREAK ? "break" : "continue";
        g_prefix_error(error, "at range loop %s: ", word);
        if (end.state == STATE_DEAD) {
            g_prefix_error(error, "at range loop %s: ", word);
        }
        return false;
    }
    return true;
}

/* One pass over a loop's body: *CONTEXT is what stands at its end, EXITS are put where
 * it is left on the way. */
static bool walk_pass(Walk *walk, Context *context, const Node *node, GArray *exits,
                      GError **error)
{
    GArray *outer = walk->exits;

    walk->exits = exits;
    bool passed = walk_list(walk, context, &node->branch.body, error);
    walk->exits = outer;
    return passed;
}

/* The body once more, from where it ends itself: it must end there again. */
static bool walk_again(Walk *walk, Context *context, const Node *node, GError **error)
{
    g_autoptr(GArray) exits = g_array_new(FALSE, FALSE, sizeof(Exit));
    Context again = *context;

    walk->level = level_push(walk->level);
    bool passed = walk_pass(walk, &again, node, exits, error);
    walk->level = level_pop(walk->level);
    if (!passed || !join(walk, context, again, node, error)) {
        g_prefix_error(error, "on range loop re-entry: ");
        return false;
    }
    return join_exits(walk, context, again, exits, error);
}

static bool walk_loop(Walk *walk, Context *context, const Node *node, GError **error)
{
    g_autoptr(GArray) exits = g_array_new(FALSE, FALSE, sizeof(Exit));
    Context before = *context;

    if (!walk_pass(walk, context, node, exits, error)) {
        return false;
    }
    Context end = *context;
    if (!join_exits(walk, context, end, exits, error)) {
        return false;
    }
    /* A second pass would be the same as the first. */
    bool is_stable = context_equal(before, *context) &&
                     (end.state == STATE_DEAD || context_equal(end, *context));
    return is_stable || walk_again(walk, context, node, error);
}

static bool walk_branch(Walk *walk, Context *context, Node *node, GError **error)
{
    Context otherwise = *context;
    bool passed = node->type == NODE_RANGE
                      ? walk_loop(walk, context, node, error)
                      : walk_list(walk, context, &node->branch.body, error);

    return passed && walk_list(walk, &otherwise, &node->branch.otherwise, error) &&
           join(walk, context, otherwise, node, error);
}

static bool walk_exit(Walk *walk, Context *context, const Node *node)
{
    Exit left = {*context, node};

    g_array_append_val(walk->exits, left);
    *context = (Context){.state = STATE_DEAD};
    return true;
}

static bool walk_node(Walk *walk, Context *context, Node *node, GError **error)
{
    switch (node->type) {
    case NODE_TEXT:
        return walk_text(walk, context, node, error);
    case NODE_ACTION:
        return walk_action(walk, context, node, error);
    case NODE_IF:
    case NODE_WITH:
    case NODE_RANGE:
        return walk_branch(walk, context, node, error);
    case NODE_TEMPLATE:
        return walk_call(walk, context, node, error);
    case NODE_BREAK:
    case NODE_CONTINUE:
        return walk_exit(walk, context, node);
    default:
        g_assert_not_reached();
    }
}

static bool walk_nodes(Walk *walk, Context *context, const NodeList *list,
                       GError **error)
{
    for (Node *node = list->first; node != NULL && context->state != STATE_DEAD;
         node = node->next) {
        if (walk->depth > DEPTH_MAX || ++walk->nodes > NODES_MAX) {
            g_set_error(error, FAULT, FAULT_LIMIT,
                        "more than %d levels or %d nodes to escape", DEPTH_MAX,
                        NODES_MAX);
            return fail_at(walk, node->at);
        }
        if (!walk_node(walk, context, node, error)) {
            return false;
        }
    }
    return true;
}

static bool walk_list(Walk *walk, Context *context, const NodeList *list,
                      GError **error)
{
    walk->depth++;
    bool passed = walk_nodes(walk, context, list, error);
    walk->depth--;
    return passed;
}

/* Walks TREE from *CONTEXT in the belief that calls of itself change nothing.  *RIGHT
 * says whether that was so; only then is anything kept. */
static bool walk_body(Walk *walk, Context *context, const Tree *tree, bool *right,
                      GError **error)
{
    const Tree *outer = walk->tree;
    Context before = *context;

    level_set_output(walk->level, tree->name, before);
    walk->level = level_push(walk->level);
    walk->tree = tree;
    bool passed = walk_list(walk, context, &tree->root, error);
    walk->tree = outer;
    *right = passed && (!level_is_called(walk->level, tree->name) ||
                        context_equal(before, *context));
    if (*right) {
        walk->level = level_keep(walk->level);
    } else {
        walk->level = level_pop(walk->level);
    }
    return passed;
}

static bool walk_tree(Walk *walk, Context *context, const Tree *tree, GError **error)
{
    bool right;

    if (!walk_body(walk, context, tree, &right, error)) {
        return false;
    }
    if (!right) {
        walk_body(walk, context, tree, &right, NULL);
    }
    if (!right) {
        walk->tree = tree;
        g_set_error(error, FAULT, FAULT_INPUT,
                    "cannot compute output context for template %s", tree->name);
        return fail_at(walk, (Position){1, 0});
    }
    level_set_output(walk->level, tree->name, *context);
    return true;
}

/* The tree NAME as a copy of our own called COPY_NAME, which lives in the arena. */
static const Tree *own_tree(Walk *walk, const Tree *tree, const char *copy_name)
{
    if (g_hash_table_contains(walk->copied, copy_name)) {
        return g_hash_table_lookup(walk->trees, copy_name);
    }
    Tree *copy = tree_copy(walk->arena, tree, copy_name);
    g_hash_table_replace(walk->trees, (gpointer)(guintptr)copy->name, copy);
    g_hash_table_add(walk->copied, (gpointer)(guintptr)copy->name);
    return copy;
}

static bool enter_tree(Walk *walk, Context *context, const char *name, Position at,
                       const char **called, GError **error)
{
    g_autofree char *mangled = context_mangle(*context, name);
    const Tree *tree = g_hash_table_lookup(walk->trees, name);

    *called = arena_strdup(walk->arena, mangled);
    level_add_called(walk->level, *called);
    const Context *output = level_find_output(walk->level, *called);
    if (output != NULL) {
        *context = *output;
        return true;
    }
    if (tree == NULL) {
        g_set_error(error, FAULT, FAULT_INPUT, "no such template \"%s\"", name);
        return fail_at(walk, at);
    }
    return walk_tree(walk, context, own_tree(walk, tree, *called), error);
}

/* Whoever is escaped must leave a complete document. */
static bool check_end(Walk *walk, Context context, GError **error)
{
    if (context.state == STATE_TEXT) {
        return true;
    }
    g_autoptr(GString) printed = g_string_new(NULL);
    context_print(context, printed);
    walk->bad_tree = walk->opened_tree;
    walk->bad = walk->opened;
    g_set_error(error, FAULT, FAULT_INPUT, "ends in a non-text context: %s",
                printed->str);
    return false;
}

static void name_place(const Walk *walk, const char *entry, GError **error)
{
    const Tree *tree = walk->bad_tree;
    if (error == NULL || *error == NULL) {
        return;
    }
    fault_set_place(*error, tree != NULL ? tree->file : "", walk->bad.line, walk->bad.column,
                    (*error)->message);
    g_prefix_error(error, "html/template:%s:%u:%u: ", tree != NULL ? tree->parse_name : entry,
                   walk->bad.line, walk->bad.column);
}

bool escape_templates(Arena *arena, GHashTable *trees, const char *entry,
                      GError **error)
{
    g_autoptr(GHashTable) copied = g_hash_table_new(g_str_hash, g_str_equal);
    Walk walk = {.arena = arena, .trees = trees, .copied = copied};
    Context context = {.state = STATE_TEXT};
    const char *name;

    walk.level = level_push(NULL);
    bool passed = enter_tree(&walk, &context, entry, (Position){1, 0}, &name, error) &&
                  check_end(&walk, context, error);
    if (passed) {
        level_commit(walk.level, arena);
    } else {
        name_place(&walk, entry, error);
    }
    level_pop(walk.level);
    return passed;
}
