/* SPDX-License-Identifier: MIT */
#ifndef BRIDGE_TRIAL_H
#define BRIDGE_TRIAL_H

#include <glib.h>
#include <stdbool.h>

#include "config/config.h"

/* Making every mail of a configuration before any alert comes: most mistakes in templates
 * show only when they are executed. */

/* Renders each email_config of each receiver over built-in webhooks (an alert that fires,
 * one that fires and one that is resolved, two without common labels, none at all) and over
 * those in DATA_FILES (NULL-terminated; may be NULL), which are for SOURCE (NULL: alertmanager).  What fails is appended to ERRORS
 * (char *), "file:line:col: path.to.key: reason (over: …)", once for all webhooks alike; to
 * WARNINGS where a mail over a file would have no recipient.  False with ERROR set if a file
 * cannot be read as such a webhook. */
bool trial_run(const Config *config, char *const *data_files, const char *source,
               GPtrArray *errors, GPtrArray *warnings, GError **error);

#endif
