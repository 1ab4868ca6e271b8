/* SPDX-License-Identifier: MIT */
/* What `alertpost check` finds by making every mail. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <glib/gstdio.h>
#include <string.h>

#include "bridge/trial.h"

#define HEAD                                                 \
    "global: {smtp_from: x@y.org, smtp_smarthost: 'a:25'}\n" \
    "route: {receiver: r}\n"                                 \
    "receivers:\n"                                           \
    "- name: r\n"                                            \
    "  email_configs:\n"                                     \
    "  - to: x@y.org\n"
#define R   "receivers[0].email_configs[0]."
#define ALL "one firing alert, a firing and a resolved alert, alerts without common labels, no alerts"

static char *lines(GPtrArray *array)
{
    g_ptr_array_add(array, NULL);
    return g_strjoinv("\n", (char **)array->pdata);
}

/* Errors and warnings of CONFIG, one a line. */
static char *try_config(const Config *config, char *const *files)
{
    g_autoptr(GPtrArray) errors = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GPtrArray) warnings = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GError) error = NULL;
    if (!trial_run(config, files, NULL, errors, warnings, &error)) {
        return g_strdup(error->message);
    }
    g_autofree char *failed = lines(errors), *warned = lines(warnings);
    return g_strconcat(failed, warnings->len > 1 ? "warning: " : "", warned, NULL);
}

static char *try_yaml(const char *yaml, char *const *files)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(Config) config = config_parse("f.yml", yaml, strlen(yaml), CONFIG_STRICT, &error);
    return config != NULL ? try_config(config, files) : g_strdup(error->message);
}

typedef struct {
    const char *yaml, *found;
} Case;

static void check(const Case *cases, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        g_autofree char *found = try_yaml(cases[i].yaml, NULL);
        assert_string_equal(found, cases[i].found);
    }
}

static void the_built_in_mail_is_made_of_every_sample(void **state)
{
    (void)state;
    static const Case cases[] = {{HEAD, ""}};
    check(cases, G_N_ELEMENTS(cases));
}

static void what_fails_is_told_once_with_its_place_and_the_samples(void **state)
{
    (void)state;
    static const Case cases[] = {
        {HEAD "    html: |\n      <p>\n        {{ .Labels.alertname }}\n",
         "f.yml:9:19: " R "html: executing \"\" at <.Labels.alertname>: can't evaluate field "
         "Labels in type template.Data (over: " ALL ")"},
        {HEAD "    text: '{{ (index .Alerts 0).Labels.alertname }}'\n",
         "f.yml:7:16: " R "text: executing \"\" at <index .Alerts 0>: error calling index: "
         "reflect: slice index out of range (over: no alerts)"},
        {HEAD "    headers: {Subject: '{{ (index .Alerts.Resolved 0).Status }}'}\n",
         "f.yml:7:29: " R "headers.Subject: executing \"\" at <index .Alerts.Resolved 0>: "
         "error calling index: reflect: slice index out of range (over: one firing alert, "
         "alerts without common labels, no alerts)"},
        {HEAD "    cc: [a@b.org, '{{ .Nope }}@b.org']\n    reply_to: '{{ .Nope }}'\n",
         "f.yml:7:23: " R "cc[1]: executing \"\" at <.Nope>: can't evaluate field Nope in "
         "type template.Data (over: " ALL ")\n"
         "f.yml:8:19: " R "reply_to: executing \"\" at <.Nope>: can't evaluate field Nope in "
         "type template.Data (over: " ALL ")"},
        {"global: {smtp_from: '{{ .Nope }}@b.org', smtp_smarthost: 'a:25'}\n"
         "route: {receiver: r, labels: {a: '{{ .CommonLabels.Nope }}', b: \"\\t{{ .Nope }}\"}}\n"
         "receivers: [{name: r, email_configs: [{to: x@y.org}]}]\n",
         "f.yml:2:71: route.labels.b: executing \"\" at <.Nope>: can't evaluate field Nope in "
         "type template.Data (over: " ALL ")\n"
         "f.yml:1:25: global.smtp_from: executing \"\" at <.Nope>: can't evaluate field Nope in "
         "type template.Data (over: " ALL ")"},
    };
    check(cases, G_N_ELEMENTS(cases));
}

static void a_template_without_end_ends_with_an_error(void **state)
{
    (void)state;
    static const Case cases[] = {
        {HEAD "    text: '{{ define \"x\" }}{{ template \"x\" . }}{{ end }}{{ template \"x\" . }}'\n",
         ""},
        {HEAD "    text: '{{ define \"b\" }}{{ range $i, $c := (printf \"%10000d\" 1 | toJson | "
              "reReplaceAll \" \" \"xxxxxxxxxx\" | stringSlice) }}{{ $c }}{{ end }}{{ template \"b\" }}"
              "{{ template \"b\" }}{{ end }}{{ template \"b\" }}'\n",
         ""},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *found = try_yaml(cases[i].yaml, NULL);
        assert_true(g_str_has_prefix(found, "f.yml:7:"));
        assert_non_null(strstr(found, R "text: executing "));
        assert_non_null(strstr(found, "(over: " ALL ")"));
    }
}

static void a_template_file_is_the_place_of_what_fails_in_it(void **state)
{
    (void)state;
    g_autofree char *directory = g_dir_make_tmp("trial-XXXXXX", NULL);
    g_autofree char *file = g_build_filename(directory, "a.tmpl", NULL);
    g_autofree char *yaml = g_strdup_printf(
        HEAD "    html: '{{ template \"mine\" . }}'\ntemplates: ['%s']\n", file);
    assert_true(g_file_set_contents(
        file, "{{ define \"mine\" }}\n<p>{{ range .Alerts }}{{ .Nope }}{{ end }}{{ end }}", -1,
        NULL));
    g_autofree char *found = try_yaml(yaml, NULL);
    g_autofree char *expected = g_strdup_printf(
        "%s:2:26: " R "html: executing \"mine\" at <.Nope>: can't evaluate field Nope in type "
        "template.Alert (over: one firing alert, a firing and a resolved alert, alerts without "
        "common labels)",
        file);
    assert_string_equal(found, expected);
    g_unlink(file);
    g_rmdir(directory);
}

static void files_of_the_user_are_tried_as_well(void **state)
{
    (void)state;
    g_autofree char *directory = g_dir_make_tmp("trial-XXXXXX", NULL);
    g_autofree char *good = g_build_filename(directory, "good.json", NULL);
    g_autofree char *bad = g_build_filename(directory, "bad.json", NULL);
    assert_true(g_file_set_contents(
        good, "{\"alerts\":[{\"labels\":{\"alertname\":\"A\",\"team\":\"db\"}}]}", -1, NULL));
    assert_true(g_file_set_contents(bad, "{\"alerts\":3}", -1, NULL));
    char *files[] = {good, NULL}, *bad_files[] = {good, bad, NULL};
    g_autofree char *found = try_yaml(
        HEAD "    text: '{{ if eq .CommonLabels.team \"db\" }}{{ .Nope }}{{ end }}'\n", files);
    g_autofree char *expected = g_strdup_printf(
        "f.yml:7:50: " R "text: executing \"\" at <.Nope>: can't evaluate field Nope in type "
        "template.Data (over: %s)",
        good);
    assert_string_equal(found, expected);
    g_autofree char *nobody = try_yaml(
        "global: {smtp_from: x@y.org, smtp_smarthost: 'a:25'}\nroute: {receiver: r}\n"
        "receivers: [{name: r, email_configs: [{to: '{{ .CommonLabels.owner }}'}]}]\n",
        files);
    g_autofree char *warning = g_strdup_printf(
        "warning: f.yml: receiver r: no valid recipient (over: %s)", good);
    assert_string_equal(nobody, warning);
    g_autofree char *failed = try_yaml(HEAD, bad_files);
    g_autofree char *reason = g_strdup_printf(
        "%s: as Alertmanager's (others need --source NAME): alerts: not an array", bad);
    assert_string_equal(failed, reason);
    g_unlink(good);
    g_unlink(bad);
    g_rmdir(directory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_built_in_mail_is_made_of_every_sample),
        cmocka_unit_test(what_fails_is_told_once_with_its_place_and_the_samples),
        cmocka_unit_test(a_template_without_end_ends_with_an_error),
        cmocka_unit_test(a_template_file_is_the_place_of_what_fails_in_it),
        cmocka_unit_test(files_of_the_user_are_tried_as_well),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
