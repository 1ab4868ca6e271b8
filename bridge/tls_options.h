/* SPDX-License-Identifier: MIT */
#ifndef BRIDGE_TLS_OPTIONS_H
#define BRIDGE_TLS_OPTIONS_H

#include <glib.h>
#include <stdbool.h>

#include "config/config.h"

/* Sets what TLS says on EASY (a CURL), whatever it speaks.  server_name is left to the
 * caller: for libcurl it is part of the address.  False with ERROR set (SYSTEM: the key
 * cannot be read; INPUT: a setting is of no use). */
bool tls_options_set(void *easy, const TlsConfig *tls, GError **error);

#endif
