/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "config/loader.h"

static const char *const status_names[] = {"firing", "resolved", "ignored", NULL};

static const Field links_fields[] = {
    FIELD(MapSettings, generator, "generator", NULL, "Where it comes from: the run, the rule."),
    FIELD(MapSettings, dashboard, "dashboard", NULL, "A dashboard."),
    FIELD(MapSettings, panel, "panel", NULL, "A panel of it."),
    FIELD(MapSettings, silence, "silence", NULL, "Where it can be silenced."),
};

const Schema source_links_schema =
    PLAIN_SCHEMA("links", MapSettings, links_fields, "The links of an alert; templates.");

static const Field map_fields[] = {
    REQUIRED(MapSettings, status, "status", "missing status in map",
             "A template: what `statuses` turns into a status."),
    MAP(MapSettings, statuses, "statuses",
        "What `status` gives, and what it means: `firing`, `resolved` or `ignored`; `'*'` is "
        "anything else. `firing` and `resolved` mean themselves."),
    MAP(MapSettings, labels, "labels",
        "Labels and their templates; `alertname` is required. An empty one is left out."),
    MAP(MapSettings, annotations, "annotations", "Annotations and their templates."),
    OPTIONAL_GROUP("links", &source_links_schema, "Links, http or https."),
    FIELD(MapSettings, group_key, "group_key", NULL,
          "A template: what belongs together; else all labels but severity."),
    FIELD(MapSettings, event_id, "event_id", NULL,
          "A template, for CI: the delivery's id, if it stays when it is delivered again."),
    FIELD(MapSettings, sequence, "sequence", NULL,
          "A template, for CI: a number that grows from run to run."),
    FIELD(MapSettings, time, "time", NULL,
          "A template: when it happened; RFC 3339, `2026-11-28 15:23:28` (UTC), or Unix "
          "seconds or milliseconds."),
};

const Schema source_map_schema =
    SCHEMA("map", MapSettings, map_fields,
           "For `type: json`: Go templates over the body. `.a.b` is a key of an object, "
           "`(index .list 0)` an item; what is absent is empty.");

static const Template *compile(Loader *loader, const Node *node)
{
    return node != NULL ? loader_compile(loader, TEMPLATE_TEXT, node, NULL, reader_text(node))
                        : NULL;
}

static MapText *compile_texts(Loader *loader, const Node *map, unsigned *n)
{
    Arena *arena = loader->reader.arena;
    MapText *texts = arena_array(arena, MapText, map != NULL ? map->n : 0);
    *n = 0;
    for (const Node *node = map != NULL ? map->first : NULL; node != NULL;
         node = node->next) {
        const Template *value = compile(loader, node);
        if (value != NULL) {
            texts[(*n)++] = (MapText){arena_strdup(arena, node->key->text), value};
        }
    }
    return texts;
}

static MapStatus *read_statuses(Loader *loader, const Node *map, unsigned *n)
{
    Arena *arena = loader->reader.arena;
    MapStatus *statuses = arena_array(arena, MapStatus, map != NULL ? map->n : 0);
    *n = 0;
    for (const Node *node = map != NULL ? map->first : NULL; node != NULL;
         node = node->next) {
        unsigned i = 0;
        while (status_names[i] != NULL && strcmp(status_names[i], reader_text(node)) != 0) {
            i++;
        }
        if (status_names[i] == NULL) {
            report_error(loader->reader.report, node, "must be firing, resolved or ignored");
        } else {
            statuses[(*n)++] =
                (MapStatus){arena_strdup(arena, node->key->text), (MappedStatus)i};
        }
    }
    return statuses;
}

const JsonMap *json_map_build(Loader *loader, const MapSettings *settings)
{
    if (settings->at.node == NULL) {
        return NULL;
    }
    const Node *labels = settings->labels;
    if (labels == NULL || node_get(labels, "alertname") == NULL) {
        report_error(loader->reader.report, labels != NULL ? labels : settings->at.node,
                     "missing alertname in labels");
    }
    JsonMap *map = arena_array(loader->reader.arena, JsonMap, 1);
    *map = (JsonMap){
        .status = compile(loader, settings->status),
        .generator = compile(loader, settings->generator),
        .dashboard = compile(loader, settings->dashboard),
        .panel = compile(loader, settings->panel),
        .silence = compile(loader, settings->silence),
        .group_key = compile(loader, settings->group_key),
        .event_id = compile(loader, settings->event_id),
        .sequence = compile(loader, settings->sequence),
        .time = compile(loader, settings->time),
    };
    map->statuses = read_statuses(loader, settings->statuses, &map->n_statuses);
    map->labels = compile_texts(loader, labels, &map->n_labels);
    map->annotations = compile_texts(loader, settings->annotations, &map->n_annotations);
    return map;
}
