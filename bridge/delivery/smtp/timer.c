/* SPDX-License-Identifier: MIT */
#include "bridge/delivery/smtp/timer.h"

void timers_init(Timers *timers)
{
    timers->heap = g_ptr_array_new();
}

void timers_clear(Timers *timers)
{
    g_ptr_array_unref(timers->heap);
}

static Timer *at(const Timers *timers, guint index)
{
    return g_ptr_array_index(timers->heap, index);
}

static void put(Timers *timers, guint index, Timer *timer)
{
    g_ptr_array_index(timers->heap, index) = timer;
    timer->place = index + 1;
}

/* Moves TIMER from INDEX towards the root until its parent is not later. */
static guint rise(Timers *timers, guint index, Timer *timer)
{
    while (index > 0) {
        Timer *parent = at(timers, (index - 1) / 2);
        if (parent->due_ms <= timer->due_ms) {
            break;
        }
        put(timers, index, parent);
        index = (index - 1) / 2;
    }
    put(timers, index, timer);
    return index;
}

static void sink(Timers *timers, guint index, Timer *timer)
{
    for (;;) {
        guint child = 2 * index + 1;
        if (child >= timers->heap->len) {
            break;
        }
        if (child + 1 < timers->heap->len &&
            at(timers, child + 1)->due_ms < at(timers, child)->due_ms) {
            child++;
        }
        if (timer->due_ms <= at(timers, child)->due_ms) {
            break;
        }
        put(timers, index, at(timers, child));
        index = child;
    }
    put(timers, index, timer);
}

void timer_set(Timers *timers, Timer *timer, int64_t due_ms)
{
    timer->due_ms = due_ms;
    if (timer->place == 0) {
        g_ptr_array_add(timers->heap, timer);
        timer->place = timers->heap->len;
    }
    sink(timers, rise(timers, timer->place - 1, timer), timer);
}

void timer_unset(Timers *timers, Timer *timer)
{
    if (timer->place == 0) {
        return;
    }
    guint index = timer->place - 1;
    timer->place = 0;
    Timer *last = at(timers, timers->heap->len - 1);
    g_ptr_array_set_size(timers->heap, (gint)timers->heap->len - 1);
    if (last != timer) {
        sink(timers, rise(timers, index, last), last);
    }
}

int64_t timers_next_ms(const Timers *timers)
{
    return timers->heap->len > 0 ? at(timers, 0)->due_ms : -1;
}

Timer *timers_take_due(Timers *timers, int64_t now_ms)
{
    if (timers->heap->len == 0 || at(timers, 0)->due_ms > now_ms) {
        return NULL;
    }
    Timer *timer = at(timers, 0);
    timer_unset(timers, timer);
    return timer;
}
