/* SPDX-License-Identifier: MIT */
#include "bridge/intake/gate.h"

#include <glib.h>
#include <time.h>

void gate_init(Gate *gate)
{
    *gate = (Gate){0};
    pthread_condattr_t monotonic;
    pthread_mutex_init(&gate->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&gate->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
}

void gate_clear(Gate *gate)
{
    pthread_cond_destroy(&gate->changed);
    pthread_mutex_destroy(&gate->lock);
}

bool gate_enter(Gate *gate, unsigned inside_max)
{
    pthread_mutex_lock(&gate->lock);
    bool open = !gate->closed && gate->inside < inside_max;
    gate->inside += open ? 1 : 0;
    pthread_mutex_unlock(&gate->lock);
    return open;
}

void gate_exit(Gate *gate)
{
    pthread_mutex_lock(&gate->lock);
    gate->inside--;
    pthread_cond_broadcast(&gate->changed);
    pthread_mutex_unlock(&gate->lock);
}

void gate_answered(Gate *gate)
{
    pthread_mutex_lock(&gate->lock);
    gate->leaving++;
    pthread_mutex_unlock(&gate->lock);
}

void gate_sent(Gate *gate)
{
    pthread_mutex_lock(&gate->lock);
    gate->leaving--;
    pthread_cond_broadcast(&gate->changed);
    pthread_mutex_unlock(&gate->lock);
}

void gate_close(Gate *gate)
{
    pthread_mutex_lock(&gate->lock);
    gate->closed = true;
    pthread_mutex_unlock(&gate->lock);
}

void gate_wait(Gate *gate, int64_t farewell_ms)
{
    pthread_mutex_lock(&gate->lock);
    while (gate->inside > 0) {
        pthread_cond_wait(&gate->changed, &gate->lock);
    }
    int64_t end_ms = g_get_monotonic_time() / 1000 + farewell_ms;
    struct timespec end = {.tv_sec = (time_t)(end_ms / 1000),
                           .tv_nsec = (long)(end_ms % 1000 * 1000000)};
    while (gate->leaving > 0 &&
           pthread_cond_timedwait(&gate->changed, &gate->lock, &end) == 0) {
    }
    pthread_mutex_unlock(&gate->lock);
}
