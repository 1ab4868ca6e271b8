/* SPDX-License-Identifier: MIT */
/* Any bytes as the body of a webhook: the first byte chooses the source, one of every type
 * and those of config/examples/json.yml, the second how it is sent.  What comes of it is an
 * event that dedup can work with, or an error.  FORMAT=github in the environment gives all
 * the time to the sources of one type. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/intake/format.h"
#include "rules/dedup.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char types[] = "global: {smtp_smarthost: 'maildir:m', smtp_from: a@example.org}\n"
                            "route: {receiver: m}\n"
                            "receivers: [{name: m}]\n"
                            "sources: [{name: grafana}, {name: github}, {name: gitlab},\n"
                            "  {name: jenkins}, {name: flux}, {name: tekton}]\n";

static const char *const headers[][2] = {
    {"X-GitHub-Event", "workflow_run"},
    {"X-GitHub-Delivery", "d"},
    {"Idempotency-Key", "i"},
    {"Ce-Id", "c"},
    {"Content-Type", FORMAT_FORM_TYPE},
};

/* Bit I of the request says whether header I is there. */
static const char *find_header(const void *request, const char *name)
{
    uint8_t bits = *(const uint8_t *)request;
    for (size_t i = 0; i < G_N_ELEMENTS(headers); i++) {
        if ((bits >> i & 1) != 0 && g_ascii_strcasecmp(headers[i][0], name) == 0) {
            return headers[i][1];
        }
    }
    return NULL;
}

static const SourceConfig *choose(uint8_t byte)
{
    static Config *plain, *mapped;
    if (plain == NULL) {
        plain = config_parse("f.yml", types, strlen(types), CONFIG_STRICT, NULL);
        mapped = config_load(SOURCE_DIR "/config/examples/json.yml", CONFIG_STRICT, NULL);
        g_assert(plain != NULL && mapped != NULL);
    }
    unsigned i = byte % (plain->n_sources + mapped->n_sources);
    return i < plain->n_sources ? &plain->sources[i] : &mapped->sources[i - plain->n_sources];
}

static bool is_wanted(const SourceConfig *source)
{
    const char *only = g_getenv("FORMAT");
    return only == NULL || strcmp(source->type, only) == 0;
}

static void check_text(const char *text)
{
    if (text == NULL || !g_utf8_validate(text, -1, NULL)) {
        abort();
    }
}

static void check_labels(const Labels *labels)
{
    for (size_t i = 0; i < labels->n; i++) {
        check_text(labels->items[i].name);
        check_text(labels->items[i].value);
        if (i > 0 && strcmp(labels->items[i - 1].name, labels->items[i].name) >= 0) {
            abort();
        }
    }
}

static void check_event(Event *event)
{
    check_text(event->group_key);
    check_text(event->ignored);
    check_text(event->event_id);
    check_text(event->external_url);
    check_labels(&event->group_labels);
    for (size_t i = 0; i < event->n_alerts; i++) {
        const Alert *alert = &event->alerts[i];
        check_labels(&alert->labels);
        check_labels(&alert->annotations);
        check_text(alert->generator_url);
        check_text(alert->silence_url);
        check_text(alert->value_string);
        if (event->family == FAMILY_CI && labels_get(&alert->labels, "alertname") == NULL) {
            abort();
        }
    }
}

/* The first time, and again. */
static void decide_twice(Event *event)
{
    const DedupSettings settings = {.window_ms = 1, .send_resolved = true};
    const DedupInput input = {.webhook = dedup_webhook(event),
                              .last_mail_out_of_queue = true,
                              .now_ms = INT64_C(1800000000000)};
    DedupDecision first, second;
    dedup_decide(NULL, event, &settings, &input, &first);
    size_t length;
    g_autofree guint8 *bytes = dedup_encode(first.state, &length);
    g_autoptr(DedupState) state = dedup_decode(bytes, length, NULL);
    if (state == NULL) {
        abort();
    }
    dedup_decide(state, event, &settings, &input, &second);
    if (dedup_reason_sends(second.reason)) {
        abort();
    }
    dedup_decision_clear(&first);
    dedup_decision_clear(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2) {
        return 0;
    }
    static const LimitsConfig limits = {.body = 1 << 20, .alerts = 100, .labels = 100};
    const SourceConfig *source = choose(data[0]);
    if (!is_wanted(source)) {
        return -1; /* not for the corpus */
    }
    FormatInput input = {
        .source = source, .limits = &limits, .header = find_header, .request = &data[1]};
    g_autoptr(GError) error = NULL;
    g_autoptr(Event) event = format_parse(format_find(source->type), &input,
                                          (const char *)data + 2, size - 2, &error);
    if ((event == NULL) != (error != NULL)) {
        abort();
    }
    if (event != NULL) {
        check_event(event);
        decide_twice(event);
    }
    return 0;
}
