/* SPDX-License-Identifier: MIT */
#include "bridge/intake/mapped.h"

#include <string.h>

#include "bridge/intake/json_value.h"
#include "bridge/intake/payload.h"
#include "rules/fault.h"
#include "rules/template/set.h"

static const TemplateLimits run_limits = {
    .output_bytes = 65536, .steps = 1000000, .depth = 100};

/* One body under way. */
typedef struct {
    Event *event;
    const JsonMap *map;
    Value body;
    Arena *arena; /* of the body and the executions */
    GError **error;
} Mapping;

static bool fail(const Mapping *mapping, const char *key, const char *text,
                 const char *reason)
{
    g_autofree char *shown = g_utf8_substring(text, 0, MIN(g_utf8_strlen(text, -1), 60));
    g_set_error(mapping->error, FAULT, FAULT_INPUT, "map.%s gives \"%s\": %s", key, shown,
                reason);
    return false;
}

/* What TMPL makes of the body; "" without one, and for what the body does not have. */
static bool run(const Mapping *mapping, const char *key, const Template *tmpl,
                const char **text)
{
    *text = "";
    if (tmpl == NULL) {
        return true;
    }
    g_autoptr(GString) out = g_string_new(NULL);
    if (!template_execute_value(tmpl, mapping->arena, mapping->body, &run_limits, out,
                                mapping->error)) {
        g_prefix_error(mapping->error, "map.%s: ", key);
        return false;
    }
    g_strdelimit(out->str, "\r", ' ');
    g_strstrip(out->str);
    bool absent = strcmp(out->str, "<no value>") == 0 || strcmp(out->str, "<nil>") == 0;
    *text = absent ? "" : arena_strdup(mapping->event->arena, out->str);
    return true;
}

static bool find_status(const Mapping *mapping, MappedStatus *status)
{
    const char *text;
    if (!run(mapping, "status", mapping->map->status, &text)) {
        return false;
    }
    const MapStatus *other = NULL;
    for (unsigned i = 0; i < mapping->map->n_statuses; i++) {
        const MapStatus *entry = &mapping->map->statuses[i];
        if (strcmp(entry->text, text) == 0) {
            *status = entry->status;
            return true;
        }
        other = strcmp(entry->text, "*") == 0 ? entry : other;
    }
    bool fires = strcmp(text, "firing") == 0;
    if (fires || strcmp(text, "resolved") == 0) {
        *status = fires ? MAPPED_FIRING : MAPPED_RESOLVED;
        return true;
    }
    if (other != NULL) {
        *status = other->status;
        return true;
    }
    return fail(mapping, "status", text, "neither firing, resolved nor one of statuses");
}

/* Room for two more. */
static bool run_texts(const Mapping *mapping, const char *key, const MapText *texts,
                      unsigned n_texts, Label **items, size_t *n)
{
    *items = arena_array(mapping->event->arena, Label, n_texts + 2);
    *n = 0;
    for (unsigned i = 0; i < n_texts; i++) {
        g_autofree char *place = g_strdup_printf("%s.%s", key, texts[i].name);
        const char *value;
        if (!run(mapping, place, texts[i].value, &value)) {
            return false;
        }
        if (*value != '\0') {
            (*items)[(*n)++] = (Label){arena_strdup(mapping->event->arena, texts[i].name), value};
        }
    }
    return true;
}

static Labels without(Arena *arena, const Labels *labels, const char *name)
{
    Label *items = arena_array(arena, Label, labels->n);
    size_t n = 0;
    for (size_t i = 0; i < labels->n; i++) {
        if (strcmp(labels->items[i].name, name) != 0) {
            items[n++] = labels->items[i];
        }
    }
    return (Labels){items, n};
}

static bool map_labels(const Mapping *mapping, Alert *alert)
{
    Event *event = mapping->event;
    Label *items;
    size_t n;
    if (!run_texts(mapping, "labels", mapping->map->labels, mapping->map->n_labels, &items, &n)) {
        return false;
    }
    Labels own = labels_make(items, n);
    if (labels_get(&own, "alertname") == NULL) {
        return fail(mapping, "labels.alertname", "", "an alert must have a name");
    }
    event->group_labels = without(event->arena, &own, "severity");
    event->group_key = format_group_key(event->arena, "{}", &event->group_labels);
    n = own.n;
    if (event->family == FAMILY_CI && labels_get(&own, "source") == NULL) {
        items[n++] = (Label){"source", event->source};
    }
    if (event->family == FAMILY_CI && labels_get(&own, "severity") == NULL) {
        items[n++] = (Label){"severity", "error"};
    }
    alert->labels = labels_make(items, n);
    return true;
}

static bool map_annotations(const Mapping *mapping, Alert *alert)
{
    const JsonMap *map = mapping->map;
    Label *items;
    size_t n;
    if (!run_texts(mapping, "annotations", map->annotations, map->n_annotations, &items, &n)) {
        return false;
    }
    alert->annotations = labels_make(items, n);
    return run(mapping, "links.generator", map->generator, &alert->generator_url) &&
           run(mapping, "links.dashboard", map->dashboard, &alert->dashboard_url) &&
           run(mapping, "links.panel", map->panel, &alert->panel_url) &&
           run(mapping, "links.silence", map->silence, &alert->silence_url);
}

static bool map_time(const Mapping *mapping, Alert *alert)
{
    const char *text;
    if (!run(mapping, "time", mapping->map->time, &text)) {
        return false;
    }
    if (*text != '\0' && !payload_read_date(text, &alert->starts_at)) {
        return fail(mapping, "time", text, "not a time");
    }
    alert->ends_at = alert->status == ALERT_RESOLVED ? alert->starts_at : TIMESTAMP_ZERO;
    return true;
}

static bool map_event(const Mapping *mapping)
{
    Event *event = mapping->event;
    const char *key, *sequence;
    if (!run(mapping, "group_key", mapping->map->group_key, &key) ||
        !run(mapping, "event_id", mapping->map->event_id, &event->event_id) ||
        !run(mapping, "sequence", mapping->map->sequence, &sequence)) {
        return false;
    }
    event->group_key = *key != '\0' ? key : event->group_key;
    guint64 number = 0;
    if (*sequence != '\0' &&
        !g_ascii_string_to_unsigned(sequence, 10, 0, G_MAXUINT64, &number, NULL)) {
        return fail(mapping, "sequence", sequence, "not a whole number");
    }
    event->sequence[0] = number;
    return true;
}

static bool map_body(const Mapping *mapping)
{
    MappedStatus status = MAPPED_IGNORED;
    if (!find_status(mapping, &status)) {
        return false;
    }
    Event *event = mapping->event;
    if (status == MAPPED_IGNORED) {
        event->ignored = "statuses has it as ignored";
        return true;
    }
    event->alerts = format_alerts_new(event, 1);
    Alert *alert = &event->alerts[0];
    alert->status = status == MAPPED_FIRING ? ALERT_FIRING : ALERT_RESOLVED;
    event->n_alerts = 1;
    return map_labels(mapping, alert) && map_annotations(mapping, alert) &&
           map_time(mapping, alert) && map_event(mapping);
}

bool mapped_parse(const FormatInput *input, Event *event, GError **error)
{
    g_autoptr(Arena) arena = arena_new();
    const Mapping mapping = {
        .event = event,
        .map = input->source->map,
        .body = json_value(arena, input->json),
        .arena = arena,
        .error = error,
    };
    return map_body(&mapping);
}
