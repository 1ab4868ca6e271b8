/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "config/loader.h"
#include "config/suggest.h"

#define JSON "json"

/* What may send; the last ones are known, but not read by this version. */
static const struct {
    const char *name;
    Family family;
    bool planned;
} types[] = {
    {"alertmanager", FAMILY_MONITORING, false},
    {"grafana", FAMILY_MONITORING, false},
    {"github", FAMILY_CI, false},
    {"gitlab", FAMILY_CI, false},
    {"jenkins", FAMILY_CI, false},
    {"flux", FAMILY_CI, false},
    {"tekton", FAMILY_CI, false},
    {JSON, FAMILY_MONITORING, false},
    {"prometheus", FAMILY_MONITORING, true},
};

static const char *type_of(const SourceSettings *settings)
{
    return settings->type != NULL ? settings->type : settings->name;
}

/* G_N_ELEMENTS(types) if there is none. */
static size_t find(const char *name)
{
    size_t i = 0;
    while (i < G_N_ELEMENTS(types) && strcmp(types[i].name, name) != 0) {
        i++;
    }
    return i;
}

Family source_family(const SourceSettings *settings)
{
    if (strcmp(type_of(settings), JSON) == 0) {
        return (Family)settings->family;
    }
    size_t i = find(type_of(settings));
    return i < G_N_ELEMENTS(types) ? types[i].family : FAMILY_MONITORING;
}

static char *list_types(void)
{
    g_autoptr(GString) list = g_string_new(NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(types) && !types[i].planned; i++) {
        g_string_append_printf(list, "%s%s", i > 0 ? ", " : "", types[i].name);
    }
    return g_string_free(g_steal_pointer(&list), FALSE);
}

/* NULL if none is close. */
static const char *closest(const char *name)
{
    Suggestion suggestion;
    suggestion_init(&suggestion, name);
    for (size_t i = 0; i < G_N_ELEMENTS(types); i++) {
        suggestion_offer(&suggestion, types[i].name);
    }
    return suggestion.best;
}

/* The name of the source is no type, and none is given. */
static void report_missing(const Loader *loader, const SourceSettings *settings)
{
    const char *meant = closest(settings->name);
    g_autofree char *known = list_types();
    if (meant != NULL) {
        report_error(loader->reader.report, settings->at.node,
                     "missing type in source; did you mean \"%s\"?", meant);
    } else {
        report_error(loader->reader.report, settings->at.node,
                     "missing type in source: known are %s", known);
    }
}

static void report_unknown(const Loader *loader, const Node *node, const char *type)
{
    const char *meant = closest(type);
    g_autofree char *quoted = report_quote(type);
    g_autofree char *known = list_types();
    if (meant != NULL) {
        report_error(loader->reader.report, node, "unknown type %s; did you mean \"%s\"?",
                     quoted, meant);
    } else {
        report_error(loader->reader.report, node, "unknown type %s: known are %s", quoted,
                     known);
    }
}

static void check_ci_only(const Loader *loader, const Node *node)
{
    if (node != NULL) {
        report_error(loader->reader.report, node, "acts only with family: ci");
    }
}

/* What only type json has, and must have. */
static void check_json(const Loader *loader, const SourceSettings *settings)
{
    static const char *const own[] = {"map", "family"};
    bool is_json = strcmp(type_of(settings), JSON) == 0;
    for (size_t i = 0; i < G_N_ELEMENTS(own) && !is_json; i++) {
        const Node *node = node_get(settings->at.node, own[i]);
        if (node != NULL) {
            report_error(loader->reader.report, node, "acts only on type json");
        }
    }
    if (is_json && settings->map.at.node == NULL) {
        report_error(loader->reader.report, settings->at.node, "missing map in source");
    }
    if (is_json && settings->family != FAMILY_CI) {
        check_ci_only(loader, settings->map.event_id);
        check_ci_only(loader, settings->map.sequence);
    }
}

/* A setting that could not act is an error. */
static void check_family(const Loader *loader, const SourceSettings *settings)
{
    const Node *dedup = node_get(settings->at.node, "dedup");
    bool is_ci = source_family(settings) == FAMILY_CI;
    const Node *node = dedup != NULL ? node_get(dedup, is_ci ? "window" : "remind") : NULL;
    if (node != NULL) {
        report_error(loader->reader.report, node,
                     is_ci ? "does not act on CI, of which only changes are mailed: see remind"
                           : "acts only on CI: repetitions of alerts are repeat_interval's");
    }
}

void source_type_check(const Loader *loader, const SourceSettings *settings)
{
    const Node *node = node_get(settings->at.node, "type");
    const char *type = type_of(settings);
    size_t i = find(type);
    check_family(loader, settings);
    check_json(loader, settings);
    if (i == G_N_ELEMENTS(types) && node == NULL) {
        report_missing(loader, settings);
    } else if (i == G_N_ELEMENTS(types)) {
        report_unknown(loader, node, type);
    } else if (types[i].planned) {
        g_autofree char *quoted = report_quote(type);
        report_error(loader->reader.report, node != NULL ? node : settings->at.node,
                     "type %s is not supported yet", quoted);
    }
}
