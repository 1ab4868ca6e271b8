/* SPDX-License-Identifier: MIT */
#include "rules/arena.h"

#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#define BLOCK_BYTES ((size_t)16 * 1024)
#define ALIGNMENT   _Alignof(max_align_t)

typedef struct Block {
    struct Block *next;
    size_t used, size;
    _Alignas(max_align_t) unsigned char bytes[];
} Block;

struct Arena {
    Block *blocks; /* the newest first: the one that is filled */
    size_t used;
    GString *spare; /* for the next text; NULL while it is in use */
};

Arena *arena_new(void)
{
    return g_new0(Arena, 1);
}

void arena_free(Arena *arena)
{
    if (arena == NULL) {
        return;
    }
    for (Block *block = arena->blocks; block != NULL;) {
        Block *next = block->next;
        g_free(block);
        block = next;
    }
    if (arena->spare != NULL) {
        g_string_free(arena->spare, TRUE);
    }
    g_free(arena);
}

static Block *add_block(Arena *arena, size_t size)
{
    Block *block = g_malloc(sizeof *block + size);
    block->used = 0;
    block->size = size;
    block->next = arena->blocks;
    arena->blocks = block;
    return block;
}

/* A large piece gets a block of its own behind the one that is being filled. */
static void *alloc_large(Arena *arena, size_t size)
{
    Block *filling = arena->blocks;
    Block *own = add_block(arena, size);
    own->used = size;
    if (filling != NULL) {
        own->next = filling->next;
        filling->next = own;
        arena->blocks = filling;
    }
    return memset(own->bytes, 0, size);
}

void *arena_alloc(Arena *arena, size_t size)
{
    g_assert(size < SIZE_MAX / 2);
    size = (size + ALIGNMENT - 1) & ~(ALIGNMENT - 1);
    arena->used += size;
    if (size > BLOCK_BYTES / 4) {
        return alloc_large(arena, size);
    }
    Block *block = arena->blocks;
    if (block == NULL || block->size - block->used < size) {
        block = add_block(arena, BLOCK_BYTES);
    }
    void *piece = block->bytes + block->used;
    block->used += size;
    return memset(piece, 0, size);
}

void *arena_alloc_n(Arena *arena, size_t n, size_t size)
{
    g_assert(size == 0 || n < SIZE_MAX / 2 / size);
    return arena_alloc(arena, n * size);
}

char *arena_strndup(Arena *arena, const char *text, size_t length)
{
    char *copy = arena_alloc(arena, length + 1);
    if (length > 0) {
        memcpy(copy, text, length);
    }
    return copy;
}

char *arena_strdup(Arena *arena, const char *text)
{
    return arena_strndup(arena, text, strlen(text));
}

char *arena_printf(Arena *arena, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *text = g_strdup_vprintf(format, args);
    va_end(args);
    return arena_strdup(arena, text);
}

GString *arena_text_begin(Arena *arena)
{
    GString *text = g_steal_pointer(&arena->spare);
    return text != NULL ? g_string_truncate(text, 0) : g_string_sized_new(256);
}

char *arena_text_end(Arena *arena, GString *built)
{
    char *text = arena_strndup(arena, built->str, built->len);
    if (arena->spare == NULL && built->allocated_len <= BLOCK_BYTES) {
        arena->spare = built;
    } else {
        g_string_free(built, TRUE);
    }
    return text;
}

size_t arena_used(const Arena *arena)
{
    return arena->used;
}
