/* SPDX-License-Identifier: MIT */
#ifndef BRIDGE_CMD_RENDER_H
#define BRIDGE_CMD_RENDER_H

/* `alertpost render --config.file F --receiver R --data payload.json [--format …]`: prints
 * the mail that R would get for a webhook, all of whose alerts are new, without sending it.
 * ARGV[0] is "render".  Returns the exit code: 0, or 1 if there is no such mail (the
 * reason goes to the standard error). */
int cmd_render(int argc, char **argv);

#endif
