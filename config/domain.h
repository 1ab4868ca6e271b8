/* SPDX-License-Identifier: MIT */
#ifndef CONFIG_DOMAIN_H
#define CONFIG_DOMAIN_H

#include <glib.h>

/* The one home of libidn2.
 *
 * DOMAIN in lower case with A-labels ("bücher.example" -> "xn--bcher-kva.example"), to
 * free.  NULL with ERROR (INPUT) set if it is no domain name. */
char *domain_to_ascii(const char *domain, GError **error);

#endif
