/* SPDX-License-Identifier: MIT */
#ifndef BRIDGE_TEMPLATE_DATA_H
#define BRIDGE_TEMPLATE_DATA_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

#include "bridge/json.h"
#include "rules/template/template.h"

/* JSON as data for a template, read as Alertmanager's tools read it: into a structure of
 * known members, whatever the case of their keys; others are dropped, and what is absent or
 * null is empty.  Nothing is computed: status, fingerprints and common labels are those
 * that are written. */

/* LENGTH bytes at TEXT; what the notification refers to lives in EVENT.  False with ERROR
 * (INPUT, LIMIT) set if it is no JSON or a member has a wrong type. */
bool template_data_parse(Event *event, const char *text, size_t length,
                         Notification *notification, GError **error);
/* The same from a tree. */
bool template_data_read(Event *event, const Json *json, Notification *notification,
                        GError **error);
/* Two alerts to try a template with: amtool's. */
void template_data_sample(Event *event, Notification *notification);

#endif
