/* SPDX-License-Identifier: MIT */
#ifndef BRIDGE_COMPOSE_COMPOSE_H
#define BRIDGE_COMPOSE_COMPOSE_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

#include "bridge/compose/dkim.h"
#include "config/config.h"
#include "rules/timestamp.h"

/* From subject, text and HTML to the bytes of a mail.  All texts are foreign: invalid
 * UTF-8 becomes U+FFFD and control characters become blanks before anything else sees
 * them.  Any thread. */

typedef struct {
    const char *name, *value; /* the name in any case */
} DraftHeader;

/* What a mail is. Texts are never NULL unless said: absent text is "". */
typedef struct {
    const char *message_id;  /* without <>; NULL: a new one, random, at the sender's domain */
    const char *thread_root; /* Message-ID of the thread's first mail, without <>; "": none */
    Timestamp date;
    const char *from;        /* one address: the envelope's sender, too */
    const char *to, *cc, *bcc, *reply_to; /* comma-separated lists of RFC 5322 */
    const char *subject;
    const char *text, *html; /* NULL: no such part; both NULL: an empty text */
    const char *receiver, *status; /* for the X-Alertpost- headers; "": none */
    /* Replace ours of the same name. What cannot be (MIME's own, Bcc) is a problem. */
    const DraftHeader *headers;
    size_t n_headers;
    const char *const *allowed_domains; /* of recipients; NULL: any; lower-case A-labels */
    size_t recipients_max, size_max;    /* 0: no ceiling */
    Dkim *signer;           /* NULL: not signed, nor is it if … */
    const DkimConfig *dkim; /* … this has no domain */
} Draft;

typedef struct {
    char *message_id;  /* without <> */
    char *sender;      /* envelope form, as the recipients: no <>, domain in A-labels */
    char **recipients; /* NULL-terminated, each once; may be empty */
    size_t n_recipients;
    char *subject;     /* cleaned, not encoded */
    char *bytes;       /* CRLF lines of at most 998, not dot-stuffed */
    size_t length;
    /* Why recipients and headers were left out: "to: x@: reason", NULL-terminated. */
    char **problems;
    char *unsigned_because; /* it was to be signed, and could not be; NULL: all is well */
} Composed;

/* False with ERROR set: INPUT if `from` is not one valid address, LIMIT if the mail is
 * larger than size_max.  *COMPOSED is written on true only; clear it. */
bool compose(const Draft *draft, Composed *composed, GError **error);
void composed_clear(Composed *composed);

#endif
