/* SPDX-License-Identifier: MIT */
#include "rules/template/escape_level.h"

struct EscapeLevel {
    EscapeLevel *outer;
    GHashTable *outputs; /* const char * -> Context * */
    GHashTable *called;
    GArray *edits;
};

EscapeLevel *level_push(EscapeLevel *outer)
{
    EscapeLevel *level = g_new0(EscapeLevel, 1);

    level->outer = outer;
    level->outputs = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, g_free);
    level->called = g_hash_table_new(g_str_hash, g_str_equal);
    level->edits = g_array_new(FALSE, FALSE, sizeof(EscapeEdit));
    return level;
}

EscapeLevel *level_pop(EscapeLevel *level)
{
    EscapeLevel *outer = level->outer;

    g_hash_table_unref(level->outputs);
    g_hash_table_unref(level->called);
    g_array_unref(level->edits);
    g_free(level);
    return outer;
}

EscapeLevel *level_keep(EscapeLevel *level)
{
    GHashTableIter iter;
    gpointer name, context;

    g_hash_table_iter_init(&iter, level->outputs);
    while (g_hash_table_iter_next(&iter, &name, &context)) {
        level_set_output(level->outer, name, *(Context *)context);
    }
    g_hash_table_iter_init(&iter, level->called);
    while (g_hash_table_iter_next(&iter, &name, NULL)) {
        g_hash_table_add(level->outer->called, name);
    }
    g_array_append_vals(level->outer->edits, level->edits->data, level->edits->len);
    return level_pop(level);
}

static void make_edit(const EscapeEdit *edit, Arena *arena)
{
    switch (edit->node->type) {
    case NODE_ACTION:
        escape_apply(arena, edit->node, &edit->escapers);
        break;
    case NODE_TEMPLATE:
        edit->node->call.name = edit->text;
        break;
    default:
        edit->node->text.bytes = edit->text;
        edit->node->text.length = edit->length;
        break;
    }
}

void level_commit(const EscapeLevel *level, Arena *arena)
{
    for (size_t i = 0; i < level->edits->len; i++) {
        make_edit(&g_array_index(level->edits, EscapeEdit, i), arena);
    }
}

void level_add_edit(EscapeLevel *level, const EscapeEdit *edit)
{
    g_array_append_val(level->edits, *edit);
}

void level_add_called(EscapeLevel *level, const char *name)
{
    g_hash_table_add(level->called, (gpointer)(guintptr)name);
}

bool level_is_called(const EscapeLevel *level, const char *name)
{
    return g_hash_table_contains(level->called, name);
}

void level_set_output(EscapeLevel *level, const char *name, Context context)
{
    g_hash_table_replace(level->outputs, (gpointer)(guintptr)name,
                         g_memdup2(&context, sizeof context));
}

const Context *level_find_output(const EscapeLevel *level, const char *name)
{
    const Context *found = NULL;

    for (; level != NULL && found == NULL; level = level->outer) {
        found = g_hash_table_lookup(level->outputs, name);
    }
    return found;
}
