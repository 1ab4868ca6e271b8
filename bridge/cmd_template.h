/* SPDX-License-Identifier: MIT */
#ifndef BRIDGE_CMD_TEMPLATE_H
#define BRIDGE_CMD_TEMPLATE_H

/* `alertpost template render --template.glob G --template.text T …`: prints what a text
 * with templates makes of a notification, as `amtool template render` does.  ARGV[0] is
 * "template".  Returns the exit code: 0, or 1 with the reason on the standard error. */
int cmd_template(int argc, char **argv);

#endif
