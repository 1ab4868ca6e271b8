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
    /* A header of the request, NULL if it has none; for formats format_header(). */
    const char *(*header)(const void *request, const char *name);
    const void *request;
} FormatInput;

typedef struct {
    const char *type;    /* SourceConfig.type */
    const char *methods; /* for the Allow header: "POST" or "POST, PUT" */
    const char *form;    /* the field of a form that may hold the JSON; NULL: JSON only */
    /* Fills EVENT, whose source, sender and family are set.  False with ERROR set: INPUT
     * (400) or LIMIT (413).  An event without alerts is answered with 200 and ends there;
     * `ignored` says why. */
    bool (*parse)(const FormatInput *input, Event *event, GError **error);
} Format;

#define FORMAT_FORM_TYPE "application/x-www-form-urlencoded"

/* A header of the request; "" if it has none, or if the body came without a request. */
const char *format_header(const FormatInput *input, const char *name);
/* Whether a body of this Content-Type (NULL: none given) is read at all. */
bool format_takes(const Format *format, const char *content_type);

const Format *format_find(const char *type); /* NULL if there is none */

/* The event that LENGTH bytes at BODY are for SOURCE: parsed, with the source's labels
 * added, fingerprints and common labels computed.  INPUT needs no `json`.  NULL with
 * ERROR set as above. */
Event *format_parse(const Format *format, const FormatInput *input, const char *body,
                    size_t length, GError **error);

/* For parse functions: N alerts in the event's arena, with every text "" and both times
 * Go's zero.  n_alerts stays 0. */
Alert *format_alerts_new(Event *event, size_t n);

/* ROUTE:{name="value", …}, as Alertmanager makes its group keys. */
const char *format_group_key(Arena *arena, const char *route, const Labels *group);

#endif
