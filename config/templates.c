/* SPDX-License-Identifier: MIT */
#include <glob.h>
#include <string.h>

#include "config/file.h"
#include "config/loader.h"

/* The largest template file. */
#define TEMPLATE_FILE_MAX ((size_t)4 * 1024 * 1024)

static bool read_file(TemplateSet *templates, const char *path, GError **error)
{
    size_t length;
    char *text = file_read(path, TEMPLATE_FILE_MAX, &length, error);
    if (text == NULL) {
        return false;
    }
    g_autofree char *name = g_path_get_basename(path);
    bool added = template_set_add(templates, name, text, length, error);
    file_free(text, length);
    return added;
}

static void add_file(Loader *loader, const Node *node, const char *path)
{
    g_autoptr(GError) error = NULL;
    if (read_file(loader->config->templates, path, &error)) {
        loader->config->n_template_files++;
    } else {
        report_error(loader->reader.report, node, "%s: %s", path, error->message);
    }
}

static void add_pattern(Loader *loader, const Node *node)
{
    const char *pattern = reader_path(&loader->reader, reader_text(node));
    glob_t found = {0};
    int code = glob(pattern, 0, NULL, &found);
    if (code == GLOB_NOMATCH) {
        report_note(loader->reader.report, node, "no file matches %s", pattern);
    } else if (code != 0) {
        report_error(loader->reader.report, node, "%s: cannot be searched", pattern);
    }
    for (size_t i = 0; i < found.gl_pathc; i++) {
        add_file(loader, node, found.gl_pathv[i]);
    }
    globfree(&found);
}

void load_templates(Loader *loader)
{
    GError *error = NULL;
    if (!template_set_add(loader->config->templates, "default.tmpl", config_default_tmpl,
                          strlen(config_default_tmpl), &error)) {
        g_error("built-in templates: %s", error->message);
    }
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
