/* SPDX-License-Identifier: MIT */
#include "bridge/outbox/damage.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "rules/fault.h"

/* Of the database's first page. */
enum { HEAD_SIZE = 72, SCHEMA_COOKIE_AT = 40, APPLICATION_ID_AT = 68 };
static const char magic[16] = "SQLite format 3";

static uint32_t number_at(const guint8 *head, size_t at)
{
    return (uint32_t)head[at] << 24 | (uint32_t)head[at + 1] << 16 |
           (uint32_t)head[at + 2] << 8 | head[at + 3];
}

bool damage_is_foreign(const char *path, uint32_t application_id)
{
    guint8 head[HEAD_SIZE];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? pread(fd, head, sizeof head, 0) : -1;
    if (fd >= 0) {
        close(fd);
    }
    return n == (ssize_t)sizeof head && memcmp(head, magic, sizeof magic) == 0 &&
           number_at(head, SCHEMA_COOKIE_AT) != 0 &&
           number_at(head, APPLICATION_ID_AT) != application_id;
}

static int64_t size_of(const char *path, const char *suffix)
{
    g_autofree char *name = g_strconcat(path, suffix, NULL);
    struct stat found;
    return stat(name, &found) == 0 ? (int64_t)found.st_size : -1;
}

bool damage_is_headless(const char *path)
{
    return size_of(path, "") == 0 && size_of(path, "-wal") > 0;
}

static char *mark_of(const char *path)
{
    return g_strconcat(path, ".damaged", NULL);
}

void damage_mark(const char *path, const char *reason)
{
    g_autofree char *mark = mark_of(path);
    g_file_set_contents_full(mark, reason, -1, G_FILE_SET_CONTENTS_DURABLE, 0600, NULL);
}

bool damage_is_marked(const char *path)
{
    return size_of(path, ".damaged") >= 0;
}

void damage_unmark(const char *path)
{
    g_autofree char *mark = mark_of(path);
    unlink(mark);
}

/* A name under which neither a file nor a log lies already. */
static char *choose_name(const char *path, int64_t now_s)
{
    g_autoptr(GDateTime) now = g_date_time_new_from_unix_utc(now_s);
    g_autofree char *time = g_date_time_format(now, "%Y%m%dT%H%M%SZ");
    char *name = g_strdup_printf("%s.corrupt-%s", path, time);
    for (unsigned i = 2; size_of(name, "") >= 0 || size_of(name, "-wal") >= 0; i++) {
        g_free(name);
        name = g_strdup_printf("%s.corrupt-%s.%u", path, time, i);
    }
    return name;
}

char *damage_move_aside(const char *path, int64_t now_s, GError **error)
{
    /* The log first: without its file it is nothing, with another one it does harm. */
    static const char *const suffixes[] = {"-wal", "-shm", "-journal", ""};
    g_autofree char *name = choose_name(path, now_s);
    for (size_t i = 0; i < G_N_ELEMENTS(suffixes); i++) {
        g_autofree char *from = g_strconcat(path, suffixes[i], NULL);
        g_autofree char *to = g_strconcat(name, suffixes[i], NULL);
        if (rename(from, to) < 0 && errno != ENOENT) {
            g_set_error(error, FAULT, FAULT_SYSTEM, "move %s to %s: %s", from, to,
                        g_strerror(errno));
            return NULL;
        }
    }
    damage_unmark(path);
    return g_steal_pointer(&name);
}
