/* SPDX-License-Identifier: MIT */
/* Clocks that a test moves: preloaded into the program, it adds to each of them the
 * milliseconds that stand in the file CLOCK_FILE (an int64_t).  Between the moves time
 * passes as ever.  No wait lasts longer than LOOK_MS at a time, so that a move is noticed:
 * those of epoll and of conditions end early then, as they may at any time. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum { LOOK_MS = 5 };

static const _Atomic int64_t *moved_ms;

static void *next_of(const char *name)
{
    void *next = dlsym(RTLD_NEXT, name);
    if (next == NULL) {
        fprintf(stderr, "clock: no %s\n", name);
        abort();
    }
    return next;
}

__attribute__((constructor)) static void map_file(void)
{
    const char *path = getenv("CLOCK_FILE");
    int fd = path != NULL ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    void *page = fd >= 0 ? mmap(NULL, sizeof *moved_ms, PROT_READ, MAP_SHARED, fd, 0) : MAP_FAILED;
    if (page == MAP_FAILED) {
        perror("CLOCK_FILE");
        abort();
    }
    close(fd);
    moved_ms = page;
}

static void add_move(struct timespec *time)
{
    int64_t ms = moved_ms != NULL ? atomic_load(moved_ms) : 0;
    time->tv_sec += ms / 1000;
    time->tv_nsec += ms % 1000 * 1000000;
    if (time->tv_nsec >= 1000000000) {
        time->tv_sec++;
        time->tv_nsec -= 1000000000;
    }
}

static int real_clock(clockid_t id, struct timespec *time)
{
    static int (*_Atomic next)(clockid_t, struct timespec *);
    if (next == NULL) {
        next = (int (*)(clockid_t, struct timespec *))next_of("clock_gettime");
    }
    return next(id, time);
}

/* --- what the program calls --- */

int clock_gettime(clockid_t id, struct timespec *time)
{
    int result = real_clock(id, time);
    bool is_time = id != CLOCK_PROCESS_CPUTIME_ID && id != CLOCK_THREAD_CPUTIME_ID;
    if (result == 0 && is_time) {
        add_move(time);
    }
    return result;
}

int gettimeofday(struct timeval *restrict time, void *restrict zone)
{
    (void)zone;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    *time = (struct timeval){.tv_sec = now.tv_sec, .tv_usec = now.tv_nsec / 1000};
    return 0;
}

time_t time(time_t *at)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (at != NULL) {
        *at = now.tv_sec;
    }
    return now.tv_sec;
}

int epoll_wait(int epoll, struct epoll_event *events, int max, int timeout_ms)
{
    static int (*_Atomic next)(int, struct epoll_event *, int, int);
    if (next == NULL) {
        next = (int (*)(int, struct epoll_event *, int, int))next_of("epoll_wait");
    }
    bool longer = timeout_ms < 0 || timeout_ms > LOOK_MS;
    return next(epoll, events, max, longer ? LOOK_MS : timeout_ms);
}

static bool is_over(const struct timespec *until)
{
    /* A condition does not tell its clock; the monotonic one has not come that far. */
    clockid_t id = until->tv_sec > 1000000000 ? CLOCK_REALTIME : CLOCK_MONOTONIC;
    struct timespec now;
    clock_gettime(id, &now);
    return now.tv_sec != until->tv_sec ? now.tv_sec > until->tv_sec
                                       : now.tv_nsec >= until->tv_nsec;
}

int pthread_cond_timedwait(pthread_cond_t *restrict condition, pthread_mutex_t *restrict lock,
                           const struct timespec *restrict until)
{
    struct timespec look;
    real_clock(CLOCK_MONOTONIC, &look);
    look.tv_nsec += LOOK_MS * 1000000L;
    if (look.tv_nsec >= 1000000000) {
        look.tv_sec++;
        look.tv_nsec -= 1000000000;
    }
    int result = pthread_cond_clockwait(condition, lock, CLOCK_MONOTONIC, &look);
    return result == ETIMEDOUT && !is_over(until) ? 0 : result;
}
