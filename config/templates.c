/* SPDX-License-Identifier: MIT */
#include "config/loader.h"
#include "config/source.h"
#include "config/template_files.h"
#include "rules/fault.h"

static void add_file(Loader *loader, const Node *node, const char *path)
{
    g_autoptr(GError) error = NULL;
    if (template_file_add(loader->config->templates, path, &error)) {
        loader->config->n_template_files++;
        return;
    }
    const FaultPlace *place = fault_place(error);
    if (place == NULL) {
        report_error(loader->reader.report, node, "%s", error->message);
        return;
    }
    g_autofree char *line = g_strdup_printf("%s:%u:%u: %s", place->file, place->line,
                                            place->column + 1, place->reason);
    report_error_line(loader->reader.report, node, line);
}

static void add_pattern(Loader *loader, const Node *node)
{
    g_autoptr(GError) error = NULL;
    char *pattern = reader_path(&loader->reader, reader_text(node));
    loader->config->template_patterns[node->index] = pattern;
    g_auto(GStrv) files = template_files_find(pattern, &error);
    if (files == NULL) {
        report_error(loader->reader.report, node, "%s", error->message);
        return;
    }
    if (files[0] == NULL) {
        report_note(loader->reader.report, node, "no file matches %s", pattern);
    }
    for (char **file = files; *file != NULL; file++) {
        add_file(loader, node, *file);
    }
}

void load_templates(Loader *loader)
{
    const Node *list = loader->file.templates;
    loader->config->template_patterns =
        arena_array(loader->reader.arena, char *, (list != NULL ? (size_t)list->n : 0) + 1);
    for (const Node *node = list != NULL ? list->first : NULL; node != NULL;
         node = node->next) {
        add_pattern(loader, node);
    }
}

/* What an equal text gave, or NULL with ERROR set. */
static const Template *compile(Loader *loader, TemplateMode mode, const char *text,
                               GError **error)
{
    g_autofree char *key = g_strdup_printf("%d %s", (int)mode, text);
    const Template *known = g_hash_table_lookup(loader->compiled, key);
    if (known != NULL) {
        return known;
    }
    g_autoptr(Template) tmpl =
        template_compile(loader->config->templates, mode, "", text, error);
    if (tmpl == NULL || !template_check_calls(tmpl, error)) {
        return NULL;
    }
    known = tmpl;
    g_hash_table_insert(loader->compiled, g_steal_pointer(&key), tmpl);
    g_ptr_array_add(loader->config->compiled, g_steal_pointer(&tmpl));
    return known;
}

Template *loader_compile(Loader *loader, TemplateMode mode, const Node *node,
                         const char *key, const char *text)
{
    g_autoptr(GError) error = NULL;
    const TemplateSource *source =
        source_new(loader->config->arena, loader->config->path, node, key);
    const Template *compiled = compile(loader, mode, text, &error);
    if (compiled == NULL) {
        g_autofree char *line = source_describe(source, error);
        report_error_line(loader->reader.report, node, line);
        return NULL;
    }
    Template *tmpl = template_twin(compiled);
    template_set_note(tmpl, source);
    g_ptr_array_add(loader->config->compiled, tmpl);
    return tmpl;
}
