/* SPDX-License-Identifier: MIT */
#ifndef BRIDGE_CMD_SERVE_H
#define BRIDGE_CMD_SERVE_H

/* `alertpost serve`: runs until SIGTERM or SIGINT.  The exit status: 0 after an orderly
 * end, 1 if it could not start, 2 for a wrong command line. */
int cmd_serve(int argc, char **argv);

#endif
