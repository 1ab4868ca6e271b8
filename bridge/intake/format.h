/* SPDX-License-Identifier: MIT */
#ifndef BRIDGE_INTAKE_FORMAT_H
#define BRIDGE_INTAKE_FORMAT_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

#include "bridge/json.h"
#include "config/config.h"
#include "rules/alert.h"

/* What senders send.  A format is one row of the table in format.c and one file with
 * its parse function. */
typedef struct {
    const Json *json;
    const SourceConfig *source;
    const LimitsConfig *limits;
    /* A header of the request, NULL if it has none. */
    const char *(*header)(const void *request, const char *name);
    const void *request;
} FormatInput;

typedef struct {
    const char *type; /* SourceConfig.type */
    Family family;
    const char *methods; /* for the Allow header: "POST" or "POST, PUT" */
    /* Fills EVENT, whose source and family are set.  False with ERROR set: INPUT (400)
     * or LIMIT (413).  An event without alerts is answered with 200 and ends there. */
    bool (*parse)(const FormatInput *input, Event *event, GError **error);
} Format;

const Format *format_find(const char *type); /* NULL if there is none */

/* The event that LENGTH bytes at BODY are for SOURCE: parsed, with the source's labels
 * added, fingerprints and common labels computed.  INPUT needs no `json`.  NULL with
 * ERROR set as above. */
Event *format_parse(const Format *format, const FormatInput *input, const char *body,
                    size_t length, GError **error);

/* For parse functions: N alerts in the event's arena, with every text "" and both times
 * Go's zero.  n_alerts stays 0. */
Alert *format_alerts_new(Event *event, size_t n);

#endif
