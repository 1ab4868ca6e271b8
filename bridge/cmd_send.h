/* SPDX-License-Identifier: MIT */
#ifndef BRIDGE_CMD_SEND_H
#define BRIDGE_CMD_SEND_H

#include "bridge/cmd.h"

/* `alertpost send --to A … [--config.file F | --smarthost HOST:PORT …]`: one mail from the
 * command line, or the one that a receiver sends for a webhook's body (--receiver R --data
 * F), made and delivered as the daemon does it.  Exit status: 0 if every recipient has it, 1
 * if somebody has not, 2 if nothing was tried; the last line says what the server said, or
 * why. */
extern const Cmd cmd_send;

#endif
