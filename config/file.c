/* SPDX-License-Identifier: MIT */
#include "config/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "rules/fault.h"

/* The size of the first piece read; most files are smaller. */
#define PIECE ((size_t)16 * 1024)

/* Twice the room, up to MAX and one byte that tells whether there is more. */
static char *grow(char *text, size_t length, size_t *room, size_t max)
{
    size_t larger = MIN(*room * 2, max + 1);
    char *moved = g_malloc(larger + 1);
    memcpy(moved, text, length);
    file_free(text, length);
    *room = larger;
    return moved;
}

static char *read_stream(FILE *stream, size_t max, size_t *length)
{
    size_t room = MIN(PIECE, max + 1);
    char *text = g_malloc(room + 1);
    *length = fread(text, 1, room, stream);
    while (*length == room && room <= max) {
        text = grow(text, *length, &room, max);
        *length += fread(text + *length, 1, room - *length, stream);
    }
    text[*length] = '\0';
    return text;
}

static void fail(GError **error, const char *reason)
{
    g_set_error_literal(error, FAULT, FAULT_SYSTEM, reason);
}

/* Closes STREAM. */
static char *read_all(FILE *stream, size_t max, size_t *length, GError **error)
{
    setvbuf(stream, NULL, _IONBF, 0);
    errno = 0;
    char *text = read_stream(stream, max, length);
    int code = ferror(stream) ? errno : 0;
    fclose(stream);
    if (code == 0 && *length <= max) {
        return text;
    }
    g_autofree char *size = g_strdup_printf("larger than %zu KiB", max / 1024);
    fail(error, code != 0 ? g_strerror(code) : size);
    file_free(text, *length);
    return NULL;
}

char *file_read(const char *path, size_t max, size_t *length, GError **error)
{
    FILE *stream = fopen(path, "re");
    if (stream == NULL) {
        fail(error, g_strerror(errno));
        return NULL;
    }
    return read_all(stream, max, length, error);
}

/* Why a file of MODE is not read; NULL if it is. */
static const char *refused(mode_t mode)
{
    if (S_ISREG(mode)) {
        return NULL;
    }
    return S_ISDIR(mode) ? g_strerror(EISDIR) : "not a regular file";
}

/* To open some devices acts on them, so it is looked first; O_NONBLOCK and the second
 * look are for what took the file's place meanwhile. */
char *file_read_regular(const char *path, size_t max, size_t *length, GError **error)
{
    struct stat status;
    const char *reason = NULL;
    int fd = -1;
    if (stat(path, &status) != 0) {
        reason = g_strerror(errno);
    } else if ((reason = refused(status.st_mode)) == NULL) {
        fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
        reason = fd < 0 || fstat(fd, &status) != 0 ? g_strerror(errno)
                                                   : refused(status.st_mode);
    }
    FILE *stream = reason == NULL ? fdopen(fd, "r") : NULL;
    if (stream != NULL) {
        return read_all(stream, max, length, error);
    }
    fail(error, reason != NULL ? reason : g_strerror(errno));
    if (fd >= 0) {
        close(fd);
    }
    return NULL;
}

void file_free(char *text, size_t length)
{
    if (text != NULL) {
        explicit_bzero(text, length);
        g_free(text);
    }
}
