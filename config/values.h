/* SPDX-License-Identifier: MIT */
#ifndef CONFIG_VALUES_H
#define CONFIG_VALUES_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The small grammars of the configuration's values.  All return false with ERROR
 * (INPUT) set, and write their results only on true. */

/* true, yes, on, y and their opposites, as YAML 1.1 has them. */
bool bool_parse(const char *text, bool *value, GError **error);
/* Decimal digits only. */
bool unsigned_parse(const char *text, uint64_t *value, GError **error);
/* Prometheus's: 1y2w3d4h5m6s7ms, units descending, each at most once; or 0. */
bool duration_parse(const char *text, int64_t *ms, GError **error);
/* A number of bytes, alone or with B, KiB, MiB, GiB or TiB. */
bool size_parse(const char *text, size_t *bytes, GError **error);
/* Whether TEXT may stand for a host: a name in any script, or an address without brackets. */
bool host_check(const char *text);
/* "host:port", "[v6]:port", ":port" (host "" means this machine); the port a number or
 * smtp, submission, submissions, smtps.  *HOST is to be freed. */
bool host_port_parse(const char *text, char **host, unsigned *port, GError **error);

#endif
