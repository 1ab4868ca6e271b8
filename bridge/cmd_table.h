/* SPDX-License-Identifier: MIT */
#ifndef BRIDGE_CMD_TABLE_H
#define BRIDGE_CMD_TABLE_H

#include <glib.h>

#include "bridge/cmd.h"

/* Every subcommand, in the order of the manual; NULL-terminated. */
extern const Cmd *const cmd_table[];

const Cmd *cmd_find(const char *name); /* NULL: there is none */
/* The list of them, for people. */
void cmd_print_usage(GString *out);
/* All of them as sections of a man page, with their options. */
void cmd_print_manual(GString *out);

#endif
