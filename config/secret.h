/* SPDX-License-Identifier: MIT */
#ifndef CONFIG_SECRET_H
#define CONFIG_SECRET_H

#include <glib.h>
#include <stdbool.h>

/* A secret from the configuration: its text, or the file that holds it.  Neither
 * is ever printed; the file is read at each use, so that rotation needs no reload. */
typedef struct {
    char *text; /* NULL: none */
    char *file; /* NULL: none */
    bool keep_blanks; /* a file's surrounding white space belongs to it */
} Secret;

bool secret_is_set(const Secret *secret);
/* The secret, to be cleared with secret_free(); "" if none is set.  NULL with ERROR
 * (SYSTEM) set if its file cannot be read. */
char *secret_read(const Secret *secret, GError **error);
void secret_free(char *text); /* overwrites it; NULL is allowed */
void secret_clear(Secret *secret);
bool secret_equal(const Secret *a, const Secret *b);

#endif
