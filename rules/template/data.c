/* SPDX-License-Identifier: MIT */
/* Alertmanager's data and our additions to it.  Nothing is copied: a field gives a view
 * of the event when a template asks for it. */
#include "rules/template/data.h"

#include "rules/template/funcs.h"
#include "rules/template/gotime.h"

Value template_data(Arena *arena, const Notification *notification)
{
    const Event *event = notification->event;
    const Alert **alerts = arena_array(arena, const Alert *, event->n_alerts + 1);
    TemplateData *data = arena_alloc(arena, sizeof *data);

    for (size_t i = 0; i < event->n_alerts; i++) {
        alerts[i] = &event->alerts[i];
    }
    data->notification = notification;
    data->alerts = alerts;
    return (Value){.kind = KIND_DATA, .data = data};
}

/* Every field looks at one of these. */
#define EVENT(receiver) ((receiver).data->notification->event)
#define GET(name)       static Value name(Exec *exec, Arena *arena, Value receiver)
#define UNUSED          (void)exec, (void)arena

GET(data_receiver)
{
    UNUSED;
    return value_text(receiver.data->notification->receiver);
}

GET(data_status)
{
    const Notification *notification = receiver.data->notification;

    UNUSED;
    return value_text(notification->status != NULL
                          ? notification->status
                          : alert_status_text(notification->event->status));
}

GET(data_alerts)
{
    UNUSED;
    return (Value){
        .kind = KIND_ALERTS,
        .n = (uint32_t)EVENT(receiver)->n_alerts,
        .alerts = receiver.data->alerts,
    };
}

GET(data_reason)
{
    UNUSED;
    return value_text(EVENT(receiver)->reason);
}

GET(data_group_labels)
{
    UNUSED;
    return value_labels(KIND_KV, &EVENT(receiver)->group_labels);
}

GET(data_common_labels)
{
    UNUSED;
    return value_labels(KIND_KV, &EVENT(receiver)->common_labels);
}

GET(data_common_annotations)
{
    UNUSED;
    return value_labels(KIND_KV, &EVENT(receiver)->common_annotations);
}

GET(data_route_labels)
{
    UNUSED;
    return value_labels(KIND_KV, &receiver.data->notification->route_labels);
}

GET(data_external_url)
{
    UNUSED;
    return value_text(EVENT(receiver)->external_url);
}

GET(data_truncated_alerts)
{
    UNUSED;
    return value_int((int64_t)MIN(EVENT(receiver)->truncated_alerts, INT64_MAX));
}

GET(data_family)
{
    UNUSED;
    return value_text(EVENT(receiver)->family == FAMILY_CI ? "ci" : "monitoring");
}

GET(data_sender)
{
    UNUSED;
    return value_text(EVENT(receiver)->sender);
}

GET(alert_status)
{
    UNUSED;
    return value_text(receiver.alert->status_text != NULL
                          ? receiver.alert->status_text
                          : alert_status_text(receiver.alert->status));
}

GET(alert_labels)
{
    UNUSED;
    return value_labels(KIND_KV, &receiver.alert->labels);
}

GET(alert_annotations)
{
    UNUSED;
    return value_labels(KIND_KV, &receiver.alert->annotations);
}

/* Most are in UTC; only the others may be in the local zone. */
static Value moment(Exec *exec, Arena *arena, const Timestamp *at)
{
    if (at->offset_s == 0 || exec == NULL) {
        return gotime_value_bare(at);
    }
    return gotime_value(arena, gotime_read(*at, zone_local(exec_zones(exec))));
}

GET(alert_starts_at)
{
    return moment(exec, arena, &receiver.alert->starts_at);
}

GET(alert_ends_at)
{
    return moment(exec, arena, &receiver.alert->ends_at);
}

GET(alert_generator_url)
{
    UNUSED;
    return value_text(receiver.alert->generator_url);
}

GET(alert_fingerprint)
{
    (void)exec;
    if (receiver.alert->fingerprint_text != NULL) {
        return value_text(receiver.alert->fingerprint_text);
    }
    return value_text(
        arena_printf(arena, "%016" G_GINT64_MODIFIER "x", receiver.alert->fingerprint));
}

GET(alert_is_new)
{
    UNUSED;
    return value_bool(receiver.alert->is_new);
}

GET(alert_silence_url)
{
    UNUSED;
    return value_text(receiver.alert->silence_url);
}

GET(alert_dashboard_url)
{
    UNUSED;
    return value_text(receiver.alert->dashboard_url);
}

GET(alert_panel_url)
{
    UNUSED;
    return value_text(receiver.alert->panel_url);
}

GET(alert_value_string)
{
    UNUSED;
    return value_text(receiver.alert->value_string);
}

GET(pair_name)
{
    UNUSED;
    return value_text(receiver.pairs->name);
}

GET(pair_value)
{
    UNUSED;
    return value_text(receiver.pairs->value);
}

/* Version 0.34 has RouteLabels, and prints it; the recorded answers are those of 0.33.
 */
const Field fields[] = {
    {KIND_DATA, "Receiver", data_receiver, false},
    {KIND_DATA, "Status", data_status, false},
    {KIND_DATA, "Alerts", data_alerts, false},
    {KIND_DATA, "NotificationReason", data_reason, false},
    {KIND_DATA, "GroupLabels", data_group_labels, false},
    {KIND_DATA, "CommonLabels", data_common_labels, false},
    {KIND_DATA, "CommonAnnotations", data_common_annotations, false},
    {KIND_DATA, "RouteLabels", data_route_labels, true},
    {KIND_DATA, "ExternalURL", data_external_url, false},
    {KIND_DATA, "TruncatedAlerts", data_truncated_alerts, true},
    {KIND_DATA, "Family", data_family, true},
    {KIND_DATA, "Sender", data_sender, true},
    {KIND_ALERT, "Status", alert_status, false},
    {KIND_ALERT, "Labels", alert_labels, false},
    {KIND_ALERT, "Annotations", alert_annotations, false},
    {KIND_ALERT, "StartsAt", alert_starts_at, false},
    {KIND_ALERT, "EndsAt", alert_ends_at, false},
    {KIND_ALERT, "GeneratorURL", alert_generator_url, false},
    {KIND_ALERT, "Fingerprint", alert_fingerprint, false},
    {KIND_ALERT, "IsNew", alert_is_new, true},
    {KIND_ALERT, "SilenceURL", alert_silence_url, true},
    {KIND_ALERT, "DashboardURL", alert_dashboard_url, true},
    {KIND_ALERT, "PanelURL", alert_panel_url, true},
    {KIND_ALERT, "ValueString", alert_value_string, true},
    {KIND_PAIR, "Name", pair_name, false},
    {KIND_PAIR, "Value", pair_value, false},
    {.name = NULL},
};
