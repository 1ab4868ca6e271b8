/* SPDX-License-Identifier: MIT */
#include "bridge/cmd.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "config/suggest.h"

struct CmdLine {
    GArray *entries; /* GOptionEntry, zero-terminated */
};

void cmd_line_add(CmdLine *line, const GOptionEntry *entries)
{
    for (; entries->long_name != NULL; entries++) {
        g_array_append_val(line->entries, *entries);
    }
}

/* A command line with the command's options, which go to OPTIONS. */
static GArray *declared(const Cmd *command, void *options)
{
    CmdLine line = {g_array_new(TRUE, TRUE, sizeof(GOptionEntry))};
    if (command->declare != NULL) {
        command->declare(&line, options);
    }
    return line.entries;
}

GArray *cmd_options(const Cmd *command)
{
    g_autofree void *unused = g_malloc0(MAX(command->size, 1));
    return declared(command, unused);
}

int cmd_fail(const Cmd *command, const char *message)
{
    fprintf(stderr, "alertpost %s: %s\n", command->name, message);
    return 1;
}

int cmd_misuse(const Cmd *command, const char *message)
{
    fprintf(stderr, "alertpost %s: %s (see alertpost %s --help)\n", command->name, message,
            command->name);
    return command->misuse;
}

void cmd_warn(const Cmd *command, const char *message)
{
    fprintf(stderr, "alertpost %s: warning: %s\n", command->name, message);
}

int cmd_output(const Cmd *command, const GString *text)
{
    if (fwrite(text->str, 1, text->len, stdout) != text->len || fflush(stdout) != 0) {
        return cmd_fail(command, "cannot write to the standard output");
    }
    return 0;
}

char *cmd_unknown(const char *what, const char *word, const char *const *names)
{
    Suggestion suggestion;
    suggestion_init(&suggestion, word);
    for (; *names != NULL; names++) {
        suggestion_offer(&suggestion, *names);
    }
    return suggestion.best != NULL
               ? g_strdup_printf("unknown %s: %s; did you mean %s?", what, word, suggestion.best)
               : g_strdup_printf("unknown %s: %s", what, word);
}

/* What GLib says of the command line; of an unknown option, which one was meant. */
static char *complaint(const GError *error, const GArray *entries)
{
    const char *dashes = strstr(error->message, "--");
    if (!g_error_matches(error, G_OPTION_ERROR, G_OPTION_ERROR_UNKNOWN_OPTION) ||
        dashes == NULL) {
        return g_strdup(error->message);
    }
    g_autoptr(GPtrArray) names = g_ptr_array_new();
    for (guint i = 0; i < entries->len; i++) {
        const GOptionEntry *entry = &g_array_index(entries, GOptionEntry, i);
        g_ptr_array_add(names, (void *)(uintptr_t)entry->long_name);
    }
    g_ptr_array_add(names, NULL);
    g_autofree char *name = g_strndup(dashes + 2, strcspn(dashes + 2, "="));
    g_autofree char *told = cmd_unknown("option", name, (const char *const *)names->pdata);
    GString *text = g_string_new(told);
    g_string_replace(text, "option: ", "option: --", 1);
    g_string_replace(text, "did you mean ", "did you mean --", 1);
    return g_string_free(text, FALSE);
}

static GOptionContext *context_of(const Cmd *command, const GArray *entries,
                                  gboolean *help, char ***words)
{
    const GOptionEntry common[] = {
        {"help", 'h', 0, G_OPTION_ARG_NONE, help, "Print this help", NULL},
        {G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, words, NULL, NULL},
        {0},
    };
    GOptionContext *context = g_option_context_new(command->arguments);
    g_option_context_set_help_enabled(context, FALSE);
    g_option_context_set_summary(context, command->about);
    g_option_context_set_description(context, command->notes);
    g_option_context_add_main_entries(context, (const GOptionEntry *)(void *)entries->data, NULL);
    g_option_context_add_main_entries(context, common, NULL);
    return context;
}

/* Whether, as UTF-8 or not, the words make sense; the first is what help calls the program. */
static bool parse(const Cmd *command, GOptionContext *context, int argc, char **argv,
                  GError **error)
{
    g_auto(GStrv) args = g_new0(char *, (size_t)argc + 1);
    args[0] = g_strconcat("alertpost ", command->name, NULL);
    for (int i = 1; i < argc; i++) {
        args[i] = g_strdup(argv[i]);
    }
    return g_option_context_parse_strv(context, &args, error);
}

static int run(const Cmd *command, void *options, char **words)
{
    static char *none[] = {NULL};
    if (command->arguments == NULL && words != NULL) {
        g_autofree char *message = g_strdup_printf("unexpected argument: %s", words[0]);
        return cmd_misuse(command, message);
    }
    return command->run(options, words != NULL ? words : none);
}

int cmd_run(const Cmd *command, int argc, char **argv)
{
    g_autofree void *options = g_malloc0(MAX(command->size, 1));
    g_autoptr(GArray) entries = declared(command, options);
    gboolean help = FALSE;
    g_auto(GStrv) words = NULL;
    g_autoptr(GOptionContext) context = context_of(command, entries, &help, &words);
    g_autoptr(GError) error = NULL;
    int status = 0;
    if (!parse(command, context, argc, argv, &error)) {
        g_autofree char *message = complaint(error, entries);
        status = cmd_misuse(command, message);
    } else if (help) {
        g_autofree char *text = g_option_context_get_help(context, TRUE, NULL);
        fputs(text, stdout);
    } else {
        status = run(command, options, words);
    }
    if (command->clear != NULL) {
        command->clear(options);
    }
    return status;
}
