/* SPDX-License-Identifier: MIT */
#ifndef CONFIG_FILE_H
#define CONFIG_FILE_H

#include <glib.h>
#include <stddef.h>

/* The whole of a file of at most MAX bytes (of whole KiB), with a NUL behind it; give it
 * back with file_free().  NULL with ERROR (SYSTEM) set: the reason, without the path.
 * What is read may be secret: no other copy of it stays behind. */
char *file_read(const char *path, size_t max, size_t *length, GError **error);
/* The same, but anything else than a regular file is refused, and never waited for. */
char *file_read_regular(const char *path, size_t max, size_t *length, GError **error);
void file_free(char *text, size_t length); /* overwrites it; NULL is allowed */

#endif
