/* SPDX-License-Identifier: MIT */
#ifndef BRIDGE_DELIVERY_SMTP_TIMER_H
#define BRIDGE_DELIVERY_SMTP_TIMER_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/* Deadlines, embedded in what waits for them; setting one allocates nothing in the
 * long run. One thread. */
typedef struct {
    void (*fire)(void *who);
    void *who;
    int64_t due_ms; /* monotonic */
    guint place;    /* 1 + its index in the heap; 0: not set */
} Timer;

typedef struct {
    GPtrArray *heap;
} Timers;

void timers_init(Timers *timers);
void timers_clear(Timers *timers);
/* Sets or moves it. */
void timer_set(Timers *timers, Timer *timer, int64_t due_ms);
void timer_unset(Timers *timers, Timer *timer); /* nothing if it is not set */
/* When the next one is due, -1 if none is set. */
int64_t timers_next_ms(const Timers *timers);
/* Unsets the one due first and gives it, NULL if none is due at NOW_MS. */
Timer *timers_take_due(Timers *timers, int64_t now_ms);

#endif
