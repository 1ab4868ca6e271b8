/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <string.h>

#include "rules/fault.h"
#include "rules/template/set.h"

/* {"a": 1, "l": [1, 2, 3], "m": {"k": "v"}, "n": null, "s": "x", "kv": labels} */
static Value sample_data(Arena *arena)
{
    static const Label label = {"k", "v"};
    static const Labels labels = {&label, 1};
    Value *items = arena_array(arena, Value, 3);
    MapEntry *inner = arena_array(arena, MapEntry, 1), *outer = arena_array(arena, MapEntry, 6);
    for (size_t i = 0; i < 3; i++) {
        items[i] = value_box(value_int((int64_t)i + 1));
    }
    inner[0] = (MapEntry){"k", 1, value_text("v")};
    outer[0] = (MapEntry){"a", 1, value_int(1)};
    outer[1] = (MapEntry){"l", 1, value_list(items, 3)};
    outer[2] = (MapEntry){"m", 1, value_map(inner, 1)};
    outer[3] = (MapEntry){"n", 1, VALUE_NIL};
    outer[4] = (MapEntry){"s", 1, value_text("x")};
    outer[5] = (MapEntry){"kv", 2, value_labels(KIND_LABELS, &labels)};
    return value_map(outer, 6);
}

static Template *compile(TemplateSet *set, const char *source)
{
    g_autoptr(GError) error = NULL;
    Template *tmpl = template_compile(set, TEMPLATE_TEXT, "t", source, &error);
    if (tmpl == NULL) {
        fail_msg("%s: %s", source, error->message);
    }
    return tmpl;
}

static bool execute(const Template *tmpl, const TemplateLimits *limits, GString *out,
                    GError **error)
{
    g_autoptr(Arena) arena = arena_new();
    return template_execute_value(tmpl, arena, sample_data(arena), limits, out, error);
}

/* What SOURCE makes of the sample data; the error's text if it fails. */
static char *render(TemplateSet *set, const char *source)
{
    g_autoptr(Template) tmpl = compile(set, source);
    g_autoptr(GError) error = NULL;
    g_autoptr(GString) out = g_string_new("before ");
    if (!execute(tmpl, NULL, out, &error)) {
        assert_string_equal(out->str, "before "); /* nothing half done */
        assert_true(g_error_matches(error, FAULT, FAULT_INPUT));
        return g_strdup(error->message);
    }
    return g_strdup(out->str + strlen("before "));
}

typedef struct {
    const char *source, *expected;
} Case;

static void check_with(TemplateSet *set, const Case *cases, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        g_autofree char *rendered = render(set, cases[i].source);
        assert_string_equal(rendered, cases[i].expected);
    }
}

static void check(const Case *cases, size_t n)
{
    g_autoptr(TemplateSet) set = template_set_new();
    check_with(set, cases, n);
}

static void variables_are_those_of_the_innermost_scope_that_ran(void **state)
{
    static const Case cases[] = {
        {"{{$x := 1}}{{if true}}{{$x := 2}}{{$x}}{{end}}{{$x}}", "21"},
        {"{{$x := 1}}{{if true}}{{$x = 2}}{{end}}{{$x}}", "2"},
        {"{{$x := 1}}{{if false}}{{$x := 2}}{{else}}{{$x}}{{end}}", "1"},
        {"{{$x := 1}}{{$x := $x | print 2}}{{$x}}", "2 1"},
        {"{{$x := 1}}{{with $y := 2}}{{$x}}{{$y}}{{end}}", "12"},
        {"{{$x := ($y := 3)}}{{$x}}{{$y}}", "33"},
        {"{{range .l}}{{$x := .}}{{$x}}{{end}}", "123"},
        {"{{$last := 0}}{{range $i, $e := .l}}{{$last = $i}}{{end}}{{$last}}", "2"},
        {"{{$i := 9}}{{range $i = .l}}{{end}}{{$i}}", "3"},
        {"{{$i := 9}}{{$e := 8}}{{range $i, $e = .l}}{{end}}{{$i}}{{$e}}", "23"},
        {"{{range $i, $e := .n}}{{else}}{{$i}}|{{$e}}{{end}}", "<no value>|<no value>"},
        {"{{define \"d\"}}{{$x := 5}}{{$x}}{{end}}{{$x := 1}}{{template \"d\"}}{{$x}}", "51"},
        {"{{if $x := .s}}{{$x}}{{end}}{{if $x := .n}}{{else}}{{$x}}{{end}}", "x<no value>"},
        {"{{$x = 1}}", "template: t:1:7: executing \"t\" at <1>: undefined variable: $x"},
        {"{{$x := $x}}", "template: t:1:8: executing \"t\" at <$x>: undefined variable: $x"},
        {"{{if false}}{{$x := 1}}{{else}}{{$x}}{{end}}",
         "template: t:1:33: executing \"t\" at <$x>: undefined variable: $x"},
    };
    (void)state;
    check(cases, G_N_ELEMENTS(cases));
}

static void ranges_go_over_lists_maps_and_numbers(void **state)
{
    static const Case cases[] = {
        {"{{range .l}}{{.}},{{end}}", "1,2,3,"},
        {"{{range $k, $v := .kv}}{{$k}}={{$v}}{{end}}", "k=v"},
        {"{{range $k, $v := .m}}{{$k}}={{$v}}{{end}}", "k=v"},
        {"{{range $v := .m}}{{$v}}{{end}}", "v"},
        {"{{range 3}}{{.}}{{end}}{{range $i := 2}}{{$i}}{{end}}", "01201"},
        {"{{range 0}}x{{else}}none{{end}}{{range -5}}x{{else}}none{{end}}", "nonenone"},
        {"{{range .n}}x{{else}}none{{end}}", "none"},
        {"{{range .l}}{{if eq . 2}}{{continue}}{{end}}{{.}}{{end}}", "13"},
        {"{{range .l}}{{range $.l}}{{if eq . 2}}{{break}}{{end}}{{.}}{{end}}{{.}}{{end}}",
         "111213"},
        {"{{range .l}}{{with .}}{{if true}}{{break}}{{end}}{{end}}{{end}}done", "done"},
        {"{{range $i, $v := 3}}{{end}}", "template: t:1:18: executing \"t\" at <3>: can't use 3 "
                                         "to iterate over more than one variable"},
        {"{{range .s}}{{end}}",
         "template: t:1:8: executing \"t\" at <.s>: range can't iterate over x"},
    };
    (void)state;
    check(cases, G_N_ELEMENTS(cases));
}

static void pipelines_hand_their_value_on_as_the_last_argument(void **state)
{
    static const Case cases[] = {
        {"{{.a | print 5 | len}}", "3"},
        {"{{print (.s | print `y`) .a}}", "yx1"},
        {"{{index .m \"k\"}}{{index .l 2}}{{(index .l 0)}}{{index .kv `z`}}", "v31"},
        {"{{slice .l 1}}{{slice .l 1 2}}{{slice .s 0 0}}{{slice `abc` 1}}", "[2 3][2]bc"},
        {"{{with .m}}{{.k}}{{$.a}}{{end}}", "v1"},
        {"{{with .n}}x{{else with .s}}{{.}}{{end}}", "x"},
        {"{{template \"t2\" .m}}{{define \"t2\"}}{{.k}}{{$.k}}{{end}}", "vv"},
        {"{{and .a .s}}{{or .n .s}}{{not .n}}{{or .n false 0}}", "xxtrue0"},
        {"{{if and .a (or .n .s)}}y{{end}}", "y"},
        {"{{or .a (index .l 100)}}{{and false (index .l 100)}}", "1false"},
    };
    (void)state;
    check(cases, G_N_ELEMENTS(cases));
}

static void failures_say_where_and_why(void **state)
{
    static const Case cases[] = {
        {"{{.a.b}}",
         "template: t:1:4: executing \"t\" at <.a.b>: can't evaluate field b in type interface {}"},
        {"{{$x := .a}}{{$x.b}}",
         "template: t:1:16: executing \"t\" at <$x.b>: can't evaluate field b in type int"},
        {"{{.n.b}}",
         "template: t:1:4: executing \"t\" at <.n.b>: nil pointer evaluating interface {}.b"},
        {"{{.a 1}}",
         "template: t:1:2: executing \"t\" at <.a>: a is not a method but has arguments"},
        {"{{print 1 | .s}}",
         "template: t:1:12: executing \"t\" at <.s>: s is not a method but has arguments"},
        {"{{(len .s) 1}}",
         "template: t:1:2: executing \"t\" at <(len .s) 1>: can't give argument to non-function "
         "len .s"},
        {"\n {{define \"d\"}}\n{{index .l 9}}{{end}}{{template \"d\" .}}",
         "template: t:3:2: executing \"d\" at <index .l 9>: error calling index: index out of "
         "range: 9"},
        {"{{template \"nope\" .}}",
         "template: t:1:11: executing \"t\" at <{{template \"nope\" .}}>: template \"nope\" not "
         "defined"},
        {"{{len}}", "template: t:1:2: executing \"t\" at <len>: wrong number of args for len: "
                    "want 1 got 0"},
        {"{{index}}", "template: t:1:2: executing \"t\" at <index>: wrong number of args for "
                      "index: want at least 1 got 0"},
        {"{{printf .a}}", "template: t:1:9: executing \"t\" at <.a>: wrong type for value; "
                          "expected string; got int"},
        {"{{printf .n}}", "template: t:1:9: executing \"t\" at <.n>: wrong type for value; "
                          "expected string; got interface {}"},
        {"{{printf nil}}", "template: t:1:9: executing \"t\" at <nil>: cannot assign nil to "
                           "string"},
        {"{{9223372036854775808}}", "template: t:1:2: executing \"t\" at <9223372036854775808>: "
                                    "9223372036854775808 overflows int"},
        {"{{lt 1 1.5}}", "template: t:1:2: executing \"t\" at <lt 1 1.5>: error calling lt: "
                         "incompatible types for comparison: int and float64"},
        {"{{eq .m .m}}", "template: t:1:2: executing \"t\" at <eq .m .m>: error calling eq: "
                         "non-comparable type map[k:v]: map[string]interface {}"},
    };
    (void)state;
    check(cases, G_N_ELEMENTS(cases));
}

static void a_missing_key_gives_what_is_asked_for(void **state)
{
    static const struct {
        MissingKey missing;
        Case cases[2];
    } groups[] = {
        {MISSING_ZERO, {{"{{.zz}}|{{.kv.zz}}", "<no value>|"}, {"{{.zz}}", "<no value>"}}},
        {MISSING_DEFAULT, {{"{{.zz}}|{{.kv.zz}}", "<no value>|<no value>"}, {"{{.zz.y}}", "<no value>"}}},
        {MISSING_ERROR,
         {{"{{.zz}}", "template: t:1:2: executing \"t\" at <.zz>: map has no entry for key \"zz\""},
          {"{{.kv.k}}", "v"}}},
    };
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(groups); i++) {
        g_autoptr(TemplateSet) set = template_set_new();
        template_set_missing_key(set, groups[i].missing);
        check_with(set, groups[i].cases, 2);
    }
}

static void add(TemplateSet *set, const char *name, const char *source)
{
    g_autoptr(GError) error = NULL;
    if (!template_set_add(set, name, source, strlen(source), &error)) {
        fail_msg("%s", error->message);
    }
}

static void later_definitions_win_unless_they_are_empty(void **state)
{
    static const Case cases[] = {
        {"{{template \"x\"}}", "2"},
        {"{{template \"one.tmpl\"}}", "body"},
        {"{{template \"x\"}}{{define \"x\"}}mine{{end}}", "mine"},
        {"{{template \"x\"}}{{define \"x\"}} {{end}}", "2"},
    };
    g_autoptr(TemplateSet) set = template_set_new();
    (void)state;
    add(set, "one.tmpl", "body{{define \"x\"}}1{{end}}");
    add(set, "two.tmpl", "{{define \"x\"}}2{{end}}");
    add(set, "three.tmpl", "{{define \"x\"}}\n{{/* nothing */}} {{end}}");
    check_with(set, cases, G_N_ELEMENTS(cases));
    g_autoptr(GPtrArray) names = template_set_names(set);
    static const char *const expected[] = {"one.tmpl", "three.tmpl", "two.tmpl", "x"};
    assert_int_equal(names->len, G_N_ELEMENTS(expected));
    for (guint i = 0; i < names->len; i++) {
        assert_string_equal(g_ptr_array_index(names, i), expected[i]);
    }
}

static void a_file_that_does_not_parse_changes_nothing(void **state)
{
    static const char bad[] = "{{define \"x\"}}2{{end}}{{define \"y\"}}{{end}}{{";
    g_autoptr(TemplateSet) set = template_set_new();
    g_autoptr(GError) error = NULL;
    (void)state;
    add(set, "a", "{{define \"x\"}}1{{end}}");
    assert_false(template_set_add(set, "b", bad, strlen(bad), &error));
    assert_string_equal(error->message, "template: b:1:45: unclosed action");
    g_autofree char *rendered = render(set, "{{template \"x\"}}");
    assert_string_equal(rendered, "1");
    g_autoptr(Template) missing = template_compile_defined(set, TEMPLATE_TEXT, "y", NULL);
    assert_null(missing);
}

static void what_is_compiled_stays_when_the_set_grows_or_goes(void **state)
{
    TemplateSet *set = template_set_new();
    g_autoptr(GString) out = g_string_new(NULL);
    (void)state;
    add(set, "a", "{{define \"x\"}}1{{.a}}{{end}}");
    g_autoptr(Template) tmpl = compile(set, "{{template \"x\" .}}");
    g_autoptr(Template) defined = template_compile_defined(set, TEMPLATE_TEXT, "x", NULL);
    add(set, "b", "{{define \"x\"}}2{{end}}");
    template_set_unref(set);
    assert_true(execute(tmpl, NULL, out, NULL));
    assert_true(execute(defined, NULL, out, NULL));
    assert_string_equal(out->str, "1111");
}

static void text_without_actions_is_known_to_be_static(void **state)
{
    static const struct {
        const char *source;
        bool is_static;
    } cases[] = {
        {"", true}, {"plain", true}, {"a{{/* c */}}b", true}, {"a{{define \"x\"}}{{.}}{{end}}b", true},
        {"{{1}}", false}, {"{{if true}}{{end}}", false}, {"{{template \"x\"}}", false},
    };
    g_autoptr(TemplateSet) set = template_set_new();
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(Template) tmpl = compile(set, cases[i].source);
        assert_int_equal(template_is_static(tmpl), cases[i].is_static);
    }
}

/* Executes SOURCE twice: with what it needs, and with a little less. */
static void check_limit(const char *source, TemplateLimits enough, TemplateLimits less,
                        const char *reason)
{
    g_autoptr(TemplateSet) set = template_set_new();
    g_autoptr(Template) tmpl = compile(set, source);
    g_autoptr(GString) out = g_string_new(NULL);
    g_autoptr(GError) error = NULL;
    assert_true(execute(tmpl, &enough, out, NULL));
    g_string_truncate(out, 0);
    assert_false(execute(tmpl, &less, out, &error));
    assert_true(g_error_matches(error, FAULT, FAULT_LIMIT));
    assert_non_null(strstr(error->message, reason));
    assert_int_equal(out->len, 0);
}

static TemplateLimits with_output(size_t bytes)
{
    TemplateLimits limits = TEMPLATE_LIMITS_DEFAULT;
    limits.output_bytes = bytes;
    return limits;
}

static TemplateLimits with_depth(unsigned depth)
{
    TemplateLimits limits = TEMPLATE_LIMITS_DEFAULT;
    limits.depth = depth;
    return limits;
}

static TemplateLimits with_steps(uint64_t steps)
{
    TemplateLimits limits = TEMPLATE_LIMITS_DEFAULT;
    limits.steps = steps;
    return limits;
}

static void every_ceiling_holds_at_its_edge(void **state)
{
    (void)state;
    check_limit("12345", with_output(5), with_output(4), "more than 4 bytes of output");
    check_limit("{{.a}}2345", with_output(5), with_output(4), "more than 4 bytes of output");
    check_limit("{{`12345`}}", with_output(5), with_output(4), "more than 4 bytes of output");
    check_limit("{{len (print `12345`)}}", with_output(5), with_output(4),
                "error calling print: more than 4 bytes of text");
    check_limit("{{len (printf `%5d` 1)}}", with_output(5), with_output(4),
                "error calling printf: more than 4 bytes of text");
    check_limit("{{len (html `1<`)}}", with_output(5), with_output(4),
                "error calling html: more than 4 bytes of text");
    check_limit("{{define \"a\"}}{{template \"b\"}}{{end}}{{define \"b\"}}x{{end}}{{template "
                "\"a\"}}",
                with_depth(2), with_depth(1), "exceeded maximum template depth (1)");
    check_limit("{{range 7}}{{end}}", with_steps(8), with_steps(7), "more than 7 steps");
    check_limit("abc{{1}}", with_steps(2), with_steps(1), "more than 1 steps");
}

static void what_never_ends_ends_with_an_error(void **state)
{
    static const Case cases[] = {
        {"{{define \"r\"}}{{template \"r\"}}{{end}}{{template \"r\"}}",
         "exceeded maximum template depth (1000)"},
        {"{{define \"r\"}}{{template \"r\"}}x{{template \"r\"}}{{end}}{{template \"r\"}}",
         "exceeded maximum template depth (1000)"},
        {"{{range 9000000000000000000}}{{end}}", "more than 20000000 steps"},
        {"{{range 1000000000}}0123456789{{end}}", "more than 10485760 bytes of output"},
        {"{{$x := `0123456789`}}{{range 100}}{{$x = print $x $x}}{{end}}",
         "error calling print: more than 10485760 bytes of text"},
        {"{{$x := printf `%10000000d` 1}}{{range 100}}{{$x = print $x}}{{end}}", "bytes of memory"},
        {"{{$x := printf `%10000000d` 1}}{{range 1000000}}{{if eq $x $x}}{{end}}{{end}}",
         "more than 20000000 steps"},
        {"{{printf `%9999999d%9999999d` 1 2}}", "more than 10485760 bytes of text"},
    };
    g_autoptr(TemplateSet) set = template_set_new();
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(Template) tmpl = compile(set, cases[i].source);
        g_autoptr(GString) out = g_string_new(NULL);
        g_autoptr(GError) error = NULL;
        assert_false(execute(tmpl, NULL, out, &error));
        assert_true(g_error_matches(error, FAULT, FAULT_LIMIT));
        if (strstr(error->message, cases[i].expected) == NULL) {
            fail_msg("%s\n%s", cases[i].source, error->message);
        }
    }
}

/* A template whose body is the deepest that parses and that calls itself. */
static char *deep_recursion(void)
{
    GString *source = g_string_new("{{define \"r\"}}");
    for (unsigned i = 0; i < PARSER_DEPTH_MAX - 1; i++) {
        g_string_append(source, "{{if true}}");
    }
    g_string_append(source, "{{template \"r\"}}");
    for (unsigned i = 0; i < PARSER_DEPTH_MAX - 1; i++) {
        g_string_append(source, "{{end}}");
    }
    g_string_append(source, "{{end}}{{template \"r\"}}");
    return g_string_free(source, FALSE);
}

static char *deep_parentheses(void)
{
    GString *source = g_string_new("{{define \"r\"}}{{template \"r\" ");
    for (unsigned i = 0; i < PARSER_DEPTH_MAX - 1; i++) {
        g_string_append(source, "(not ");
    }
    for (unsigned i = 0; i < PARSER_DEPTH_MAX - 1; i++) {
        g_string_append(source, i == 0 ? "1)" : ")");
    }
    g_string_append(source, "}}{{end}}{{template \"r\"}}");
    return g_string_free(source, FALSE);
}

static void *run_deep(void *source)
{
    g_autoptr(TemplateSet) set = template_set_new();
    g_autoptr(GString) out = g_string_new(NULL);
    g_autoptr(GError) error = NULL;
    g_autoptr(Template) tmpl = template_compile(set, TEMPLATE_TEXT, "t", source, NULL);
    if (tmpl != NULL && !execute(tmpl, NULL, out, &error) &&
        g_error_matches(error, FAULT, FAULT_LIMIT)) {
        return source;
    }
    return NULL;
}

/* In a thread with the usual 8 MiB of stack. */
static void the_deepest_recursion_fits_the_stack(void **state)
{
    char *(*const sources[])(void) = {deep_recursion, deep_parentheses};
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(sources); i++) {
        g_autofree char *source = sources[i]();
        pthread_attr_t attributes;
        pthread_t thread;
        void *result = NULL;
        pthread_attr_init(&attributes);
        pthread_attr_setstacksize(&attributes, (size_t)8 * 1024 * 1024);
        assert_int_equal(pthread_create(&thread, &attributes, run_deep, source), 0);
        assert_int_equal(pthread_join(thread, &result), 0);
        pthread_attr_destroy(&attributes);
        assert_ptr_equal(result, source);
    }
}

static void *run_often(void *tmpl)
{
    for (int i = 0; i < 50; i++) {
        g_autoptr(GString) out = g_string_new(NULL);
        if (!execute(tmpl, NULL, out, NULL) || strcmp(out->str, "a1 a2 a3 v") != 0) {
            return tmpl;
        }
    }
    return NULL;
}

static void one_template_serves_several_threads(void **state)
{
    g_autoptr(TemplateSet) set = template_set_new();
    pthread_t threads[4];
    (void)state;
    add(set, "a", "{{define \"x\"}}{{$y := .}}{{range .l}}{{$y = print `a` .}}{{$y}} {{end}}{{end}}");
    g_autoptr(Template) tmpl = compile(set, "{{template \"x\" .}}{{.m.k}}");
    for (size_t i = 0; i < G_N_ELEMENTS(threads); i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, run_often, tmpl), 0);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(threads); i++) {
        void *failed = NULL;
        pthread_join(threads[i], &failed);
        assert_null(failed);
    }
}

/* Names with a NUL inside or cut short: nothing may be read behind them. */
static void names_end_where_their_length_says(void **state)
{
    static const char html[] = "<a \0sr=1 hre\0f=2>{{1}}</a>";
    static const Case cases[] = {
        {"[{{index .kv \"k\\x00\"}}][{{index .kv \"k\"}}][{{index .m \"k\\x00\"}}]",
         "[][v][<no value>]"},
    };
    g_autoptr(TemplateSet) set = template_set_new();
    g_autoptr(GString) out = g_string_new(NULL);
    (void)state;
    check(cases, G_N_ELEMENTS(cases));
    assert_true(template_set_add(set, "h", html, sizeof html - 1, NULL));
    g_autoptr(Template) tmpl = template_compile_defined(set, TEMPLATE_HTML, "h", NULL);
    assert_non_null(tmpl);
    assert_true(execute(tmpl, NULL, out, NULL));
    assert_int_equal(out->len, sizeof html - 1 - strlen("{{}}"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(variables_are_those_of_the_innermost_scope_that_ran),
        cmocka_unit_test(ranges_go_over_lists_maps_and_numbers),
        cmocka_unit_test(pipelines_hand_their_value_on_as_the_last_argument),
        cmocka_unit_test(failures_say_where_and_why),
        cmocka_unit_test(a_missing_key_gives_what_is_asked_for),
        cmocka_unit_test(later_definitions_win_unless_they_are_empty),
        cmocka_unit_test(a_file_that_does_not_parse_changes_nothing),
        cmocka_unit_test(what_is_compiled_stays_when_the_set_grows_or_goes),
        cmocka_unit_test(text_without_actions_is_known_to_be_static),
        cmocka_unit_test(every_ceiling_holds_at_its_edge),
        cmocka_unit_test(what_never_ends_ends_with_an_error),
        cmocka_unit_test(the_deepest_recursion_fits_the_stack),
        cmocka_unit_test(one_template_serves_several_threads),
        cmocka_unit_test(names_end_where_their_length_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
