/* SPDX-License-Identifier: MIT */
#ifndef BRIDGE_DELIVERY_ADDRESS_H
#define BRIDGE_DELIVERY_ADDRESS_H

#include <stdbool.h>

/* The last gate before an address becomes part of a command.  NULL if ADDRESS may
 * stand between < and >, else why not (a constant text).  The limits are RFC 5321's:
 * local part 64 bytes, domain 255, both with the brackets 256. */
const char *address_fault(const char *address);
/* Whether the server must know SMTPUTF8 for it. */
bool address_is_international(const char *address);

#endif
