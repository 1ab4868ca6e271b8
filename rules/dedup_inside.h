/* SPDX-License-Identifier: MIT */
#ifndef RULES_DEDUP_INSIDE_H
#define RULES_DEDUP_INSIDE_H

#include "rules/dedup.h"

/* What the two families' rules share. */

/* dedup_decide() for the CI family. */
void dedup_decide_ci(const DedupState *old, Event *event, const DedupSettings *settings,
                     const DedupInput *input, DedupDecision *decision);

/* Something fires, or the workflow is red. */
bool dedup_goes_on(const DedupState *state);

/* Once the new state says whether that is so: a thread lasts as long, and a new one has no
 * root until its first mail is named.  OLD is never NULL. */
void dedup_set_thread(const DedupState *old, bool sends, DedupDecision *decision);

#endif
