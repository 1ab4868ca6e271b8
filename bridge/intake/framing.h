/* SPDX-License-Identifier: MIT */
#ifndef BRIDGE_INTAKE_FRAMING_H
#define BRIDGE_INTAKE_FRAMING_H

#include <stddef.h>

/* Whether a request's headers leave no doubt about where it ends.  Where two readers could
 * come to two ends, a proxy before us and we, one request can be hidden in another. */
typedef struct {
    unsigned hosts, lengths, encodings;
    const char *problem; /* the first one; NULL: none */
} Framing;

/* Looks at the next header; neither text needs to end in a NUL. */
void framing_note(Framing *framing, const char *name, size_t name_length, const char *value,
                  size_t value_length);
/* What is wrong with those that were noted, in a line; NULL if nothing is. */
const char *framing_problem(const Framing *framing);

/* Undoes the %XX in TEXT, in place; its length.  %00 stays as it is: what comes behind it
 * would be lost. */
size_t framing_unescape(char *text);

#endif
