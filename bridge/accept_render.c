/* SPDX-License-Identifier: MIT */
#include "bridge/accept_mail.h"

#include <string.h>

#include "config/source.h"
#include "rules/template/template.h"

typedef struct {
    Notification notification;
    TemplateLimits limits;
    Arena *arena;   /* of the route's labels */
    Rendered *rendered; /* gets the problems */
} Rendering;

static TemplateLimits limits_of(const Config *config)
{
    TemplateLimits limits = TEMPLATE_LIMITS_DEFAULT;
    limits.output_bytes = MIN(limits.output_bytes, config->limits.mail);
    return limits;
}

static void add_problem(Rendered *rendered, const char *key, const Template *tmpl,
                        const GError *error)
{
    const TemplateSource *source = source_of(tmpl);
    rendered->problems =
        g_renew(RenderProblem, rendered->problems, rendered->n_problems + 1);
    rendered->problems[rendered->n_problems++] =
        (RenderProblem){.part = g_strdup(key),
                        .place = source_place(source, error),
                        .text = source_describe(source, error)};
    rendered->problem = rendered->problems[0].text;
}

/* NULL without a template, and on an error, which is noted with the KEY it stands at. */
static char *run(Rendering *rendering, const char *key, const Template *tmpl)
{
    if (tmpl == NULL) {
        return NULL;
    }
    g_autoptr(GString) out = g_string_new(NULL);
    g_autoptr(GError) error = NULL;
    if (!template_execute(tmpl, &rendering->notification, &rendering->limits, out,
                          &error)) {
        add_problem(rendering->rendered, key, tmpl, error);
        return NULL;
    }
    for (size_t at = strlen(out->str); at < out->len; at += strlen(out->str + at)) {
        out->str[at] = ' ';
    }
    return g_string_free(g_steal_pointer(&out), FALSE);
}

/* A label may refer to those before it. */
static void render_labels(Rendering *rendering, const Route *route)
{
    unsigned n = route == NULL ? 0 : route->label_names->len;
    Label *items = arena_array(rendering->arena, Label, n);
    unsigned kept = 0;
    for (unsigned i = 0; i < n; i++) {
        g_autofree char *value = run(rendering, "labels", route->label_templates->pdata[i]);
        if (value != NULL) {
            items[kept++] = (Label){route->label_names->pdata[i],
                                    arena_strdup(rendering->arena, value)};
        }
        Label *copy = arena_array(rendering->arena, Label, kept);
        memcpy(copy, items, kept * sizeof *copy);
        rendering->notification.route_labels = labels_make(copy, kept);
    }
}

static void render_headers(Rendering *rendering, const EmailConfig *email,
                           Rendered *rendered)
{
    rendered->headers = g_new0(DraftHeader, email->n_headers + 1);
    rendered->header_values = g_new0(char *, email->n_headers + 1);
    for (unsigned i = 0; i < email->n_headers; i++) {
        char *value = run(rendering, email->headers[i].name, email->headers[i].value);
        if (value != NULL) {
            unsigned n = (unsigned)rendered->n_headers++;
            rendered->header_values[n] = value;
            rendered->headers[n] = (DraftHeader){email->headers[i].name, value};
        }
    }
}

void accept_render(const MailOrder *order, Rendered *rendered)
{
    const EmailConfig *email = &order->receiver->emails[order->integration];
    *rendered = (Rendered){0};
    g_autoptr(Arena) arena = arena_new();
    Rendering rendering = {
        .notification = {.event = order->event,
                         .receiver = order->receiver->name,
                         .now = timestamp_from_ms(order->now_ms)},
        .limits = limits_of(order->config),
        .arena = arena,
        .rendered = rendered,
    };
    render_labels(&rendering, order->route);
    rendered->from = run(&rendering, "from", email->from);
    rendered->to = run(&rendering, "to", email->to);
    rendered->cc = run(&rendering, "cc", email->cc);
    rendered->bcc = run(&rendering, "bcc", email->bcc);
    rendered->reply_to = run(&rendering, "reply_to", email->reply_to);
    rendered->subject = run(&rendering, "subject", email->subject);
    rendered->html = run(&rendering, "html", email->html);
    rendered->text = run(&rendering, "text", email->text);
    render_headers(&rendering, email, rendered);
}

void rendered_clear(Rendered *rendered)
{
    char *texts[] = {rendered->from, rendered->to,       rendered->cc,
                     rendered->bcc,  rendered->reply_to, rendered->subject,
                     rendered->html, rendered->text};
    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_free(texts[i]);
    }
    for (size_t i = 0; i < rendered->n_problems; i++) {
        g_free(rendered->problems[i].part);
        g_free(rendered->problems[i].place);
        g_free(rendered->problems[i].text);
    }
    g_free(rendered->problems);
    g_strfreev(rendered->header_values);
    g_free(rendered->headers);
    *rendered = (Rendered){0};
}
