/* SPDX-License-Identifier: MIT */
#ifndef BRIDGE_CMD_PROBE_H
#define BRIDGE_CMD_PROBE_H

#include "bridge/cmd.h"

/* `alertpost probe URL`: asks a daemon how it is, for images that have no shell and no
 * curl.  Exit status: 0 and not a word if the answer is 2xx; 1 and one line on the standard
 * error if it is not, does not come in time, or the command line is wrong (Docker's
 * HEALTHCHECK knows no other number). */
extern const Cmd cmd_probe;

#endif
