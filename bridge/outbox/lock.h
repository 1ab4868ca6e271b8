/* SPDX-License-Identifier: MIT */
#ifndef BRIDGE_OUTBOX_LOCK_H
#define BRIDGE_OUTBOX_LOCK_H

#include <glib.h>

/* Locks the database at PATH for this process by the file PATH.lock, which then names
 * the process.  The lock ends with the returned descriptor, or the process.  Makes the
 * last folder of the path if it is missing.  -1 with ERROR (SYSTEM) set if another
 * process has it. */
int database_lock(const char *path, GError **error);

#endif
