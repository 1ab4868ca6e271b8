/* SPDX-License-Identifier: MIT */
#ifndef RULES_ARENA_H
#define RULES_ARENA_H

#include <glib.h>
#include <stddef.h>

/* Memory of one unit of work (an event, one template execution): taken piece by
 * piece, given back at once.  Not for use from two threads at the same time. */
typedef struct Arena Arena;

Arena *arena_new(void);
void arena_free(Arena *arena); /* NULL is allowed */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Arena, arena_free)

/* SIZE zeroed bytes, aligned for any type; never NULL. */
void *arena_alloc(Arena *arena, size_t size);
#define arena_array(arena, type, n) ((type *)arena_alloc_n((arena), (n), sizeof(type)))
void *arena_alloc_n(Arena *arena, size_t n, size_t size);

char *arena_strdup(Arena *arena, const char *text);
/* The first LENGTH bytes of TEXT, which may hold NULs, and a NUL behind. */
char *arena_strndup(Arena *arena, const char *text, size_t length);
char *arena_printf(Arena *arena, const char *format, ...) G_GNUC_PRINTF(2, 3);

/* An empty text to build something in, and what was built in it as a text of the arena, with
 * a NUL behind.  The second frees BUILT, or keeps its memory for the next text; any other
 * GString will do, too, and a text may be freed instead. */
GString *arena_text_begin(Arena *arena);
char *arena_text_end(Arena *arena, GString *built);

/* Bytes handed out so far: what ceilings are checked against. */
size_t arena_used(const Arena *arena);

#endif
