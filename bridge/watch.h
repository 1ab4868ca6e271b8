/* SPDX-License-Identifier: MIT */
#ifndef BRIDGE_WATCH_H
#define BRIDGE_WATCH_H

#include <glib.h>
#include <stdbool.h>

#include "bridge/log.h"

/* Tells when the files of a configuration have changed. */
typedef struct Watch Watch;

/* changed() is called on the watch's thread, some moments after the last change. */
typedef void WatchChanged(void *who);

/* LOG may be NULL. */
Watch *watch_new(WatchChanged *changed, void *who, Log *log);
/* ERROR: SYSTEM. */
bool watch_start(Watch *watch, GError **error);

/* From now on it is about the file at PATH and those that PATTERNS (NULL-terminated) match, as
 * they are now.  Any thread, also before the start. */
void watch_set(Watch *watch, const char *path, char *const *patterns);
/* What they are now is known: no need to tell.  Before they are read for another reason. */
void watch_note(Watch *watch);

void watch_stop(Watch *watch);
void watch_join(Watch *watch);
void watch_free(Watch *watch); /* NULL is allowed */

#endif
