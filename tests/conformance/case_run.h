/* SPDX-License-Identifier: MIT */
#ifndef TESTS_CONFORMANCE_CASE_RUN_H
#define TESTS_CONFORMANCE_CASE_RUN_H

#include "case_data.h"

/* What came of a case. */
typedef struct {
    const char *phase; /* of the error: load, parse, escape, exec */
    GError *error;
    GString *output;
} Outcome;

/* Runs ITEM: a case of the language (`templates`, of which "main" is executed over `data`),
 * or of Alertmanager (`text` over a webhook's body: `data` itself, or the file of that name
 * in FOLDER/data), with the templates of Debian's Alertmanager, where it is installed.
 * Clear the result with outcome_clear(). */
Outcome case_run(const Json *item, const char *folder);
void outcome_clear(Outcome *outcome);

/* The text KEY of a case; NULL, or "", if it has none. */
const char *case_text_of(const Json *object, const char *key);
const char *case_text_or_empty(const Json *object, const char *key);

#endif
