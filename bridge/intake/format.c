/* SPDX-License-Identifier: MIT */
#include "bridge/intake/format.h"

#include <string.h>

#include "bridge/intake/alertmanager.h"
#include "bridge/intake/flux.h"
#include "bridge/intake/form.h"
#include "bridge/intake/github.h"
#include "bridge/intake/gitlab.h"
#include "bridge/intake/grafana.h"
#include "bridge/intake/jenkins.h"
#include "bridge/intake/mapped.h"
#include "bridge/intake/tekton.h"
#include "rules/fault.h"

#define JSON_VALUES_BASE      ((size_t)10000)
#define JSON_VALUES_PER_ALERT ((size_t)200)
#define JSON_VALUES_MAX       ((size_t)5000000)

static const Format formats[] = {
    {"alertmanager", "POST", NULL, alertmanager_parse},
    {"grafana", "POST, PUT", NULL, grafana_parse},
    {"github", "POST", "payload", github_parse},
    {"gitlab", "POST", NULL, gitlab_parse},
    {"jenkins", "POST", NULL, jenkins_parse},
    {"flux", "POST", NULL, flux_parse},
    {"tekton", "POST", NULL, tekton_parse},
    {"json", "POST, PUT", NULL, mapped_parse},
};

const Format *format_find(const char *type)
{
    for (size_t i = 0; i < G_N_ELEMENTS(formats); i++) {
        if (strcmp(formats[i].type, type) == 0) {
            return &formats[i];
        }
    }
    return NULL;
}

const char *format_header(const FormatInput *input, const char *name)
{
    const char *value = input->header != NULL ? input->header(input->request, name) : NULL;
    return value != NULL ? value : "";
}

/* Without parameters, in small letters. */
static char *essence(const char *content_type)
{
    return g_strstrip(
        g_ascii_strdown(content_type, (gssize)strcspn(content_type, ";")));
}

static bool is_form(const Format *format, const char *content_type)
{
    g_autofree char *type = essence(content_type);
    return format->form != NULL && strcmp(type, FORMAT_FORM_TYPE) == 0;
}

/* application/json, or any type that ends in +json; none is taken for JSON. */
bool format_takes(const Format *format, const char *content_type)
{
    if (content_type == NULL || is_form(format, content_type)) {
        return true;
    }
    g_autofree char *type = essence(content_type);
    return strcmp(type, "application/json") == 0 || g_str_has_suffix(type, "+json");
}

Alert *format_alerts_new(Event *event, size_t n)
{
    Alert *alerts = arena_array(event->arena, Alert, n);
    for (size_t i = 0; i < n; i++) {
        alerts[i] = (Alert){.starts_at = TIMESTAMP_ZERO,
                            .ends_at = TIMESTAMP_ZERO,
                            .generator_url = "",
                            .silence_url = "",
                            .dashboard_url = "",
                            .panel_url = "",
                            .value_string = ""};
    }
    return alerts;
}

const char *format_group_key(Arena *arena, const char *route, const Labels *group)
{
    g_autoptr(GString) key = g_string_new(route);
    g_string_append(key, ":{");
    for (size_t i = 0; i < group->n; i++) {
        g_string_append_printf(key, "%s%s=", i == 0 ? "" : ", ", group->items[i].name);
        json_append_string(key, group->items[i].value);
    }
    g_string_append_c(key, '}');
    return arena_strdup(arena, key->str);
}

/* LABELS, and those of EXTRA whose names it does not have. */
static Labels with_extra(Arena *arena, const Labels *labels, const Labels *extra)
{
    if (extra->n == 0) {
        return *labels;
    }
    Label *items = arena_array(arena, Label, labels->n + extra->n);
    memcpy(items, extra->items, extra->n * sizeof *items);
    if (labels->n > 0) {
        memcpy(items + extra->n, labels->items, labels->n * sizeof *items);
    }
    return labels_make(items, labels->n + extra->n);
}

/* The source's labels live in the configuration, the event may live longer. */
static Labels copy_labels(Arena *arena, const Labels *labels)
{
    Label *items = arena_array(arena, Label, labels->n);
    for (size_t i = 0; i < labels->n; i++) {
        items[i] = (Label){arena_strdup(arena, labels->items[i].name),
                           arena_strdup(arena, labels->items[i].value)};
    }
    return (Labels){items, labels->n};
}

static void finish(Event *event, const SourceConfig *source)
{
    Labels extra = copy_labels(event->arena, &source->labels);
    for (size_t i = 0; i < event->n_alerts; i++) {
        Alert *alert = &event->alerts[i];
        alert->labels = with_extra(event->arena, &alert->labels, &extra);
        alert->fingerprint = labels_fingerprint(&alert->labels);
    }
    event_summarize(event);
}

/* A body can hold no longer string than itself, and no more values than its alerts
 * need: the tree stays in proportion to what is allowed. */
static JsonLimits json_limits(const LimitsConfig *limits, const SourceConfig *source)
{
    JsonLimits json = JSON_LIMITS_DEFAULT;
    size_t alerts = MIN(limits->alerts, JSON_VALUES_MAX / JSON_VALUES_PER_ALERT);
    json.values =
        MIN(JSON_VALUES_BASE + alerts * JSON_VALUES_PER_ALERT, JSON_VALUES_MAX);
    json.string = MAX(limits->body, source->max_body);
    return json;
}

/* The JSON that the body is, or that a field of it holds. */
static Json *read_json(const Format *format, const FormatInput *input, const char *body,
                       size_t length, GError **error)
{
    JsonLimits limits = json_limits(input->limits, input->source);
    if (!is_form(format, format_header(input, "Content-Type"))) {
        return json_parse(body, length, &limits, error);
    }
    g_autoptr(GString) field = form_field(body, length, format->form);
    if (field == NULL) {
        g_set_error(error, FAULT, FAULT_INPUT, "the form has no field %s", format->form);
        return NULL;
    }
    return json_parse(field->str, field->len, &limits, error);
}

Event *format_parse(const Format *format, const FormatInput *input, const char *body,
                    size_t length, GError **error)
{
    g_autoptr(Json) json = read_json(format, input, body, length, error);
    if (json == NULL) {
        return NULL;
    }
    FormatInput whole = *input;
    whole.json = json;
    g_autoptr(Event) event = event_new();
    event->source = arena_strdup(event->arena, input->source->name);
    event->sender = format->type;
    event->family = input->source->family;
    if (!format->parse(&whole, event, error)) {
        return NULL;
    }
    finish(event, input->source);
    return g_steal_pointer(&event);
}
