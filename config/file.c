/* SPDX-License-Identifier: MIT */
#include "config/file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

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

char *file_read(const char *path, size_t max, size_t *length, GError **error)
{
    FILE *stream = fopen(path, "re");
    if (stream == NULL) {
        g_set_error_literal(error, FAULT, FAULT_SYSTEM, g_strerror(errno));
        return NULL;
    }
    setvbuf(stream, NULL, _IONBF, 0);
    errno = 0;
    char *text = read_stream(stream, max, length);
    int code = ferror(stream) ? errno : 0;
    fclose(stream);
    if (code == 0 && *length <= max) {
        return text;
    }
    if (code != 0) {
        g_set_error_literal(error, FAULT, FAULT_SYSTEM, g_strerror(code));
    } else {
        g_set_error(error, FAULT, FAULT_SYSTEM, "larger than %zu KiB", max / 1024);
    }
    file_free(text, *length);
    return NULL;
}

void file_free(char *text, size_t length)
{
    if (text != NULL) {
        explicit_bzero(text, length);
        g_free(text);
    }
}
