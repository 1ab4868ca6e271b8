/* SPDX-License-Identifier: MIT */
#ifndef BRIDGE_OUTBOX_DAMAGE_H
#define BRIDGE_OUTBOX_DAMAGE_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/* A database that is damaged, seen as files: PATH, and beside it PATH-wal and so on. */

/* Its head is that of a database with tables, and names another program: not ours to
 * touch. */
bool damage_is_foreign(const char *path, uint32_t application_id);

/* The file is empty and the log beside it is not, which SQLite would throw away. */
bool damage_is_headless(const char *path);

/* PATH.damaged says that damage was met while the program ran, where a quick look at the
 * next start might not meet it again.  A failure to write it is not told. */
void damage_mark(const char *path, const char *reason);
bool damage_is_marked(const char *path);
void damage_unmark(const char *path);

/* Renames it to PATH.corrupt-20060102T150405Z, with what belongs to it; a name that is
 * taken gets a number.  The new name, or NULL with ERROR (SYSTEM) set. */
char *damage_move_aside(const char *path, int64_t now_s, GError **error);

#endif
