/* SPDX-License-Identifier: MIT */
#include "config/suggest.h"

#include <glib.h>
#include <string.h>

#define NAME_MAX_BYTES 64

void suggestion_init(Suggestion *suggestion, const char *wanted)
{
    *suggestion = (Suggestion){.wanted = wanted};
}

/* One row of the distance matrix; BEFORE and OLD are the two rows above it. */
static void next_row(const char *a, const char *b, size_t i, const unsigned *old,
                     const unsigned *before, unsigned *row)
{
    row[0] = (unsigned)i + 1;
    for (size_t j = 0; b[j] != '\0'; j++) {
        unsigned change = before[j] + (a[i] != b[j]);
        row[j + 1] = MIN(MIN(before[j + 1] + 1, row[j] + 1), change);
        if (i > 0 && j > 0 && a[i] == b[j - 1] && a[i - 1] == b[j]) {
            row[j + 1] = MIN(row[j + 1], old[j - 1] + 1);
        }
    }
}

/* Insertions, deletions, changes and swaps of neighbours (optimal string alignment). */
static unsigned distance(const char *a, const char *b)
{
    unsigned rows[3][NAME_MAX_BYTES + 1];
    size_t length = strlen(b);
    for (size_t j = 0; j <= length; j++) {
        rows[0][j] = 0;
        rows[2][j] = (unsigned)j;
    }
    for (size_t i = 0; a[i] != '\0'; i++) {
        next_row(a, b, i, rows[(i + 1) % 3], rows[(i + 2) % 3], rows[i % 3]);
    }
    return rows[(strlen(a) + 2) % 3][length];
}

void suggestion_offer(Suggestion *suggestion, const char *name)
{
    size_t length = strlen(name);
    if (length > NAME_MAX_BYTES || strlen(suggestion->wanted) > NAME_MAX_BYTES) {
        return;
    }
    unsigned found = distance(suggestion->wanted, name);
    if (found <= MAX(length / 3, 1) &&
        (suggestion->best == NULL || found < suggestion->distance)) {
        suggestion->best = name;
        suggestion->distance = found;
    }
}
