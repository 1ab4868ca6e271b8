/* SPDX-License-Identifier: MIT */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "bridge/cmd_table.h"
#include "bridge/dumps.h"

static void print_usage(FILE *out)
{
    g_autoptr(GString) text = g_string_new(NULL);
    cmd_print_usage(text);
    fputs(text->str, out);
}

static int unknown_command(const char *name)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new();
    for (const Cmd *const *command = cmd_table; *command != NULL; command++) {
        g_ptr_array_add(names, (void *)(uintptr_t)(*command)->name);
    }
    g_ptr_array_add(names, NULL);
    g_autofree char *message =
        cmd_unknown("command", name, (const char *const *)names->pdata);
    fprintf(stderr, "alertpost: %s (see alertpost --help)\n", message);
    return 2;
}

int main(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : "";
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0) {
        print_usage(stdout);
        return 0;
    }
    if (*name == '\0') {
        print_usage(stderr);
        return 2;
    }
    const Cmd *command = cmd_find(strcmp(name, "--version") == 0 ? "version" : name);
    if (command == NULL) {
        return unknown_command(name);
    }
    dumps_forbid();
    int status = cmd_run(command, argc - 1, argv + 1);
    dumps_allow();
    return status;
}
