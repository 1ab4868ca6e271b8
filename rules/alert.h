/* SPDX-License-Identifier: MIT */
#ifndef RULES_ALERT_H
#define RULES_ALERT_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rules/arena.h"
#include "rules/timestamp.h"

/* One name and value.  Text is valid UTF-8 without NUL: intake makes it so. */
typedef struct {
    const char *name, *value;
} Label;

/* A set of labels (or annotations), sorted by name, each name once. */
typedef struct {
    const Label *items;
    size_t n;
} Labels;

/* Sorts the N labels in place; of equal names the last wins, as in JSON. */
Labels labels_make(Label *items, size_t n);
/* The value, or NULL if the set has no such name. */
const char *labels_get(const Labels *labels, const char *name);
bool labels_equal(const Labels *a, const Labels *b);
/* FNV-1a 64 over name 0xFF value 0xFF …, as prometheus/common's LabelSet. */
uint64_t labels_fingerprint(const Labels *labels);

typedef enum { ALERT_FIRING, ALERT_RESOLVED } AlertStatus;
const char *alert_status_text(AlertStatus status); /* "firing", "resolved" */

typedef struct {
    AlertStatus status;
    Labels labels, annotations;
    Timestamp starts_at, ends_at; /* ends_at is Go's zero time while firing */
    const char *generator_url;    /* "" if unknown */
    uint64_t fingerprint;         /* of the labels */
    /* Grafana's links; "" if unknown. */
    const char *silence_url, *dashboard_url, *panel_url, *value_string;
    bool is_new; /* changed state since the last mail: set by dedup, read by templates */
    /* What templates see instead of status (which then is neither) and fingerprint; NULL:
     * these.  Only data that was written for a template has them. */
    const char *status_text, *fingerprint_text;
} Alert;

typedef enum { FAMILY_MONITORING, FAMILY_CI } Family;

/* What one webhook said.  All text lives in `arena`. */
typedef struct Event {
    Arena *arena;
    const char *source;          /* the source's configured name */
    const char *sender;          /* the source's type: "github" */
    Family family;
    AlertStatus status;          /* firing if any alert fires */
    const char *sender_receiver; /* the sender's receiver, unescaped */
    const char *group_key;
    const char *external_url;    /* "" if unknown */
    const char *reason;          /* notification_reason, "" if the sender gives none */
    Labels group_labels, common_labels, common_annotations, route_labels;
    uint64_t truncated_alerts;
    Alert *alerts;
    size_t n_alerts;
    const char *ignored;         /* why it has no alerts; "" if that is not said */
    /* Of CI: the delivery, "" if the sender does not number them; the run and its attempt,
     * which grow, 0 if it does not either. */
    const char *event_id;
    uint64_t sequence[2];
} Event;

Event *event_new(void);
void event_free(Event *event); /* NULL is allowed */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Event, event_free)

/* Sets status, common labels and common annotations from the alerts, as
 * Alertmanager's template.Data does (an empty list is resolved). */
void event_summarize(Event *event);

/* The event of one receiver: the alerts whose index is in CHOSEN, in order, with
 * status and common labels of these only.  Text is shared with EVENT, which must
 * live longer; the Alert structs are copies. */
Event *event_select(const Event *event, const unsigned *chosen, size_t n);

#endif
