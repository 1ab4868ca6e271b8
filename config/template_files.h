/* SPDX-License-Identifier: MIT */
#ifndef CONFIG_TEMPLATE_FILES_H
#define CONFIG_TEMPLATE_FILES_H

#include <glib.h>
#include <stdbool.h>

#include "rules/template/template.h"

/* A set that holds the built-in templates. */
TemplateSet *template_set_new_with_defaults(void);

/* The files that PATTERN means, sorted, as Go's filepath.Glob finds them: names that begin
 * with a dot are found too.  Empty if there are none; free with g_strfreev().  NULL with
 * ERROR (INPUT; SYSTEM if the search failed) set. */
char **template_files_find(const char *pattern, GError **error);

/* Adds what the file at PATH defines.  Only a regular file is read, so that nothing waits
 * for a pipe or a device.  On error (SYSTEM: "PATH: reason"; INPUT with its place if it does
 * not parse) SET is unchanged. */
bool template_file_add(TemplateSet *set, const char *path, GError **error);

#endif
