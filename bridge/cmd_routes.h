/* SPDX-License-Identifier: MIT */
#ifndef BRIDGE_CMD_ROUTES_H
#define BRIDGE_CMD_ROUTES_H

/* `alertpost routes [show|test] …`: prints what `amtool config routes` prints.  ARGV[0]
 * is "routes".  Returns the exit code: 0, or 1 for bad usage, a bad configuration, or
 * receivers other than the expected ones. */
int cmd_routes(int argc, char **argv);

#endif
