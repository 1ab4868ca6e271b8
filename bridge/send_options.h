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
    char **to, **cc, **bcc, **reply_to, **headers;
    int email;
    gboolean verbose, ignore_other_receivers;
    SendSettings server;
    int64_t timeout_ms;
} SendOptions;

void send_options_declare(CmdLine *line, void *options);
void send_options_clear(void *options);

/* Reads `timeout`.  False with ERROR set: its value is wrong, or options contradict each
 * other. */
bool send_options_check(SendOptions *options, GError **error);

#endif
