/* SPDX-License-Identifier: MIT */
#ifndef BRIDGE_CMD_ROUTES_H
#define BRIDGE_CMD_ROUTES_H

#include "bridge/cmd.h"

/* `alertpost routes [show|test] …`: prints what `amtool config routes` prints.  Exit status
 * as amtool's: 0, or 1 for bad usage, a bad configuration, or receivers other than the
 * expected ones. */
extern const Cmd cmd_routes;

#endif
