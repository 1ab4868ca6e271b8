/* SPDX-License-Identifier: MIT */
#ifndef BRIDGE_DELIVERY_SMTP_LOOP_H
#define BRIDGE_DELIVERY_SMTP_LOOP_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>

#include "bridge/delivery/smtp/timer.h"

/* One thread that waits for descriptors (epoll), deadlines and tasks from other
 * threads.  Everything but loop_post() and the five verbs belongs to that thread, or
 * to the one that owns the loop while it does not run. */
typedef struct Loop Loop;
typedef struct Watch Watch;

Loop *loop_new(GError **error); /* SYSTEM */
bool loop_start(Loop *loop, GError **error);
void loop_stop(Loop *loop); /* any thread; tasks posted before still run */
void loop_join(Loop *loop); /* nothing if it was not started */
void loop_free(Loop *loop); /* NULL is allowed */

/* Something to do for the loop's thread; embedded in what wants it done. */
typedef struct Task {
    void (*run)(void *who);
    void *who;
    struct Task *next;
    bool queued; /* under the loop's lock */
} Task;
/* Any thread.  Has TASK run soon, once for all posts before it runs.  It must live
 * until then. */
void loop_post(Loop *loop, Task *task);

/* READY is called with the epoll events that came, while FD stays open and watched. */
Watch *loop_watch(Loop *loop, int fd, uint32_t events, void (*ready)(void *who, uint32_t events),
                  void *who);
void loop_rewatch(Loop *loop, Watch *watch, uint32_t events); /* other events */
void loop_unwatch(Loop *loop, Watch *watch); /* before FD is closed; NULL is allowed */

void loop_set_timer(Loop *loop, Timer *timer, int64_t due_ms);
void loop_unset_timer(Loop *loop, Timer *timer);

/* The monotonic clock, read once a round. */
int64_t loop_now_ms(const Loop *loop);

#endif
