/* SPDX-License-Identifier: MIT */
#include "config/loader.h"
#include "config/template_files.h"

static void add_file(Loader *loader, const Node *node, const char *path)
{
    g_autoptr(GError) error = NULL;
    if (template_file_add(loader->config->templates, path, &error)) {
        loader->config->n_template_files++;
    } else {
        report_error(loader->reader.report, node, "%s", error->message);
    }
}

static void add_pattern(Loader *loader, const Node *node)
{
    g_autoptr(GError) error = NULL;
    const char *pattern = reader_path(&loader->reader, reader_text(node));
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
    for (const Node *node = list != NULL ? list->first : NULL; node != NULL;
         node = node->next) {
        add_pattern(loader, node);
    }
}

Template *loader_compile(Loader *loader, TemplateMode mode, const Node *node,
                         const char *text)
{
    g_autofree char *key = g_strdup_printf("%d %s", (int)mode, text);
    Template *known = g_hash_table_lookup(loader->compiled, key);
    if (known != NULL) {
        return known;
    }
    g_autoptr(GError) error = NULL;
    Template *tmpl = template_compile(loader->config->templates, mode, "", text, &error);
    if (tmpl == NULL) {
        report_error(loader->reader.report, node, "%s", error->message);
        return NULL;
    }
    g_ptr_array_add(loader->config->compiled, tmpl);
    g_hash_table_insert(loader->compiled, g_steal_pointer(&key), tmpl);
    return tmpl;
}
