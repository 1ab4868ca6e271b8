/* SPDX-License-Identifier: MIT */
#ifndef BRIDGE_CMD_SERVE_H
#define BRIDGE_CMD_SERVE_H

#include "bridge/cmd.h"

/* `alertpost serve`: runs until SIGTERM or SIGINT.  Exit status: 0 after an orderly end, 1
 * if it could not start, 2 for a wrong command line. */
extern const Cmd cmd_serve;

#endif
