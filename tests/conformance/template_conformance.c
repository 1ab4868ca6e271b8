/* SPDX-License-Identifier: MIT */
/* template_conformance FILE...
 *
 * Runs case files against the template engine: cases of the language (a set of templates,
 * data, the output or the phase and part of the error) and cases of Alertmanager's data
 * and functions (one text over a webhook's body in data/ beside the file, with the
 * templates of Debian's Alertmanager, where it is installed).  Prints what fails. */
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/template_data.h"
#include "case_data.h"
#include "rules/fault.h"
#include "rules/template/set.h"

#define ALERTMANAGER_TEMPLATES "/usr/share/prometheus/alertmanager/*.tmpl"

/* What came of a case. */
typedef struct {
    const char *phase; /* of the error: parse, escape, exec */
    GError *error;
    GString *output;
} Outcome;

/* The functions that came after the releases the cases were recorded with. */
static const char *const newer_functions[] = {
    "toDate", "mustToDate", "base64encode", "base64decode", "routeLabels",
};

static bool boom(Exec *exec, const Value *args, size_t n, Value *result, GError **error)
{
    (void)exec, (void)args, (void)n, (void)result;
    g_set_error(error, FAULT, FAULT_INPUT, "boom called");
    return false;
}

static const Func case_funcs[] = {{"boom", 0, 0, {0}, boom}, {.name = NULL}};

static const char *text_of(const Json *object, const char *key)
{
    const Json *item = json_get(object, key);
    return item == NULL ? NULL : json_text(item);
}

static bool is_html(const Json *item)
{
    return g_strcmp0(text_of(item, "mode"), "html") == 0;
}

static void set_missing_key(TemplateSet *set, const char *missing)
{
    if (g_strcmp0(missing, "error") == 0) {
        template_set_missing_key(set, MISSING_ERROR);
    } else if (g_strcmp0(missing, "default") == 0) {
        template_set_missing_key(set, MISSING_DEFAULT);
    }
}

static bool add_templates(TemplateSet *set, Arena *arena, const Json *templates, GError **error)
{
    for (const Json *item = json_first(templates); item != NULL; item = json_next(item)) {
        Value text = case_text(arena, text_of(item, "text"));
        if (!template_set_add(set, text_of(item, "name"), text.text, text.n, error)) {
            return false;
        }
    }
    return true;
}

static void run_language_case(const Json *item, Outcome *outcome)
{
    g_autoptr(TemplateSet) set = template_set_new();
    g_autoptr(Arena) arena = arena_new();
    template_set_extend(set, case_funcs);
    set_missing_key(set, text_of(item, "missingkey"));
    outcome->phase = "parse";
    if (!add_templates(set, arena, json_get(item, "templates"), &outcome->error)) {
        return;
    }
    outcome->phase = "escape";
    g_autoptr(Template) tmpl = template_compile_defined(
        set, is_html(item) ? TEMPLATE_HTML : TEMPLATE_TEXT, "main", &outcome->error);
    if (tmpl == NULL) {
        return;
    }
    outcome->phase = "exec";
    Value data = case_value(arena, json_get(item, "data"));
    template_execute_value(tmpl, arena, data, NULL, outcome->output, &outcome->error);
}

static bool add_file(TemplateSet *set, const char *path, GError **error)
{
    g_autofree char *text = NULL, *name = g_path_get_basename(path);
    gsize length;
    return g_file_get_contents(path, &text, &length, error) &&
           template_set_add(set, name, text, length, error);
}

static bool add_alertmanager_templates(TemplateSet *set, GError **error)
{
    glob_t found = {0};
    bool good = true;
    if (glob(ALERTMANAGER_TEMPLATES, 0, NULL, &found) == 0) {
        for (size_t i = 0; i < found.gl_pathc && good; i++) {
            good = add_file(set, found.gl_pathv[i], error);
        }
    }
    globfree(&found);
    return good;
}

/* Alertmanager's errors of parsing and escaping come out of one call. */
static void run_alertmanager_case(const Json *item, const char *folder, Outcome *outcome)
{
    g_autofree char *path = g_build_filename(folder, "data", text_of(item, "data"), NULL);
    g_autoptr(Json) body = case_parse(path, &outcome->error);
    g_autoptr(TemplateSet) set = template_set_new();
    if (body == NULL || !add_alertmanager_templates(set, &outcome->error)) {
        return;
    }
    g_autoptr(Template) tmpl =
        template_compile(set, is_html(item) ? TEMPLATE_HTML : TEMPLATE_TEXT, "",
                         text_of(item, "text"), &outcome->error);
    if (tmpl == NULL) {
        return;
    }
    g_autoptr(Event) event = event_new();
    Notification notification;
    if (!template_data_read(event, body, &notification, &outcome->error)) {
        return;
    }
    notification.now = timestamp_from_ms(g_get_real_time() / 1000);
    template_execute(tmpl, &notification, NULL, outcome->output, &outcome->error);
}

/* The outcome of the newest release that was asked, where it differs from the oldest. */
static const Json *expectation(const Json *item)
{
    static const char *const releases[][2] = {{"go_newer", "1.27.3"}, {"newer", "0.33.1"}};
    for (size_t i = 0; i < G_N_ELEMENTS(releases); i++) {
        const Json *newer = json_get(item, releases[i][0]);
        const Json *newest = newer == NULL ? NULL : json_get(newer, releases[i][1]);
        if (newest != NULL) {
            return newest;
        }
    }
    return item;
}

static bool has_tag(const Json *item, const char *tag)
{
    const Json *tags = json_get(item, "tags");
    const Json *at = tags == NULL ? NULL : json_first(tags);
    for (; at != NULL; at = json_next(at)) {
        if (g_strcmp0(json_text(at), tag) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_newer_function(const char *expected_error)
{
    for (size_t i = 0; i < G_N_ELEMENTS(newer_functions); i++) {
        g_autofree char *text =
            g_strdup_printf("function \"%s\" not defined", newer_functions[i]);
        if (strcmp(text, expected_error) == 0) {
            return true;
        }
    }
    return false;
}

/* Whether an error is the one that was recorded; PHASE is NULL where it was not. */
static bool is_expected_error(const Json *expected, const Outcome *outcome)
{
    const char *contains = text_of(expected, "error_contains");
    const char *phase = text_of(expected, "phase");
    if (contains == NULL || outcome->error == NULL) {
        return contains != NULL && is_newer_function(contains);
    }
    return strstr(outcome->error->message, contains) != NULL &&
           (phase == NULL || strcmp(phase, outcome->phase) == 0);
}

static bool is_expected(const Json *item, const Outcome *outcome)
{
    const Json *expected = expectation(item);
    const char *want = text_of(expected, "want");
    if (has_tag(item, "js") && outcome->error != NULL) {
        return strcmp(outcome->phase, "exec") != 0; /* refused when loaded */
    }
    if (want == NULL) {
        return is_expected_error(expected, outcome);
    }
    g_autoptr(Arena) arena = arena_new();
    Value text = case_text(arena, want);
    return outcome->error == NULL && outcome->output->len == text.n &&
           memcmp(outcome->output->str, text.text, text.n) == 0;
}

static void report(const Json *item, const Outcome *outcome)
{
    const Json *expected = expectation(item);
    const char *want = text_of(expected, "want");
    printf("FAILED %s\n  want %s: %s\n", text_of(item, "name"), want != NULL ? "text" : "error",
           want != NULL ? want : text_of(expected, "error_contains"));
    if (outcome->error != NULL) {
        printf("  got error (%s): %s\n", outcome->phase, outcome->error->message);
    } else {
        printf("  got text: %s\n", outcome->output->str);
    }
}

static bool run_case(const Json *item, const char *folder)
{
    Outcome outcome = {.phase = "load", .output = g_string_new(NULL)};
    const char *tz = text_of(item, "tz");
    g_setenv("TZ", tz != NULL ? tz : "UTC", TRUE);
    if (json_get(item, "templates") != NULL) {
        run_language_case(item, &outcome);
    } else {
        run_alertmanager_case(item, folder, &outcome);
    }
    bool good = is_expected(item, &outcome);
    if (!good) {
        report(item, &outcome);
    }
    g_clear_error(&outcome.error);
    g_string_free(outcome.output, TRUE);
    return good;
}

/* Adds to what passed and failed. False if the file cannot be read. */
static bool run_file(const char *path, unsigned counts[2])
{
    g_autoptr(GError) error = NULL;
    g_autoptr(Json) json = case_parse(path, &error);
    g_autofree char *folder = g_path_get_dirname(path);
    const Json *cases = json == NULL ? NULL : json_get(json, "cases");
    if (cases == NULL) {
        fprintf(stderr, "%s: %s\n", path, error != NULL ? error->message : "no cases");
        return false;
    }
    for (const Json *item = json_first(cases); item != NULL; item = json_next(item)) {
        counts[run_case(item, folder) ? 0 : 1]++;
    }
    return true;
}

int main(int argc, char **argv)
{
    unsigned counts[2] = {0, 0};
    bool good = argc > 1;
    if (argc < 2) {
        fprintf(stderr, "usage: template_conformance FILE...\n");
    }
    for (int i = 1; i < argc; i++) {
        good = run_file(argv[i], counts) && good;
    }
    printf("%u passed, %u failed\n", counts[0], counts[1]);
    return good && counts[1] == 0 ? 0 : 1;
}
