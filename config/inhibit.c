/* SPDX-License-Identifier: MIT */
#include "config/loader.h"

typedef struct {
    Section at;
    const Node *matchers, *equal;
} SourceMatchSettings;

static const Field inhibit_source_fields[] = {
    TEXTS(SourceMatchSettings, matchers, "matchers", "What such an alert must match."),
    TEXTS(SourceMatchSettings, equal, "equal", "Labels it must share with the target."),
};

const Schema inhibit_source_schema =
    SCHEMA("inhibit_source", SourceMatchSettings, inhibit_source_fields,
           "One of several alerts that must all be there.");

static const Field inhibit_fields[] = {
    FIELD(InhibitSettings, name, "name", "", "For people."),
    TEXTS(InhibitSettings, source_matchers, "source_matchers", "What inhibits."),
    MAP(InhibitSettings, source_match, "source_match", "The old form."),
    MAP(InhibitSettings, source_match_re, "source_match_re", "The old form."),
    LIST(InhibitSettings, sources, "sources", &inhibit_source_schema,
         "Instead of `source_matchers` and `equal`: several alerts that must all be there."),
    TEXTS(InhibitSettings, target_matchers, "target_matchers", "What is inhibited."),
    MAP(InhibitSettings, target_match, "target_match", "The old form."),
    MAP(InhibitSettings, target_match_re, "target_match_re", "The old form."),
    TEXTS(InhibitSettings, equal, "equal", "Labels that must be equal in both."),
};

const Schema inhibit_schema =
    SCHEMA("inhibit_rule", InhibitSettings, inhibit_fields,
           "Read and checked. It does not act: Alertmanager and Grafana inhibit before they "
           "send.");

static bool matches_empty(GPtrArray *matchers)
{
    for (unsigned i = 0; i < matchers->len; i++) {
        if (matcher_matches(matchers->pdata[i], "") != MATCHED_YES) {
            return false;
        }
    }
    return true;
}

static GPtrArray *new_matchers(void)
{
    return g_ptr_array_new_with_free_func((GDestroyNotify)matcher_free);
}

static void check_source(Loader *loader, const SourceMatchSettings *source, unsigned index)
{
    g_autoptr(GPtrArray) matchers = new_matchers();
    loader_matchers(loader, matchers, NULL, NULL, source->matchers);
    loader_check_names(loader, source->equal, "source equal list");
    if (source->matchers == NULL || source->matchers->n == 0) {
        report_error(loader->reader.report, source->at.node,
                     "source %u: matchers must not be empty", index);
    } else if (matchers->len > 0 && matches_empty(matchers)) {
        report_error(loader->reader.report, source->at.node,
                     "source %u: at least one matcher must not match the empty string", index);
    }
}

static void check_rule(Loader *loader, const InhibitSettings *rule)
{
    g_autoptr(GPtrArray) sources = new_matchers();
    g_autoptr(GPtrArray) targets = new_matchers();
    loader_matchers(loader, sources, rule->source_match, rule->source_match_re,
                    rule->source_matchers);
    loader_matchers(loader, targets, rule->target_match, rule->target_match_re,
                    rule->target_matchers);
    loader_check_names(loader, rule->equal, "equal list");
    if (rule->sources.n > 0 && (rule->source_match != NULL || rule->source_match_re != NULL ||
                                rule->source_matchers != NULL || rule->equal != NULL)) {
        report_error(loader->reader.report, rule->at.node,
                     "sources cannot be combined with source_match, source_match_re, "
                     "source_matchers, or equal");
    }
    for (unsigned i = 0; i < rule->sources.n; i++) {
        check_source(loader, LIST_ITEM(rule->sources, SourceMatchSettings, i), i);
    }
}

void load_inhibit_rules(Loader *loader)
{
    const List *list = &loader->file.inhibit_rules;
    for (unsigned i = 0; i < list->n; i++) {
        check_rule(loader, LIST_ITEM(*list, InhibitSettings, i));
    }
    loader->config->n_inhibit_rules = list->n;
}
