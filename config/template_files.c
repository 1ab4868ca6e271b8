/* SPDX-License-Identifier: MIT */
#include "config/template_files.h"

#include <glob.h>
#include <string.h>

#include "config/config.h"
#include "config/file.h"
#include "rules/fault.h"

/* The largest template file. */
#define TEMPLATE_FILE_MAX ((size_t)4 * 1024 * 1024)

TemplateSet *template_set_new_with_defaults(void)
{
    const struct {
        const char *name, *text;
    } files[] = {{"default.tmpl", config_default_tmpl}, {"ci.tmpl", config_ci_tmpl}};
    TemplateSet *set = template_set_new();
    for (size_t i = 0; i < G_N_ELEMENTS(files); i++) {
        GError *error = NULL;
        if (!template_set_add_file(set, files[i].name, files[i].text,
                                   strlen(files[i].text), &error)) {
            g_error("built-in templates: %s", error->message);
        }
    }
    return set;
}

/* Behind one end of a range; NULL if there is none. */
static const char *skip_end(const char *text)
{
    if (*text == '-' || *text == ']') {
        return NULL;
    }
    text += *text == '\\';
    return *text != '\0' ? text + 1 : NULL;
}

/* Behind the class that starts at TEXT, which is behind its `[`; NULL if it has no end. */
static const char *skip_class(const char *text)
{
    text += *text == '^';
    do {
        text = skip_end(text);
        if (text != NULL && *text == '-') {
            text = skip_end(text + 1);
        }
    } while (text != NULL && *text != ']');
    return text != NULL ? text + 1 : NULL;
}

/* What Go takes for a pattern: every `[` is closed, and a backslash has something behind. */
static bool is_pattern(const char *text)
{
    while (text != NULL && *text != '\0') {
        if (*text == '[') {
            text = skip_class(text + 1);
        } else if (*text == '\\') {
            text = text[1] != '\0' ? text + 2 : NULL;
        } else {
            text++;
        }
    }
    return text != NULL;
}

/* GLOB_PERIOD finds the folder itself and the one above, too. */
static bool is_dots(const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash != NULL ? slash + 1 : path;
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

char **template_files_find(const char *pattern, GError **error)
{
    if (!is_pattern(pattern)) {
        g_set_error(error, FAULT, FAULT_INPUT, "%s: syntax error in pattern", pattern);
        return NULL;
    }
    glob_t found = {0};
    int code = glob(pattern, GLOB_PERIOD, NULL, &found);
    if (code != 0 && code != GLOB_NOMATCH) {
        g_set_error(error, FAULT, FAULT_SYSTEM, "%s: cannot be searched", pattern);
        globfree(&found);
        return NULL;
    }
    char **paths = g_new0(char *, found.gl_pathc + 1);
    size_t n = 0;
    for (size_t i = 0; i < found.gl_pathc; i++) {
        if (!is_dots(found.gl_pathv[i])) {
            paths[n++] = g_strdup(found.gl_pathv[i]);
        }
    }
    globfree(&found);
    return paths;
}

bool template_file_add(TemplateSet *set, const char *path, GError **error)
{
    size_t length;
    char *text = file_read_regular(path, TEMPLATE_FILE_MAX, &length, error);
    if (text == NULL) {
        g_prefix_error(error, "%s: ", path);
        return false;
    }
    bool added = template_set_add_file(set, path, text, length, error);
    file_free(text, length);
    return added;
}
