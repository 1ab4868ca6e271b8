/* SPDX-License-Identifier: MIT */
#ifndef BRIDGE_PULSE_H
#define BRIDGE_PULSE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

/* Whether threads do their work: each is asked in the queue it works on, and answers there.
 * One that is stuck, or gone, does not.  Of one thread, but for pulse_answer(). */

enum { PULSE_PARTS = 5 };

typedef struct {
    atomic_bool answered[PULSE_PARTS];
} Pulse;

void pulse_init(Pulse *pulse); /* nobody owes an answer */
/* What the part at INDEX is to be asked with: pulse_answer(that), on its own thread. */
void *pulse_ask(Pulse *pulse, size_t index);
void pulse_answer(void *asked);
/* The first part that has not answered yet; PULSE_PARTS: all have. */
size_t pulse_silent(const Pulse *pulse);

#endif
