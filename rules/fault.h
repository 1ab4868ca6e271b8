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

#endif
