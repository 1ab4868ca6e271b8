/* SPDX-License-Identifier: MIT */
#include "bridge/template_data.h"

#include <string.h>

#include "bridge/intake/format.h"
#include "bridge/intake/payload.h"

/* The key of OBJECT that means NAME, whatever its case; of several the last.  NAME itself
 * if there is none. */
static const char *key_of(const Json *object, const char *name)
{
    const char *found = name;
    g_autofree char *wanted = g_utf8_casefold(name, -1);
    const Json *item = json_is_object(object) ? json_first(object) : NULL;
    for (; item != NULL; item = json_next(item)) {
        g_autofree char *folded = g_utf8_casefold(json_key(item), -1);
        if (strcmp(folded, wanted) == 0) {
            found = json_key(item);
        }
    }
    return found;
}

static bool read_text(const Payload *payload, const Json *object, const char *name,
                      const char **value)
{
    return payload_text(payload, object, key_of(object, name), value);
}

/* A label that is null is empty. */
static bool read_labels(const Payload *payload, const Json *object, const char *name,
                        Labels *value)
{
    const Json *json = json_get(object, key_of(object, name));
    if (json == NULL || json_is_null(json)) {
        return true;
    }
    if (!json_is_object(json)) {
        return payload_fail(payload, FAULT_INPUT, name, "not an object");
    }
    Label *items = arena_array(payload->arena, Label, json_size(json));
    size_t n = 0;
    for (const Json *item = json_first(json); item != NULL; item = json_next(item)) {
        const char *text = json_is_null(item) ? "" : json_text(item);
        if (text == NULL) {
            return payload_fail(payload, FAULT_INPUT, name, "not all texts");
        }
        items[n++] = (Label){arena_strdup(payload->arena, json_key(item)),
                             arena_strdup(payload->arena, text)};
    }
    *value = labels_make(items, n);
    return true;
}

static bool read_time(const Payload *payload, const Json *object, const char *name,
                      Timestamp *value)
{
    return payload_time(payload, object, key_of(object, name), value);
}

static bool read_status(const Payload *payload, const Json *object, AlertStatus *status,
                        const char **other)
{
    const char *text = "";
    if (!read_text(payload, object, "status", &text)) {
        return false;
    }
    bool fires = strcmp(text, alert_status_text(ALERT_FIRING)) == 0;
    bool is_other = !fires && strcmp(text, alert_status_text(ALERT_RESOLVED)) != 0;
    *status = fires ? ALERT_FIRING : ALERT_RESOLVED;
    *other = is_other ? text : NULL;
    return true;
}

static bool read_alert(const Payload *payload, const Json *object, Alert *alert)
{
    alert->fingerprint_text = "";
    if (!json_is_object(object) && !json_is_null(object)) {
        return payload_fail(payload, FAULT_INPUT, "alert", "not an object");
    }
    return read_status(payload, object, &alert->status, &alert->status_text) &&
           read_labels(payload, object, "labels", &alert->labels) &&
           read_labels(payload, object, "annotations", &alert->annotations) &&
           read_time(payload, object, "startsAt", &alert->starts_at) &&
           read_time(payload, object, "endsAt", &alert->ends_at) &&
           read_text(payload, object, "generatorURL", &alert->generator_url) &&
           read_text(payload, object, "fingerprint", &alert->fingerprint_text);
}

static bool read_alerts(Payload *payload, const Json *root, Event *event)
{
    const Json *array = json_get(root, key_of(root, "alerts"));
    if (array == NULL || json_is_null(array)) {
        return true;
    }
    if (!json_is_array(array)) {
        return payload_fail(payload, FAULT_INPUT, "alerts", "not an array");
    }
    event->alerts = format_alerts_new(event, json_size(array));
    for (const Json *item = json_first(array); item != NULL; item = json_next(item)) {
        g_snprintf(payload->place, sizeof payload->place, "alerts[%zu].", event->n_alerts);
        if (!read_alert(payload, item, &event->alerts[event->n_alerts++])) {
            return false;
        }
    }
    payload->place[0] = '\0';
    return true;
}

bool template_data_read(Event *event, const Json *json, Notification *notification,
                        GError **error)
{
    Payload payload = {.arena = event->arena, .error = error};
    *notification = (Notification){.event = event, .receiver = "", .status = ""};
    event->external_url = event->reason = "";
    if (!json_is_object(json) && !json_is_null(json)) {
        g_set_error(error, FAULT, FAULT_INPUT, "not a JSON object");
        return false;
    }
    return read_text(&payload, json, "receiver", &notification->receiver) &&
           read_text(&payload, json, "status", &notification->status) &&
           read_alerts(&payload, json, event) &&
           read_text(&payload, json, "notification_reason", &event->reason) &&
           read_labels(&payload, json, "groupLabels", &event->group_labels) &&
           read_labels(&payload, json, "commonLabels", &event->common_labels) &&
           read_labels(&payload, json, "commonAnnotations", &event->common_annotations) &&
           read_labels(&payload, json, "routeLabels", &notification->route_labels) &&
           read_text(&payload, json, "externalURL", &event->external_url);
}

bool template_data_parse(Event *event, const char *text, size_t length,
                         Notification *notification, GError **error)
{
    const JsonLimits limits = JSON_LIMITS_DEFAULT;
    g_autoptr(Json) json = json_parse(text, length, &limits, error);
    return json != NULL && template_data_read(event, json, notification, error);
}

static const char sample[] =
    "{\"receiver\": \"receiver\", \"status\": \"alertstatus\", \"alerts\": ["
    "{\"status\": \"alertstatus\", \"startsAt\": \"%s\", \"endsAt\": \"%s\","
    " \"generatorURL\": \"https://generatorurl.com\", \"fingerprint\": \"fingerprint1\","
    " \"labels\": {\"label1\": \"value1\", \"label2\": \"value2\","
    " \"instance\": \"foo.bar:1234\", \"commonlabelkey1\": \"commonlabelvalue1\","
    " \"commonlabelkey2\": \"commonlabelvalue2\"},"
    " \"annotations\": {\"annotation1\": \"value1\", \"annotation2\": \"value2\","
    " \"commonannotationkey1\": \"commonannotationvalue1\","
    " \"commonannotationkey2\": \"commonannotationvalue2\"}},"
    "{\"status\": \"alertstatus\", \"startsAt\": \"%s\", \"endsAt\": \"%s\","
    " \"generatorURL\": \"https://generatorurl.com\", \"fingerprint\": \"fingerprint2\","
    " \"labels\": {\"foo\": \"bar\", \"baz\": \"qux\","
    " \"commonlabelkey1\": \"commonlabelvalue1\","
    " \"commonlabelkey2\": \"commonlabelvalue2\"},"
    " \"annotations\": {\"aaa\": \"bbb\", \"ccc\": \"ddd\","
    " \"commonannotationkey1\": \"commonannotationvalue1\","
    " \"commonannotationkey2\": \"commonannotationvalue2\"}}],"
    "\"groupLabels\": {\"grouplabelkey1\": \"grouplabelvalue1\","
    " \"grouplabelkey2\": \"grouplabelvalue2\"},"
    "\"commonLabels\": {\"commonlabelkey1\": \"commonlabelvalue1\","
    " \"commonlabelkey2\": \"commonlabelvalue2\"},"
    "\"commonAnnotations\": {\"commonannotationkey1\": \"commonannotationvalue1\","
    " \"commonannotationkey2\": \"commonannotationvalue2\"},"
    "\"externalURL\": \"https://example.com\"}";

/* So many minutes ago, in the local zone. */
static char *minutes_ago(int minutes)
{
    g_autoptr(GDateTime) now = g_date_time_new_now_local();
    g_autoptr(GDateTime) then = g_date_time_add_minutes(now, -minutes);
    return g_date_time_format(then, "%Y-%m-%dT%H:%M:%S%:z");
}

void template_data_sample(Event *event, Notification *notification)
{
    g_autofree char *five = minutes_ago(5), *ten = minutes_ago(10), *now = minutes_ago(0);
    g_autofree char *text = g_strdup_printf(sample, five, now, ten, now);
    g_autoptr(GError) error = NULL;
    if (!template_data_parse(event, text, strlen(text), notification, &error)) {
        g_error("sample data: %s", error->message);
    }
}
