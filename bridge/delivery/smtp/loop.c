/* SPDX-License-Identifier: MIT */
/* The thread waits in epoll for descriptors, for the eventfd that a posted task
 * rings, and for the next deadline.  A round runs what is ready, then the tasks, then
 * the deadlines.  A watch that is removed while events for it wait in the same round
 * is only marked; it is freed when the round is over.  loop_stop() ends the thread
 * after the round in which it is seen. */
#include "bridge/delivery/smtp/loop.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "rules/fault.h"

enum { EVENTS_A_ROUND = 64 };

struct Watch {
    int fd;
    uint32_t events;
    void (*ready)(void *who, uint32_t events);
    void *who;
    bool removed;
};

struct Loop {
    int epoll, bell;
    pthread_t thread;
    bool started;
    atomic_bool stopping;
    int64_t now_ms;
    Timers timers;
    GPtrArray *removed; /* Watch *: freed at the end of the round */
    pthread_mutex_t lock;
    Task *first, *last; /* under lock */
};

static int64_t read_clock_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static bool watch_bell(Loop *loop)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
    return epoll_ctl(loop->epoll, EPOLL_CTL_ADD, loop->bell, &event) == 0;
}

Loop *loop_new(GError **error)
{
    Loop *loop = g_new0(Loop, 1);
    loop->removed = g_ptr_array_new_with_free_func(g_free);
    timers_init(&loop->timers);
    pthread_mutex_init(&loop->lock, NULL);
    loop->now_ms = read_clock_ms();
    loop->epoll = epoll_create1(EPOLL_CLOEXEC);
    loop->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (loop->epoll < 0 || loop->bell < 0 || !watch_bell(loop)) {
        g_set_error(error, FAULT, FAULT_SYSTEM, "smtp: event loop: %s", g_strerror(errno));
        loop_free(loop);
        return NULL;
    }
    return loop;
}

void loop_free(Loop *loop)
{
    if (loop == NULL) {
        return;
    }
    if (loop->epoll >= 0) {
        close(loop->epoll);
    }
    if (loop->bell >= 0) {
        close(loop->bell);
    }
    g_ptr_array_unref(loop->removed);
    timers_clear(&loop->timers);
    pthread_mutex_destroy(&loop->lock);
    g_free(loop);
}

int64_t loop_now_ms(const Loop *loop)
{
    return loop->now_ms;
}

/* --- tasks --- */

static void ring(Loop *loop)
{
    uint64_t one = 1;
    ssize_t written = write(loop->bell, &one, sizeof one);
    (void)written; /* a full counter rings too */
}

void loop_post(Loop *loop, Task *task)
{
    pthread_mutex_lock(&loop->lock);
    bool first = loop->first == NULL;
    if (!task->queued) {
        task->queued = true;
        task->next = NULL;
        if (first) {
            loop->first = task;
        } else {
            loop->last->next = task;
        }
        loop->last = task;
    }
    pthread_mutex_unlock(&loop->lock);
    if (first) {
        ring(loop);
    }
}

static Task *take_task(Loop *loop)
{
    pthread_mutex_lock(&loop->lock);
    Task *task = loop->first;
    if (task != NULL) {
        loop->first = task->next;
        task->queued = false;
    }
    pthread_mutex_unlock(&loop->lock);
    return task;
}

static void run_tasks(Loop *loop)
{
    uint64_t rings;
    ssize_t got = read(loop->bell, &rings, sizeof rings);
    (void)got;
    for (Task *task = take_task(loop); task != NULL; task = take_task(loop)) {
        task->run(task->who);
    }
}

/* --- descriptors --- */

static void control(Loop *loop, int operation, Watch *watch)
{
    struct epoll_event event = {.events = watch->events, .data.ptr = watch};
    if (epoll_ctl(loop->epoll, operation, watch->fd, &event) != 0) {
        /* Out of memory, or a descriptor that is none: nothing would ever come. */
        g_assert(operation == EPOLL_CTL_DEL);
    }
}

Watch *loop_watch(Loop *loop, int fd, uint32_t events, void (*ready)(void *who, uint32_t events),
                  void *who)
{
    Watch *watch = g_new(Watch, 1);
    *watch = (Watch){.fd = fd, .events = events, .ready = ready, .who = who};
    control(loop, EPOLL_CTL_ADD, watch);
    return watch;
}

void loop_rewatch(Loop *loop, Watch *watch, uint32_t events)
{
    if (watch->events != events) {
        watch->events = events;
        control(loop, EPOLL_CTL_MOD, watch);
    }
}

void loop_unwatch(Loop *loop, Watch *watch)
{
    if (watch != NULL) {
        control(loop, EPOLL_CTL_DEL, watch);
        watch->removed = true;
        g_ptr_array_add(loop->removed, watch);
    }
}

/* --- deadlines --- */

void loop_set_timer(Loop *loop, Timer *timer, int64_t due_ms)
{
    timer_set(&loop->timers, timer, due_ms);
}

void loop_unset_timer(Loop *loop, Timer *timer)
{
    timer_unset(&loop->timers, timer);
}

static int timeout_ms(const Loop *loop)
{
    int64_t next = timers_next_ms(&loop->timers);
    if (next < 0) {
        return -1;
    }
    return (int)CLAMP(next - read_clock_ms(), 0, 3600 * 1000);
}

static void fire_timers(Loop *loop)
{
    Timer *timer;
    while ((timer = timers_take_due(&loop->timers, loop->now_ms)) != NULL) {
        timer->fire(timer->who);
    }
}

/* --- the thread --- */

static void run_round(Loop *loop)
{
    struct epoll_event events[EVENTS_A_ROUND];
    int n = epoll_wait(loop->epoll, events, EVENTS_A_ROUND, timeout_ms(loop));
    loop->now_ms = read_clock_ms();
    bool rung = false;
    for (int i = 0; i < n; i++) {
        Watch *watch = events[i].data.ptr;
        if (watch == NULL) {
            rung = true;
        } else if (!watch->removed) {
            watch->ready(watch->who, events[i].events);
        }
    }
    if (rung) {
        run_tasks(loop);
    }
    fire_timers(loop);
    g_ptr_array_set_size(loop->removed, 0);
}

static void *run(void *data)
{
    Loop *loop = data;
    pthread_setname_np(pthread_self(), "smtp");
    while (!atomic_load(&loop->stopping)) {
        run_round(loop);
    }
    run_tasks(loop);
    return NULL;
}

bool loop_start(Loop *loop, GError **error)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&loop->thread, NULL, run, loop);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed != 0) {
        g_set_error(error, FAULT, FAULT_SYSTEM, "smtp: thread: %s", g_strerror(failed));
        return false;
    }
    loop->started = true;
    return true;
}

void loop_stop(Loop *loop)
{
    atomic_store(&loop->stopping, true);
    ring(loop);
}

void loop_join(Loop *loop)
{
    if (loop->started) {
        pthread_join(loop->thread, NULL);
        loop->started = false;
    }
}
