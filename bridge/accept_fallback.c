/* SPDX-License-Identifier: MIT */
#include "bridge/accept_fallback.h"

#include <stdbool.h>
#include <string.h>

#define VALUE_MAX   300 /* bytes of a label or annotation; cut visibly */
#define SUBJECT_MAX 200
#define LABELS_MAX  64 /* of one alert */

static size_t count(const Event *event, AlertStatus status)
{
    size_t n = 0;
    for (size_t i = 0; i < event->n_alerts; i++) {
        n += event->alerts[i].status == status;
    }
    return n;
}

static void append_value(GString *out, const char *value, size_t max)
{
    size_t length = strlen(value);
    const char *end =
        length <= max ? value + length : g_utf8_find_prev_char(value, value + max - 2);
    g_string_append_len(out, value, end - value);
    g_string_append(out, length <= max ? "" : "…");
}

static void append_group(GString *out, const Event *event)
{
    const char *name = labels_get(&event->group_labels, "alertname");
    name = name != NULL ? name : labels_get(&event->common_labels, "alertname");
    if (name != NULL) {
        append_value(out, name, SUBJECT_MAX);
        return;
    }
    const Labels *labels = &event->group_labels;
    for (size_t i = 0; i < MIN(labels->n, 3); i++) {
        g_string_append(out, i > 0 ? " " : "");
        append_value(out, labels->items[i].value, SUBJECT_MAX / 3);
    }
}

char *fallback_subject(const Event *event)
{
    size_t firing = count(event, ALERT_FIRING);
    g_autoptr(GString) out = g_string_new(NULL);
    if (firing > 0) {
        g_string_append_printf(out, "[FIRING:%zu] ", firing);
    } else {
        g_string_append(out, "[RESOLVED] ");
    }
    append_group(out, event);
    return g_strdup(g_strchomp(out->str));
}

static void append_labels(GString *out, const char *indent, const Labels *labels)
{
    for (size_t i = 0; i < MIN(labels->n, LABELS_MAX); i++) {
        g_string_append(out, indent);
        append_value(out, labels->items[i].name, VALUE_MAX);
        g_string_append(out, ": ");
        append_value(out, labels->items[i].value, VALUE_MAX);
        g_string_append_c(out, '\n');
    }
}

static void append_time(GString *out, const char *what, Timestamp time)
{
    if (timestamp_is_zero(time)) {
        return;
    }
    CivilTime civil = timestamp_civil(time);
    int minutes = ABS(time.offset_s) / 60;
    g_string_append_printf(out, "   %s %04d-%02d-%02d %02d:%02d:%02d %c%02d:%02d\n",
                           what, (int)civil.year, civil.month, civil.day, civil.hour,
                           civil.minute, civil.second, time.offset_s < 0 ? '-' : '+',
                           minutes / 60, minutes % 60);
}

static void append_alert(GString *out, size_t number, const Alert *alert)
{
    g_string_append_printf(out, "\n%zu. %s\n", number,
                           alert->status == ALERT_FIRING ? "FIRING" : "RESOLVED");
    append_time(out, "since", alert->starts_at);
    append_labels(out, "   ", &alert->labels);
    append_labels(out, "   ", &alert->annotations);
    if (alert->generator_url[0] != '\0') {
        g_string_append(out, "   ");
        append_value(out, alert->generator_url, 2 * VALUE_MAX);
        g_string_append_c(out, '\n');
    }
}

/* What fires comes first. */
static size_t append_alerts(GString *out, const Event *event, AlertStatus status,
                            size_t listed)
{
    for (size_t i = 0; i < event->n_alerts; i++) {
        bool room = listed < FALLBACK_ALERTS_MAX && out->len < FALLBACK_TEXT_MAX;
        if (event->alerts[i].status == status && room) {
            append_alert(out, ++listed, &event->alerts[i]);
        }
    }
    return listed;
}

char *fallback_text(const Event *event, const char *receiver, const char *problem)
{
    GString *out = g_string_new("This is a plain mail: the configured one could not be "
                                "made.\n\n  ");
    append_value(out, problem, 10 * VALUE_MAX);
    g_string_append_printf(out, "\n\nReceiver: %s\nFiring: %zu\nResolved: %zu\n",
                           receiver, count(event, ALERT_FIRING),
                           count(event, ALERT_RESOLVED));
    size_t listed = append_alerts(out, event, ALERT_FIRING, 0);
    listed = append_alerts(out, event, ALERT_RESOLVED, listed);
    uint64_t more = event->n_alerts - listed + event->truncated_alerts;
    if (more > 0) {
        g_string_append_printf(out, "\n… and %" G_GUINT64_FORMAT " more\n", more);
    }
    if (event->external_url[0] != '\0') {
        g_string_append(out, "\nSent by ");
        append_value(out, event->external_url, VALUE_MAX);
        g_string_append_c(out, '\n');
    }
    return g_string_free(out, FALSE);
}
