/* SPDX-License-Identifier: MIT */
#ifndef BRIDGE_CONVERSATION_H
#define BRIDGE_CONVERSATION_H

#include <stddef.h>

#include "bridge/delivery/delivery.h"

/* What goes over a WireTap, as lines for people: "C: " the client's, "S: " the server's,
 * "*  " libcurl's remarks.  Whatever is said while authenticating is masked, and so is a
 * secret wherever else it appears (a server may repeat what it was sent).  A mail is
 * shown as its headers and the size of the rest.  What the server sends cannot move the
 * terminal's cursor.  One thread. */
typedef struct Conversation Conversation;

#define CONVERSATION_LINE_MAX    1000 /* bytes of a line; what is longer ends with "…" */
#define CONVERSATION_HEADERS_MAX 40   /* lines of a mail's headers */

/* PRINT gets each line, without its end. */
Conversation *conversation_new(void (*print)(void *who, const char *line), void *who);
void conversation_free(Conversation *conversation); /* NULL is allowed */
/* Masks TEXT, and its base64, from now on; what is shorter than four bytes is not. */
void conversation_hide(Conversation *conversation, const char *text);
void conversation_add(Conversation *conversation, WireSide side, const char *bytes,
                      size_t length);

#endif
