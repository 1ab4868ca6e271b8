/* SPDX-License-Identifier: MIT */
#ifndef BRIDGE_SEND_CONFIG_H
#define BRIDGE_SEND_CONFIG_H

#include <glib.h>
#include <stdbool.h>

#include "bridge/cmd.h"
#include "config/config.h"

/* A mail server as the command line of `alertpost send` describes it: an option for each
 * setting that makes a difference to a session. */
#define SEND_SETTINGS 12

typedef struct {
    char *values[SEND_SETTINGS]; /* NULL: not given */
} SendSettings;
void send_settings_clear(SendSettings *settings);

/* The options, after those that LINE has. */
void send_settings_add(SendSettings *settings, CmdLine *line);
bool send_settings_given(const SendSettings *settings);

/* The configuration with that one mail server; it is relay 0, and the first email_config
 * of the root route's receiver uses it.  NULL with ERROR (INPUT) set: a value is not
 * valid, or there is no mail server. */
Config *send_settings_config(const SendSettings *settings, GError **error);

/* REASON why a mail was not sent, with options where it advises settings.  To be freed. */
char *send_settings_words(const char *reason);

#endif
