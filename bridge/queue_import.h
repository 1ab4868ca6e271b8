/* SPDX-License-Identifier: MIT */
#ifndef BRIDGE_QUEUE_IMPORT_H
#define BRIDGE_QUEUE_IMPORT_H

#include <glib.h>
#include <stdbool.h>

#include "bridge/outbox/manage.h"

/* Brings into OUTBOX what can be read of the damaged database at PATH: mails that are not
 * known by their Message-ID, and records that are absent.  OUT is told how many.  Done
 * again it changes nothing.  False with ERROR set if it cannot be read at all, or not be
 * stored; what was stored before stays. */
bool queue_import(Outbox *outbox, const char *path, GString *out, GError **error);

#endif
