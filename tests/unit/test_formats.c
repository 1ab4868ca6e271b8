/* SPDX-License-Identifier: MIT */
/* Payloads as their senders' documentation shows them: what data/payloads/NAME.json is
 * read as stands in NAME.txt.  UPDATE=1 writes those anew; look at what changed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/intake/format.h"
#include "rules/fault.h"

#define PAYLOADS TEST_DATA "/payloads/"

static const LimitsConfig limits = {.body = 1 << 20, .alerts = 100, .labels = 100};

/* "Name: value\nName: value" */
static const char *find_header(const void *request, const char *name)
{
    static char value[200];
    size_t length = strlen(name);
    for (const char *at = request; at != NULL; at = strchr(at, '\n')) {
        at += *at == '\n';
        if (g_ascii_strncasecmp(at, name, length) == 0 && at[length] == ':') {
            g_strlcpy(value, at + length + 2, strcspn(at + length + 2, "\n") + 1);
            return value;
        }
    }
    return NULL;
}

/* The source of this name in the examples for type json; NULL: TYPE is a type of its own. */
static const SourceConfig *find_mapped(const char *type)
{
    static Config *examples_for_json;
    if (examples_for_json == NULL) {
        examples_for_json =
            config_load(SOURCE_DIR "/config/examples/json.yml", CONFIG_STRICT, NULL);
        assert_non_null(examples_for_json);
    }
    const SourceConfig *source = config_find_source(examples_for_json, type);
    return source != NULL && strcmp(source->type, "json") == 0 ? source : NULL;
}

static Event *parse(const char *type, Family family, const char *headers, const char *body,
                    size_t length, GError **error)
{
    char name[] = "here";
    g_autofree char *own = g_strdup(type);
    SourceConfig bare = {.name = name, .type = own, .family = family};
    const SourceConfig *source = find_mapped(type);
    source = source != NULL ? source : &bare;
    const Format *format = format_find(source->type);
    assert_non_null(format);
    FormatInput input = {.source = source,
                         .limits = &limits,
                         .header = headers != NULL ? find_header : NULL,
                         .request = headers};
    return format_parse(format, &input, body, length, error);
}

static void print_labels(GString *out, const char *name, const Labels *labels)
{
    for (size_t i = 0; i < labels->n; i++) {
        g_autofree char *value = g_strescape(labels->items[i].value, NULL);
        g_string_append_printf(out, "  %s %s: %s\n", name, labels->items[i].name, value);
    }
}

static void print_text(GString *out, const char *name, const char *text)
{
    if (*text != '\0') {
        g_string_append_printf(out, "%s: %s\n", name, text);
    }
}

static void print_time(GString *out, const char *name, Timestamp time)
{
    if (!timestamp_is_zero(time)) {
        CivilTime civil = timestamp_civil(time);
        g_string_append_printf(out, "  %s: %d-%02d-%02d %02d:%02d:%02d\n", name,
                               (int)civil.year, civil.month, civil.day, civil.hour,
                               civil.minute, civil.second);
    }
}

static void print_alert(GString *out, const Alert *alert)
{
    g_string_append_printf(out, "%s\n", alert_status_text(alert->status));
    print_labels(out, "label", &alert->labels);
    print_labels(out, "annotation", &alert->annotations);
    print_time(out, "starts", alert->starts_at);
    print_time(out, "ends", alert->ends_at);
    print_text(out, "  link", alert->generator_url);
    print_text(out, "  silence", alert->silence_url);
    print_text(out, "  dashboard", alert->dashboard_url);
    print_text(out, "  panel", alert->panel_url);
    print_text(out, "  value", alert->value_string);
}

static void print_event(GString *out, const Event *event)
{
    print_text(out, "ignored", event->ignored);
    print_text(out, "group", event->group_key);
    print_text(out, "external", event->external_url);
    print_text(out, "delivery", event->event_id);
    if (event->sequence[0] > 0 || event->sequence[1] > 0) {
        g_string_append_printf(out, "sequence: %" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT "\n",
                               event->sequence[0], event->sequence[1]);
    }
    print_labels(out, "group", &event->group_labels);
    for (size_t i = 0; i < event->n_alerts; i++) {
        print_alert(out, &event->alerts[i]);
    }
}

typedef struct {
    const char *name, *type;
    const char *headers; /* NULL: read from a file, without a request */
} Example;

static const Example examples[] = {
    {"grafana-firing", "grafana", NULL},
    {"github-failure", "github",
     "X-GitHub-Event: workflow_run\n"
     "X-GitHub-Delivery: 72d3162e-cc78-11e3-81ab-4c9367dc0958"},
    {"github-success-attempt-2", "github", NULL},
    {"github-fork-failure", "github", NULL},
    {"github-cancelled", "github", NULL},
    {"github-in-progress", "github", NULL},
    {"github-ping", "github", "X-GitHub-Event: ping"},
    {"gitlab-pipeline-failed", "gitlab",
     "X-Gitlab-Event: Pipeline Hook\n"
     "Idempotency-Key: f5e5f430-f57b-4e6e-9fac-d9128cd7232f"},
    {"gitlab-pipeline-success", "gitlab", NULL},
    {"gitlab-pipeline-running", "gitlab", NULL},
    {"gitlab-fork-failed", "gitlab", NULL},
    {"gitlab-job-failed", "gitlab", NULL},
    {"gitlab-job-allowed-to-fail", "gitlab", NULL},
    {"gitlab-push", "gitlab", NULL},
    {"jenkins-failure", "jenkins", NULL},
    {"jenkins-unstable", "jenkins", NULL},
    {"jenkins-success", "jenkins", NULL},
    {"jenkins-started", "jenkins", NULL},
    {"jenkins-aborted", "jenkins", NULL},
    {"flux-error", "flux", "Gotk-Component: source-controller"},
    {"flux-success", "flux", NULL},
    {"flux-progressing", "flux", NULL},
    {"tekton-failed", "tekton",
     "Ce-Id: 77f78ae7-ff6d-4e39-9d05-b9a0b7850527\n"
     "Ce-Type: dev.tekton.event.pipelinerun.failed.v1"},
    {"tekton-structured-success", "tekton", "Content-Type: application/cloudevents+json"},
    {"tekton-running", "tekton", NULL},
    {"tekton-cancelled", "tekton", NULL},
    {"tekton-task-of-a-pipeline", "tekton", NULL},
    {"tekton-task", "tekton", NULL},
    {"argocd-failed", "argocd", NULL},
    {"argocd-deployed", "argocd", NULL},
    {"argocd-running", "argocd", NULL},
    {"woodpecker-failure", "woodpecker", NULL},
    {"uptime-kuma-down", "uptime-kuma", NULL},
    {"uptime-kuma-up", "uptime-kuma", NULL},
    {"uptime-kuma-test", "uptime-kuma", NULL},
    {"script-firing", "script", NULL},
};

static Family family_of(const char *type)
{
    bool monitoring = strcmp(type, "grafana") == 0 || strcmp(type, "alertmanager") == 0;
    return monitoring ? FAMILY_MONITORING : FAMILY_CI;
}

static void check_example(const Example *example)
{
    g_autofree char *json = g_strconcat(PAYLOADS, example->name, ".json", NULL);
    g_autofree char *text = g_strconcat(PAYLOADS, example->name, ".txt", NULL);
    g_autofree char *body = NULL;
    g_autofree char *expected = NULL;
    gsize length;
    assert_true(g_file_get_contents(json, &body, &length, NULL));
    g_autoptr(GError) error = NULL;
    g_autoptr(Event) event = parse(example->type, family_of(example->type),
                                   example->headers, body, length, &error);
    g_autoptr(GString) out = g_string_new(NULL);
    if (event == NULL) {
        fail_msg("%s: %s", example->name, error->message);
    }
    print_event(out, event);
    if (getenv("UPDATE") != NULL) {
        assert_true(g_file_set_contents(text, out->str, (gssize)out->len, NULL));
    }
    assert_true(g_file_get_contents(text, &expected, NULL, NULL));
    assert_string_equal(out->str, expected);
}

static void what_senders_document_is_read_whole(void **state)
{
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(examples); i++) {
        check_example(&examples[i]);
    }
}

typedef struct {
    const char *type, *body, *message;
} Malformed;

static void a_payload_of_the_wrong_shape_is_refused_with_the_place(void **state)
{
    (void)state;
    static const Malformed table[] = {
        {"grafana", "[]", "not a JSON object"},
        {"grafana", "{\"alerts\":[{},{\"panelURL\":7}]}", "alerts[1].panelURL: not a string"},
        {"grafana", "{\"alerts\":[{\"silenceURL\":{}}]}", "alerts[0].silenceURL: not a string"},
        {"github", "7", "not a JSON object"},
        {"github", "{}", "workflow_run: missing"},
        {"github", "{\"workflow_run\":null}", "workflow_run: missing"},
        {"github", "{\"workflow_run\":[]}", "workflow_run: not an object"},
        {"github", "{\"workflow_run\":{\"conclusion\":1}}",
         "workflow_run.conclusion: not a string"},
        {"github", "{\"workflow_run\":{\"conclusion\":\"failure\",\"head_commit\":7}}",
         "workflow_run.head_commit: not an object"},
        {"github", "{\"workflow_run\":{\"conclusion\":\"success\",\"run_number\":\"1\"}}",
         "workflow_run.run_number: not a whole number from 0"},
        {"github", "{\"workflow_run\":{\"conclusion\":\"success\",\"updated_at\":\"now\"}}",
         "workflow_run.updated_at: not a time"},
        {"github", "{\"workflow_run\":{\"conclusion\":\"success\"},\"repository\":\"a/b\"}",
         "repository: not an object"},
        {"gitlab", "{}", "object_kind: missing"},
        {"gitlab", "{\"object_kind\":1}", "object_kind: not a string"},
        {"gitlab", "{\"object_kind\":\"pipeline\",\"object_attributes\":[]}",
         "object_attributes: not an object"},
        {"gitlab",
         "{\"object_kind\":\"pipeline\",\"object_attributes\":{\"status\":\"failed\"},"
         "\"builds\":[{},{\"name\":{}}]}",
         "builds[1].name: not a string"},
        {"gitlab",
         "{\"object_kind\":\"pipeline\",\"object_attributes\":{\"status\":\"failed\","
         "\"duration\":\"long\"}}",
         "object_attributes.duration: not a number"},
        {"jenkins", "{\"name\":\"a\"}", "build: missing"},
        {"jenkins", "{\"build\":{\"phase\":7}}", "build.phase: not a string"},
        {"jenkins",
         "{\"build\":{\"phase\":\"COMPLETED\",\"status\":\"FAILURE\",\"scm\":{\"culprits\":1}}}",
         "build.scm.culprits: not an array"},
        {"jenkins",
         "{\"build\":{\"phase\":\"COMPLETED\",\"status\":\"FAILURE\",\"number\":-1}}",
         "build.number: not a whole number from 0"},
        {"flux", "{\"severity\":\"error\"}", "involvedObject: missing"},
        {"flux", "{\"involvedObject\":{},\"severity\":\"error\",\"metadata\":{\"a\":1}}",
         "metadata.a: not a string"},
        {"tekton", "{}", "pipelineRun: missing"},
        {"tekton", "{\"specversion\":\"1.0\"}", "data: missing"},
        {"tekton", "{\"pipelineRun\":{\"status\":{\"conditions\":{}}}}",
         "status.conditions: not an array"},
        {"tekton", "{\"pipelineRun\":{\"metadata\":{\"labels\":{\"a\":{}}}}}",
         "metadata.labels.a: not a string"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(table); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(Event) event =
            parse(table[i].type, family_of(table[i].type), NULL, table[i].body,
                  strlen(table[i].body), &error);
        if (event != NULL) {
            fail_msg("%s: %s", table[i].type, table[i].body);
        }
        assert_string_equal(error->message, table[i].message);
        assert_true(g_error_matches(error, FAULT, FAULT_INPUT));
    }
}

static void a_fork_that_was_deleted_is_not_ours(void **state)
{
    (void)state;
    static const struct {
        const char *head, *label;
    } table[] = {
        {"", NULL},
        {",\"head_repository\":{\"full_name\":\"a/b\"}", NULL},
        {",\"head_repository\":{\"full_name\":\"c/b\"}", "c/b"},
        {",\"head_repository\":null", "deleted"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(table); i++) {
        g_autofree char *body = g_strdup_printf(
            "{\"repository\":{\"full_name\":\"a/b\"},"
            "\"workflow_run\":{\"conclusion\":\"failure\"%s}}", table[i].head);
        g_autoptr(Event) event =
            parse("github", FAMILY_CI, NULL, body, strlen(body), NULL);
        const char *label = labels_get(&event->alerts[0].labels, "head_repository");
        assert_int_equal(label == NULL, table[i].label == NULL);
        assert_true(label == NULL || strcmp(label, table[i].label) == 0);
    }
}

static void the_end_of_a_log_begins_with_a_whole_character(void **state)
{
    (void)state;
    static const char *const characters[] = {"\303\251", "\342\202\254", "\360\237\230\200"};
    for (size_t i = 0; i < 3 * 4; i++) {
        g_autoptr(GString) log = g_string_new(NULL);
        while (log->len < 6000) {
            g_string_append(log, characters[i / 4]);
        }
        g_string_append_len(log, "abc", i % 4);
        g_autofree char *body = g_strdup_printf(
            "{\"name\":\"a\",\"build\":{\"phase\":\"FINALIZED\",\"status\":\"FAILURE\",\"log\":\"%s\"}}",
            log->str);
        g_autoptr(Event) event = parse("jenkins", FAMILY_CI, NULL, body, strlen(body), NULL);
        const char *end = labels_get(&event->alerts[0].annotations, "log");
        assert_true(g_utf8_validate(end, -1, NULL));
        assert_in_range(strlen(end), 4000, 4003);
        assert_true(g_str_has_suffix(log->str, end));
    }
}

static void a_form_holds_the_payload_in_a_field(void **state)
{
    (void)state;
    const char *form = "Content-Type: application/x-www-form-urlencoded; charset=UTF-8";
    const char *body = "a=b&payload=%7B%22workflow_run%22%3A%7B%22conclusion%22:+%22failure%22,"
                       "%22name%22:%22100%+sure%3f%22%7d%7d&payload=x";
    g_autoptr(Event) event = parse("github", FAMILY_CI, form, body, strlen(body), NULL);
    assert_non_null(event);
    assert_string_equal(labels_get(&event->alerts[0].labels, "workflow"), "100% sure?");
    static const struct {
        const char *body, *message;
    } broken[] = {
        {"", "the form has no field payload"},
        {"payloads=1&xpayload=2", "the form has no field payload"},
        {"payload", "byte 1: the text ends where a value should be"},
        {"payload=%7", "byte 1: not a value"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(broken); i++) {
        g_autoptr(GError) error = NULL;
        assert_null(parse("github", FAMILY_CI, form, broken[i].body, strlen(broken[i].body),
                          &error));
        assert_string_equal(error->message, broken[i].message);
    }
}

static void only_github_sends_forms(void **state)
{
    (void)state;
    assert_true(format_takes(format_find("github"), FORMAT_FORM_TYPE));
    assert_false(format_takes(format_find("gitlab"), FORMAT_FORM_TYPE));
    assert_true(format_takes(format_find("tekton"), "application/cloudevents+json"));
    assert_true(format_takes(format_find("gitlab"), "Application/JSON; charset=utf-8"));
    assert_true(format_takes(format_find("flux"), NULL));
    assert_false(format_takes(format_find("flux"), "text/plain"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_senders_document_is_read_whole),
        cmocka_unit_test(a_fork_that_was_deleted_is_not_ours),
        cmocka_unit_test(the_end_of_a_log_begins_with_a_whole_character),
        cmocka_unit_test(a_form_holds_the_payload_in_a_field),
        cmocka_unit_test(only_github_sends_forms),
        cmocka_unit_test(a_payload_of_the_wrong_shape_is_refused_with_the_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
