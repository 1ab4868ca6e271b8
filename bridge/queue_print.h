/* SPDX-License-Identifier: MIT */
#ifndef BRIDGE_QUEUE_PRINT_H
#define BRIDGE_QUEUE_PRINT_H

#include <glib.h>
#include <stdint.h>

#include "bridge/json.h"

/* What `alertpost queue` prints for people, from the JSON of the daemon's answers.  Nothing
 * in it can move a terminal's cursor. */

/* A table, a line a mail; MAILS: of Json *, the objects of lists.  STATUS: what
 * /api/v1/status answers (NULL: unknown); what is wrong with a mail server that some of them
 * wait for is told. */
void queue_print_list(const GPtrArray *mails, const Json *status, int64_t now_ms,
                      GString *out);
/* All that is known of one mail; STATUS as above. */
void queue_print_mail(const Json *mail, const Json *status, GString *out);

#endif
