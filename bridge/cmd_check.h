/* SPDX-License-Identifier: MIT */
#ifndef BRIDGE_CMD_CHECK_H
#define BRIDGE_CMD_CHECK_H

#include "bridge/cmd.h"

/* `alertpost check FILE…`: every error of every file on stderr, one "file:line:col:
 * path.to.key: reason" a line, and what does not act as a warning; of a good file one line
 * on stdout says what is in it.  Exit status: 0, 1 if a file is bad, 2 for bad usage. */
extern const Cmd cmd_check;

#endif
