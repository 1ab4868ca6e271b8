/* SPDX-License-Identifier: MIT */
/* Any bytes as a template, in text and in HTML, over one fixed notification: nothing but
 * an output or an error may come of it.  What succeeds must give the same twice. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "rules/template/template.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const Label labels[] = {{"alertname", "Down <b>\"x\""}, {"severity", "critical"}};
static const Label annotations[] = {{"summary", "javascript:alert(1)"}, {"url", "http://a/?b=c d"}};

static Event *sample_event(void)
{
    static Alert alerts[2];
    static Event event;
    for (size_t i = 0; i < G_N_ELEMENTS(alerts); i++) {
        alerts[i] = (Alert){.status = i == 0 ? ALERT_FIRING : ALERT_RESOLVED,
                            .labels = {labels, 2}, .annotations = {annotations, 2},
                            .starts_at = {.seconds = 1700000000, .offset_s = 3600},
                            .ends_at = TIMESTAMP_ZERO, .generator_url = "http://p/",
                            .silence_url = "", .dashboard_url = "", .panel_url = "",
                            .value_string = ""};
    }
    event = (Event){.source = "s", .sender = "s", .sender_receiver = "r", .group_key = "g",
                    .external_url = "http://am/", .reason = "", .group_labels = {labels, 1},
                    .common_labels = {labels, 2}, .common_annotations = {annotations, 1},
                    .alerts = alerts, .n_alerts = G_N_ELEMENTS(alerts)};
    return &event;
}

static void render(const Template *tmpl, GString *out, GError **error)
{
    static const TemplateLimits limits = {.output_bytes = 65536, .steps = 20000, .depth = 50};
    const Notification notification = {.event = sample_event(), .receiver = "r"};
    template_execute(tmpl, &notification, &limits, out, error);
}

static void compile_and_render(TemplateSet *set, TemplateMode mode)
{
    g_autoptr(GString) first = g_string_new(NULL), second = g_string_new(NULL);
    g_autoptr(Template) tmpl = template_compile_defined(set, mode, "f", NULL);
    if (tmpl == NULL) {
        return;
    }
    g_autoptr(GError) error = NULL, again = NULL;
    render(tmpl, first, &error);
    render(tmpl, second, &again);
    if ((error == NULL) != (again == NULL) || (error == NULL && !g_string_equal(first, second)) ||
        (error != NULL && first->len > 0)) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autoptr(TemplateSet) set = template_set_new();
    if (template_set_add(set, "f", (const char *)data, size, NULL)) {
        compile_and_render(set, TEMPLATE_TEXT);
        compile_and_render(set, TEMPLATE_HTML);
    }
    return 0;
}
