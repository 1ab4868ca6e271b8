/* SPDX-License-Identifier: MIT */
#include "config/source.h"

#include <string.h>

#include "rules/fault.h"

static const char *path_of(Arena *arena, const Node *node, const char *key)
{
    g_autoptr(GString) path = g_string_new(NULL);
    node_path(node, path);
    g_string_append(path, key != NULL ? "." : "");
    g_string_append(path, key != NULL ? key : "");
    return arena_strdup(arena, path->str);
}

const TemplateSource *source_new(Arena *arena, const char *file, const Node *node,
                                 const char *key)
{
    TemplateSource *source = arena_alloc(arena, sizeof *source);
    *source = (TemplateSource){.file = file,
                               .path = path_of(arena, node, key),
                               .written = {.raw = "", .line = node->line, .col = node->col}};
    if (key != NULL) {
        return source;
    }
    if (node->kind == NODE_SCALAR) {
        source->text = arena_strdup(arena, node->text);
        source->written = node->written;
        source->written.raw =
            arena_strndup(arena, node->written.raw, node->written.length);
        return source;
    }
    const TemplateSource **items = arena_array(arena, const TemplateSource *, node->n + 1);
    source->items = items;
    for (const Node *item = node->first; item != NULL; item = item->next) {
        *items++ = source_new(arena, file, item, NULL);
    }
    return source;
}

/* The byte that LINE (from 1) and COLUMN (from 0) mean. */
static size_t offset_in(const char *text, unsigned line, unsigned column)
{
    const char *at = text;
    for (; line > 1 && (at = strchr(at, '\n')) != NULL; line--) {
        at++;
    }
    return at != NULL ? (size_t)(at - text) + column : strlen(text);
}

/* The item of a list that *LINE and *COLUMN of the joined text lie in; both are then
 * those in its own text. */
static const TemplateSource *find_item(const TemplateSource *source, unsigned *line,
                                       unsigned *column)
{
    if (source->items == NULL) {
        return source;
    }
    const TemplateSource *const *item = source->items;
    for (; item[0] != NULL && item[1] != NULL; item++) {
        const char *last = strrchr(item[0]->text, '\n');
        unsigned breaks = 0;
        for (const char *at = item[0]->text; (at = strchr(at, '\n')) != NULL; at++) {
            breaks++;
        }
        unsigned end = (unsigned)strlen(last != NULL ? last + 1 : item[0]->text) + 2;
        if (*line <= breaks || (*line == breaks + 1 && *column < end)) {
            break;
        }
        *column -= *line == breaks + 1 ? end : 0;
        *line -= breaks;
    }
    return item[0] != NULL ? item[0] : source;
}

/* The one of a list's items that ERROR is about, with its place in the file. */
static const TemplateSource *locate(const TemplateSource *source, const GError *error,
                                    unsigned *line, unsigned *col)
{
    const FaultPlace *place = fault_place(error);
    *line = source->written.line;
    *col = source->written.col;
    if (place == NULL || *place->file != '\0') {
        return source;
    }
    unsigned in_line = place->line, column = place->column;
    const TemplateSource *item = find_item(source, &in_line, &column);
    if (item->text != NULL) {
        scalar_find(&item->written, item->text, offset_in(item->text, in_line, column), line,
                    col);
    }
    return item;
}

char *source_place(const TemplateSource *source, const GError *error)
{
    const FaultPlace *place = fault_place(error);
    if (place != NULL && *place->file != '\0') {
        return g_strdup_printf("%s:%u:%u", place->file, place->line, place->column + 1);
    }
    unsigned line, col;
    locate(source, error, &line, &col);
    return g_strdup_printf("%s:%u:%u", source->file, line, col);
}

char *source_describe(const TemplateSource *source, const GError *error)
{
    unsigned line, col;
    const FaultPlace *place = fault_place(error);
    const TemplateSource *item = locate(source, error, &line, &col);
    g_autofree char *where = source_place(source, error);
    return g_strdup_printf("%s: %s: %s", where, item->path,
                           place != NULL ? place->reason : error->message);
}

const TemplateSource *source_of(const Template *tmpl)
{
    return template_note(tmpl);
}
