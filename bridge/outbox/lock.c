/* SPDX-License-Identifier: MIT */
#include "bridge/outbox/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "rules/fault.h"

static int fail(int fd, const char *what, const char *path, GError **error)
{
    g_set_error(error, FAULT, FAULT_SYSTEM, "%s %s: %s", what, path, g_strerror(errno));
    if (fd >= 0) {
        close(fd);
    }
    return -1;
}

static int fail_busy(int fd, const char *path, GError **error)
{
    char pid[24] = "";
    if (pread(fd, pid, sizeof pid - 1, 0) <= 0) {
        g_strlcpy(pid, "another", sizeof pid);
    }
    g_strchomp(pid);
    g_set_error(error, FAULT, FAULT_SYSTEM, "%s is in use by process %s", path, pid);
    close(fd);
    return -1;
}

/* A new folder is lost with the power as long as the one it is in is not flushed. */
static void flush_parent(const char *folder)
{
    g_autofree char *parent = g_path_get_dirname(folder);
    int fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        fsync(fd);
        close(fd);
    }
}

int database_lock(const char *path, GError **error)
{
    g_autofree char *folder = g_path_get_dirname(path);
    if (mkdir(folder, 0700) == 0) {
        flush_parent(folder);
    } else if (errno != EEXIST) {
        return fail(-1, "make", folder, error);
    }
    g_autofree char *lock = g_strconcat(path, ".lock", NULL);
    int fd = open(lock, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) {
        return fail(fd, "open", lock, error);
    }
    if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
        return errno == EWOULDBLOCK ? fail_busy(fd, path, error)
                                    : fail(fd, "lock", lock, error);
    }
    g_autofree char *pid = g_strdup_printf("%ld\n", (long)getpid());
    ssize_t length = (ssize_t)strlen(pid);
    if (ftruncate(fd, 0) < 0 || pwrite(fd, pid, (size_t)length, 0) != length) {
        return fail(fd, "write", lock, error);
    }
    return fd;
}
