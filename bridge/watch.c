/* SPDX-License-Identifier: MIT */
/* The files of a configuration, watched.
 *
 * What is watched (inotify) are directories: a ConfigMap's files are links through a link that
 * is exchanged, and a watch on a file would stay with the old one.  When something has happened
 * in one of them, and then nothing for a moment, the files are looked at: only if one is another
 * than before (inode, size, time; links are followed) it is told, since logs and databases may
 * lie in the same directory.  Where a directory cannot be watched, or is gone, the files are
 * looked at every few seconds. */
#include "bridge/watch.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/template_files.h"
#include "rules/fault.h"

#define EVENTS                                                                              \
    (IN_CLOSE_WRITE | IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE_SELF | \
     IN_MOVE_SELF | IN_ONLYDIR)
#define QUIET_MS 200  /* without an event: whoever writes is done */
#define BUSY_MS  2000 /* … or does not end */
#define LOOK_MS  5000

struct Watch {
    WatchChanged *changed;
    void *who;
    Log *log;
    int wake; /* eventfd: stop, or other files */
    bool started;
    pthread_t thread;
    pthread_mutex_t lock; /* guards what follows */
    bool stopping;
    char *path;           /* NULL: nothing is watched yet */
    char **patterns;
    char *seen;           /* what the files were when it was told last, or noted */
};

Watch *watch_new(WatchChanged *changed, void *who, Log *log)
{
    Watch *watch = g_new0(Watch, 1);
    watch->changed = changed;
    watch->who = who;
    watch->log = log;
    watch->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    g_assert(watch->wake >= 0);
    pthread_mutex_init(&watch->lock, NULL);
    return watch;
}

static void wake(Watch *watch)
{
    ssize_t written = write(watch->wake, &(uint64_t){1}, sizeof(uint64_t));
    g_assert(written == sizeof(uint64_t));
}

/* --- what the files are; with the lock held --- */

static void append_file(GString *out, const char *path)
{
    struct stat status;
    if (stat(path, &status) != 0) {
        g_string_append_printf(out, "%s: none\n", path);
        return;
    }
    g_string_append_printf(out, "%s: %ju %ju %jd %jd.%09ld\n", path, (uintmax_t)status.st_dev,
                           (uintmax_t)status.st_ino, (intmax_t)status.st_size,
                           (intmax_t)status.st_mtim.tv_sec, status.st_mtim.tv_nsec);
}

static char *look(const Watch *watch)
{
    GString *out = g_string_new(NULL);
    append_file(out, watch->path);
    for (char **pattern = watch->patterns; *pattern != NULL; pattern++) {
        g_auto(GStrv) files = template_files_find(*pattern, NULL);
        for (char **file = files; files != NULL && *file != NULL; file++) {
            append_file(out, *file);
        }
    }
    return g_string_free(out, FALSE);
}

static void note(Watch *watch)
{
    g_free(watch->seen);
    watch->seen = look(watch);
}

void watch_note(Watch *watch)
{
    pthread_mutex_lock(&watch->lock);
    if (watch->path != NULL) {
        note(watch);
    }
    pthread_mutex_unlock(&watch->lock);
}

void watch_set(Watch *watch, const char *path, char *const *patterns)
{
    pthread_mutex_lock(&watch->lock);
    bool others = watch->path == NULL || strcmp(watch->path, path) != 0 ||
                  !g_strv_equal((const char *const *)watch->patterns,
                                (const char *const *)patterns);
    if (others) { /* of the same ones all is known that watch_note() saw before they were read */
        g_free(watch->path);
        g_strfreev(watch->patterns);
        watch->path = g_strdup(path);
        watch->patterns = g_strdupv((char **)(uintptr_t)patterns);
        note(watch);
    }
    pthread_mutex_unlock(&watch->lock);
    wake(watch);
}

static bool has_changed(Watch *watch)
{
    pthread_mutex_lock(&watch->lock);
    g_autofree char *now = look(watch);
    bool changed = strcmp(now, watch->seen) != 0;
    if (changed) {
        note(watch);
    }
    pthread_mutex_unlock(&watch->lock);
    return changed;
}

/* --- the directories --- */

/* The directory of PATTERN, up to where it begins to be one. */
static char *fixed_directory(const char *pattern)
{
    g_autofree char *fixed = g_strndup(pattern, strcspn(pattern, "*?[\\"));
    char *slash = strrchr(fixed, '/');
    if (slash == NULL) {
        return g_strdup(".");
    }
    slash[slash == fixed ? 1 : 0] = '\0';
    return g_strdup(fixed);
}

/* The first that fails goes to *FAILED, with the reason. */
static void add_directory(int inotify, const char *directory, char **failed)
{
    if (inotify_add_watch(inotify, directory, EVENTS) < 0 && *failed == NULL) {
        *failed = g_strdup_printf("%s: %s", directory, g_strerror(errno));
    }
}

/* What cannot be watched, to be freed; NULL: nothing.  With the lock held. */
static char *add_directories(const Watch *watch, int inotify)
{
    g_autofree char *home = g_path_get_dirname(watch->path);
    char *failed = NULL;
    add_directory(inotify, home, &failed);
    for (char **pattern = watch->patterns; *pattern != NULL; pattern++) {
        g_autofree char *fixed = fixed_directory(*pattern);
        add_directory(inotify, fixed, &failed);
        g_auto(GStrv) files = template_files_find(*pattern, NULL);
        for (char **file = files; files != NULL && *file != NULL; file++) {
            g_autofree char *directory = g_path_get_dirname(*file);
            add_directory(inotify, directory, &failed);
        }
    }
    return failed;
}

/* A new inotify for the directories as they are now, in place of OLD (-1: none); -1 if the
 * system has none.  *FAILED, which is freed before, says what is missing; NULL: nothing. */
static int watch_directories(Watch *watch, int old, char **failed)
{
    if (old >= 0) {
        close(old);
    }
    int inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    pthread_mutex_lock(&watch->lock);
    g_clear_pointer(failed, g_free);
    if (watch->path != NULL) {
        *failed = inotify >= 0 ? add_directories(watch, inotify)
                               : g_strdup_printf("inotify: %s", g_strerror(errno));
    }
    pthread_mutex_unlock(&watch->lock);
    return inotify;
}

/* --- the thread --- */

static void drain(int fd)
{
    char bytes[8192];
    while (fd >= 0 && read(fd, bytes, sizeof bytes) > 0) {
    }
}

static bool is_stopping(Watch *watch)
{
    pthread_mutex_lock(&watch->lock);
    bool stopping = watch->stopping;
    pthread_mutex_unlock(&watch->lock);
    return stopping;
}

/* Until nothing has happened for a moment. */
static void settle(Watch *watch, int inotify)
{
    struct pollfd fds[] = {{.fd = inotify, .events = POLLIN}, {.fd = watch->wake, .events = POLLIN}};
    int64_t end_us = g_get_monotonic_time() + BUSY_MS * (int64_t)1000;
    do {
        drain(inotify);
    } while (g_get_monotonic_time() < end_us && poll(fds, 2, QUIET_MS) > 0 && fds[1].revents == 0);
    drain(inotify);
}

static void *run(void *data)
{
    Watch *watch = data;
    pthread_setname_np(pthread_self(), "watch");
    g_autofree char *failed = NULL;
    bool told = false;
    int inotify = watch_directories(watch, -1, &failed);
    while (!is_stopping(watch)) {
        if (failed != NULL && !told) {
            told = true;
            log_line(watch->log, LOG_LEVEL_WARN, "not every directory of the configuration can be "
                     "watched: looking every few seconds", "error", failed, NULL);
        }
        struct pollfd fds[] = {{.fd = inotify, .events = POLLIN},
                               {.fd = watch->wake, .events = POLLIN}};
        int ready = poll(fds, 2, failed == NULL ? -1 : LOOK_MS);
        drain(watch->wake);
        if (is_stopping(watch)) {
            break;
        }
        if (ready > 0 && fds[0].revents != 0) {
            settle(watch, inotify);
        }
        /* A directory may have come, gone, or been exchanged. */
        inotify = watch_directories(watch, inotify, &failed);
        if (has_changed(watch)) {
            watch->changed(watch->who);
        }
    }
    if (inotify >= 0) {
        close(inotify);
    }
    return NULL;
}

bool watch_start(Watch *watch, GError **error)
{
    sigset_t every, before;
    sigfillset(&every);
    pthread_sigmask(SIG_SETMASK, &every, &before);
    int failure = pthread_create(&watch->thread, NULL, run, watch);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    watch->started = failure == 0;
    if (failure != 0) {
        g_set_error(error, FAULT, FAULT_SYSTEM, "start the watch: %s", g_strerror(failure));
    }
    return watch->started;
}

void watch_stop(Watch *watch)
{
    pthread_mutex_lock(&watch->lock);
    watch->stopping = true;
    pthread_mutex_unlock(&watch->lock);
    wake(watch);
}

void watch_join(Watch *watch)
{
    if (watch->started) {
        pthread_join(watch->thread, NULL);
        watch->started = false;
    }
}

void watch_free(Watch *watch)
{
    if (watch == NULL) {
        return;
    }
    g_assert(!watch->started);
    close(watch->wake);
    pthread_mutex_destroy(&watch->lock);
    g_free(watch->path);
    g_strfreev(watch->patterns);
    g_free(watch->seen);
    g_free(watch);
}
