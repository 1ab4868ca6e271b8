/* SPDX-License-Identifier: MIT */
#ifndef BRIDGE_COMPOSE_BODY_H
#define BRIDGE_COMPOSE_BODY_H

#include <glib.h>

/* Appends a part: Content-Type text/SUBTYPE in UTF-8, its encoding, an empty line, and
 * TEXT (clean, LF lines) as CRLF lines of at most 76 characters; quoted-printable, or
 * base64 where more than a third is not ASCII.  Ends as TEXT ends, with or without
 * a line end. */
void body_add_part(GString *out, const char *subtype, const GString *text);

#endif
