/* SPDX-License-Identifier: MIT */
#include "bridge/outbox/reserve.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum { RESERVE_MAX = 16 << 20 };

static char *name_of(const char *path)
{
    return g_strconcat(path, ".reserve", NULL);
}

static bool look_at_disk(const char *path, int64_t *size, int64_t *room)
{
    g_autofree char *folder = g_path_get_dirname(path);
    struct statvfs disk;
    if (statvfs(folder, &disk) < 0 || disk.f_frsize == 0) {
        return false;
    }
    *size = (int64_t)MIN(disk.f_blocks, G_MAXINT64 / disk.f_frsize) * (int64_t)disk.f_frsize;
    *room = (int64_t)MIN(disk.f_bavail, G_MAXINT64 / disk.f_frsize) * (int64_t)disk.f_frsize;
    return true;
}

int64_t reserve_size(const char *path)
{
    int64_t size, room;
    return look_at_disk(path, &size, &room) ? MIN(RESERVE_MAX, size / 8) : RESERVE_MAX;
}

bool reserve_make(const char *path)
{
    g_autofree char *name = name_of(path);
    int64_t wanted = reserve_size(path), size, room;
    struct stat found;
    if (stat(name, &found) == 0 && found.st_size == wanted) {
        return true;
    }
    if (look_at_disk(path, &size, &room) && room < wanted + wanted / 4) {
        return false;
    }
    int fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    int code = fd >= 0 ? posix_fallocate(fd, 0, (off_t)wanted) : errno;
    if (fd >= 0) {
        close(fd);
    }
    if (code != 0) {
        unlink(name);
    }
    return code != ENOSPC && code != EDQUOT;
}

void reserve_release(const char *path)
{
    g_autofree char *name = name_of(path);
    unlink(name);
}
