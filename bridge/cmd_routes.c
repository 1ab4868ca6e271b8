/* SPDX-License-Identifier: MIT */
#include "bridge/cmd_routes.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "config/config.h"
#include "rules/alert.h"
#include "rules/fault.h"
#include "rules/matcher.h"
#include "rules/route.h"
#include "rules/route_print.h"

typedef struct {
    char *config_file, *expected;
    gboolean tree, ignore_other_receivers;
} Options;

static void clear(void *of)
{
    Options *options = of;
    g_free(options->config_file);
    g_free(options->expected);
}

/* Texts are taken as file names are: as they are, whatever the locale. */
static void declare(CmdLine *line, void *of)
{
    Options *options = of;
    const GOptionEntry entries[] = {
        {"config.file", 0, 0, G_OPTION_ARG_FILENAME, &options->config_file,
         "Configuration whose routes are asked", "FILE"},
        {"tree", 0, 0, G_OPTION_ARG_NONE, &options->tree,
         "test: also print the part of the tree that matches", NULL},
        {"verify.receivers", 0, 0, G_OPTION_ARG_FILENAME, &options->expected,
         "test: exit 1 unless these are the receivers, in this order", "A,B"},
        CMD_IGNORE_OTHER_RECEIVERS(&options->ignore_other_receivers),
        {0},
    };
    cmd_line_add(line, entries);
}

static int show(const Config *config)
{
    g_autoptr(GString) out = g_string_new("Routing tree:\n");
    route_print(route_tree_root(config->routes), out);
    g_string_append_c(out, '\n');
    return cmd_output(&cmd_routes, out);
}

static bool parse_labels(Arena *arena, char **words, Labels *labels, GError **error)
{
    size_t n = g_strv_length(words);
    Label *items = arena_array(arena, Label, n);
    for (size_t i = 0; i < n; i++) {
        g_autoptr(Matcher) matcher = matcher_parse(words[i], NULL, error);
        if (matcher == NULL) {
            return false;
        }
        if (matcher_type(matcher) != MATCH_EQUAL) {
            g_set_error(error, FAULT, FAULT_INPUT,
                        "labels must be specified as key=value pairs");
            return false;
        }
        items[i] = (Label){arena_strdup(arena, matcher_name(matcher)),
                           arena_strdup(arena, matcher_value(matcher))};
    }
    *labels = labels_make(items, n);
    return true;
}

/* The receivers of an alert with LABELS, with commas between them. */
static char *receivers_of(const RouteTree *tree, const Labels *labels)
{
    g_autoptr(GPtrArray) found = g_ptr_array_new();
    unsigned limits = route_tree_match(tree, labels, NULL, found);
    if (limits > 0) {
        g_autofree char *text = g_strdup_printf(
            "%u regular expressions took too many steps and count as no match", limits);
        cmd_warn(&cmd_routes, text);
    }
    g_autoptr(GString) names = g_string_new(NULL);
    for (guint i = 0; i < found->len; i++) {
        const Route *route = found->pdata[i];
        g_string_append_printf(names, "%s%s", i > 0 ? "," : "", route->receiver);
    }
    return g_string_free(g_steal_pointer(&names), FALSE);
}

static int test(const Config *config, char **words, const Options *options)
{
    g_autoptr(Arena) arena = arena_new();
    g_autoptr(GError) error = NULL;
    Labels labels;
    if (!parse_labels(arena, words, &labels, &error)) {
        g_prefix_error(&error, "Failed to parse labels: ");
        return cmd_fail(&cmd_routes, error->message);
    }
    g_autoptr(GString) out = g_string_new(NULL);
    if (options->tree) {
        g_string_append(out, "Matching routes:\n");
        route_print_matching(route_tree_root(config->routes), &labels, out);
        g_string_append(out, "\n\n");
    }
    g_autofree char *receivers = receivers_of(config->routes, &labels);
    g_string_append_printf(out, "%s\n", receivers);
    bool expected = options->expected == NULL || *options->expected == '\0' ||
                    strcmp(options->expected, receivers) == 0;
    if (!expected) {
        g_string_append(
            out, "WARNING: Expected receivers did not match resolved receivers.\n");
    }
    return cmd_output(&cmd_routes, out) == 0 && expected ? 0 : 1;
}

static char *find_misuse(const Options *options, char **words)
{
    static const char *const actions[] = {"show", "test", NULL};
    if (words[0] != NULL && !g_strv_contains(actions, words[0])) {
        return cmd_unknown("action", words[0], actions);
    }
    if (words[0] != NULL && strcmp(words[0], "show") == 0 && words[1] != NULL) {
        return g_strdup_printf("unexpected argument: %s", words[1]);
    }
    return options->config_file == NULL ? g_strdup("needed: --config.file FILE") : NULL;
}

/* Where an alert goes does not depend on what its receivers are. */
static int run(void *of, char **words)
{
    const Options *options = of;
    g_autofree char *misuse = find_misuse(options, words);
    if (misuse != NULL) {
        return cmd_misuse(&cmd_routes, misuse);
    }
    g_autoptr(GError) error = NULL;
    g_autoptr(Config) config =
        config_load(options->config_file, CONFIG_IGNORE_OTHER_RECEIVERS, &error);
    if (config == NULL) {
        return cmd_fail(&cmd_routes, error->message);
    }
    bool testing = words[0] != NULL && strcmp(words[0], "test") == 0;
    return testing ? test(config, words + 1, options) : show(config);
}

const Cmd cmd_routes = {
    .name = "routes",
    .summary = "show the routing tree, test where an alert goes",
    .arguments = "[show | test [NAME=VALUE…]]",
    .about = "Prints the tree of routes, or the receivers of an alert with the given labels,\n"
             "as amtool does.",
    .notes = "Exit status, as amtool's: 0, or 1 for whatever is wrong.\n\n"
             "  alertpost routes test --config.file alertpost.yml severity=critical team=db",
    .misuse = 1,
    .size = sizeof(Options),
    .declare = declare,
    .clear = clear,
    .run = run,
};
