/* SPDX-License-Identifier: MIT */
#include "bridge/cmd_check.h"

#include <stdbool.h>
#include <stdio.h>

#include "bridge/compose/dkim.h"
#include "bridge/trial.h"
#include "config/config.h"

typedef struct {
    char **data, *source;
    gboolean ignore_other_receivers;
} Options;

static void clear(void *of)
{
    Options *options = of;
    g_strfreev(options->data);
    g_free(options->source);
}

static void declare(CmdLine *line, void *of)
{
    Options *options = of;
    const GOptionEntry entries[] = {
        {"ignore-other-receivers", 0, 0, G_OPTION_ARG_NONE, &options->ignore_other_receivers,
         "Only warn about slack_configs and other receivers that are not mail", NULL},
        {"data", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &options->data,
         "A webhook's body to render every mail over; may be repeated", "FILE"},
        {"source", 0, 0, G_OPTION_ARG_FILENAME, &options->source,
         "Which source the data is for (default: alertmanager)", "NAME"},
        {0},
    };
    cmd_line_add(line, entries);
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

static bool check_mails(const Config *config, const Options *options)
{
    g_autoptr(GPtrArray) errors = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GPtrArray) warnings = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GError) error = NULL;
    bool tried = trial_run(config, options->data, options->source, errors, warnings, &error);
    if (!tried) {
        fprintf(stderr, "%s\n", error->message);
    }
    print_lines(errors, "");
    print_lines(warnings, "warning: ");
    return tried && errors->len == 0;
}

static void print_warnings(char *const *notes)
{
    for (; *notes != NULL; notes++) {
        fprintf(stderr, "warning: %s\n", *notes);
    }
}

static bool check_file(const char *file, const Options *options)
{
    ConfigFlags flags =
        options->ignore_other_receivers ? CONFIG_IGNORE_OTHER_RECEIVERS : CONFIG_STRICT;
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
    print_warnings(config->notes);
    g_auto(GStrv) unreadable = config_unreadable(config);
    print_warnings(unreadable);
    if (!check_mails(config, options)) {
        return false;
    }
    print_summary(config);
    return true;
}

static int run(void *of, char **files)
{
    const Options *options = of;
    if (files[0] == NULL) {
        return cmd_misuse(&cmd_check, "needs a FILE");
    }
    bool good = true;
    for (; *files != NULL; files++) {
        good = check_file(*files, options) && good;
    }
    return good ? 0 : 1;
}

const Cmd cmd_check = {
    .name = "check",
    .summary = "check configuration files",
    .arguments = "FILE…",
    .about = "Reads and checks configuration files, renders every mail over sample alerts,\n"
             "and tells every error with its place.",
    .notes = "Exit status: 0 if every file is good, 1 if one is not, 2 for a wrong command line.",
    .misuse = 2,
    .size = sizeof(Options),
    .declare = declare,
    .clear = clear,
    .run = run,
};
