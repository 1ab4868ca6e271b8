/* SPDX-License-Identifier: MIT */
/* The files that a configuration names and that are read at each use (secrets, certificates):
 * one that is missing is no error, since credentials may come later, but worth a warning. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/loader.h"

/* DKIM's key is left out: who checks whether it can sign tells that of it, too. */
static bool is_told(const Config *config, const char *path, unsigned n)
{
    bool told = g_strcmp0(path, config->dkim.private_key.file) == 0;
    for (unsigned i = 0; i < n && !told; i++) {
        told = strcmp(config->files[i].path, path) == 0;
    }
    return told;
}

static int compare_places(const void *a, const void *b)
{
    const Node *left = *(const Node *const *)a, *right = *(const Node *const *)b;
    if (left->line != right->line) {
        return left->line < right->line ? -1 : 1;
    }
    return (left->col > right->col) - (left->col < right->col);
}

void load_outside(Loader *loader)
{
    const Reader *reader = &loader->reader;
    Config *config = loader->config;
    g_ptr_array_sort(reader->files, compare_places);
    config->files = arena_array(reader->arena, NamedFile, reader->files->len);
    for (unsigned i = 0; i < reader->files->len; i++) {
        const Node *node = reader->files->pdata[i];
        char *path = reader_path(reader, reader_text(node));
        if (!is_told(config, path, config->n_files)) {
            g_autofree char *place = report_place(reader->report, node);
            config->files[config->n_files++] =
                (NamedFile){.path = path, .place = arena_strdup(reader->arena, place)};
        }
    }
}

/* An errno, or 0.  Nothing is read: a pipe has its text only once. */
static int why_unreadable(const char *path)
{
    struct stat about;
    if (stat(path, &about) != 0) {
        return errno;
    }
    if (S_ISDIR(about.st_mode)) {
        return EISDIR;
    }
    return access(path, R_OK) == 0 ? 0 : errno;
}

char **config_unreadable(const Config *config)
{
    GPtrArray *lines = g_ptr_array_new();
    for (unsigned i = 0; i < config->n_files; i++) {
        const NamedFile *file = &config->files[i];
        int why = why_unreadable(file->path);
        if (why != 0) {
            g_ptr_array_add(lines, g_strdup_printf("%s: cannot be read at present: %s: %s",
                                                   file->place, file->path, g_strerror(why)));
        }
    }
    g_ptr_array_add(lines, NULL);
    return (char **)g_ptr_array_free(lines, FALSE);
}
