/* SPDX-License-Identifier: MIT */
/* Where an error in a template is said to be: in the user's own file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <glib/gstdio.h>
#include <string.h>

#include "config/config.h"

#define HEAD                                                 \
    "global: {smtp_from: x@y.org, smtp_smarthost: 'a:25'}\n" \
    "route: {receiver: r}\n"                                 \
    "receivers:\n"                                           \
    "- name: r\n"                                            \
    "  email_configs:\n"                                     \
    "  - to: x@y.org\n"
#define R "receivers[0].email_configs[0]."

/* All that is wrong with YAML; "" if it is good. */
static char *errors_of(const char *yaml)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(Config) config = config_parse("f.yml", yaml, strlen(yaml), CONFIG_STRICT, &error);
    assert_int_equal(config == NULL, error != NULL);
    return g_strdup(error != NULL ? error->message : "");
}

typedef struct {
    const char *yaml, *errors;
} Case;

static void check(const Case *cases, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        g_autofree char *errors = errors_of(cases[i].yaml);
        assert_string_equal(errors, cases[i].errors);
    }
}

static void it_is_the_place_in_the_yaml_whatever_the_style_of_the_scalar(void **state)
{
    (void)state;
    static const Case cases[] = {
        {HEAD "    text: é {{ nope }}\n", "f.yml:7:16: " R "text: function \"nope\" not defined"},
        {HEAD "    text: 'it''s {{ nope }}'\n",
         "f.yml:7:21: " R "text: function \"nope\" not defined"},
        {HEAD "    text: \"\\\"\\u00e9\\\" {{ nope }}\"\n",
         "f.yml:7:26: " R "text: function \"nope\" not defined"},
        {HEAD "    text: |\n      one\n\n        two {{ nope }}\n",
         "f.yml:10:16: " R "text: function \"nope\" not defined"},
        {HEAD "    text: |-\n      é {{/* one\n\n      */}} {{ nope }}\n",
         "f.yml:10:15: " R "text: function \"nope\" not defined"},
        {HEAD "    text: >\n      one\n      two\n\n      {{ nope }}\n",
         "f.yml:11:10: " R "text: function \"nope\" not defined"},
        {HEAD "    text: 'one\n      two {{ nope }}'\n",
         "f.yml:8:14: " R "text: function \"nope\" not defined"},
        {HEAD "    text: \"one\n      two \\\n      {{ nope }}\"\n",
         "f.yml:9:10: " R "text: function \"nope\" not defined"},
        {HEAD "    text: &x \"{{ nope }}\"\n",
         "f.yml:7:18: " R "text: function \"nope\" not defined"},
        {HEAD "    html: |\r\n      <p>\r\n      {{ nope }}\r\n",
         "f.yml:9:10: " R "html: function \"nope\" not defined"},
    };
    check(cases, G_N_ELEMENTS(cases));
}

static void each_part_has_its_own_path(void **state)
{
    (void)state;
    static const Case cases[] = {
        {HEAD "    cc: [a@b.org, 'x {{ nope }}']\n    bcc: '{{ nope }}'\n"
              "    headers: {subject: '{{ nope }}', X-A: 'x{{ nope }}'}\n",
         "f.yml:7:25: " R "cc[1]: function \"nope\" not defined\n"
         "f.yml:8:14: " R "bcc: function \"nope\" not defined\n"
         "f.yml:9:28: " R "headers.subject: function \"nope\" not defined\n"
         "f.yml:9:48: " R "headers.X-A: function \"nope\" not defined"},
        {"global: {smtp_from: '{{ nope }}', smtp_smarthost: 'a:25'}\n"
         "route: {receiver: r, labels: {team: '{{ nope }}'}}\n"
         "receivers: [{name: r, email_configs: [{to: x@y.org}]}]\n",
         "f.yml:1:25: global.smtp_from: function \"nope\" not defined\n"
         "f.yml:2:41: route.labels.team: function \"nope\" not defined"},
    };
    check(cases, G_N_ELEMENTS(cases));
}

static void an_undefined_template_is_an_error_in_every_branch(void **state)
{
    (void)state;
    static const Case cases[] = {
        {HEAD "    html: '{{ template \"nope\" . }}'\n",
         "f.yml:7:24: " R "html: no such template \"nope\""},
        {HEAD "    text: '{{ template \"nope\" . }}'\n",
         "f.yml:7:24: " R "text: template \"nope\" not defined"},
        {HEAD "    text: '{{ if .A }}{{ else }}{{ with .B }}{{ template \"nope\" }}{{ end }}{{ end }}'\n",
         "f.yml:7:58: " R "text: template \"nope\" not defined"},
        {HEAD "    text: '{{ define \"a\" }}{{ template \"b\" }}{{ end }}{{ define \"b\" }}"
              "{{ range .X }}{{ template \"a\" }}{{ else }}{{ template \"c\" }}{{ end }}"
              "{{ end }}{{ template \"a\" }}'\n",
         "f.yml:7:125: " R "text: template \"c\" not defined"},
        {HEAD "    text: '{{ define \"unused\" }}{{ template \"nope\" }}{{ end }}x'\n", ""},
        {HEAD "    text: '{{ define \"a\" }}{{ if .X }}{{ template \"a\" }}{{ end }}{{ end }}"
              "{{ template \"a\" }}'\n",
         ""},
    };
    check(cases, G_N_ELEMENTS(cases));
}

static void errors_of_escaping_have_a_place(void **state)
{
    (void)state;
    static const Case cases[] = {
        {HEAD "    html: |\n      <script>\n        var x = {{ .Status }};\n      </script>\n",
         "f.yml:9:20: " R "html: {{.Status}} appears in JavaScript: mail clients run no "
         "scripts; write the value elsewhere or remove the script"},
        {HEAD "    html: '<b title=\"{{ .Status }}'\n",
         "f.yml:7:12: " R "html: ends in a non-text context: {stateAttr delimDoubleQuote "
         "urlPartNone jsCtxRegexp attrNone elementNone <nil>}"},
    };
    check(cases, G_N_ELEMENTS(cases));
}

/* A directory with f.yml and a.tmpl in it; what is wrong with them, which is free of the
 * directory's name. */
static char *errors_of_files(const char *yaml, const char *tmpl)
{
    g_autofree char *directory = g_dir_make_tmp("places-XXXXXX", NULL);
    g_autofree char *file = g_build_filename(directory, "f.yml", NULL);
    g_autofree char *templates = g_build_filename(directory, "a.tmpl", NULL);
    g_autofree char *prefix = g_strconcat(directory, "/", NULL);
    assert_true(g_file_set_contents(file, yaml, -1, NULL));
    assert_true(g_file_set_contents(templates, tmpl, -1, NULL));
    g_autoptr(GError) error = NULL;
    g_autoptr(Config) config = config_load(file, CONFIG_STRICT, &error);
    assert_int_equal(config == NULL, error != NULL);
    g_unlink(file);
    g_unlink(templates);
    g_rmdir(directory);
    g_auto(GStrv) parts = g_strsplit(error != NULL ? error->message : "", prefix, -1);
    return g_strjoinv("", parts);
}

static void an_error_in_a_template_file_has_its_place_there(void **state)
{
    (void)state;
    static const Case cases[] = {
        {"{{ define \"x\" }}\n  é{{ nope }}\n{{ end }}",
         "f.yml:7:24: " R "html: no such template \"x\"\n"
         "a.tmpl:2:8: function \"nope\" not defined"},
        {"{{ define \"x\" }}\n{{ if .A }}<p>{{ template \"y\" . }}{{ end }}{{ end }}",
         "a.tmpl:2:27: " R "html: no such template \"y\""},
        {"{{ define \"x\" }}\n<p onclick=\"{{ .Status }}\">{{ end }}",
         "a.tmpl:2:16: " R "html: {{.Status}} appears in JavaScript: mail clients run no "
         "scripts; write the value elsewhere or remove the script"},
        {"{{ define \"x\" }}x{{ end }}", ""},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *errors = errors_of_files(
            HEAD "    html: '{{ template \"x\" . }}'\ntemplates: ['*.tmpl']\n", cases[i].yaml);
        assert_string_equal(errors, cases[i].errors);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_the_place_in_the_yaml_whatever_the_style_of_the_scalar),
        cmocka_unit_test(each_part_has_its_own_path),
        cmocka_unit_test(an_undefined_template_is_an_error_in_every_branch),
        cmocka_unit_test(errors_of_escaping_have_a_place),
        cmocka_unit_test(an_error_in_a_template_file_has_its_place_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
