/* SPDX-License-Identifier: MIT */
/* Template sets and what is compiled from them.
 *
 * A set owns the trees of all files.  A compiled template has a table of its own over
 * the same trees, in which its text's definitions and, in HTML, the escaped copies take
 * the place of the set's: so a set may still grow, and nothing that runs ever changes. */
#include "rules/template/set.h"

#include <stdatomic.h>
#include <string.h>

#include "rules/fault.h"
#include "rules/quote.h"
#include "rules/template/calls.h"
#include "rules/template/data.h"
#include "rules/template/escape.h"

/* More output than this cannot be asked for. */
#define OUTPUT_MAX ((size_t)48 * 1024 * 1024)

struct TemplateSet {
    atomic_uint refs;
    Arena *arena;
    GHashTable *trees; /* const char * -> Tree *, both in the arena */
    ZoneCache *zones;
    ExtraFuncs extra;
    MissingKey missing;
};

struct Template {
    TemplateSet *set;
    Arena *arena; /* of what is not the set's */
    GHashTable *trees;
    const Tree *entry;
    MissingKey missing;
    bool is_static;
    bool is_twin; /* arena and trees are another's */
    const void *note;
};

TemplateSet *template_set_new(void)
{
    TemplateSet *set = g_new0(TemplateSet, 1);
    atomic_init(&set->refs, 1);
    set->arena = arena_new();
    set->trees = g_hash_table_new(g_str_hash, g_str_equal);
    set->zones = zone_cache_new();
    return set;
}

TemplateSet *template_set_ref(TemplateSet *set)
{
    atomic_fetch_add_explicit(&set->refs, 1, memory_order_relaxed);
    return set;
}

void template_set_unref(TemplateSet *set)
{
    if (set == NULL || atomic_fetch_sub_explicit(&set->refs, 1, memory_order_acq_rel) != 1) {
        return;
    }
    g_hash_table_unref(set->trees);
    zone_cache_free(set->zones);
    arena_free(set->arena);
    g_free(set);
}

void template_set_extend(TemplateSet *set, ExtraFuncs extra)
{
    set->extra = extra;
}

void template_set_missing_key(TemplateSet *set, MissingKey missing)
{
    set->missing = missing;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

GPtrArray *template_set_names(const TemplateSet *set)
{
    GPtrArray *names = g_ptr_array_new();
    GHashTableIter iter;
    gpointer name;
    g_hash_table_iter_init(&iter, set->trees);
    while (g_hash_table_iter_next(&iter, &name, NULL)) {
        g_ptr_array_add(names, name);
    }
    g_ptr_array_sort(names, compare_names);
    return names;
}

/* Puts the definitions of ADDED into TREES; an empty one does not replace another. */
static void merge_trees(GHashTable *trees, GHashTable *added)
{
    GHashTableIter iter;
    gpointer name, value;
    g_hash_table_iter_init(&iter, added);
    while (g_hash_table_iter_next(&iter, &name, &value)) {
        const Tree *tree = value;
        if (!list_is_blank(&tree->root) || !g_hash_table_contains(trees, name)) {
            g_hash_table_replace(trees, name, value);
        }
    }
}

static bool add(TemplateSet *set, const ParserSource *source, GError **error)
{
    g_autoptr(GHashTable) added = g_hash_table_new(g_str_hash, g_str_equal);
    if (!parser_parse(set->arena, source, added, error)) {
        return false;
    }
    merge_trees(set->trees, added);
    return true;
}

bool template_set_add(TemplateSet *set, const char *name, const char *text, size_t length,
                      GError **error)
{
    const ParserSource source = {name, NULL, text, length, set->extra};
    return add(set, &source, error);
}

bool template_set_add_file(TemplateSet *set, const char *path, const char *text,
                           size_t length, GError **error)
{
    g_autofree char *name = g_path_get_basename(path);
    const ParserSource source = {name, path, text, length, set->extra};
    return add(set, &source, error);
}

/* A template without entry yet, over the definitions of SET. */
static Template *template_new(TemplateSet *set)
{
    Template *tmpl = g_new0(Template, 1);
    tmpl->set = template_set_ref(set);
    tmpl->arena = arena_new();
    tmpl->trees = g_hash_table_new(g_str_hash, g_str_equal);
    tmpl->missing = set->missing;
    merge_trees(tmpl->trees, set->trees);
    return tmpl;
}

void template_free(Template *tmpl)
{
    if (tmpl == NULL) {
        return;
    }
    if (!tmpl->is_twin) {
        g_hash_table_unref(tmpl->trees);
        arena_free(tmpl->arena);
        template_set_unref(tmpl->set);
    }
    g_free(tmpl);
}

Template *template_twin(const Template *tmpl)
{
    Template *twin = g_new(Template, 1);
    *twin = *tmpl;
    twin->is_twin = true;
    twin->note = NULL;
    return twin;
}

void template_set_note(Template *tmpl, const void *note)
{
    tmpl->note = note;
}

const void *template_note(const Template *tmpl)
{
    return tmpl->note;
}

bool template_check_calls(const Template *tmpl, GError **error)
{
    return calls_check(tmpl->entry, tmpl->trees, error);
}

static bool is_text_only(const NodeList *list)
{
    for (const Node *node = list->first; node != NULL; node = node->next) {
        if (node->type != NODE_TEXT) {
            return false;
        }
    }
    return true;
}

static bool set_entry(Template *tmpl, TemplateMode mode, const char *name, GError **error)
{
    if (!g_hash_table_contains(tmpl->trees, name)) {
        g_autoptr(GString) quoted = g_string_new(NULL);
        quote_append_n(quoted, name, strlen(name), QUOTE_PLAIN);
        g_set_error(error, FAULT, FAULT_INPUT, "template: %s is not defined", quoted->str);
        return false;
    }
    if (mode == TEMPLATE_HTML && !escape_templates(tmpl->arena, tmpl->trees, name, error)) {
        return false;
    }
    tmpl->entry = g_hash_table_lookup(tmpl->trees, name);
    tmpl->is_static = is_text_only(&tmpl->entry->root);
    return true;
}

Template *template_compile(TemplateSet *set, TemplateMode mode, const char *name,
                           const char *text, GError **error)
{
    g_autoptr(Template) tmpl = template_new(set);
    g_autoptr(GHashTable) added = g_hash_table_new(g_str_hash, g_str_equal);
    const ParserSource source = {name, NULL, text, strlen(text), set->extra};
    if (!parser_parse(tmpl->arena, &source, added, error)) {
        return NULL;
    }
    merge_trees(tmpl->trees, added);
    return set_entry(tmpl, mode, name, error) ? g_steal_pointer(&tmpl) : NULL;
}

Template *template_compile_defined(TemplateSet *set, TemplateMode mode, const char *name,
                                   GError **error)
{
    g_autoptr(Template) tmpl = template_new(set);
    return set_entry(tmpl, mode, name, error) ? g_steal_pointer(&tmpl) : NULL;
}

bool template_is_static(const Template *tmpl)
{
    return tmpl->is_static;
}

const Tree *template_tree(const Template *tmpl)
{
    return tmpl->entry;
}

/* Text without any action: no execution is set up for it. */
static bool append_static(const Template *tmpl, const TemplateLimits *limits, GString *out,
                          GError **error)
{
    gsize before = out->len;
    for (const Node *node = tmpl->entry->root.first; node != NULL; node = node->next) {
        g_string_append_len(out, node->text.bytes, (gssize)node->text.length);
    }
    if (out->len - before <= limits->output_bytes) {
        return true;
    }
    g_string_truncate(out, before);
    g_set_error(error, FAULT, FAULT_LIMIT, "template: %s: more than %zu bytes of output",
                tmpl->entry->parse_name, limits->output_bytes);
    return false;
}

static TemplateLimits usable_limits(const TemplateLimits *limits)
{
    TemplateLimits usable = limits != NULL ? *limits : TEMPLATE_LIMITS_DEFAULT;
    usable.output_bytes = MIN(usable.output_bytes, OUTPUT_MAX);
    return usable;
}

static bool run(const Template *tmpl, ExecSetup *setup, Value root, GString *out, GError **error)
{
    gsize before = out->len;
    setup->entry = tmpl->entry;
    setup->trees = tmpl->trees;
    setup->zones = tmpl->set->zones;
    setup->missing = tmpl->missing;
    bool good = exec_run(setup, root, out, error);
    if (!good) {
        g_string_truncate(out, before);
    }
    return good;
}

bool template_execute(const Template *tmpl, const Notification *notification,
                      const TemplateLimits *limits, GString *out, GError **error)
{
    TemplateLimits usable = usable_limits(limits);
    if (tmpl->is_static) {
        return append_static(tmpl, &usable, out, error);
    }
    g_autoptr(Arena) arena = arena_new();
    ExecSetup setup = {.arena = arena, .now = notification->now, .notification = notification,
                       .limits = &usable};
    Value root = template_data(arena, notification);
    return run(tmpl, &setup, root, out, error);
}

bool template_execute_value(const Template *tmpl, Arena *arena, Value root,
                            const TemplateLimits *limits, GString *out, GError **error)
{
    TemplateLimits usable = usable_limits(limits);
    ExecSetup setup = {.arena = arena, .limits = &usable};
    return run(tmpl, &setup, root, out, error);
}
