/* SPDX-License-Identifier: MIT */
#ifndef BRIDGE_CMD_QUEUE_H
#define BRIDGE_CMD_QUEUE_H

#include "bridge/cmd.h"

/* `alertpost queue list|show|retry|drop|import`.  Exit status: 0, 1 if something could not
 * be done, 2 for arguments that make no sense. */
extern const Cmd cmd_queue;

#endif
