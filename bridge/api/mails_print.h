/* SPDX-License-Identifier: MIT */
#ifndef BRIDGE_API_MAILS_PRINT_H
#define BRIDGE_API_MAILS_PRINT_H

#include <glib.h>

#include "bridge/outbox/manage.h"

/* The JSON of the answers about mails, with a newline. */

/* MAILS: of StoredMail. BEFORE: where the list goes on; 0: it is at its end. */
void mails_print_list(const GPtrArray *mails, int64_t before, GString *out);
/* One mail with its attempts and, if its bytes are there, its headers. */
void mails_print_one(const StoredMail *stored, GString *out);

/* What a server that took a mail called it, from its words; NULL: it did not say. */
char *queue_id_of(const char *text);

#endif
