/* SPDX-License-Identifier: MIT */
/* What is accepted and does not act, or is likely a mistake: one note each. */
#include <string.h>

#include "config/domain.h"
#include "config/loader.h"

/* The first value of KEY in the route or below it, in the order of the file. */
static const Node *find_in_routes(const RouteSettings *route, const char *key)
{
    const Node *found = node_get(route->at.node, key);
    for (unsigned i = 0; found == NULL && i < route->routes.n; i++) {
        found = find_in_routes(LIST_ITEM(route->routes, RouteSettings, i), key);
    }
    return found;
}

static bool is_before(const Node *a, const Node *b)
{
    return b == NULL || a->line < b->line || (a->line == b->line && a->col < b->col);
}

/* One note at the first place where any of KEYS is used. */
static void note_route_keys(Loader *loader, const char *const *keys, const char *text)
{
    const Node *first = NULL;
    for (unsigned i = 0; keys[i] != NULL; i++) {
        const Node *found = find_in_routes(&loader->file.route, keys[i]);
        if (found != NULL && is_before(found, first)) {
            first = found;
        }
    }
    if (first != NULL) {
        report_note(loader->reader.report, first, "%s", text);
    }
}

static void note_routes(Loader *loader)
{
    static const char *const grouping[] = {"group_by", "group_wait", "group_interval", NULL};
    static const char *const intervals[] = {"mute_time_intervals", "active_time_intervals",
                                            NULL};
    note_route_keys(loader, grouping,
                    "group_by, group_wait and group_interval do not act: the sender has "
                    "grouped its alerts already");
    note_route_keys(loader, intervals,
                    "mute_time_intervals and active_time_intervals are checked, but do not "
                    "act yet");
}

static void note_foreign(Loader *loader)
{
    GPtrArray *foreign = loader->reader.foreign;
    g_autoptr(GString) keys = g_string_new(NULL);
    const Node *first = NULL;
    for (unsigned i = 0; i < foreign->len; i++) {
        const Node *node = foreign->pdata[i];
        g_string_append_printf(keys, "%s%s", i > 0 ? ", " : "", node->key->text);
        first = is_before(node, first) ? node : first;
    }
    if (first != NULL) {
        report_note(loader->reader.report, first, "ignored, not about mail: %s",
                    keys->str);
    }
}

/* A section that is read and checked, and does nothing so far. */
static void note_sections(Loader *loader)
{
    const FileSettings *file = &loader->file;
    const struct {
        const Node *node;
        const char *text;
    } sections[] = {
        {node_get(file->global.at.node, "resolve_timeout"),
         "does not act: senders say which alerts are resolved"},
        {file->inhibit_rules.n > 0 ? node_get(file->at.node, "inhibit_rules") : NULL,
         "inhibit_rules are checked, but do not act: the sender has applied its own"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(sections); i++) {
        if (sections[i].node != NULL) {
            report_note(loader->reader.report, sections[i].node, "%s", sections[i].text);
        }
    }
}

static void collect_receivers(const RouteSettings *route, GHashTable *used)
{
    if (route->receiver != NULL) {
        g_hash_table_add(used, route->receiver);
    }
    for (unsigned i = 0; i < route->routes.n; i++) {
        collect_receivers(LIST_ITEM(route->routes, RouteSettings, i), used);
    }
}

static void note_unused_receivers(Loader *loader)
{
    g_autoptr(GHashTable) used = g_hash_table_new(g_str_hash, g_str_equal);
    collect_receivers(&loader->file.route, used);
    const List *list = &loader->file.receivers;
    for (unsigned i = 0; i < list->n; i++) {
        const ReceiverSettings *receiver = LIST_ITEM(*list, ReceiverSettings, i);
        if (receiver->name != NULL && !g_hash_table_contains(used, receiver->name)) {
            g_autofree char *quoted = report_quote(receiver->name);
            report_note(loader->reader.report, receiver->at.node,
                        "no route uses receiver %s", quoted);
        }
    }
}

/* Alertmanager would tell somebody. A receiver with nothing at all drops what it gets: that is
 * meant, and a custom of Alertmanager's users. */
static bool is_left_mute(const ReceiverSettings *receiver)
{
    const Node *node = receiver->at.node->first;
    while (node != NULL && (node->key == NULL || node->n == 0 ||
                            !g_str_has_suffix(node->key->text, "_configs"))) {
        node = node->next;
    }
    return receiver->emails.n == 0 && node != NULL;
}

static void collect_mute_receivers(const List *receivers, GHashTable *mute)
{
    for (unsigned i = 0; i < receivers->n; i++) {
        const ReceiverSettings *receiver = LIST_ITEM(*receivers, ReceiverSettings, i);
        if (receiver->name != NULL && is_left_mute(receiver)) {
            g_hash_table_add(mute, receiver->name);
        }
    }
}

static void note_mute_routes(Loader *loader, const RouteSettings *route, GHashTable *mute)
{
    if (route->receiver != NULL && g_hash_table_contains(mute, route->receiver)) {
        g_autofree char *quoted = report_quote(route->receiver);
        report_note(loader->reader.report, node_get(route->at.node, "receiver"),
                    "receiver %s has no email_configs: this route mails nobody", quoted);
    }
    for (unsigned i = 0; i < route->routes.n; i++) {
        note_mute_routes(loader, LIST_ITEM(route->routes, RouteSettings, i), mute);
    }
}

static void note_mute_receivers(Loader *loader)
{
    g_autoptr(GHashTable) mute = g_hash_table_new(g_str_hash, g_str_equal);
    collect_mute_receivers(&loader->file.receivers, mute);
    note_mute_routes(loader, &loader->file.route, mute);
}

static bool is_below(const char *domain, const char *above)
{
    size_t length = strlen(domain), n = strlen(above);
    return length >= n && strcmp(domain + length - n, above) == 0 &&
           (length == n || domain[length - n - 1] == '.');
}

/* A sender that is known before any template runs. */
static void note_sender(Loader *loader, const Node *from)
{
    const char *text = from != NULL && from->kind == NODE_SCALAR ? reader_text(from) : "";
    const char *at = strrchr(text, '@');
    if (at == NULL || strstr(text, "{{") != NULL) {
        return;
    }
    const char *signer = loader->config->dkim.domain;
    g_autofree char *written = g_strndup(at + 1, strcspn(at + 1, "> \t"));
    g_autofree char *domain = domain_to_ascii(written, NULL);
    if (domain != NULL && !is_below(domain, signer) && !is_below(signer, domain)) {
        report_note(loader->reader.report, from,
                    "mails are signed for %s: that says nothing about a sender at %s (DMARC "
                    "wants the same domain)",
                    signer, domain);
    }
}

static void note_senders(Loader *loader)
{
    if (loader->file.dkim.at.node == NULL || loader->config->dkim.domain == NULL) {
        return;
    }
    note_sender(loader, loader->file.global.smtp.from);
    const List *receivers = &loader->file.receivers;
    for (unsigned i = 0; i < receivers->n; i++) {
        const List *emails = &LIST_ITEM(*receivers, ReceiverSettings, i)->emails;
        for (unsigned k = 0; k < emails->n; k++) {
            note_sender(loader, LIST_ITEM(*emails, EmailSettings, k)->smtp.from);
        }
    }
}

static bool has_template(const Node *texts)
{
    bool has = texts != NULL && texts->kind == NODE_SCALAR && strstr(reader_text(texts), "{{") != NULL;
    for (const Node *node = texts != NULL ? texts->first : NULL; node != NULL; node = node->next) {
        has = has || has_template(node);
    }
    return has;
}

static const Node *first_made_recipient(const List *receivers)
{
    for (unsigned i = 0; i < receivers->n; i++) {
        const List *emails = &LIST_ITEM(*receivers, ReceiverSettings, i)->emails;
        for (unsigned k = 0; k < emails->n; k++) {
            const Node *to = LIST_ITEM(*emails, EmailSettings, k)->to;
            if (has_template(to)) {
                return to;
            }
        }
    }
    return NULL;
}

static void note_postmaster(Loader *loader)
{
    const Node *to = first_made_recipient(&loader->file.receivers);
    if (to != NULL && *loader->config->delivery.postmaster == '\0') {
        report_note(loader->reader.report, to,
                    "a template, and no delivery.postmaster: where it makes no address, nobody "
                    "gets the mail");
    }
}

static int64_t longest_window(const Config *config)
{
    int64_t longest = 0;
    for (unsigned i = 0; i < config->n_sources; i++) {
        longest = MAX(longest, config->sources[i].dedup_window_ms);
    }
    return longest;
}

static void note_short_repeats(Loader *loader, const RouteSettings *route, int64_t window_ms)
{
    if (route->repeat_interval.set && route->repeat_interval.ms <= window_ms) {
        report_note(loader->reader.report, node_get(route->at.node, "repeat_interval"),
                    "not longer than a source's dedup window: repetitions are suppressed");
    }
    for (unsigned i = 0; i < route->routes.n; i++) {
        note_short_repeats(loader, LIST_ITEM(route->routes, RouteSettings, i), window_ms);
    }
}

void load_notes(Loader *loader)
{
    note_foreign(loader);
    note_sections(loader);
    note_routes(loader);
    note_senders(loader);
    note_postmaster(loader);
    note_unused_receivers(loader);
    note_mute_receivers(loader);
    note_short_repeats(loader, &loader->file.route, longest_window(loader->config));
}
