/* SPDX-License-Identifier: MIT */
#ifndef BRIDGE_INTAKE_VERDICTS_H
#define BRIDGE_INTAKE_VERDICTS_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/* What checks of passwords said, for a while, so that a request costs no bcrypt.  Passwords
 * are kept as digests with a salt of this process.  Any thread; times are monotonic. */
typedef struct Verdicts Verdicts;

typedef enum { VERDICT_UNKNOWN, VERDICT_WRONG, VERDICT_RIGHT } Verdict;

#define VERDICTS_MAX    1000 /* more, and all are forgotten */
#define VERDICTS_KEPT_US ((int64_t)5 * 60 * G_USEC_PER_SEC)

Verdicts *verdicts_new(void);
void verdicts_free(Verdicts *verdicts); /* NULL is allowed */

/* That of PASSWORD against HASH, as USER. */
Verdict verdicts_get(Verdicts *verdicts, const char *user, const char *hash,
                     const char *password, int64_t now_us);
void verdicts_put(Verdicts *verdicts, const char *user, const char *hash, const char *password,
                  bool right, int64_t now_us);

#endif
