/* SPDX-License-Identifier: MIT */
#include "case_run.h"

#include <glob.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/template_data.h"
#include "rules/fault.h"
#include "rules/template/set.h"

#define ALERTMANAGER_TEMPLATES "/usr/share/prometheus/alertmanager/*.tmpl"

const char *case_text_of(const Json *object, const char *key)
{
    const Json *item = json_get(object, key);
    return item == NULL ? NULL : json_text(item);
}

const char *case_text_or_empty(const Json *object, const char *key)
{
    const char *text = case_text_of(object, key);
    return text != NULL ? text : "";
}

static bool boom(Exec *exec, const Value *args, size_t n, Value *result, GError **error)
{
    (void)exec, (void)args, (void)n, (void)result;
    g_set_error(error, FAULT, FAULT_INPUT, "boom called");
    return false;
}

static const Func case_funcs[] = {{"boom", 0, 0, {0}, boom}, {.name = NULL}};

static bool is_html(const Json *item)
{
    return g_strcmp0(case_text_of(item, "mode"), "html") == 0;
}

static void set_missing_key(TemplateSet *set, const char *missing)
{
    if (g_strcmp0(missing, "error") == 0) {
        template_set_missing_key(set, MISSING_ERROR);
    } else if (g_strcmp0(missing, "default") == 0 || g_strcmp0(missing, "invalid") == 0) {
        template_set_missing_key(set, MISSING_DEFAULT);
    }
}

static bool add_templates(TemplateSet *set, Arena *arena, const Json *templates, GError **error)
{
    for (const Json *item = json_first(templates); item != NULL; item = json_next(item)) {
        Value text = case_text(arena, case_text_or_empty(item, "text"));
        if (!template_set_add(set, case_text_or_empty(item, "name"), text.text, text.n, error)) {
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
    set_missing_key(set, case_text_of(item, "missingkey"));
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

/* Its errors of parsing and escaping come out of one call. */
static void run_alertmanager_case(const Json *item, const Json *body, Outcome *outcome)
{
    g_autoptr(TemplateSet) set = template_set_new();
    if (!add_alertmanager_templates(set, &outcome->error)) {
        return;
    }
    g_autoptr(Template) tmpl =
        template_compile(set, is_html(item) ? TEMPLATE_HTML : TEMPLATE_TEXT, "",
                         case_text_or_empty(item, "text"), &outcome->error);
    if (tmpl == NULL) {
        return;
    }
    g_autoptr(Event) event = event_new();
    Notification notification;
    if (!template_data_read(event, body, &notification, &outcome->error)) {
        return;
    }
    notification.now = timestamp_from_ms(g_get_real_time() / 1000);
    outcome->phase = "exec";
    template_execute(tmpl, &notification, NULL, outcome->output, &outcome->error);
}

Outcome case_run(const Json *item, const char *folder)
{
    Outcome outcome = {.phase = "load", .output = g_string_new(NULL)};
    const char *tz = case_text_of(item, "tz"), *file = case_text_of(item, "data");
    g_setenv("TZ", tz != NULL ? tz : "UTC", TRUE);
    const Json *templates = json_get(item, "templates");
    if (templates != NULL && json_is_array(templates)) {
        run_language_case(item, &outcome);
    } else if (file == NULL) {
        run_alertmanager_case(item, json_get(item, "data"), &outcome);
    } else {
        g_autofree char *path = g_build_filename(folder, "data", file, NULL);
        g_autoptr(Json) body = case_parse(path, &outcome.error);
        if (body != NULL) {
            run_alertmanager_case(item, body, &outcome);
        }
    }
    return outcome;
}

void outcome_clear(Outcome *outcome)
{
    g_clear_error(&outcome->error);
    g_string_free(outcome->output, TRUE);
}
