/* SPDX-License-Identifier: MIT */
#ifndef BRIDGE_CMD_QUEUE_H
#define BRIDGE_CMD_QUEUE_H

/* `alertpost queue list|show|retry|drop|import`.  argv[0] is "queue"; returns the exit
 * status: 0, 1 if something could not be done, 2 for arguments that make no sense. */
int cmd_queue(int argc, char **argv);

#endif
