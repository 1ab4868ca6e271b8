/* SPDX-License-Identifier: MIT */
#ifndef BRIDGE_COMPOSE_HEADER_H
#define BRIDGE_COMPOSE_HEADER_H

#include <glib.h>
#include <stdbool.h>

#include "bridge/compose/address.h"
#include "rules/timestamp.h"

/* Header fields, appended to OUT as ASCII lines with CRLF: RFC 2047 where needed,
 * folded at 76 columns where a blank allows it, never over 998. */

#define HEADER_VALUE_MAX 4000 /* bytes of a text; what is longer ends with "…" */

/* Printable ASCII without a colon, at most 64 characters. */
bool header_name_valid(const char *name);

/* Unstructured text (Subject, X-…). An empty value gives no header. */
void header_add_text(GString *out, const char *name, const char *value);
/* A list of Address *; a mailbox whose local part is not ASCII cannot be shown.
 * False, and nothing is written, if none can. */
bool header_add_addresses(GString *out, const char *name, const GPtrArray *addresses);
/* Message-IDs, in angle brackets; a bare one gets them. */
void header_add_ids(GString *out, const char *name, const char *value);
void header_add_date(GString *out, const char *name, Timestamp date);

#endif
