/* SPDX-License-Identifier: MIT */
#include "bridge/intake/alertmanager.h"

#include <string.h>

#include "bridge/intake/payload.h"
#include "rules/fault.h"

/* Alertmanager sends its receiver through Go's regexp.QuoteMeta; takes that back, in
 * place. */
static void unquote(char *text)
{
    char *out = text;
    for (const char *at = text; *at != '\0'; at++) {
        if (*at == '\\' && at[1] != '\0' && strchr("\\.+*?()|[]{}^$", at[1]) != NULL) {
            at++;
        }
        *out++ = *at;
    }
    *out = '\0';
}

static bool parse_receiver(const Payload *payload, const Json *root, Event *event)
{
    const char *quoted = "";
    if (!payload_text(payload, root, "receiver", &quoted)) {
        return false;
    }
    char *receiver = arena_strdup(event->arena, quoted);
    unquote(receiver);
    event->sender_receiver = receiver;
    return true;
}

static bool parse_status(const Payload *payload, const Json *object,
                         AlertStatus *status)
{
    const char *text = alert_status_text(*status);
    if (!payload_text(payload, object, "status", &text)) {
        return false;
    }
    if (strcmp(text, "firing") == 0) {
        *status = ALERT_FIRING;
    } else if (strcmp(text, "resolved") == 0) {
        *status = ALERT_RESOLVED;
    } else {
        return payload_fail(payload, FAULT_INPUT, "status",
                            "neither \"firing\" nor \"resolved\"");
    }
    return true;
}

static bool parse_alert(const Payload *payload, const Json *object, Alert *alert)
{
    bool ok = parse_status(payload, object, &alert->status) &&
              payload_labels(payload, object, "labels", &alert->labels) &&
              payload_labels(payload, object, "annotations", &alert->annotations) &&
              payload_time(payload, object, "startsAt", &alert->starts_at) &&
              payload_time(payload, object, "endsAt", &alert->ends_at) &&
              payload_text(payload, object, "generatorURL", &alert->generator_url);
    if (alert->status == ALERT_FIRING) {
        alert->ends_at = TIMESTAMP_ZERO;
    }
    return ok;
}

/* An alert that does not say its own status has that of the whole. */
static bool parse_alerts(Payload *payload, const Json *root, Event *event)
{
    AlertStatus status = ALERT_FIRING;
    const Json *array = payload_alerts(payload, root, "alerts");
    if (array == NULL || !parse_status(payload, root, &status)) {
        return false;
    }
    event->alerts = format_alerts_new(event, json_size(array));
    for (const Json *item = json_first(array); item != NULL; item = json_next(item)) {
        payload_enter(payload, "alerts", event->n_alerts);
        Alert *alert = &event->alerts[event->n_alerts++];
        alert->status = status;
        if (!parse_alert(payload, item, alert)) {
            return false;
        }
    }
    payload->place[0] = '\0';
    return true;
}

bool alertmanager_parse(const FormatInput *input, Event *event, GError **error)
{
    Payload payload = {.arena = event->arena, .limits = input->limits, .error = error};
    const Json *root = input->json;
    if (!payload_root(&payload, root) || !parse_alerts(&payload, root, event) ||
        !parse_receiver(&payload, root, event) ||
        !payload_text(&payload, root, "groupKey", &event->group_key) ||
        !payload_text(&payload, root, "externalURL", &event->external_url) ||
        !payload_text(&payload, root, "notification_reason", &event->reason) ||
        !payload_count(&payload, root, "truncatedAlerts", &event->truncated_alerts) ||
        !payload_labels(&payload, root, "groupLabels", &event->group_labels) ||
        !payload_labels(&payload, root, "routeLabels", &event->route_labels)) {
        return false;
    }
    if (*event->group_key == '\0') {
        event->group_key = format_group_key(event->arena, "{}", &event->group_labels);
    }
    return true;
}
