/* SPDX-License-Identifier: MIT */
#ifndef TESTS_UNIT_MAIL_EVENT_H
#define TESTS_UNIT_MAIL_EVENT_H

/* Events for templates: made of a few words, rendered at a fixed time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "rules/template/template.h"

#define MAIL_NOW "2026-11-23T04:40:00Z"

typedef struct {
    const char *labels; /* name=value, separated by ; */
    const char *summary;
    const char *starts, *ends; /* ends: NULL while it fires */
    bool is_new;
} MailAlert;

static inline Labels mail_labels(Event *event, const char *text)
{
    g_auto(GStrv) words = g_strsplit(text, ";", -1);
    unsigned n = *text == '\0' ? 0 : g_strv_length(words);
    Label *items = arena_array(event->arena, Label, n + 1);

    for (unsigned i = 0; i < n; i++) {
        char *name = arena_strdup(event->arena, words[i]), *value = strchr(name, '=');
        assert_non_null(value);
        *value = '\0';
        items[i] = (Label){name, value + 1};
    }
    return labels_make(items, n);
}

static inline void mail_alert(Event *event, const MailAlert *from, Alert *alert)
{
    Label *summary = arena_array(event->arena, Label, 1);

    *summary = (Label){"summary", from->summary};
    *alert = (Alert){
        .status = from->ends == NULL ? ALERT_FIRING : ALERT_RESOLVED,
        .labels = mail_labels(event, from->labels),
        .annotations = labels_make(summary, from->summary != NULL ? 1 : 0),
        .starts_at = TIMESTAMP_ZERO,
        .ends_at = TIMESTAMP_ZERO,
        .generator_url = "",
        .silence_url = "",
        .dashboard_url = "",
        .panel_url = "",
        .value_string = "",
        .is_new = from->is_new,
    };
    assert_true(from->starts == NULL ||
                timestamp_parse(from->starts, &alert->starts_at));
    assert_true(from->ends == NULL || timestamp_parse(from->ends, &alert->ends_at));
}

static inline Event *mail_event(const char *group, const MailAlert *alerts, size_t n)
{
    Event *event = event_new();

    event->alerts = arena_array(event->arena, Alert, n + 1);
    event->n_alerts = n;
    for (size_t i = 0; i < n; i++) {
        mail_alert(event, &alerts[i], &event->alerts[i]);
    }
    event->group_labels = mail_labels(event, group);
    event->external_url = event->reason = event->group_key = "";
    event_summarize(event);
    return event;
}

/* What TEXT makes of the event, with the definitions of FILES, which ends in NULL; the
 * error's text if it fails. */
static inline char *mail_render(const Event *event, const char *const *files,
                                TemplateMode mode, const char *text)
{
    g_autoptr(TemplateSet) set = template_set_new();
    g_autoptr(GError) error = NULL;
    g_autoptr(GString) out = g_string_new(NULL);
    Notification notification = {.event = event, .receiver = "operations"};

    assert_true(timestamp_parse(MAIL_NOW, &notification.now));
    for (; *files != NULL; files++) {
        assert_true(template_set_add(set, "f", *files, strlen(*files), &error));
    }
    g_autoptr(Template) tmpl = template_compile(set, mode, "", text, &error);
    if (tmpl == NULL || !template_execute(tmpl, &notification, NULL, out, &error)) {
        return g_strdup(error->message);
    }
    return g_string_free(g_steal_pointer(&out), FALSE);
}

#endif
