/* SPDX-License-Identifier: MIT */
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
#include "bridge/dumps.h"

typedef struct {
    const char *name;
    int (*run)(int argc, char **argv); /* argv[0] is the subcommand; the exit status */
    const char *summary;
} Command;

static int cmd_version(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    puts("alertpost " ALERTPOST_VERSION);
    return 0;
}

static const Command commands[] = {
    {"serve", cmd_serve, "receive webhooks and deliver mail"},
    {"check", cmd_check, "check configuration files"},
    {"routes", cmd_routes, "show the routing tree, test where an alert goes"},
    {"render", cmd_render, "print the mail a receiver would send for a payload"},
    {"template", cmd_template, "render templates over a webhook's JSON, as amtool does"},
    {"send", cmd_send, "send one mail: test a mail server or a receiver"},
    {"queue", cmd_queue, "show the mails, try some again, drop them"},
    {"probe", cmd_probe, "ask a daemon how it is: a health check without a shell"},
    {"version", cmd_version, "print the version"},
};

static int usage(FILE *out)
{
    fputs("usage: alertpost COMMAND [OPTION...]\n\n", out);
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        fprintf(out, "  %-10s%s\n", commands[i].name, commands[i].summary);
    }
    fputs("\nalertpost COMMAND --help lists the command's options.\n", out);
    return out == stdout ? 0 : 2;
}

int main(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : "";
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 ||
        strcmp(name, "help") == 0) {
        return usage(stdout);
    }
    if (strcmp(name, "--version") == 0) {
        return cmd_version(0, NULL);
    }
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        if (strcmp(name, commands[i].name) == 0) {
            dumps_forbid();
            int status = commands[i].run(argc - 1, argv + 1);
            dumps_allow();
            return status;
        }
    }
    if (*name != '\0') {
        fprintf(stderr, "alertpost: unknown command: %s\n", name);
    }
    return usage(stderr);
}
