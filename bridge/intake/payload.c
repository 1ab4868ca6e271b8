/* SPDX-License-Identifier: MIT */
#include "bridge/intake/payload.h"

#define SHOWN_MAX 100 /* bytes of a foreign key in a message */

bool payload_fail(const Payload *payload, FaultKind kind, const char *key,
                  const char *reason)
{
    g_set_error(payload->error, FAULT, (gint)kind, "%s%s: %s", payload->place, key, reason);
    return false;
}

/* "key.NAME: not a string"; a long NAME is cut. */
static bool fail_member(const Payload *payload, const char *key, const char *name)
{
    g_autofree char *shown =
        g_utf8_substring(name, 0, MIN(g_utf8_strlen(name, -1), SHOWN_MAX));
    g_autofree char *path = g_strdup_printf("%s.%s", key, shown);
    return payload_fail(payload, FAULT_INPUT, path, "not a string");
}

/* The value under KEY; NULL if it is absent or null. */
static const Json *get(const Json *object, const char *key)
{
    const Json *value = json_get(object, key);
    return json_is_null(value) ? NULL : value;
}

bool payload_text(const Payload *payload, const Json *object, const char *key,
                  const char **value)
{
    const Json *json = get(object, key);
    if (json == NULL) {
        return true;
    }
    if (!json_is_string(json)) {
        return payload_fail(payload, FAULT_INPUT, key, "not a string");
    }
    *value = arena_strdup(payload->arena, json_text(json));
    return true;
}

static bool read_labels(const Payload *payload, const Json *object, const char *key,
                        Label *items)
{
    for (const Json *item = json_first(object); item != NULL; item = json_next(item)) {
        const char *text = json_text(item);
        if (text == NULL) {
            return fail_member(payload, key, json_key(item));
        }
        *items++ = (Label){arena_strdup(payload->arena, json_key(item)),
                           arena_strdup(payload->arena, text)};
    }
    return true;
}

bool payload_labels(const Payload *payload, const Json *object, const char *key,
                    Labels *value)
{
    const Json *json = get(object, key);
    if (json == NULL) {
        return true;
    }
    if (!json_is_object(json)) {
        return payload_fail(payload, FAULT_INPUT, key, "not an object");
    }
    size_t n = json_size(json);
    if (n > payload->limits->labels) {
        g_autofree char *reason =
            g_strdup_printf("%zu entries, more than limits.labels allows (%zu)", n,
                            payload->limits->labels);
        return payload_fail(payload, FAULT_LIMIT, key, reason);
    }
    Label *items = arena_array(payload->arena, Label, n);
    if (!read_labels(payload, json, key, items)) {
        return false;
    }
    *value = labels_make(items, n);
    return true;
}

bool payload_time(const Payload *payload, const Json *object, const char *key,
                  Timestamp *value)
{
    const Json *json = get(object, key);
    if (json == NULL) {
        return true;
    }
    const char *text = json_text(json);
    if (text == NULL || !timestamp_parse(text, value)) {
        return payload_fail(payload, FAULT_INPUT, key, "not an RFC 3339 time");
    }
    return true;
}

bool payload_count(const Payload *payload, const Json *object, const char *key,
                   uint64_t *value)
{
    const Json *json = get(object, key);
    if (json == NULL) {
        return true;
    }
    double number = json_number(json);
    if (!json_is_number(json) || !(number >= 0)) {
        return payload_fail(payload, FAULT_INPUT, key, "not a whole number from 0");
    }
    if (number >= 0x1p64) {
        *value = UINT64_MAX;
        return true;
    }
    *value = (uint64_t)number;
    return (double)*value == number ||
           payload_fail(payload, FAULT_INPUT, key, "not a whole number from 0");
}

static bool are_objects(const Payload *payload, const char *key, const Json *array)
{
    size_t i = 0;
    for (const Json *item = json_first(array); item != NULL;
         item = json_next(item), i++) {
        if (!json_is_object(item)) {
            g_autofree char *path = g_strdup_printf("%s[%zu]", key, i);
            return payload_fail(payload, FAULT_INPUT, path, "not an object");
        }
    }
    return true;
}

const Json *payload_alerts(const Payload *payload, const Json *object, const char *key)
{
    const Json *array = get(object, key);
    if (array == NULL) {
        payload_fail(payload, FAULT_INPUT, key, "missing");
        return NULL;
    }
    if (!json_is_array(array)) {
        payload_fail(payload, FAULT_INPUT, key, "not an array");
        return NULL;
    }
    size_t n = json_size(array);
    if (n > payload->limits->alerts) {
        g_autofree char *reason =
            g_strdup_printf("%zu alerts, more than limits.alerts allows (%zu)", n,
                            payload->limits->alerts);
        payload_fail(payload, FAULT_LIMIT, key, reason);
        return NULL;
    }
    return are_objects(payload, key, array) ? array : NULL;
}
