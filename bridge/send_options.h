/* SPDX-License-Identifier: MIT */
#ifndef BRIDGE_SEND_OPTIONS_H
#define BRIDGE_SEND_OPTIONS_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "bridge/send_config.h"

/* The command line of `alertpost send`; NULL: not given. */
typedef struct {
    char *config_file, *receiver, *data, *source, *timeout;
    char *from, *subject, *text, *text_file, *html, *html_file;
    char **to, **cc, **bcc, **reply_to, **headers, **words;
    int email;
    gboolean verbose, help;
    SendSettings server;
    int64_t timeout_ms;
} SendOptions;


/* What its words mean.  False with ERROR set: an option is unknown or its value is wrong,
 * or they contradict each other; with `help` set nothing more is checked. */
bool send_options_parse(SendOptions *options, int argc, char **argv, GError **error);
void send_options_clear(SendOptions *options);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(SendOptions, send_options_clear)

char *send_options_help(void); /* free it */

#endif
