/* SPDX-License-Identifier: MIT */
#include "bridge/intake/grafana.h"

#include "bridge/intake/alertmanager.h"
#include "bridge/intake/payload.h"

static bool parse_extras(const Payload *payload, const Json *object, Alert *alert)
{
    return payload_text(payload, object, "silenceURL", &alert->silence_url) &&
           payload_text(payload, object, "dashboardURL", &alert->dashboard_url) &&
           payload_text(payload, object, "panelURL", &alert->panel_url) &&
           payload_text(payload, object, "valueString", &alert->value_string);
}

bool grafana_parse(const FormatInput *input, Event *event, GError **error)
{
    if (!alertmanager_parse(input, event, error)) {
        return false;
    }
    Payload payload = {.arena = event->arena, .limits = input->limits, .error = error};
    const Json *item = json_first(json_get(input->json, "alerts"));
    for (size_t i = 0; i < event->n_alerts; i++, item = json_next(item)) {
        payload_enter(&payload, "alerts", i);
        if (!parse_extras(&payload, item, &event->alerts[i])) {
            return false;
        }
    }
    return true;
}
