/* SPDX-License-Identifier: MIT */
#ifndef BRIDGE_CMD_RENDER_H
#define BRIDGE_CMD_RENDER_H

#include "bridge/cmd.h"

/* `alertpost render --config.file F --receiver R --data payload.json [--format …]`: prints
 * the mail that R would get for a webhook, all of whose alerts are new, without sending it.
 * Exit status: 0, 1 if there is no such mail (the reason goes to the standard error), 2 for
 * bad usage. */
extern const Cmd cmd_render;

#endif
