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
 * object and a key.  A key that is absent or null leaves *VALUE as it is; a value of
 * another type is an error that names its place: "alerts[3].labels.severity: not a
 * string".  Texts are copied into the arena. */
typedef struct {
    Arena *arena;
    const LimitsConfig *limits;
    char place[64]; /* in front of the key: "" or "alerts[3]." */
    GError **error;
} Payload;

bool payload_text(const Payload *payload, const Json *object, const char *key,
                  const char **value);
bool payload_labels(const Payload *payload, const Json *object, const char *key, Labels *value);
/* RFC 3339. */
bool payload_time(const Payload *payload, const Json *object, const char *key, Timestamp *value);
/* A whole number from 0; beyond 64 bits it is the largest one. */
bool payload_count(const Payload *payload, const Json *object, const char *key, uint64_t *value);

/* Sets the error "PLACE + key: reason" and returns false. */
bool payload_fail(const Payload *payload, FaultKind kind, const char *key, const char *reason);

/* The array of objects under KEY, which must be there; NULL with the error set if not,
 * or if it holds more than limits.alerts. */
const Json *payload_alerts(const Payload *payload, const Json *object, const char *key);

#endif
