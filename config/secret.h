/* SPDX-License-Identifier: MIT */
#ifndef CONFIG_SECRET_H
#define CONFIG_SECRET_H

#include <glib.h>
#include <stdbool.h>

/* A secret from the configuration: its text, or the file that holds it.  Neither
 * is ever printed; the file is read at each use, so that rotation needs no reload.
 * Plain data: both texts belong to whoever made it (the configuration's arena). */
typedef struct {
    char *text; /* NULL: none */
    char *file; /* NULL: none */
    bool keep_blanks; /* a file's surrounding white space belongs to it */
} Secret;

/* The largest file a secret is read from. */
#define SECRET_FILE_MAX ((size_t)64 * 1024) /* bytes */

bool secret_is_set(const Secret *secret);
/* The secret, to be given back with secret_free(); "" if none is set.  NULL with ERROR
 * (SYSTEM) set if its file cannot be read, is larger than SECRET_FILE_MAX or holds a
 * NUL.  Any thread. */
char *secret_read(const Secret *secret, GError **error);
void secret_free(char *text); /* overwrites it; NULL is allowed */
void secret_wipe(Secret *secret); /* overwrites the text and forgets both */
/* The bytes that a secret of Standard Webhooks stands for: base64, behind "whsec_" or not.
 * NULL if TEXT is none; to be overwritten and freed. */
guint8 *secret_decode(const char *text, size_t *length);
/* The same text or the same file; says nothing about what the file holds. */
bool secret_equal(const Secret *a, const Secret *b);

#endif
