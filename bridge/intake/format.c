/* SPDX-License-Identifier: MIT */
#include "bridge/intake/format.h"

#include <string.h>

#include "bridge/intake/alertmanager.h"

#define JSON_VALUES_BASE      ((size_t)10000)
#define JSON_VALUES_PER_ALERT ((size_t)200)
#define JSON_VALUES_MAX       ((size_t)5000000)

static const Format formats[] = {
    {"alertmanager", FAMILY_MONITORING, "POST", alertmanager_parse},
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
static JsonLimits json_limits(const LimitsConfig *limits)
{
    JsonLimits json = JSON_LIMITS_DEFAULT;
    size_t alerts = MIN(limits->alerts, JSON_VALUES_MAX / JSON_VALUES_PER_ALERT);
    json.values =
        MIN(JSON_VALUES_BASE + alerts * JSON_VALUES_PER_ALERT, JSON_VALUES_MAX);
    json.string = limits->body;
    return json;
}

Event *format_parse(const Format *format, const FormatInput *input, const char *body,
                    size_t length, GError **error)
{
    JsonLimits limits = json_limits(input->limits);
    g_autoptr(Json) json = json_parse(body, length, &limits, error);
    if (json == NULL) {
        return NULL;
    }
    FormatInput whole = *input;
    whole.json = json;
    g_autoptr(Event) event = event_new();
    event->source = arena_strdup(event->arena, input->source->name);
    event->family = format->family;
    if (!format->parse(&whole, event, error)) {
        return NULL;
    }
    finish(event, input->source);
    return g_steal_pointer(&event);
}
