/* SPDX-License-Identifier: MIT */
#ifndef BRIDGE_INTAKE_PAYLOAD_H
#define BRIDGE_INTAKE_PAYLOAD_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "bridge/json.h"
#include "config/config.h"
#include "rules/alert.h"
#include "rules/fault.h"

/* Reading the shapes that all formats share out of a JSON body.  Every reader takes an
 * object and a key, or a path of keys: "head_commit.author.name".  One that is absent or
 * null, or lies in an object that is, leaves *VALUE as it is; a value of another type is
 * an error that names its place: "alerts[3].labels.severity: not a string".  Texts are
 * copied into the arena. */
typedef struct {
    Arena *arena;
    const LimitsConfig *limits;
    char place[64]; /* in front of the key: "" or "alerts[3]." */
    GError **error;
} Payload;

/* Whether the body is an object; the error is set if not. */
bool payload_root(const Payload *payload, const Json *root);
/* From here on places are in item I of the array KEY. */
void payload_enter(Payload *payload, const char *key, size_t i);

bool payload_object(const Payload *payload, const Json *object, const char *key, const Json **value);
bool payload_array(const Payload *payload, const Json *object, const char *key, const Json **value);
bool payload_text(const Payload *payload, const Json *object, const char *key,
                  const char **value);
bool payload_labels(const Payload *payload, const Json *object, const char *key, Labels *value);
/* RFC 3339. */
bool payload_time(const Payload *payload, const Json *object, const char *key, Timestamp *value);
/* The same, or as CI systems write it: "2016-08-12 15:23:28 UTC"; without a zone it is
 * UTC.  Empty text is no time. */
bool payload_date(const Payload *payload, const Json *object, const char *key, Timestamp *value);
/* A moment as people and programs write it, as payload_date() reads it, or Unix seconds or
 * milliseconds.  False if TEXT is none. */
bool payload_read_date(const char *text, Timestamp *value);
/* A whole number from 0; beyond 64 bits it is the largest one. */
bool payload_count(const Payload *payload, const Json *object, const char *key, uint64_t *value);

bool payload_real(const Payload *payload, const Json *object, const char *key, double *value);

/* Sets the error "PLACE + key: reason" and returns false. */
bool payload_fail(const Payload *payload, FaultKind kind, const char *key, const char *reason);

/* The array of objects under KEY, which must be there; NULL with the error set if not,
 * or if it holds more than limits.alerts. */
const Json *payload_alerts(const Payload *payload, const Json *object, const char *key);

#endif
