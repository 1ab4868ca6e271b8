/* SPDX-License-Identifier: MIT */
#include "bridge/trial.h"

#include <string.h>

#include "bridge/accept_mail.h"
#include "bridge/cmd_order.h"
#include "bridge/intake/format.h"
#include "rules/fault.h"

#define LABELS(name, more) "\"labels\":{\"alertname\":\"" name "\"" more "}"
#define NOTES              "\"annotations\":{\"summary\":\"Something is wrong\",\"description\":\"It may break.\"}"
#define TIMES              "\"startsAt\":\"2026-01-02T03:04:05Z\",\"generatorURL\":\"http://prometheus.example:9090/graph\""
#define DISK(host)         LABELS("DiskFull", ",\"instance\":\"" host "\",\"job\":\"node\",\"severity\":\"critical\"") "," NOTES "," TIMES
#define GROUP              "\"externalURL\":\"http://alertmanager.example:9093\",\"groupLabels\":"

static const struct {
    const char *name, *body;
} samples[] = {
    {"one firing alert", "{" GROUP "{\"alertname\":\"DiskFull\"},\"alerts\":["
                         "{\"status\":\"firing\"," DISK("db-1") "}]}"},
    {"a firing and a resolved alert",
     "{" GROUP "{\"alertname\":\"DiskFull\"},\"alerts\":["
     "{\"status\":\"firing\"," DISK("db-1") "},"
     "{\"status\":\"resolved\",\"endsAt\":\"2026-01-02T04:05:06Z\"," DISK("db-2") "}]}"},
    {"alerts without common labels",
     "{" GROUP "{},\"alerts\":["
     "{\"status\":\"firing\"," LABELS("DiskFull", "") "," TIMES "},"
     "{\"status\":\"firing\"," LABELS("NodeDown", ",\"job\":\"node\"") "," TIMES "}]}"},
    {"no alerts", "{" GROUP "{},\"alerts\":[]}"},
};

typedef struct {
    const char *name;
    Event *event;
    bool is_sample;
} Payload;

/* One thing that is wrong, and the webhooks that showed it. */
typedef struct {
    char *text;
    GString *over;
} Finding;

typedef struct {
    const Config *config;
    GArray *payloads; /* Payload */
    GArray *findings; /* Finding */
    GPtrArray *warnings;
} Trial;

static void clear_payload(void *payload)
{
    event_free(((Payload *)payload)->event);
}

static void clear_finding(void *finding)
{
    g_free(((Finding *)finding)->text);
    g_string_free(((Finding *)finding)->over, TRUE);
}

static void add_payload(Trial *trial, const char *name, Event *event, bool is_sample)
{
    for (size_t i = 0; i < event->n_alerts; i++) {
        event->alerts[i].is_new = true;
    }
    Payload payload = {name, event, is_sample};
    g_array_append_val(trial->payloads, payload);
}

static bool add_samples(Trial *trial, GError **error)
{
    char type[] = "alertmanager";
    const SourceConfig source = {.name = type, .type = type};
    FormatInput input = {.source = &source, .limits = &trial->config->limits};
    for (size_t i = 0; i < G_N_ELEMENTS(samples); i++) {
        Event *event = format_parse(format_find(type), &input, samples[i].body,
                                    strlen(samples[i].body), error);
        if (event == NULL) {
            g_prefix_error(error, "%s: ", samples[i].name);
            return false;
        }
        add_payload(trial, samples[i].name, event, true);
    }
    return true;
}

static bool add_files(Trial *trial, char *const *files, const char *source, GError **error)
{
    for (; files != NULL && *files != NULL; files++) {
        Event *event = cmd_read_event(trial->config, *files, source, error);
        if (event == NULL) {
            return false;
        }
        add_payload(trial, *files, event, false);
    }
    return true;
}

static void add_finding(Trial *trial, const char *text, const char *over)
{
    for (unsigned i = 0; i < trial->findings->len; i++) {
        Finding *known = &g_array_index(trial->findings, Finding, i);
        if (strcmp(known->text, text) == 0) {
            g_string_append_printf(known->over, ", %s", over);
            return;
        }
    }
    Finding finding = {g_strdup(text), g_string_new(over)};
    g_array_append_val(trial->findings, finding);
}

/* A sample has not the labels that recipients may be made of: only a file tells. */
static void check_recipients(Trial *trial, const MailOrder *order, const Payload *payload)
{
    g_autoptr(GError) error = NULL;
    Composed composed = {0};
    g_autoptr(Mail) mail = accept_mail(order, &composed, &error);
    if (mail == NULL) {
        g_ptr_array_add(trial->warnings,
                        g_strdup_printf("%s: receiver %s: %s (over: %s)", trial->config->path,
                                        order->receiver->name, error->message, payload->name));
    }
    composed_clear(&composed);
}

static void try_mail(Trial *trial, const MailOrder *order, const Payload *payload)
{
    Rendered rendered;
    accept_render(order, &rendered);
    for (size_t i = 0; i < rendered.n_problems; i++) {
        add_finding(trial, rendered.problems[i].text, payload->name);
    }
    if (rendered.n_problems == 0 && !payload->is_sample) {
        check_recipients(trial, order, payload);
    }
    rendered_clear(&rendered);
}

static void try_receiver(Trial *trial, const Receiver *receiver)
{
    const Route *root = route_tree_root(trial->config->routes);
    MailOrder order = {.config = trial->config,
                       .receiver = receiver,
                       .route = cmd_route_to(root, receiver->name),
                       .now_ms = g_get_real_time() / 1000,
                       .thread_root = "",
                       .group = ""};
    for (order.integration = 0; order.integration < receiver->n_emails; order.integration++) {
        for (unsigned i = 0; i < trial->payloads->len; i++) {
            const Payload *payload = &g_array_index(trial->payloads, Payload, i);
            order.event = payload->event;
            try_mail(trial, &order, payload);
        }
    }
}

bool trial_run(const Config *config, char *const *data_files, const char *source,
               GPtrArray *errors, GPtrArray *warnings, GError **error)
{
    g_autoptr(GArray) payloads = g_array_new(FALSE, FALSE, sizeof(Payload));
    g_autoptr(GArray) findings = g_array_new(FALSE, FALSE, sizeof(Finding));
    g_array_set_clear_func(payloads, clear_payload);
    g_array_set_clear_func(findings, clear_finding);
    Trial trial = {config, payloads, findings, warnings};
    if (!add_samples(&trial, error) || !add_files(&trial, data_files, source, error)) {
        return false;
    }
    for (unsigned i = 0; i < config->n_receivers; i++) {
        try_receiver(&trial, &config->receivers[i]);
    }
    for (unsigned i = 0; i < findings->len; i++) {
        const Finding *finding = &g_array_index(findings, Finding, i);
        g_ptr_array_add(errors,
                        g_strdup_printf("%s (over: %s)", finding->text, finding->over->str));
    }
    return true;
}
