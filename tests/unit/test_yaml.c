/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "config/yaml.h"
#include "rules/fault.h"

/* The tree as one line: quoted scalars in '', plain ones bare, with line:col. */
static void print_node(const Node *node, GString *out)
{
    if (node->kind == NODE_SCALAR) {
        const char *quote = node->plain ? "" : "'";
        g_string_append_printf(out, "%s%s%s", quote, node->text, quote);
    } else {
        g_string_append_c(out, node->kind == NODE_MAPPING ? '{' : '[');
        for (const Node *child = node->first; child != NULL; child = child->next) {
            g_string_append(out, child == node->first ? "" : ", ");
            if (child->key != NULL) {
                g_string_append_printf(out, "%s: ", child->key->text);
            }
            print_node(child, out);
        }
        g_string_append_c(out, node->kind == NODE_MAPPING ? '}' : ']');
    }
    g_string_append_printf(out, "@%u:%u", node->line, node->col);
}

typedef struct {
    const char *text, *expected;
} Case;

/* EXPECTED is the tree, or "line:col: reason". */
static void check_cases(const Case *cases, size_t n, const YamlLimits *limits)
{
    for (size_t i = 0; i < n; i++) {
        g_autoptr(Arena) arena = arena_new();
        g_autoptr(GPtrArray) duplicates = g_ptr_array_new();
        g_autoptr(GError) error = NULL;
        const char *text = cases[i].text;
        Node *root = yaml_parse(text, strlen(text), limits, arena, duplicates, &error);
        g_autoptr(GString) found = g_string_new(root == NULL ? error->message : "");
        if (root != NULL) {
            print_node(root, found);
        }
        assert_string_equal(found->str, cases[i].expected);
    }
}

static void a_tree_knows_where_everything_stood(void **state)
{
    (void)state;
    static const Case cases[] = {
        {"", "@1:1"},
        {"# only a comment\n", "@1:1"},
        {"a", "a@1:1"},
        {"'a'", "'a'@1:1"},
        {"\xef\xbb\xbf" "a: 1", "{a: 1@1:4}@1:1"},
        {"a: 1\nb:\n  - x\n  - \"y\"\n", "{a: 1@1:4, b: [x@3:5, 'y'@4:5]@3:3}@1:1"},
        {"a:\nb: ~\n", "{a: @1:3, b: ~@2:4}@1:1"},
        {"{a: [], b: {}}", "{a: []@1:5, b: {}@1:12}@1:1"},
        {"a: |\n  x\n  y\n", "{a: 'x\ny\n'@1:4}@1:1"},
        {"a: !!str 1", "{a: '1'@1:4}@1:1"},
        {"é: 1\nb: ü x", "{é: 1@1:4, b: ü x@2:4}@1:1"},
        {"---\na\n...\n", "a@2:1"},
    };
    check_cases(cases, G_N_ELEMENTS(cases), &YAML_LIMITS_DEFAULT);
}

static void what_is_not_yaml_is_refused_with_its_place(void **state)
{
    (void)state;
    static const Case cases[] = {
        {"a: [1, 2", "2:1: did not find expected ',' or ']' (while parsing a flow sequence "
                     "that starts in line 1)"},
        {"a: 1\n b: 2\n",
         "2:3: mapping values are not allowed in this context"},
        {"a:\n\t- b", "2:1: found character that cannot start any token (while scanning for "
                      "the next token that starts in line 2)"},
        {"a: @b", "1:4: found character that cannot start any token (while scanning for the "
                  "next token that starts in line 1)"},
        {"a: x\nb: \xff\n", "2:4: invalid leading UTF-8 octet"},
        {"a: \"\\0\"", "1:4: text holds a NUL"},
        {"a: !secret x", "1:4: unknown tag (a value that begins with ! must be quoted)"},
        {"a: !!binary x", "1:4: unknown tag (a value that begins with ! must be quoted)"},
        {"a: {{ .X }}", "1:5: a key must be text (a value that begins with {{ must be quoted)"},
        {"? [a]\n: 1", "1:3: a key must be text (a value that begins with {{ must be quoted)"},
        {"a: *x", "1:4: unknown alias (a value that begins with * must be quoted)"},
        {"a: &x [*x]", "1:8: unknown alias (a value that begins with * must be quoted)"},
        {"a: 1\n---\nb: 2\n", "2:1: a second document begins here; only one is read"},
        {"<<: 1", "1:1: << takes a mapping or a list of mappings"},
        {"<<: [{a: 1}, 2]", "1:1: << takes a mapping or a list of mappings"},
    };
    check_cases(cases, G_N_ELEMENTS(cases), &YAML_LIMITS_DEFAULT);
}

static void aliases_and_merges_are_expanded(void **state)
{
    (void)state;
    static const Case cases[] = {
        {"a: &x 1\nb: *x\n", "{a: 1@1:4, b: 1@1:4}@1:1"},
        {"a: &x {p: [1]}\nb: *x\n", "{a: {p: [1@1:12]@1:11}@1:4, b: {p: [1@1:12]@1:11}@1:4}@1:1"},
        {"a: &x 1\nb: &x 2\nc: *x", "{a: 1@1:4, b: 2@2:4, c: 2@2:4}@1:1"},
        {"a: &x {p: 1, q: 2}\nb: {<<: *x, q: 3}\n",
         "{a: {p: 1@1:11, q: 2@1:17}@1:4, b: {q: 3@2:16, p: 1@1:11}@2:4}@1:1"},
        {"b: {<<: [{p: 1}, {p: 2, q: 3}]}", "{b: {p: 1@1:14, q: 3@1:28}@1:4}@1:1"},
        {"a: {<<: &x {p: 1}, p: 2}\nb: *x\n",
         "{a: {p: 2@1:23}@1:4, b: {p: 1@1:16}@1:9}@1:1"},
        {"'<<': 1", "{<<: 1@1:7}@1:1"},
        {"&k a: 1\nb: *k\n*k : 2", "{a: 1@1:7, b: a@1:1}@1:1"},
    };
    check_cases(cases, G_N_ELEMENTS(cases), &YAML_LIMITS_DEFAULT);
}

static void a_key_that_comes_twice_is_told_and_the_first_counts(void **state)
{
    (void)state;
    static const char text[] = "a: 1\nb:\n  x: 1\n  x: 2\na: 3\n";
    g_autoptr(Arena) arena = arena_new();
    g_autoptr(GPtrArray) duplicates = g_ptr_array_new();
    Node *root = yaml_parse(text, strlen(text), &YAML_LIMITS_DEFAULT, arena, duplicates, NULL);
    assert_string_equal(node_get(root, "a")->text, "1");
    assert_int_equal(duplicates->len, 2);
    const Node *inner = duplicates->pdata[0], *outer = duplicates->pdata[1];
    g_autoptr(GString) path = g_string_new(NULL);
    node_path(inner, path);
    assert_string_equal(path->str, "b.x");
    assert_int_equal(inner->key->line, 4);
    assert_string_equal(outer->text, "3");
}

static void limits_hold_at_their_edge(void **state)
{
    (void)state;
    const YamlLimits limits = {.bytes = 30, .nodes = 7, .depth = 3};
    static const Case cases[] = {
        {"[[[]]]", "[[[]@1:3]@1:2]@1:1"},
        {"[[[[]]]]", "1:4: nested too deeply"},
        {"[[[1]]]", "[[[1@1:4]@1:3]@1:2]@1:1"},
        {"[&x [[1]], *x]", "[[[1@1:7]@1:6]@1:2, [[1@1:7]@1:6]@1:2]@1:1"},
        {"[&x [[1]], [*x]]", "1:13: nested too deeply"},
        {"[1,2,3,4,5,6]", "[1@1:2, 2@1:4, 3@1:6, 4@1:8, 5@1:10, 6@1:12]@1:1"},
        {"[1,2,3,4,5,6,7]", "1:14: too many values (are aliases nested?)"},
        {"[&x [1,2,3],*x]", "1:13: too many values (are aliases nested?)"},
        {"123456789012345678901234567890", "123456789012345678901234567890@1:1"},
        {"1234567890123456789012345678901", "1:1: larger than 30 bytes"},
    };
    check_cases(cases, G_N_ELEMENTS(cases), &limits);
}

static void aliases_of_aliases_do_not_explode(void **state)
{
    (void)state;
    g_autoptr(GString) text = g_string_new("a0: &a0 [x]\n");
    for (int i = 1; i < 30; i++) {
        g_string_append_printf(text, "a%d: &a%d [*a%d,*a%d,*a%d,*a%d]\n", i, i, i - 1, i - 1,
                               i - 1, i - 1);
    }
    g_autoptr(Arena) arena = arena_new();
    g_autoptr(GPtrArray) duplicates = g_ptr_array_new();
    g_autoptr(GError) error = NULL;
    assert_null(yaml_parse(text->str, text->len, &YAML_LIMITS_DEFAULT, arena, duplicates,
                           &error));
    assert_true(g_error_matches(error, FAULT, FAULT_LIMIT));
}

static void a_path_names_the_way_from_the_root(void **state)
{
    (void)state;
    static const char text[] = "a: [{b: 1}, {'x y': {c-d: 2}}]";
    g_autoptr(Arena) arena = arena_new();
    g_autoptr(GPtrArray) duplicates = g_ptr_array_new();
    Node *root = yaml_parse(text, strlen(text), &YAML_LIMITS_DEFAULT, arena, duplicates, NULL);
    const Node *node = node_get(node_get(node_get(root, "a")->last, "x y"), "c-d");
    g_autoptr(GString) path = g_string_new(NULL);
    node_path(root, path);
    assert_string_equal(path->str, "");
    node_path(node, path);
    assert_string_equal(path->str, "a[1].\"x y\".c-d");
}

static void null_is_plain_only(void **state)
{
    (void)state;
    static const bool nulls[] = {true, true, true, true, false, false, false, false, false, false};
    g_autoptr(Arena) arena = arena_new();
    g_autoptr(GPtrArray) duplicates = g_ptr_array_new();
    static const char list[] = "- \n- ~\n- null\n- NULL\n- ''\n- '~'\n- \"null\"\n- nil\n- []\n- {}\n";
    Node *root = yaml_parse(list, strlen(list), &YAML_LIMITS_DEFAULT, arena, duplicates, NULL);
    size_t i = 0;
    for (const Node *node = root->first; node != NULL; node = node->next, i++) {
        assert_int_equal(node_is_null(node), nulls[i]);
    }
    assert_int_equal(i, G_N_ELEMENTS(nulls));
    assert_true(node_is_null(NULL));
}

static void a_wiped_tree_holds_no_text(void **state)
{
    (void)state;
    static const char text[] = "a: secret\nb: [other]";
    g_autoptr(Arena) arena = arena_new();
    g_autoptr(GPtrArray) duplicates = g_ptr_array_new();
    Node *root = yaml_parse(text, strlen(text), &YAML_LIMITS_DEFAULT, arena, duplicates, NULL);
    const char *a = node_get(root, "a")->text, *b = node_get(root, "b")->first->text;
    yaml_wipe(root);
    assert_memory_equal(a, "\0\0\0\0\0\0", 6);
    assert_memory_equal(b, "\0\0\0\0\0", 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_tree_knows_where_everything_stood),
        cmocka_unit_test(what_is_not_yaml_is_refused_with_its_place),
        cmocka_unit_test(aliases_and_merges_are_expanded),
        cmocka_unit_test(a_key_that_comes_twice_is_told_and_the_first_counts),
        cmocka_unit_test(limits_hold_at_their_edge),
        cmocka_unit_test(aliases_of_aliases_do_not_explode),
        cmocka_unit_test(a_path_names_the_way_from_the_root),
        cmocka_unit_test(null_is_plain_only),
        cmocka_unit_test(a_wiped_tree_holds_no_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
