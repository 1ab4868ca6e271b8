/* SPDX-License-Identifier: MIT */
#ifndef CONFIG_ADDRESS_H
#define CONFIG_ADDRESS_H

#include <glib.h>
#include <stdbool.h>

/* What can be said of an address list (RFC 5322, comma-separated) before it is used:
 * false with ERROR (INPUT) set if an item has no mailbox of the form local@domain.  The
 * whole grammar is compose's; this finds what can never work. */
bool address_list_check(const char *list, GError **error);

#endif
