/* SPDX-License-Identifier: MIT */
#include "bridge/pulse.h"

void pulse_init(Pulse *pulse)
{
    for (size_t i = 0; i < PULSE_PARTS; i++) {
        atomic_init(&pulse->answered[i], true);
    }
}

void *pulse_ask(Pulse *pulse, size_t index)
{
    atomic_store(&pulse->answered[index], false);
    return &pulse->answered[index];
}

void pulse_answer(void *asked)
{
    atomic_bool *answered = asked;
    atomic_store(answered, true);
}

size_t pulse_silent(const Pulse *pulse)
{
    size_t i = 0;
    while (i < PULSE_PARTS && atomic_load(&pulse->answered[i])) {
        i++;
    }
    return i;
}
