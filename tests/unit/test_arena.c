/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "rules/append.h"
#include "rules/arena.h"

static void a_text_outlives_the_next_that_is_built(void **state)
{
    g_autoptr(Arena) arena = arena_new();
    (void)state;

    GString *first = arena_text_begin(arena);
    g_string_append(first, "first");
    char *kept = arena_text_end(arena, first);
    GString *second = arena_text_begin(arena);
    assert_int_equal(second->len, 0);
    g_string_append(second, "and the second");
    char *other = arena_text_end(arena, second);

    assert_string_equal(kept, "first");
    assert_string_equal(other, "and the second");
}

static void texts_may_be_built_within_each_other(void **state)
{
    g_autoptr(Arena) arena = arena_new();
    (void)state;

    GString *outer = arena_text_begin(arena);
    g_string_append(outer, "a");
    GString *inner = arena_text_begin(arena);
    assert_ptr_not_equal(outer, inner);
    g_string_append(inner, "b");
    g_string_append(outer, arena_text_end(arena, inner));
    assert_string_equal(arena_text_end(arena, outer), "ab");
}

static void the_memory_of_a_huge_text_is_not_kept(void **state)
{
    g_autoptr(Arena) arena = arena_new();
    (void)state;

    GString *huge = arena_text_begin(arena);
    g_string_set_size(huge, (gsize)1 << 20);
    arena_text_end(arena, huge);
    GString *next = arena_text_begin(arena);
    assert_true(next->allocated_len < 1 << 20);
    arena_text_end(arena, next);
}

static void appending_ends_in_a_nul_whatever_room_there_is(void **state)
{
    (void)state;
    for (size_t n = 0; n < 70; n++) {
        g_autoptr(GString) out = g_string_sized_new(16);
        g_autofree char *text = g_strnfill(n, 'x');
        append_text(out, text, n);
        append_text(out, text, n);
        assert_int_equal(out->len, 2 * n);
        assert_int_equal(strlen(out->str), 2 * n);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_text_outlives_the_next_that_is_built),
        cmocka_unit_test(texts_may_be_built_within_each_other),
        cmocka_unit_test(the_memory_of_a_huge_text_is_not_kept),
        cmocka_unit_test(appending_ends_in_a_nul_whatever_room_there_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
