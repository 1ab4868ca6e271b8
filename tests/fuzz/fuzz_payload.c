/* SPDX-License-Identifier: MIT */
/* Any bytes as a webhook of each kind, and the built-in mail of what it says: read or
 * refused, never more; and a mail is made of whatever was read, within its size. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/intake/format.h"
#include "config/template_files.h"
#include "rules/template/template.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const types[] = {"alertmanager", "grafana"};
static const LimitsConfig limits = {.body = 1 << 20, .alerts = 2000, .labels = 64};

/* What the built-in mail promises. */
#define HTML_MAX ((size_t)80 * 1024)

static const char *no_header(const void *request, const char *name)
{
    (void)request, (void)name;
    return NULL;
}

static const Template *built_in(TemplateMode mode, const char *name)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(TemplateSet) set = template_set_new_with_defaults();
    Template *tmpl = template_compile_defined(set, mode, name, &error);
    if (tmpl == NULL) {
        g_error("%s", error->message);
    }
    return tmpl;
}

static void check_part(const Template *tmpl, const Event *event, size_t max)
{
    g_autoptr(GString) out = g_string_new(NULL);
    g_autoptr(GError) error = NULL;
    const Notification notification = {.event = event, .receiver = "r",
                                       .now = {.seconds = 1700000000}};
    if (!template_execute(tmpl, &notification, NULL, out, &error)) {
        g_error("%s", error->message);
    }
    if (out->len > max || !g_utf8_validate_len(out->str, out->len, NULL)) {
        g_error("%zu bytes", out->len);
    }
}

static void check_mail(const Event *event)
{
    static const Template *html, *text, *subject;
    if (html == NULL) {
        html = built_in(TEMPLATE_HTML, "email.default.html");
        text = built_in(TEMPLATE_TEXT, "email.default.text");
        subject = built_in(TEMPLATE_TEXT, "email.default.subject");
    }
    check_part(html, event, HTML_MAX);
    check_part(text, event, SIZE_MAX);
    check_part(subject, event, SIZE_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const SourceConfig source = {.name = "s"};
    const FormatInput input = {.source = &source, .limits = &limits, .header = no_header};
    for (size_t i = 0; i < G_N_ELEMENTS(types); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(Event) event =
            format_parse(format_find(types[i]), &input, (const char *)data, size, &error);
        if (event != NULL && event->n_alerts > 0) {
            check_mail(event);
        }
    }
    return 0;
}
