/* SPDX-License-Identifier: MIT */
/* Matchers and label names, for routes and inhibit rules. */
#include "config/loader.h"

static void add_matcher(Loader *loader, GPtrArray *matchers, const Node *node, MatchType type,
                        const char *value)
{
    g_autoptr(GError) error = NULL;
    Matcher *matcher = matcher_new(type, node->key->text, value, &error);
    if (matcher == NULL) {
        report_error(loader->reader.report, node, "%s", error->message);
        return;
    }
    g_ptr_array_add(matchers, matcher);
}

/* The old forms take Prometheus's old names only. */
static bool check_old_name(Loader *loader, const Node *node)
{
    const char *name = node->key->text;
    bool valid = g_ascii_isalpha(*name) || *name == '_';
    for (const char *c = name; *c != '\0'; c++) {
        valid = valid && (g_ascii_isalnum(*c) || *c == '_');
    }
    if (!valid) {
        g_autofree char *quoted = report_quote(name);
        report_key_error(loader->reader.report, node, "invalid label name %s", quoted);
    }
    return valid;
}

static void add_match(Loader *loader, GPtrArray *matchers, const Node *map)
{
    for (const Node *node = map != NULL ? map->first : NULL; node != NULL;
         node = node->next) {
        if (check_old_name(loader, node)) {
            add_matcher(loader, matchers, node, MATCH_EQUAL, reader_text(node));
        }
    }
}

/* The regular expression as it was written, so that its error tells no more anchors. */
static bool check_regexp(Loader *loader, const Node *node)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(Matcher) matcher =
        matcher_new(MATCH_REGEXP, node->key->text, node->text, &error);
    if (matcher == NULL) {
        report_error(loader->reader.report, node, "%s", error->message);
    }
    return matcher != NULL;
}

/* Alertmanager shows the anchors it adds here, and so do we. */
static void add_match_re(Loader *loader, GPtrArray *matchers, const Node *map)
{
    for (const Node *node = map != NULL ? map->first : NULL; node != NULL;
         node = node->next) {
        if (!check_old_name(loader, node)) {
            continue;
        }
        if (node_is_null(node)) {
            g_autofree char *quoted = report_quote(node->key->text);
            report_error(loader->reader.report, node, "invalid regexp value for %s", quoted);
            continue;
        }
        g_autofree char *anchored = g_strdup_printf("^(?:%s)$", node->text);
        if (check_regexp(loader, node)) {
            add_matcher(loader, matchers, node, MATCH_REGEXP, anchored);
        }
    }
}

static void add_matchers(Loader *loader, GPtrArray *matchers, const Node *texts)
{
    for (const Node *node = texts != NULL ? texts->first : NULL; node != NULL;
         node = node->next) {
        g_autofree char *warning = NULL;
        g_autoptr(GError) error = NULL;
        g_autoptr(GPtrArray) parsed = matchers_parse(reader_text(node), &warning, &error);
        if (parsed == NULL) {
            report_error(loader->reader.report, node, "%s", error->message);
            continue;
        }
        if (warning != NULL) {
            report_note(loader->reader.report, node, "%s", warning);
        }
        while (parsed->len > 0) {
            g_ptr_array_add(matchers, g_ptr_array_steal_index(parsed, 0));
        }
    }
}

void loader_matchers(Loader *loader, GPtrArray *matchers, const Node *match,
                     const Node *match_re, const Node *texts)
{
    add_match(loader, matchers, match);
    add_match_re(loader, matchers, match_re);
    add_matchers(loader, matchers, texts);
    matchers_sort(matchers);
}

/* Any UTF-8 name will do but what is likely a mistake: nothing, or a sign in front. */
static bool is_label_name(const char *name)
{
    gunichar first = g_utf8_get_char(name);
    bool good = first >= 0x80 || g_ascii_isalnum((char)first) || first == '_';
    for (const char *c = name; *c != '\0'; c++) {
        good = good && !g_ascii_iscntrl(*c);
    }
    return good;
}

void loader_check_names(Loader *loader, const Node *list, const char *list_name)
{
    for (const Node *node = list != NULL ? list->first : NULL; node != NULL;
         node = node->next) {
        if (!is_label_name(reader_text(node))) {
            g_autofree char *quoted = report_quote(reader_text(node));
            report_error(loader->reader.report, node, "invalid label name %s in %s", quoted,
                         list_name);
        }
    }
}
