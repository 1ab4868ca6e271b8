/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "config/loader.h"

#define ALERTMANAGER "alertmanager"

static const char *const family_names[] = {"monitoring", "ci", NULL};
static const char *const ack_names[] = {"default", "stored", "delivered", NULL};

static const Field basic_fields[] = {
    REQUIRED(AuthSettings, config.basic_username, "username", "missing username in basic",
             "The user's name."),
    FIELD(AuthSettings, config.basic_password, "password", NULL, "The password."),
    SECRET_FILE(AuthSettings, config.basic_password, "password_file",
                "The file with it, read at every use."),
};

const Schema source_basic_schema =
    PLAIN_SCHEMA("basic", AuthSettings, basic_fields, "HTTP basic authentication.");

static const Field header_fields[] = {
    REQUIRED(AuthSettings, config.header_name, "name", "missing name in header",
             "The header's name, as in `X-Gitlab-Token`."),
    FIELD(AuthSettings, config.header_value, "value", NULL, "What it must be."),
    SECRET_FILE(AuthSettings, config.header_value, "value_file",
                "The file with it, read at every use."),
};

const Schema source_header_schema =
    PLAIN_SCHEMA("header", AuthSettings, header_fields, "A header with a fixed value.");

static const Field auth_fields[] = {
    FIELD(AuthSettings, config.bearer_token, "bearer_token", NULL,
          "The token of `Authorization: Bearer`."),
    SECRET_FILE(AuthSettings, config.bearer_token, "bearer_token_file",
                "The file with it, read at every use."),
    OPTIONAL_GROUP("basic", &source_basic_schema, "A name and a password."),
    OPTIONAL_GROUP("header", &source_header_schema, "A header with a secret in it."),
    UNSUPPORTED("hmac", "A signature over the body."),
};

const Schema source_auth_schema =
    SCHEMA("auth", AuthSettings, auth_fields,
           "What a webhook proves itself with: any one of those that are given.");

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

static bool is_token(const char *text)
{
    for (const char *c = text; *c != '\0'; c++) {
        if (!g_ascii_isalnum(*c) && strchr("!#$%&'*+-.^_`|~", *c) == NULL) {
            return false;
        }
    }
    return *text != '\0';
}

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

static void check_auth(const Loader *loader, const SourceSettings *settings)
{
    const AuthConfig *auth = &settings->auth.config;
    const Node *node = settings->auth.at.node;
    if (node == NULL) {
        return;
    }
    const struct {
        bool broken;
        const char *key; /* NULL: auth itself */
        const char *reason;
    } rules[] = {
        {node->n == 0, NULL, "names no way to authenticate"},
        {auth->basic_username != NULL && !secret_is_set(&auth->basic_password), "basic",
         "missing password or password_file in basic"},
        {auth->header_name != NULL && !secret_is_set(&auth->header_value), "header",
         "missing value or value_file in header"},
        {auth->header_name != NULL && !is_token(auth->header_name), "header",
         "not a header's name"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rules); i++) {
        if (rules[i].broken) {
            report_error(loader->reader.report,
                         rules[i].key != NULL ? node_get(node, rules[i].key) : node, "%s",
                         rules[i].reason);
        }
    }
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

static char *text_or_empty(const Loader *loader, char *text)
{
    return text != NULL ? text : arena_strdup(loader->reader.arena, "");
}

static void add_source(Loader *loader, const SourceSettings *settings)
{
    Config *config = loader->config;
    SourceConfig *source = &config->sources[config->n_sources++];
    *source = (SourceConfig){
        .name = settings->name,
        .type = settings->type != NULL ? settings->type : settings->name,
        .family = source_family(settings),
        .auth = settings->auth.config,
        .allow_unauthenticated = settings->allow_unauthenticated,
        .ack = (AckMode)settings->ack,
        .ack_timeout_ms = settings->ack_timeout_ms,
        .dedup_window_ms =
            source_family(settings) == FAMILY_CI ? 0 : settings->dedup_window_ms,
        .dedup_remind_ms = settings->dedup_remind_ms,
        .labels = build_labels(loader, settings->labels),
        .map = json_map_build(loader, &settings->map),
    };
    source->auth.required = settings->auth.at.node != NULL;
    source->auth.basic_username = text_or_empty(loader, source->auth.basic_username);
    source->auth.header_name = text_or_empty(loader, source->auth.header_name);
}

static void load_source(Loader *loader, const SourceSettings *settings, GHashTable *names)
{
    if (settings->name == NULL) {
        return;
    }
    check_name(loader, settings, names);
    check_auth(loader, settings);
    if (settings->enabled) {
        source_type_check(loader, settings);
        add_source(loader, settings);
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
    add_source(loader, &settings);
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
