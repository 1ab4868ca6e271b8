/* SPDX-License-Identifier: MIT */
#ifndef BRIDGE_CMD_TEMPLATE_H
#define BRIDGE_CMD_TEMPLATE_H

#include "bridge/cmd.h"

/* `alertpost template render --template.glob G --template.text T …`: prints what a text
 * with templates makes of a notification, as `amtool template render` does.  Exit status as
 * amtool's: 0, or 1 with the reason on the standard error. */
extern const Cmd cmd_template;

#endif
