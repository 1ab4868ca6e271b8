/* SPDX-License-Identifier: MIT */
#ifndef CONFIG_SUGGEST_H
#define CONFIG_SUGGEST_H

/* The closest of several names to one that is not among them. */
typedef struct {
    const char *wanted;
    const char *best;  /* NULL: none was close */
    unsigned distance; /* of the best */
} Suggestion;

void suggestion_init(Suggestion *suggestion, const char *wanted);
/* NAME, which must live as long as the suggestion, is kept if it is the closest so far:
 * at most a third of its letters differ, neighbours swapped counting once. */
void suggestion_offer(Suggestion *suggestion, const char *name);

#endif
