/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "config/loader.h"

#define ALERTMANAGER "alertmanager"

static const char *const family_names[] = {"monitoring", "ci", NULL};
static const char *const ack_names[] = {"default", "stored", "delivered", NULL};

static const Field dedup_fields[] = {
    FIELD(SourceSettings, dedup_window_ms, "window", "5m",
          "Of monitoring: a repetition within this is recognised as one notification."),
    FIELD(SourceSettings, dedup_remind_ms, "remind", "0",
          "Of CI: what is still red is mailed again after this; 0: never."),
};

const Schema source_dedup_schema =
    PLAIN_SCHEMA("dedup", SourceSettings, dedup_fields,
                 "One notification, one mail: see rules/README.md.");

static const Field source_fields[] = {
    REQUIRED(SourceSettings, name, "name", "missing name in source",
             "The source is `POST /hooks/NAME`; unique."),
    FIELD(SourceSettings, type, "type", NULL,
          "What it sends; else the name, where that is a type: `alertmanager`, `grafana`, "
          "`github`, `gitlab`, `jenkins`, `flux`, `tekton`, `json`."),
    FIELD(SourceSettings, enabled, "enabled", "true", "`false`: there is no such path."),
    OPTIONAL_SECTION(SourceSettings, auth, "auth", AuthSettings, &source_auth_schema,
                     "Who may post here; without it everybody may."),
    FIELD(SourceSettings, allow_unauthenticated, "allow_unauthenticated", "false",
          "Being open on an address that others reach is meant."),
    CHOICE(SourceSettings, ack, "ack", "default", ack_names,
           "When a webhook is answered with 2xx: when its mail is stored, or when every "
           "recipient has a final outcome (delivered or refused for good). By default "
           "`stored`, with `memory:` storage `delivered`: see bridge/README.md."),
    RANGED(SourceSettings, ack_timeout_ms, "ack_timeout", "8s", 1, 0,
           "For `ack: delivered`: 503 after this; the mail is delivered all the same."),
    RANGED(SourceSettings, max_body, "max_body", NULL, 1, 0,
           "What a webhook's body may have here, in place of `limits.body`."),
    GROUP("dedup", &source_dedup_schema, "When a repetition is one."),
    MAP(SourceSettings, labels, "labels", "Added to alerts that have no such label."),
    OPTIONAL_SECTION(SourceSettings, map, "map", MapSettings, &source_map_schema,
                     "Of `type: json`, and required there: how an alert is made of a body."),
    CHOICE(SourceSettings, family, "family", "monitoring", family_names,
           "Of `type: json`: `ci` if only changes are to be mailed."),
    UNSUPPORTED("regroup", "Group and inhibit here."),
};

const Schema source_schema =
    SCHEMA("source", SourceSettings, source_fields,
           "Who posts, and how. A source named `alertmanager`, of that type and open, exists "
           "until one of that name is written.");

/* A path segment that needs no escaping. */
static bool is_source_name(const char *name)
{
    for (const char *c = name; *c != '\0'; c++) {
        if (!g_ascii_isalnum(*c) && strchr("-._~", *c) == NULL) {
            return false;
        }
    }
    return *name != '\0' && *name != '.';
}

static void check_name(const Loader *loader, const SourceSettings *settings,
                       GHashTable *names)
{
    const Node *node = node_get(settings->at.node, "name");
    g_autofree char *quoted = report_quote(settings->name);
    if (!is_source_name(settings->name)) {
        report_error(loader->reader.report, node,
                     "source name %s must be of letters, digits, '-', '.', '_' and '~'",
                     quoted);
    }
    if (!g_hash_table_add(names, settings->name)) {
        report_error(loader->reader.report, node, "source name %s is not unique", quoted);
    }
}

static Labels build_labels(const Loader *loader, const Node *map)
{
    Label *items = arena_array(loader->reader.arena, Label, map != NULL ? map->n : 0);
    size_t n = 0;
    for (const Node *node = map != NULL ? map->first : NULL; node != NULL;
         node = node->next) {
        items[n++] =
            (Label){arena_strdup(loader->reader.arena, node->key->text),
                    arena_strdup(loader->reader.arena, reader_text(node))};
    }
    return labels_make(items, n);
}

static char *type_of(const SourceSettings *settings)
{
    return settings->type != NULL ? settings->type : settings->name;
}

static void add_source(Loader *loader, const SourceSettings *settings,
                       const AuthConfig *auth)
{
    Config *config = loader->config;
    config->sources[config->n_sources++] = (SourceConfig){
        .name = settings->name,
        .type = type_of(settings),
        .auth = *auth,
        .family = source_family(settings),
        .allow_unauthenticated = settings->allow_unauthenticated,
        .ack = (AckMode)settings->ack,
        .ack_timeout_ms = settings->ack_timeout_ms,
        .dedup_window_ms =
            source_family(settings) == FAMILY_CI ? 0 : settings->dedup_window_ms,
        .dedup_remind_ms = settings->dedup_remind_ms,
        .max_body = settings->max_body,
        .labels = build_labels(loader, settings->labels),
        .map = json_map_build(loader, &settings->map),
    };
}

static void load_source(Loader *loader, const SourceSettings *settings, GHashTable *names)
{
    if (settings->name == NULL) {
        return;
    }
    check_name(loader, settings, names);
    AuthConfig auth = source_auth_build(loader, &settings->auth, type_of(settings));
    if (settings->enabled) {
        source_type_check(loader, settings);
        add_source(loader, settings, &auth);
    }
}

/* The source that exists without being written: as if it had a name and no more. */
static void add_built_in(Loader *loader)
{
    char name_key[] = "name", name[] = ALERTMANAGER;
    Node key = {.kind = NODE_SCALAR, .text = name_key};
    Node value = {.kind = NODE_SCALAR, .text = name, .key = &key};
    const Node entry = {.kind = NODE_MAPPING, .first = &value, .last = &value, .n = 1};
    SourceSettings settings = {0};
    schema_read(&loader->reader, &source_schema, &entry, &settings);
    AuthConfig open = source_auth_build(loader, &settings.auth, name);
    add_source(loader, &settings, &open);
}

void load_sources(Loader *loader)
{
    const List *list = &loader->file.sources;
    g_autoptr(GHashTable) names = g_hash_table_new(g_str_hash, g_str_equal);
    loader->config->sources =
        arena_array(loader->reader.arena, SourceConfig, (size_t)list->n + 1);
    for (unsigned i = 0; i < list->n; i++) {
        load_source(loader, LIST_ITEM(*list, SourceSettings, i), names);
    }
    if (!g_hash_table_contains(names, ALERTMANAGER)) {
        add_built_in(loader);
    }
}
