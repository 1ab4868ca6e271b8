/* SPDX-License-Identifier: MIT */
#ifndef BRIDGE_COMPOSE_DKIM_H
#define BRIDGE_COMPOSE_DKIM_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "config/config.h"

/* Signatures by RFC 6376: rsa-sha256, relaxed/relaxed, From signed twice over so that no
 * second one can be added. */

/* The key last used, so that it is not parsed for every mail. Any thread. */
typedef struct Dkim Dkim;
Dkim *dkim_new(void);
void dkim_free(Dkim *dkim); /* NULL is allowed */

#define DKIM_BITS_MIN   1024
#define DKIM_BITS_USUAL 2048

/* Whether CONFIG can sign: at load, so that a wrong key is not found out by a mail.
 * False with ERROR (INPUT) set: no RSA key, or one that is too short.  *TAKE_NOTE is a
 * warning, or NULL: a file that cannot be read may come later, and a mail goes without a
 * signature rather than not at all.  Both begin with the place in the configuration. */
bool dkim_check(const DkimConfig *config, char **take_note, GError **error);

/* Puts a DKIM-Signature in front of the mail BYTES (CRLF lines), which is signed at
 * TIME_S (Unix time).  The key's file is read anew.  False with ERROR set (INPUT as
 * above; SYSTEM: the file cannot be read), and BYTES untouched. */
bool dkim_sign(Dkim *dkim, const DkimConfig *config, int64_t time_s, GString *bytes,
               GError **error);

#endif
