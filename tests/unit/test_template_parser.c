/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "rules/fault.h"
#include "rules/template/parser.h"

typedef struct {
    const char *source, *expected;
} Case;

static bool parse(Arena *arena, GHashTable *trees, const char *source, GError **error)
{
    const ParserSource text = {.name = "t", .text = source, .length = strlen(source)};
    return parser_parse(arena, &text, trees, error);
}

/* What the text NAME prints as once it is parsed, or the error. */
static char *print_tree(const char *source, const char *name)
{
    g_autoptr(Arena) arena = arena_new();
    g_autoptr(GHashTable) trees = g_hash_table_new(g_str_hash, g_str_equal);
    g_autoptr(GError) error = NULL;
    if (!parse(arena, trees, source, &error)) {
        assert_true(error->domain == FAULT && error->code == FAULT_INPUT);
        return g_strdup(error->message);
    }
    const Tree *tree = g_hash_table_lookup(trees, name);
    assert_non_null(tree);
    assert_string_equal(tree->name, name);
    assert_string_equal(tree->parse_name, "t");
    GString *out = g_string_new(NULL);
    list_print(&tree->root, out);
    return g_string_free(out, FALSE);
}

static void check(const Case *cases, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        g_autofree char *printed = print_tree(cases[i].source, "t");
        assert_string_equal(printed, cases[i].expected);
    }
}

static void a_tree_prints_as_it_was_written(void **state)
{
    static const Case cases[] = {
        {"", ""},
        {"text", "text"},
        {"a{{/* gone */}}b", "ab"},
        {"{{ . }}{{nil}}{{ true }}", "{{.}}{{nil}}{{true}}"},
        {"{{.a.b.c}}", "{{.a.b.c}}"},
        {"{{$.a}}{{$}}", "{{$.a}}{{$}}"},
        {"{{1}}{{0x1F}}{{'a'}}{{1.50}}{{1+2i}}", "{{1}}{{0x1F}}{{'a'}}{{1.50}}{{1+2i}}"},
        {"{{\"a\\n\"}}{{`r`}}", "{{\"a\\n\"}}{{`r`}}"},
        {"{{print  1   \"a\" .b}}", "{{print 1 \"a\" .b}}"},
        {"{{.a|len|print 1}}", "{{.a | len | print 1}}"},
        {"{{.a|}}", "{{.a}}"},
        {"{{print (len .a) ((1))}}", "{{print (len .a) ((1))}}"},
        {"{{(index . 0).a.b}}{{print.a}}", "{{(index . 0).a.b}}{{print.a}}"},
        {"{{$x := 1}}{{$x = $x}}", "{{$x := 1}}{{$x = $x}}"},
        {"{{if .a}}x{{end}}", "{{if .a}}x{{end}}"},
        {"{{if .a}}x{{else}}{{end}}", "{{if .a}}x{{else}}{{end}}"},
        {"{{if .a}}x{{else if .b}}y{{else}}z{{end}}",
         "{{if .a}}x{{else}}{{if .b}}y{{else}}z{{end}}{{end}}"},
        {"{{with .a}}x{{else  with .b}}y{{end}}", "{{with .a}}x{{else}}{{with .b}}y{{end}}{{end}}"},
        {"{{range $i, $e := .}}{{break}}{{continue}}{{else}}e{{end}}",
         "{{range $i, $e := .}}{{break}}{{continue}}{{else}}e{{end}}"},
        {"{{template \"a\\\"\"}}{{template `b` .x}}",
         "{{template \"a\\\"\"}}{{template \"b\" .x}}"},
        {"{{block \"a\" .}}x{{end}}", "{{template \"a\" .}}"},
        {"a{{define \"x\"}}y{{end}}b", "ab"},
    };
    (void)state;
    check(cases, G_N_ELEMENTS(cases));
}

static void definitions_stand_beside_the_text(void **state)
{
    static const struct {
        const char *source, *name, *expected;
    } cases[] = {
        {"{{define \"x\"}}y{{.a}}{{end}}", "x", "y{{.a}}"},
        {"{{define \"x\"}}y{{end}}", "t", ""},
        {"{{block \"x\" 1}}{{.}}{{end}}", "x", "{{.}}"},
        {"{{define \"x\"}}1{{end}}{{define \"x\"}} \n{{end}}", "x", "1"},
        {"{{define \"x\"}}\u00a0{{end}}{{define \"x\"}}2{{end}}", "x", "2"},
        {"{{range .}}{{block \"x\" .}}{{block \"y\" .}}in{{end}}{{end}}{{end}}", "y", "in"},
    };
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *printed = print_tree(cases[i].source, cases[i].name);
        assert_string_equal(printed, cases[i].expected);
    }
}

static void what_does_not_parse_is_named_with_its_place(void **state)
{
    static const Case cases[] = {
        {"{{}}", "template: t:1:2: missing value for command"},
        {"{{()}}", "template: t:1:3: missing value for parenthesized pipeline"},
        {"\n{{if}}", "template: t:2:4: missing value for if"},
        {"{{nosuch}}", "template: t:1:2: function \"nosuch\" not defined"},
        {"{{$x}}", "template: t:1:2: undefined variable \"$x\""},
        {"{{end}}", "template: t:1:5: unexpected {{end}}"},
        {"{{else}}", "template: t:1:6: unexpected {{else}}"},
        {"{{if 1}}", "template: t:1:8: unexpected EOF"},
        {"{{define \"x\"}}{{else}}", "template: t:1:20: unexpected {{else}} in define clause"},
        {"{{if 1}}{{else}}{{else}}{{end}}",
         "template: t:1:22: expected end; found {{else}}"},
        {"{{if 1}}{{define \"x\"}}{{end}}{{end}}",
         "template: t:1:10: unexpected <define> in command"},
        {"{{else 1}}", "template: t:1:7: unexpected \"1\" in else"},
        {"{{range .}}{{else range .}}{{end}}",
         "template: t:1:18: unexpected <range> in else"},
        {"{{with .}}{{else if .}}{{end}}", "template: t:1:17: unexpected <if> in input"},
        {"{{break}}", "template: t:1:2: {{break}} outside {{range}}"},
        {"{{range .}}{{else}}{{continue}}{{end}}",
         "template: t:1:21: {{continue}} outside {{range}}"},
        {"{{range .}}{{block \"x\" .}}{{break}}{{end}}{{end}}",
         "template: t:1:28: {{break}} outside {{range}}"},
        {"{{range .}}{{break 1}}", "template: t:1:19: unexpected \"1\" in {{break}}"},
        {"{{template x}}", "template: t:1:11: unexpected \"x\" in template clause"},
        {"{{define \"\\'\"}}", "template: t:1:9: invalid syntax"},
        {"{{1 | 2}}", "template: t:1:6: non executable command in pipeline stage 2"},
        {"{{1 || 2}}", "template: t:1:5: unexpected \"|\" in command"},
        {"{{\"a\".b}}", "template: t:1:5: unexpected . after term \"\\\"a\\\"\""},
        {"{{..}}", "template: t:1:3: unexpected <.> in operand"},
        {"{{..a}}", "template: t:1:3: unexpected . after term \".\""},
        {"{{$a, $b := 1}}", "template: t:1:4: too many declarations in command"},
        {"{{range $a, $b, $c := .}}", "template: t:1:14: too many declarations in range"},
        {"{{range $a, 1 := .}}", "template: t:1:12: range can only initialize variables"},
        {"{{print 1\"a\"}}", "template: t:1:9: unexpected \"\\\"a\\\"\" in operand"},
        {"{{-}}", "template: t:1:2: illegal number syntax: \"-\""},
        {"{{0x}}", "template: t:1:2: illegal number syntax: \"0x\""},
        {"{{1__0}}", "template: t:1:2: illegal number syntax: \"1__0\""},
        {"{{18446744073709551616}}",
         "template: t:1:2: integer overflow: \"18446744073709551616\""},
        {"{{''}}", "template: t:1:2: invalid syntax"},
        {"{{'ab'}}", "template: t:1:2: malformed character constant: 'ab'"},
        {"{{\"\n", "template: t:1:2: unterminated quoted string"},
        {"{{.a\n.b", "template: t:2:2: unclosed action started at t:1"},
        {"{{.a\n(1}}", "template: t:2:2: unclosed left paren in action started at t:1"},
        {"{{define \"x\"}}1{{end}}{{define \"x\"}}2{{end}}",
         "template: t:1:42: template: multiple definition of template \"x\""},
    };
    (void)state;
    check(cases, G_N_ELEMENTS(cases));
}

static void variables_end_with_the_action_that_declares_them(void **state)
{
    static const Case cases[] = {
        {"{{$x := 1}}{{if .}}{{$x}}{{end}}", "{{$x := 1}}{{if .}}{{$x}}{{end}}"},
        {"{{if $x := 1}}{{$x}}{{else}}{{$x}}{{end}}",
         "{{if $x := 1}}{{$x}}{{else}}{{$x}}{{end}}"},
        {"{{if $x := 1}}{{end}}{{$x}}", "template: t:1:23: undefined variable \"$x\""},
        {"{{range .}}{{$x := 1}}{{end}}{{$x}}", "template: t:1:31: undefined variable \"$x\""},
        {"{{$x := 1}}{{define \"d\"}}{{$x}}{{end}}",
         "template: t:1:27: undefined variable \"$x\""},
        {"{{$x := 1}}{{block \"d\" .}}{{$x}}{{end}}",
         "template: t:1:28: undefined variable \"$x\""},
    };
    (void)state;
    check(cases, G_N_ELEMENTS(cases));
}

/* DEPTH times OPEN, then a number, then as often CLOSE. */
static char *nest(const char *open, const char *close, unsigned depth)
{
    GString *text = g_string_new(NULL);
    for (unsigned i = 0; i < depth; i++) {
        g_string_append(text, open);
    }
    g_string_append(text, "1");
    for (unsigned i = 0; i < depth; i++) {
        g_string_append(text, close);
    }
    return g_string_free(text, FALSE);
}

static void check_depth(const char *source, const char *expected)
{
    g_autoptr(Arena) arena = arena_new();
    g_autoptr(GHashTable) trees = g_hash_table_new(g_str_hash, g_str_equal);
    g_autoptr(GError) error = NULL;
    bool good = parse(arena, trees, source, &error);
    assert_int_equal(good, expected == NULL);
    if (expected != NULL) {
        assert_true(g_error_matches(error, FAULT, FAULT_LIMIT));
        assert_non_null(strstr(error->message, expected));
    }
}

static void nesting_has_a_ceiling(void **state)
{
    static const char reason[] = "nested deeper than 1000 actions and parentheses";
    static const char *const nested[][2] = {
        {"{{if 1}}", "{{end}}"}, {"{{if 1}}{{else}}", "{{end}}"}, {"{{block \"x\" 1}}", "{{end}}"}};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        g_autofree char *good = nest(nested[i][0], nested[i][1], PARSER_DEPTH_MAX);
        g_autofree char *deep = nest(nested[i][0], nested[i][1], PARSER_DEPTH_MAX + 1);
        check_depth(good, NULL);
        check_depth(deep, reason);
    }
    g_autofree char *block = nest(nested[2][0], nested[2][1], PARSER_DEPTH_MAX + 1);
    check_depth(block, reason);
    g_autofree char *parens = nest("(", ")", PARSER_DEPTH_MAX);
    g_autofree char *more = nest("(", ")", PARSER_DEPTH_MAX + 1);
    g_autofree char *good = g_strdup_printf("{{%s}}", parens);
    g_autofree char *deep = g_strdup_printf("{{%s}}", more);
    check_depth(good, NULL);
    check_depth(deep, reason);
}

static void a_copy_prints_the_same_and_is_another(void **state)
{
    static const char source[] = "a{{if $x := .a | print (len .b) 1}}{{$x.c}}{{else}}"
                                 "{{range .}}{{template \"t\" .}}{{(.a).b}}{{end}}{{end}}";
    g_autoptr(Arena) arena = arena_new();
    g_autoptr(GHashTable) trees = g_hash_table_new(g_str_hash, g_str_equal);
    g_autoptr(GString) before = g_string_new(NULL), after = g_string_new(NULL);
    (void)state;
    assert_true(parse(arena, trees, source, NULL));
    const Tree *tree = g_hash_table_lookup(trees, "t");
    Tree *copy = tree_copy(arena, tree, "copy");
    list_print(&copy->root, before);
    assert_string_equal(before->str, source);
    assert_int_equal(copy->slots, tree->slots);
    pipe_append(copy->root.last->branch.pipe, command_new(arena, copy->root.last->at));
    list_append(&copy->root, node_new_text(arena, copy->root.last->at, "z", 1));
    list_print(&tree->root, after);
    assert_string_equal(after->str, source);
}

static void commands_go_where_they_are_put(void **state)
{
    g_autoptr(Arena) arena = arena_new();
    g_autoptr(GHashTable) trees = g_hash_table_new(g_str_hash, g_str_equal);
    g_autoptr(GString) out = g_string_new(NULL);
    (void)state;
    assert_true(parse(arena, trees, "{{len .}}", NULL));
    const Tree *tree = g_hash_table_lookup(trees, "t");
    Pipe *pipe = tree->root.first->pipe;
    static const char *const names[] = {"html", "js", "print"};
    Command *after[] = {pipe->commands, NULL, NULL};
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        Command *command = command_new(arena, pipe->at);
        const Func *func = func_find(names[i], strlen(names[i]));
        command_append(command, node_new_identifier(arena, pipe->at, func));
        assert_ptr_equal(command_func(command), func);
        if (i == 2) {
            pipe_append(pipe, command);
        } else {
            pipe_insert(pipe, after[i], command);
        }
    }
    pipe_print(pipe, out);
    assert_string_equal(out->str, "js | len . | html | print");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_tree_prints_as_it_was_written),
        cmocka_unit_test(definitions_stand_beside_the_text),
        cmocka_unit_test(what_does_not_parse_is_named_with_its_place),
        cmocka_unit_test(variables_end_with_the_action_that_declares_them),
        cmocka_unit_test(nesting_has_a_ceiling),
        cmocka_unit_test(a_copy_prints_the_same_and_is_another),
        cmocka_unit_test(commands_go_where_they_are_put),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
