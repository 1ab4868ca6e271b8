/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "config/yaml.h"
#include "rules/utf8.h"

/* Line and column of the N-th @ in TEXT, columns in characters. */
static void find_mark(const char *text, unsigned n, unsigned *line, unsigned *col)
{
    *line = *col = 1;
    for (const char *at = text; *at != '\0'; at = utf8_next(at)) {
        if (*at == '@' && n-- == 0) {
            return;
        }
        bool ends = *at == '\n' || (*at == '\r' && at[1] != '\n');
        *line += ends;
        *col = ends ? 1 : *at == '\r' ? *col : *col + 1;
    }
    fail_msg("no such mark");
}

/* Every @ of the value of `a` is found where it stands; how many there are. */
static unsigned check_marks(const char *yaml)
{
    g_autoptr(Arena) arena = arena_new();
    g_autoptr(GPtrArray) duplicates = g_ptr_array_new();
    g_autoptr(GError) error = NULL;
    const Node *root =
        yaml_parse(yaml, strlen(yaml), &YAML_LIMITS_DEFAULT, arena, duplicates, &error);
    assert_string_equal(error != NULL ? error->message : "", "");
    const Node *node = node_get(root, "a");
    unsigned n = 0;
    for (const char *at = node->text; (at = strchr(at, '@')) != NULL; at++, n++) {
        unsigned line, col, want_line, want_col;
        size_t offset = (size_t)(at - node->text);
        if (!scalar_find(&node->written, node->text, offset, &line, &col)) {
            fail_msg("%s: mark %u of \"%s\" is not found", yaml, n, node->text);
        }
        find_mark(yaml, n, &want_line, &want_col);
        if (line != want_line || col != want_col) {
            fail_msg("%s: mark %u at %u:%u, not %u:%u", yaml, n, line, col, want_line,
                     want_col);
        }
    }
    return n;
}

static void a_byte_of_a_scalar_of_any_style_is_found_in_the_file(void **state)
{
    (void)state;
    static const struct {
        const char *yaml;
        unsigned marks;
    } cases[] = {
        {"a: x@y", 1},
        {"b: 1\na: ä@ü@\nc: 2", 2},
        {"a: one@\n  two@\n\n\n   three @x\nb: c@", 3},
        {"a: &anchor x@\nb: *anchor", 1},
        {"a: !!str\n  x@y", 1},
        {"{b: c, a: x@, d: e}", 1},
        {"a: 'it''s @ and ''@'", 2},
        {"a: '@one  \n  two@\n\n   three@ '", 3},
        {"a: &x !!str 'é@'", 1},
        {"a: \"\\t\\x41\\u00e4\\U0001F600\\\"\\\\@ \\n@\\N@\\_@\\L@\"", 5},
        {"a: \"one@ \\\n     @two\\\n  \\  @three@\"", 4},
        {"a: \"@one\n  two@\n\n  three\\n@\"", 3},
        {"a: |\n  @one\n  two@\n\n    @three\n\n\nb: c", 3},
        {"a: |-\n\n\n   @one\n    @two  \n   \n   @three", 3},
        {"a: |2+ # comment @\n    one\n  two\n\nb: c", 0},
        {"a: |1\n   one@\n two@\n", 2},
        {"a: |\r\n  one@\r\n  @two\r\n", 2},
        {"a: &x |\n  ü@ö@\n", 2},
        {"b:\n  c: d\na: >\n  @one\n  two@\n\n  @three\n\n\n  @four\n", 4},
        {"a: >-\n\n  @one\n    @more\n    indented@\n  back@\n  again@", 5},
        {"a: >\n  one@\n\n    more@\n\n  @back\n  @end\n\n\n", 4},
        {"a: >2\n    one@\n  two@\n", 2},
        {"a: >\r\n  one@\r\n  @two\r\n\r\n  @three\r\n", 3},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        unsigned marks = check_marks(cases[i].yaml);
        if (cases[i].marks != 0) {
            assert_int_equal(marks, cases[i].marks);
        }
    }
}

static void what_does_not_fit_is_told_as_the_place_of_the_whole(void **state)
{
    (void)state;
    unsigned line = 0, col = 0;
    static const ScalarStyle styles[] = {SCALAR_PLAIN, SCALAR_SINGLE, SCALAR_DOUBLE,
                                         SCALAR_LITERAL, SCALAR_FOLDED};
    for (size_t i = 0; i < G_N_ELEMENTS(styles); i++) {
        const Scalar other = {styles[i], "\"abc\\", 5, 7, 3};
        assert_false(scalar_find(&other, "something else", 9, &line, &col));
        assert_true(line == 7 && col == 3);
        const Scalar nothing = {styles[i], "", 0, 7, 3};
        assert_false(scalar_find(&nothing, "x", 1, &line, &col));
        assert_true(line == 7 && col == 3);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_byte_of_a_scalar_of_any_style_is_found_in_the_file),
        cmocka_unit_test(what_does_not_fit_is_told_as_the_place_of_the_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
