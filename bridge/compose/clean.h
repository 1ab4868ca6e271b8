/* SPDX-License-Identifier: MIT */
#ifndef BRIDGE_COMPOSE_CLEAN_H
#define BRIDGE_COMPOSE_CLEAN_H

#include <glib.h>
#include <stddef.h>

/* Foreign text made safe: invalid UTF-8 becomes U+FFFD, control characters (C0, DEL,
 * C1, line and paragraph separators) become blanks. */

/* On one line, without blanks at either end. */
char *clean_line(const char *text);
/* A body: CR LF and CR become LF, tabs stay.  Appends to OUT. */
void clean_body(GString *out, const char *text, size_t length);

/* How many of the MAX bytes from AT on are ASCII, no control character but perhaps DEL,
 * and not EXCEPT. */
size_t clean_run(const char *at, size_t max, char except);

#endif
