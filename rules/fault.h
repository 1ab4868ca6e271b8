/* SPDX-License-Identifier: MIT */
#ifndef RULES_FAULT_H
#define RULES_FAULT_H

#include <glib.h>

/* The kinds of error, by what the caller does next; the text is for people. */
typedef enum {
    FAULT_INPUT,  /* theirs: answer it, the same input fails again */
    FAULT_LIMIT,  /* a ceiling we set: try later */
    FAULT_REMOTE, /* the other side: retry by policy */
    FAULT_SYSTEM, /* ours: log, alarm */
} FaultKind;

#define FAULT (fault_quark())
GQuark fault_quark(void);

/* Where in a text the fault is, beside the words of the error. */
typedef struct {
    char *file;            /* what the text was read from; "" if it was no file */
    unsigned line, column; /* from 1; in bytes, from 0 */
    char *reason;          /* the error's words without their own "name:line:column" */
} FaultPlace;

/* Gives ERROR, which is one of FAULT's, a place; the texts are copied. */
void fault_set_place(GError *error, const char *file, unsigned line, unsigned column,
                     const char *reason);
/* NULL if it has none (or is not FAULT's); lives as long as ERROR. */
const FaultPlace *fault_place(const GError *error);

#endif
