/* SPDX-License-Identifier: MIT */
#include "bridge/cmd_check.h"

#include <stdbool.h>
#include <stdio.h>

#include "bridge/cmd_order.h"
#include "bridge/compose/dkim.h"
#include "bridge/trial.h"
#include "config/config.h"

typedef struct {
    char **files, **data;
    gboolean ignore_other_receivers, help;
} Options;

static void options_clear(Options *options)
{
    g_strfreev(options->files);
    g_strfreev(options->data);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Options, options_clear)

static GOptionContext *options_context(Options *options)
{
    const GOptionEntry entries[] = {
        {"ignore-other-receivers", 0, 0, G_OPTION_ARG_NONE, &options->ignore_other_receivers,
         "Only warn about slack_configs and other receivers that are not mail", NULL},
        {"data", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &options->data,
         "An Alertmanager webhook's body to render every mail over; may be given several times",
         "FILE"},
        {"help", 'h', 0, G_OPTION_ARG_NONE, &options->help, "Print this help", NULL},
        {G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &options->files, NULL, NULL},
        {0},
    };
    GOptionContext *context = g_option_context_new("FILE…");
    g_option_context_set_help_enabled(context, FALSE);
    g_option_context_set_summary(
        context,
        "Reads and checks configuration files, renders every mail over sample alerts,\n"
        "and tells every error with its place.");
    g_option_context_add_main_entries(context, entries, NULL);
    return context;
}

static void print_count(unsigned n, const char *one, const char *many)
{
    printf(", %u %s", n, n == 1 ? one : many);
}

static void print_summary(const Config *config)
{
    printf("%s: good: %u %s", config->path, config->n_receivers,
           config->n_receivers == 1 ? "receiver" : "receivers");
    print_count(config->n_routes, "route", "routes");
    print_count(config->n_template_files, "template file", "template files");
    print_count(config->n_relays, "relay", "relays");
    print_count(config->n_sources, "source", "sources");
    putchar('\n');
}

static void print_lines(const GPtrArray *lines, const char *before)
{
    for (unsigned i = 0; i < lines->len; i++) {
        fprintf(stderr, "%s%s\n", before, (const char *)lines->pdata[i]);
    }
}

static bool check_mails(const Config *config, char *const *data)
{
    g_autoptr(GPtrArray) errors = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GPtrArray) warnings = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GError) error = NULL;
    bool tried = trial_run(config, data, errors, warnings, &error);
    if (!tried) {
        fprintf(stderr, "%s\n", error->message);
    }
    print_lines(errors, "");
    print_lines(warnings, "warning: ");
    return tried && errors->len == 0;
}

static bool check_file(const char *file, ConfigFlags flags, char *const *data)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(Config) config = config_load(file, flags, &error);
    if (config == NULL) {
        fprintf(stderr, "%s\n", error->message);
        return false;
    }
    g_autofree char *dkim_note = NULL;
    if (!dkim_check(&config->dkim, &dkim_note, &error)) {
        fprintf(stderr, "%s\n", error->message);
        return false;
    }
    if (dkim_note != NULL) {
        fprintf(stderr, "warning: %s\n", dkim_note);
    }
    for (char **note = config->notes; *note != NULL; note++) {
        fprintf(stderr, "warning: %s\n", *note);
    }
    if (!check_mails(config, data)) {
        return false;
    }
    print_summary(config);
    return true;
}

static int fail_usage(const char *message)
{
    fprintf(stderr, "alertpost check: %s (see alertpost check --help)\n", message);
    return 2;
}

int cmd_check(int argc, char **argv)
{
    g_auto(Options) options = {0};
    g_autoptr(GOptionContext) context = options_context(&options);
    g_autoptr(GError) error = NULL;
    g_auto(GStrv) args = cmd_words(argc, argv);
    if (!g_option_context_parse_strv(context, &args, &error)) {
        return fail_usage(error->message);
    }
    if (options.help) {
        g_autofree char *help = g_option_context_get_help(context, TRUE, NULL);
        fputs(help, stdout);
        return 0;
    }
    if (options.files == NULL) {
        return fail_usage("needs a FILE");
    }
    ConfigFlags flags =
        options.ignore_other_receivers ? CONFIG_IGNORE_OTHER_RECEIVERS : CONFIG_STRICT;
    bool good = true;
    for (char **file = options.files; *file != NULL; file++) {
        good = check_file(*file, flags, options.data) && good;
    }
    return good ? 0 : 1;
}
