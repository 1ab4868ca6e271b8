/* SPDX-License-Identifier: MIT */
#include "bridge/cmd_table.h"

#include <stdio.h>
#include <string.h>

#include "bridge/cmd_check.h"
#include "bridge/cmd_probe.h"
#include "bridge/cmd_queue.h"
#include "bridge/cmd_render.h"
#include "bridge/cmd_routes.h"
#include "bridge/cmd_send.h"
#include "bridge/cmd_serve.h"
#include "bridge/cmd_template.h"
#include "config/roff.h"

static int print_version(void *options, char **words)
{
    (void)options;
    (void)words;
    puts("alertpost " ALERTPOST_VERSION);
    return 0;
}

static const Cmd cmd_version = {
    .name = "version",
    .summary = "print the version",
    .about = "Prints the version.",
    .misuse = 2,
    .run = print_version,
};

const Cmd *const cmd_table[] = {
    &cmd_serve,    &cmd_check, &cmd_routes, &cmd_render, &cmd_template,
    &cmd_send,     &cmd_queue, &cmd_probe,  &cmd_version, NULL,
};

const Cmd *cmd_find(const char *name)
{
    const Cmd *const *command = cmd_table;
    while (*command != NULL && strcmp((*command)->name, name) != 0) {
        command++;
    }
    return *command;
}

void cmd_print_usage(GString *out)
{
    g_string_append(out, "Usage:\n  alertpost COMMAND [OPTION…]\n\nCommands:\n");
    for (const Cmd *const *command = cmd_table; *command != NULL; command++) {
        g_string_append_printf(out, "  %-10s%s\n", (*command)->name, (*command)->summary);
    }
    g_string_append(out, "\nalertpost COMMAND --help tells more of one.\n");
}

/* "--limit=N", "-v, --verbose" */
static void print_option(const GOptionEntry *entry, GString *out)
{
    g_string_append(out, ".TP\n");
    if (entry->short_name != 0) {
        g_string_append_printf(out, "\\fB\\-%c\\fR, ", entry->short_name);
    }
    g_string_append(out, "\\fB\\-\\-");
    roff_append(out, entry->long_name);
    g_string_append(out, "\\fR");
    if (entry->arg_description != NULL) {
        g_string_append(out, "=\\fI");
        roff_append(out, entry->arg_description);
        g_string_append(out, "\\fR");
    }
    g_string_append_c(out, '\n');
    roff_append(out, entry->description);
    g_string_append(out, ".\n");
}

static void print_command(const Cmd *command, GString *out)
{
    g_autoptr(GArray) options = cmd_options(command);
    g_string_append_printf(out, ".SS alertpost %s", command->name);
    g_string_append(out, options->len > 0 ? " [\\fIOPTION\\fR…]" : "");
    if (command->arguments != NULL) {
        g_string_append_c(out, ' ');
        roff_append(out, command->arguments);
    }
    g_string_append_c(out, '\n');
    roff_append_text(out, command->about);
    for (guint i = 0; i < options->len; i++) {
        print_option(&g_array_index(options, GOptionEntry, i), out);
    }
    if (command->notes != NULL) {
        g_string_append(out, ".PP\n");
        roff_append_text(out, command->notes);
    }
}

void cmd_print_manual(GString *out)
{
    for (const Cmd *const *command = cmd_table; *command != NULL; command++) {
        print_command(*command, out);
    }
}
