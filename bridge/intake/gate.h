/* SPDX-License-Identifier: MIT */
#ifndef BRIDGE_INTAKE_GATE_H
#define BRIDGE_INTAKE_GATE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/* The way in for requests that wait for their answer, which can be closed for good, and
 * the count of those inside and of the answers on their way out.  Any thread. */
typedef struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool closed;
    unsigned inside, leaving;
} Gate;

void gate_init(Gate *gate);
void gate_clear(Gate *gate);

/* Counts one in; false if the gate is closed or INSIDE_MAX are inside. */
bool gate_enter(Gate *gate, unsigned inside_max);
void gate_exit(Gate *gate); /* for each that entered */

/* An answer is ready; its bytes have left, or never will. */
void gate_answered(Gate *gate);
void gate_sent(Gate *gate);

void gate_close(Gate *gate);
/* After close: waits until nobody is inside, then up to FAREWELL_MS for the answers. */
void gate_wait(Gate *gate, int64_t farewell_ms);

#endif
