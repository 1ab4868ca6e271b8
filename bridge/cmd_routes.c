/* SPDX-License-Identifier: MIT */
#include "bridge/cmd_routes.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "bridge/cmd_order.h"
#include "config/config.h"
#include "rules/alert.h"
#include "rules/fault.h"
#include "rules/matcher.h"
#include "rules/route.h"
#include "rules/route_print.h"

typedef struct {
    char *config_file, *expected;
    char **words; /* show or test, and labels */
    gboolean tree, help;
} Options;

static void options_clear(Options *options)
{
    g_free(options->config_file);
    g_free(options->expected);
    g_strfreev(options->words);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Options, options_clear)

/* Texts are taken as file names are: as they are, whatever the locale. */
static GOptionContext *options_context(Options *options)
{
    const GOptionEntry entries[] = {
        {"config.file", 0, 0, G_OPTION_ARG_FILENAME, &options->config_file,
         "Configuration whose routes are asked", "FILE"},
        {"tree", 0, 0, G_OPTION_ARG_NONE, &options->tree,
         "test: also print the part of the tree that matches", NULL},
        {"verify.receivers", 0, 0, G_OPTION_ARG_FILENAME, &options->expected,
         "test: exit 1 unless these are the receivers, in this order", "A,B"},
        {"help", 'h', 0, G_OPTION_ARG_NONE, &options->help, "Print this help", NULL},
        {G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &options->words, NULL,
         NULL},
        {0},
    };
    GOptionContext *context = g_option_context_new("[show | test [NAME=VALUE…]]");
    g_option_context_set_help_enabled(context, FALSE);
    g_option_context_set_summary(
        context, "Prints the tree of routes, or the receivers of an alert "
                 "with the given labels,\nas amtool does.");
    g_option_context_add_main_entries(context, entries, NULL);
    return context;
}

static int fail(const char *message)
{
    fprintf(stderr, "alertpost routes: %s\n", message);
    return 1;
}

static int print(const GString *out)
{
    if (fwrite(out->str, 1, out->len, stdout) != out->len || fflush(stdout) != 0) {
        return fail("cannot write to the standard output");
    }
    return 0;
}

static int show(const Config *config, char **words)
{
    if (words[0] != NULL) {
        g_autofree char *message = g_strdup_printf("unexpected %s", words[0]);
        return fail(message);
    }
    g_autoptr(GString) out = g_string_new("Routing tree:\n");
    route_print(route_tree_root(config->routes), out);
    g_string_append_c(out, '\n');
    return print(out);
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
        fprintf(stderr,
                "alertpost routes: %u regular expressions took too many steps and "
                "count as no match\n",
                limits);
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
        return fail(error->message);
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
    return print(out) == 0 && expected ? 0 : 1;
}

/* Where an alert goes does not depend on what its receivers are. */
static int run(const Options *options)
{
    static char *no_words[] = {NULL};
    char **words = options->words != NULL ? options->words : no_words;
    bool testing = words[0] != NULL && strcmp(words[0], "test") == 0;
    bool showing = words[0] != NULL && strcmp(words[0], "show") == 0;
    if (options->config_file == NULL) {
        return fail("required flag --config.file not provided");
    }
    g_autoptr(GError) error = NULL;
    g_autoptr(Config) config =
        config_load(options->config_file, CONFIG_IGNORE_OTHER_RECEIVERS, &error);
    if (config == NULL) {
        return fail(error->message);
    }
    return testing ? test(config, words + 1, options) : show(config, words + showing);
}

int cmd_routes(int argc, char **argv)
{
    g_auto(Options) options = {0};
    g_autoptr(GOptionContext) context = options_context(&options);
    g_autoptr(GError) error = NULL;
    g_auto(GStrv) args = cmd_words(argc, argv);
    if (!g_option_context_parse_strv(context, &args, &error)) {
        return fail(error->message);
    }
    if (options.help) {
        g_autofree char *help = g_option_context_get_help(context, TRUE, NULL);
        fputs(help, stdout);
        return 0;
    }
    return run(&options);
}
