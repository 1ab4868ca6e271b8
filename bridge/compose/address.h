/* SPDX-License-Identifier: MIT */
#ifndef BRIDGE_COMPOSE_ADDRESS_H
#define BRIDGE_COMPOSE_ADDRESS_H

#include <glib.h>

/* One mailbox. */
typedef struct {
    char *name;    /* display name, decoded, cleaned; "" if none */
    char *address; /* envelope form: local part as given, domain in lower-case A-labels */
} Address;
void address_free(Address *address); /* NULL is allowed */

/* Notes what had to be left out of a mail; a long list ends in "and more". */
void problems_add(GPtrArray *problems, char *take_text);

/* The mailboxes of TEXT, a comma-separated list in the syntax of RFC 5322, appended to
 * ADDRESSES (Address *).  Groups count as their members, empty items as nothing; what
 * is no valid mailbox goes to PROBLEMS (char *) as "FIELD: item: reason". */
void addresses_parse(GPtrArray *addresses, GPtrArray *problems, const char *field,
                     const char *text);

GPtrArray *addresses_new(void); /* frees its Address */

/* The one mailbox of TEXT.  Where a name spoils it (it comes from a label), the address
 * that TEXT ends with in angle brackets counts, and all before it is the name.  NULL
 * with ERROR (INPUT) set, FIELD in front. */
Address *address_parse_one(const char *field, const char *text, GError **error);

#endif
