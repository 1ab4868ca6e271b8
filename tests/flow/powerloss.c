/* SPDX-License-Identifier: MIT */
/* What a disk would hold if the power went: preloaded into the program, it keeps beside
 * the folder POWERLOSS_FOLDER what was flushed, in POWERLOSS_FOLDER.disk:
 *
 *   INODE   the content that the file had when it was last flushed
 *   names   "INODE NAME" for each entry the folder had when it was last flushed
 *
 * The flushes themselves are not passed on: the process is killed, not the machine.
 * With POWERLOSS_LIES in the environment nothing is kept of a file after its first
 * flush: a disk that lies. */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static int real_open(const char *path, int flags, mode_t mode)
{
    static int (*next)(const char *, int, ...);
    if (next == NULL) {
        *(void **)&next = dlsym(RTLD_NEXT, "open64");
    }
    return next(path, flags, mode);
}

static const char *folder(void)
{
    return getenv("POWERLOSS_FOLDER");
}

static void disk_path(char path[PATH_MAX], const char *name)
{
    snprintf(path, PATH_MAX, "%s.disk/%s", folder(), name);
}

static void disk_file(char path[PATH_MAX], ino_t inode)
{
    char name[32];
    snprintf(name, sizeof name, "%llu", (unsigned long long)inode);
    disk_path(path, name);
}

/* Whether FD is of the folder or (INSIDE) of a file in it. */
static int belongs(int fd, int inside)
{
    char link[64], path[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = folder() != NULL ? readlink(link, path, sizeof path - 1) : -1;
    if (n < 0) {
        return 0;
    }
    path[n] = '\0';
    size_t length = strlen(folder());
    return strncmp(path, folder(), length) == 0 && path[length] == (inside ? '/' : '\0');
}

static void fail(const char *what)
{
    perror(what);
    abort();
}

/* Sector by sector in place: whenever the process is killed, each is the old or the new. */
static void keep_file(int fd, const struct stat *found)
{
    char path[PATH_MAX];
    struct stat old;
    disk_file(path, found->st_ino);
    int lies = getenv("POWERLOSS_LIES") != NULL && stat(path, &old) == 0 && old.st_size > 0;
    int disk = lies ? -1 : real_open(path, O_WRONLY | O_CREAT, 0600);
    if (lies) {
        return;
    }
    off_t from = 0;
    while (from < found->st_size) {
        if (sendfile(disk, fd, &from, (size_t)(found->st_size - from)) <= 0) {
            fail("copy to the disk");
        }
    }
    if (ftruncate(disk, found->st_size) < 0) {
        fail("cut on the disk");
    }
    close(disk);
}

static void keep_names(void)
{
    char path[PATH_MAX], fresh[PATH_MAX];
    disk_path(path, "names");
    disk_path(fresh, "names.new");
    FILE *names = fopen(fresh, "w");
    DIR *dir = opendir(folder());
    const struct dirent *entry;
    while (dir != NULL && names != NULL && (entry = readdir(dir)) != NULL) {
        if (entry->d_type == DT_REG) {
            fprintf(names, "%llu %s\n", (unsigned long long)entry->d_ino, entry->d_name);
        }
    }
    if (dir == NULL || names == NULL || fclose(names) != 0 || rename(fresh, path) < 0) {
        fail("keep the names");
    }
    closedir(dir);
}

static int flush(int fd)
{
    struct stat found;
    pthread_mutex_lock(&lock);
    if (belongs(fd, 1) && fstat(fd, &found) == 0) {
        keep_file(fd, &found);
    } else if (belongs(fd, 0)) {
        keep_names();
    }
    pthread_mutex_unlock(&lock);
    return 0;
}

int fsync(int fd)
{
    return flush(fd);
}

int fdatasync(int fd)
{
    return flush(fd);
}

/* A new file may get the number of one that is gone: what was kept of that goes, too. */
static int open_at(const char *path, int flags, mode_t mode)
{
    int is_new = (flags & O_CREAT) != 0 && access(path, F_OK) < 0;
    int fd = real_open(path, flags, mode);
    struct stat found;
    if (fd >= 0 && is_new && belongs(fd, 1) && fstat(fd, &found) == 0) {
        char kept[PATH_MAX];
        disk_file(kept, found.st_ino);
        unlink(kept);
    }
    return fd;
}

#define OPEN(name)                                                                     \
    int name(const char *path, int flags, ...)                                         \
    {                                                                                  \
        va_list rest;                                                                  \
        va_start(rest, flags);                                                         \
        mode_t mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(rest, mode_t) : 0; \
        va_end(rest);                                                                  \
        return open_at(path, flags, mode);                                             \
    }
OPEN(open)
OPEN(open64)
