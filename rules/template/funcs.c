/* SPDX-License-Identifier: MIT */
#include "rules/template/funcs.h"

#include <string.h>

static bool is_named(const char *row, const char *name, size_t length)
{
    return strncmp(row, name, length) == 0 && row[length] == '\0';
}

const Func *func_in(const Func *table, const char *name, size_t length)
{
    for (; table->name != NULL; table++) {
        if (is_named(table->name, name, length)) {
            return table;
        }
    }
    return NULL;
}

const Func *func_find(const char *name, size_t length)
{
    const Func *func = func_in(funcs_builtin, name, length);
    return func != NULL ? func : func_in(funcs_alertmanager, name, length);
}

/* Methods come first: they hide fields, and the keys of a map, of the same name. */
const Member *members_find(Arena *arena, const char *name, size_t length)
{
    g_autoptr(GArray) found = g_array_new(TRUE, FALSE, sizeof(Member));
    for (const Method *row = methods; row->func.name != NULL; row++) {
        if (is_named(row->func.name, name, length)) {
            Member member = {row->kind, &row->func, NULL};
            g_array_append_val(found, member);
        }
    }
    for (const Field *row = fields; row->name != NULL; row++) {
        if (is_named(row->name, name, length)) {
            Member member = {row->kind, NULL, row};
            g_array_append_val(found, member);
        }
    }
    if (found->len == 0) {
        return NULL;
    }
    Member *members = arena_array(arena, Member, found->len + 1);
    return memcpy(members, found->data, found->len * sizeof(Member));
}
