/* SPDX-License-Identifier: MIT */
#include "bridge/intake/payload.h"

#include <string.h>

#define SHOWN_MAX 100 /* bytes of a foreign key in a message */
#define KEY_MAX   64  /* of a key in a path, which we write */

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

static const Json *get_member(const Json *object, const char *key)
{
    const Json *value = json_get(object, key);
    return value != NULL && !json_is_null(value) ? value : NULL;
}

/* The value at PATH; NULL if there is none. */
static bool get(const Payload *payload, const Json *object, const char *path,
                const Json **value)
{
    const char *at = path;
    for (const char *dot = strchr(at, '.'); dot != NULL && object != NULL;
         at = dot + 1, dot = strchr(at, '.')) {
        char key[KEY_MAX];
        g_strlcpy(key, at, MIN((size_t)(dot - at) + 1, sizeof key));
        object = get_member(object, key);
        if (object != NULL && !json_is_object(object)) {
            g_autofree char *place = g_strndup(path, (gsize)(dot - path));
            return payload_fail(payload, FAULT_INPUT, place, "not an object");
        }
    }
    *value = object != NULL ? get_member(object, at) : NULL;
    return true;
}

bool payload_root(const Payload *payload, const Json *root)
{
    if (!json_is_object(root)) {
        g_set_error(payload->error, FAULT, FAULT_INPUT, "not a JSON object");
        return false;
    }
    return true;
}

void payload_enter(Payload *payload, const char *key, size_t i)
{
    g_snprintf(payload->place, sizeof payload->place, "%s[%zu].", key, i);
}

bool payload_object(const Payload *payload, const Json *object, const char *key,
                    const Json **value)
{
    const Json *json;
    if (!get(payload, object, key, &json)) {
        return false;
    }
    if (json != NULL && !json_is_object(json)) {
        return payload_fail(payload, FAULT_INPUT, key, "not an object");
    }
    *value = json != NULL ? json : *value;
    return true;
}

bool payload_array(const Payload *payload, const Json *object, const char *key,
                   const Json **value)
{
    const Json *json;
    if (!get(payload, object, key, &json)) {
        return false;
    }
    if (json != NULL && !json_is_array(json)) {
        return payload_fail(payload, FAULT_INPUT, key, "not an array");
    }
    *value = json != NULL ? json : *value;
    return true;
}

bool payload_text(const Payload *payload, const Json *object, const char *key,
                  const char **value)
{
    const Json *json;
    if (!get(payload, object, key, &json)) {
        return false;
    }
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
    const Json *json;
    if (!get(payload, object, key, &json)) {
        return false;
    }
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
    const Json *json;
    if (!get(payload, object, key, &json)) {
        return false;
    }
    if (json == NULL) {
        return true;
    }
    const char *text = json_text(json);
    if (text == NULL || !timestamp_parse(text, value)) {
        return payload_fail(payload, FAULT_INPUT, key, "not an RFC 3339 time");
    }
    return true;
}

/* 2016-08-12 15:23:28 UTC, 2016-08-12 15:23:28 +0200, without a zone */
static bool read_spaced(const char *text, Timestamp *value)
{
    if (strlen(text) < 19 || text[10] != ' ') {
        return false;
    }
    g_autofree char *strict = g_strndup(text, 40);
    strict[10] = 'T';
    char *zone = strict + 19;
    zone += *zone == '.' ? 1 + strspn(zone + 1, "0123456789") : 0;
    g_autofree char *offset = g_strstrip(g_strdup(zone));
    *zone = '\0';
    bool is_utc = *offset == '\0' || strcmp(offset, "UTC") == 0;
    bool is_bare = strlen(offset) == 5; /* +0200 */
    g_autofree char *whole =
        is_utc    ? g_strconcat(strict, "Z", NULL)
        : is_bare ? g_strdup_printf("%s%.3s:%s", strict, offset, offset + 3)
                  : g_strconcat(strict, offset, NULL);
    return timestamp_parse(whole, value);
}

/* Seconds until the year 5138, milliseconds from 1973 on. */
static bool read_unix(const char *text, Timestamp *value)
{
    char *end;
    double number = g_ascii_strtod(text, &end);
    if (end == text || *end != '\0' || !(number >= 0) || number > 1e15) {
        return false;
    }
    *value = timestamp_from_ms((int64_t)(number < 1e11 ? number * 1000 : number));
    return true;
}

bool payload_read_date(const char *text, Timestamp *value)
{
    return timestamp_parse(text, value) || read_spaced(text, value) ||
           read_unix(text, value);
}

bool payload_date(const Payload *payload, const Json *object, const char *key,
                  Timestamp *value)
{
    const char *text = "";
    if (!payload_text(payload, object, key, &text)) {
        return false;
    }
    return *text == '\0' || timestamp_parse(text, value) || read_spaced(text, value) ||
           payload_fail(payload, FAULT_INPUT, key, "not a time");
}

bool payload_count(const Payload *payload, const Json *object, const char *key,
                   uint64_t *value)
{
    const Json *json;
    if (!get(payload, object, key, &json)) {
        return false;
    }
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

bool payload_real(const Payload *payload, const Json *object, const char *key, double *value)
{
    const Json *json;
    if (!get(payload, object, key, &json)) {
        return false;
    }
    if (json != NULL && !json_is_number(json)) {
        return payload_fail(payload, FAULT_INPUT, key, "not a number");
    }
    *value = json != NULL ? json_number(json) : *value;
    return true;
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
    const Json *array = NULL;
    if (!payload_array(payload, object, key, &array)) {
        return NULL;
    }
    if (array == NULL) {
        payload_fail(payload, FAULT_INPUT, key, "missing");
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
