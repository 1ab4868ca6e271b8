/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "rules/fault.h"
#include "rules/template/set.h"

typedef struct {
    const char *text, *want;
} Case;

/* The tree of TEXT as the escaper leaves it, in Go's notation; or the error. */
static char *rewrite(const char *text)
{
    g_autoptr(TemplateSet) set = template_set_new();
    g_autoptr(GError) error = NULL;
    g_autoptr(Template) tmpl = template_compile(set, TEMPLATE_HTML, "t", text, &error);

    if (tmpl == NULL) {
        assert_int_equal(error->domain, FAULT);
        return g_strdup(error->message);
    }
    GString *out = g_string_new(NULL);
    list_print(&template_tree(tmpl)->root, out);
    return g_string_free(out, FALSE);
}

static void check(const Case *table, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        g_autofree char *got = rewrite(table[i].text);
        g_auto(GStrv) parts = g_strsplit(got, "_html_template_", -1);
        g_autofree char *brief = g_strjoinv("_", parts);
        if (strcmp(brief, table[i].want) != 0) {
            print_message("%s\n", table[i].text);
        }
        assert_string_equal(brief, table[i].want);
    }
}
#define CHECK(table) check(table, G_N_ELEMENTS(table))

static void every_place_gets_its_escapers(void **state)
{
    (void)state;
    static const Case table[] = {
        {"{{.a}}", "{{.a | _htmlescaper}}"},
        {"{{$x := .a}}{{$x}}", "{{$x := .a}}{{$x | _htmlescaper}}"},
        {"<title>{{.a}}</title>", "<title>{{.a | _rcdataescaper}}</title>"},
        {"<p {{.a}}=\"{{.b}}\" {{.c}}>", "<p {{.a | _htmlnamefilter}}=\"{{.b | "
                                         "_attrescaper}}\" {{.c | _htmlnamefilter}}>"},
        {"<p title={{.a}}>", "<p title={{.a | _nospaceescaper}}>"},
        {"<a href=\"{{.a}}/{{.b}}?{{.c}}\">",
         "<a href=\"{{.a | _urlfilter | _urlnormalizer | _attrescaper}}/"
         "{{.b | _urlnormalizer | _attrescaper}}?{{.c | _urlescaper | "
         "_attrescaper}}\">"},
        {"<a href={{.a}}>",
         "<a href={{.a | _urlfilter | _urlnormalizer | _nospaceescaper}}>"},
        {"<img srcset='{{.a}} 2x'>",
         "<img srcset='{{.a | _srcsetescaper | _attrescaper}} 2x'>"},
        {"<meta http-equiv=refresh content=\"{{.a}};url={{.b}}\">",
         "<meta http-equiv=refresh content=\"{{.a | _attrescaper}};url="
         "{{.b | _urlfilter | _attrescaper}}\">"},
        {"<p style=\"color: {{.a}}; background: url({{.b}}); font-family: '{{.c}}'\">",
         "<p style=\"color: {{.a | _cssvaluefilter | _attrescaper}}; background: url("
         "{{.b | _urlfilter | _urlnormalizer | _attrescaper}}); font-family: '"
         "{{.c | _urlfilter | _cssescaper}}'\">"},
        {"<style>p { x: {{.a}} }</style>",
         "<style>p { x: {{.a | _cssvaluefilter}} }</style>"},
        {"a<!-- {{.a}} -->b", "a{{.a | _commentescaper}}b"},
        {"<p style='/* {{.a}} */'>", "<p style='/* {{.a | _commentescaper}} */'>"},
    };
    CHECK(table);
}

static void what_authors_escape_with_is_kept_where_it_is_enough(void **state)
{
    (void)state;
    static const Case table[] = {
        {"{{.a | html}}", "{{.a | html}}"},
        {"{{html .a .b}}", "{{_eval_args_ .a .b | html}}"},
        {"{{html}}", "{{html}}"},
        {"<a href=\"{{.a | html}}\">",
         "<a href=\"{{.a | _urlfilter | _urlnormalizer | html}}\">"},
        {"<a href=\"?{{urlquery .a}}\">",
         "<a href=\"?{{_eval_args_ .a | urlquery | _attrescaper}}\">"},
        {"{{.a | urlquery}}", "{{.a | urlquery | _htmlescaper}}"},
        {"<style>{{.a | html}}</style>",
         "<style>{{.a | html | _cssvaluefilter}}</style>"},
        {"{{print (.a | html)}}", "{{print (.a | html) | _htmlescaper}}"},
    };
    CHECK(table);
}

static void static_text_loses_comments_and_stray_angles(void **state)
{
    (void)state;
    static const Case table[] = {
        {"a < b <3 </ <!doctype html><!DOCTYPE x><![CDATA[",
         "a &lt; b &lt;3 &lt;/ <!doctype html><!DOCTYPE x>&lt;![CDATA["},
        {"a<!-- x --><!-- y -->b<b>", "ab<b>"},
        {"<!--[if mso]><table><![endif]-->", ""},
        {"<title>1 < 2 <b></title>", "<title>1 &lt; 2 &lt;b></title>"},
        {"<style>a /* x */ b // y\nc '/*z*/'</style>",
         "<style>a   b \nc '/*z*/'</style>"},
        {"<p title='<!-- x -->' style='/*x*/'>",
         "<p title='<!-- x -->' style='/*x*/'>"},
        {"<script>if (a < b) { /* c */ x = '<b>' } // d\n</script>",
         "<script>if (a < b) { /* c */ x = '<b>' } // d\n</script>"},
        {"plain", "plain"},
    };
    CHECK(table);
}

static void templates_are_copied_for_each_context(void **state)
{
    (void)state;
    static const Case table[] = {
        {"{{define \"x\"}}{{.}}{{end}}{{template \"x\"}}<p title=\"{{template \"x\" "
         ".}}\">"
         "<a href=\"?{{template \"x\"}}\">",
         "{{template \"x\"}}<p title=\"{{template "
         "\"x$htmltemplate_stateAttr_delimDoubleQuote\""
         " .}}\"><a href=\"?{{template \"x$htmltemplate_stateURL_delimDoubleQuote_"
         "urlPartQueryOrFrag_attrURL\"}}\">"},
        /* A call ends where its body does, also the second time. */
        {"{{define \"open\"}}<a href=\"{{end}}{{template \"open\"}}{{.a}}\">{{template "
         "\"open\"}}{{.b}}\">",
         "{{template \"open\"}}{{.a | _urlfilter | _urlnormalizer | _attrescaper}}\">"
         "{{template \"open\"}}{{.b | _urlfilter | _urlnormalizer | _attrescaper}}\">"},
        {"{{define \"r\"}}<b>{{if .}}{{template \"r\" "
         ".x}}{{end}}{{.}}</b>{{end}}{{template "
         "\"r\" .}}{{.}}",
         "{{template \"r\" .}}{{. | _htmlescaper}}"},
    };
    CHECK(table);
}

static void branches_may_end_where_both_mean_the_same(void **state)
{
    (void)state;
    static const Case table[] = {
        {"<a href=\"{{if .t}}/x?{{else}}/y{{end}}\">{{.a}}",
         "<a href=\"{{if .t}}/x?{{else}}/y{{end}}\">{{.a | _htmlescaper}}"},
        {"<p title={{if .t}}{{.a}}{{end}}>",
         "<p title={{if .t}}{{.a | _nospaceescaper}}{{end}}>"},
        {"<p{{range .l}} x=\"{{.}}\"{{end}}>",
         "<p{{range .l}} x=\"{{. | _attrescaper}}\"{{end}}>"},
        {"<a href=\"{{range .l}}{{.}}{{end}}\">",
         "<a href=\"{{range .l}}{{. | _urlfilter | _urlnormalizer | "
         "_attrescaper}}{{end}}\">"},
        {"{{range .l}}{{if .}}{{break}}{{else}}{{continue}}{{end}}{{.x}}{{end}}{{.}}",
         "{{range .l}}{{if .}}{{break}}{{else}}{{continue}}{{end}}{{.x}}{{end}}"
         "{{. | _htmlescaper}}"},
        {"{{range .l}}{{if .}}{{continue}}{{end}}<b>{{.x}}{{else}}{{.y}}{{end}}",
         "{{range .l}}{{if .}}{{continue}}{{end}}<b>{{.x | _htmlescaper}}{{else}}"
         "{{.y | _htmlescaper}}{{end}}"},
    };
    CHECK(table);
}

static void what_is_ambiguous_or_open_is_refused_where_it_stands(void **state)
{
    (void)state;
    static const Case table[] = {
        {"<a href=\"{{if .t}}/x?{{else}}/y{{end}}\n{{.a}}\">",
         "html/template:t:2:2: {{.a}} appears in an ambiguous context within a URL"},
        {"x\n<p\n ti\"tle>",
         "html/template:t:2:2: \"\\\"\" in attribute name: \"\\n ti\\\"tle>\""},
        {"x\n\n <a href=\"",
         "html/template:t:1:0: ends in a non-text context: {stateURL "
         "delimDoubleQuote urlPartNone jsCtxRegexp attrURL elementNone "
         "<nil>}"},
        {"{{if .t}}<b title='{{end}}",
         "html/template:t:1:5: {{if}} branches end in different contexts: {stateAttr "
         "delimSingleQuote urlPartNone jsCtxRegexp attrNone elementNone <nil>}, "
         "{stateText "
         "delimNone urlPartNone jsCtxRegexp attrNone elementNone <nil>}"},
        {"{{range .l}}<a href=\"{{end}}",
         "html/template:t:1:8: on range loop re-entry: {{range}} branches end in "
         "different "
         "contexts: {stateURL delimDoubleQuote urlPartNone jsCtxRegexp attrURL "
         "elementNone "
         "<nil>}, {stateTag delimNone urlPartNone jsCtxRegexp attrNone elementNone "
         "<nil>}"},
        {"{{.a | html | print}}",
         "html/template:t:1:2: predefined escaper \"html\" disallowed in template"},
        {"<p title={{html .a}}>",
         "html/template:t:1:11: predefined escaper \"html\" disallowed in template"},
        {"{{define \"x\"}}\n{{template \"y\"}}{{end}}{{template \"x\"}}",
         "html/template:t:2:11: no such template \"y\""},
        {"<style>{{template \"x\"}}</style>{{define \"x\"}}{{if .}}{{template "
         "\"x\"}}{{end}}"
         "{{.}}\",{{end}}",
         "html/template:t:1:0: cannot compute output context for template "
         "x$htmltemplate_stateCSS_elementStyle"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(table); i++) {
        g_autofree char *got = rewrite(table[i].text);
        assert_string_equal(got, table[i].want);
    }
}

static void values_in_javascript_are_refused_with_what_to_do(void **state)
{
    (void)state;
    static const char *const table[][2] = {
        {"<script>\nvar x = {{.a}};</script>", "2:10"},
        {"<script>// {{.a}}</script>", "1:13"},
        {"<script type=module>{{.a}}</script>", "1:22"},
        {"<a onclick=\"f('{{.a}}')\">", "1:17"},
        {"<a onclick={{.a}}>", "1:13"},
        {"{{define \"x\"}}{{.a}}{{end}}<script>{{template \"x\"}}</script>", "1:16"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(table); i++) {
        g_autofree char *got = rewrite(table[i][0]);
        g_autofree char *want =
            g_strdup_printf("html/template:t:%s: {{.a}} appears in JavaScript: mail "
                            "clients run no scripts; "
                            "write the value elsewhere or remove the script",
                            table[i][1]);
        assert_string_equal(got, want);
    }
    g_autofree char *markup = rewrite("<script type='text/template'>{{.a}}</script>");
    assert_string_equal(markup, "<script type='text/template'>{{.a | "
                                "_html_template_htmlescaper}}</script>");
}

/* Escaping one template must not touch what others are compiled from. */
static void the_trees_of_the_set_stay_as_they_are(void **state)
{
    (void)state;
    static const char text[] = "{{define \"x\"}}<!-- c -->{{\"<\"}}{{end}}";
    g_autoptr(TemplateSet) set = template_set_new();
    assert_true(template_set_add(set, "f", text, strlen(text), NULL));
    g_autoptr(Template) html =
        template_compile(set, TEMPLATE_HTML, "", "{{template \"x\"}}", NULL);
    g_autoptr(Template) again = template_compile(
        set, TEMPLATE_HTML, "", "<p title=\"{{template \"x\"}}\">", NULL);
    g_autoptr(Template) plain =
        template_compile(set, TEMPLATE_TEXT, "", "{{template \"x\"}}", NULL);
    const struct {
        const Template *tmpl;
        const char *want;
    } table[] = {
        {html, "&lt;"},
        {again, "<p title=\"<!-- c -->&lt;\">"},
        {plain, "<!-- c --><"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(table); i++) {
        g_autoptr(Arena) arena = arena_new();
        g_autoptr(GString) out = g_string_new(NULL);
        assert_true(
            template_execute_value(table[i].tmpl, arena, VALUE_NIL, NULL, out, NULL));
        assert_string_equal(out->str, table[i].want);
    }
}

static char *nested_loops(size_t n, const char *inner)
{
    GString *text = g_string_new(NULL);

    for (size_t i = 0; i < n; i++) {
        g_string_append(text, "{{range .}}");
    }
    g_string_append(text, inner);
    for (size_t i = 0; i < n; i++) {
        g_string_append(text, "{{end}}");
    }
    return g_string_free(text, FALSE);
}

/* A loop's body that changes the context is walked twice, a loop in it four times; what
 * does not must not be. */
static void deep_loops_are_walked_once(void **state)
{
    (void)state;
    g_autofree char *stable = nested_loops(100, "<b>{{.}}");
    g_autofree char *passed = rewrite(stable);
    assert_non_null(strstr(passed, "<b>{{. | _html_template_htmlescaper}}"));
    g_autofree char *loops = nested_loops(100, "{{.}}");
    g_autofree char *changing = g_strconcat("<p title=", loops, ">", NULL);
    g_autofree char *joined = rewrite(changing);
    assert_non_null(strstr(joined, "{{. | _html_template_nospaceescaper}}"));
}

static void chains_of_templates_have_a_limit(void **state)
{
    (void)state;
    g_autoptr(GString) text = g_string_new(NULL);
    for (int i = 0; i < 1200; i++) {
        g_string_append_printf(text, "{{define \"t%d\"}}{{template \"t%d\"}}{{end}}", i,
                               i + 1);
    }
    g_string_append(text, "{{define \"t1200\"}}{{end}}{{template \"t0\"}}");
    g_autofree char *got = rewrite(text->str);
    assert_true(
        g_str_has_suffix(got, "more than 1000 levels or 5000000 nodes to escape"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_place_gets_its_escapers),
        cmocka_unit_test(what_authors_escape_with_is_kept_where_it_is_enough),
        cmocka_unit_test(static_text_loses_comments_and_stray_angles),
        cmocka_unit_test(templates_are_copied_for_each_context),
        cmocka_unit_test(branches_may_end_where_both_mean_the_same),
        cmocka_unit_test(what_is_ambiguous_or_open_is_refused_where_it_stands),
        cmocka_unit_test(values_in_javascript_are_refused_with_what_to_do),
        cmocka_unit_test(the_trees_of_the_set_stay_as_they_are),
        cmocka_unit_test(deep_loops_are_walked_once),
        cmocka_unit_test(chains_of_templates_have_a_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
