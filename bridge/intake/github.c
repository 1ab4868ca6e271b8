/* SPDX-License-Identifier: MIT */
#include "bridge/intake/github.h"

#include <string.h>

#include "bridge/intake/ci.h"

static const char *const red[] = {"failure", "timed_out", "startup_failure", NULL};

static const CiField labels[] = {
    {"repository.full_name", "repository", CI_TEXT},
    {"workflow_run.name", "workflow", CI_TEXT},
    {"workflow.name", "workflow", CI_TEXT},
    {"workflow_run.path", "workflow", CI_TEXT},
    {"workflow_run.name", "alertname", CI_TEXT},
    {"workflow.name", "alertname", CI_TEXT},
    {"workflow_run.path", "alertname", CI_TEXT},
    {"workflow_run.head_branch", "branch", CI_TEXT},
};

static const CiField annotations[] = {
    {"workflow_run.conclusion", "status", CI_TEXT},
    {"workflow_run.head_sha", "commit", CI_TEXT},
    {"workflow_run.head_commit.message", "commit_message", CI_FIRST_LINE},
    {"workflow_run.display_title", "commit_message", CI_FIRST_LINE},
    {"workflow_run.head_commit.author.name", "author", CI_TEXT},
    {"workflow_run.head_commit.author.email", "author_email", CI_EMAIL},
    {"workflow_run.triggering_actor.login", "triggered_by", CI_TEXT},
    {"workflow_run.actor.login", "triggered_by", CI_TEXT},
    {"workflow_run.event", "event", CI_TEXT},
};

/* A fork's branch is another one than ours of that name, also when the fork is gone. */
static bool read_fork(CiRun *run)
{
    const char *own = "", *head = "";
    if (!payload_text(&run->payload, run->root, "repository.full_name", &own) ||
        !payload_text(&run->payload, run->root, "workflow_run.head_repository.full_name",
                      &head)) {
        return false;
    }
    const Json *head_json =
        json_get(json_get(run->root, "workflow_run"), "head_repository");
    if (head_json != NULL && json_is_null(head_json)) {
        head = "deleted";
    }
    if (strcmp(own, head) != 0) {
        ci_label(run, "head_repository", head);
    }
    return true;
}

typedef struct {
    uint64_t number, attempt, workflow_id;
    Timestamp started, ended;
    const char *url;
} Numbers;

static bool read_numbers(CiRun *run, Numbers *numbers)
{
    const Payload *payload = &run->payload;
    const Json *root = run->root;
    return payload_count(payload, root, "workflow_run.run_number", &numbers->number) &&
           payload_count(payload, root, "workflow_run.run_attempt", &numbers->attempt) &&
           payload_count(payload, root, "workflow_run.workflow_id", &numbers->workflow_id) &&
           payload_date(payload, root, "workflow_run.run_started_at", &numbers->started) &&
           payload_date(payload, root, "workflow_run.updated_at", &numbers->ended) &&
           payload_text(payload, root, "workflow_run.html_url", &numbers->url) &&
           payload_text(payload, root, "repository.html_url", &run->event->external_url);
}

static bool read_run(CiRun *run, AlertStatus result)
{
    Numbers numbers = {.started = TIMESTAMP_ZERO, .ended = TIMESTAMP_ZERO, .url = ""};
    if (!ci_labels(run, labels, G_N_ELEMENTS(labels)) || !read_fork(run) ||
        !ci_annotations(run, annotations, G_N_ELEMENTS(annotations)) ||
        !read_numbers(run, &numbers)) {
        return false;
    }
    run->event->sequence[0] = numbers.number;
    run->event->sequence[1] = numbers.attempt;
    ci_number(run, "run", numbers.number);
    ci_number(run, "attempt", numbers.attempt > 1 ? numbers.attempt : 0);
    if (!timestamp_is_zero(numbers.started) && !timestamp_is_zero(numbers.ended)) {
        ci_duration(run, numbers.ended.seconds - numbers.started.seconds);
    }
    g_autofree char *key =
        g_strdup_printf("workflow_id=\"%" G_GUINT64_FORMAT "\"", numbers.workflow_id);
    return ci_end(run, result, numbers.workflow_id > 0 ? key : "", numbers.ended,
                  numbers.url);
}

/* The event as GitHub calls it; without a request, as its payload looks. */
static const char *event_name(const FormatInput *input)
{
    const char *name = format_header(input, "X-GitHub-Event");
    if (*name != '\0') {
        return name;
    }
    return json_get(input->json, "zen") != NULL ? "ping" : "workflow_run";
}

bool github_parse(const FormatInput *input, Event *event, GError **error)
{
    CiRun run;
    if (!ci_begin(&run, input, event, error)) {
        return false;
    }
    const char *name = event_name(input);
    if (strcmp(name, "workflow_run") != 0) {
        return ci_ignore(&run, "the event %s is not about a run", name);
    }
    const Json *object = NULL;
    const char *action = "completed", *conclusion = "";
    if (!payload_object(&run.payload, run.root, "workflow_run", &object) ||
        !payload_text(&run.payload, run.root, "action", &action) ||
        !payload_text(&run.payload, run.root, "workflow_run.conclusion", &conclusion)) {
        return false;
    }
    if (object == NULL) {
        return payload_fail(&run.payload, FAULT_INPUT, "workflow_run", "missing");
    }
    event->event_id =
        arena_strdup(event->arena, format_header(input, "X-GitHub-Delivery"));
    if (strcmp(action, "completed") != 0) {
        return ci_ignore(&run, "the run is not completed");
    }
    if (g_strv_contains(red, conclusion)) {
        return read_run(&run, ALERT_FIRING);
    }
    if (strcmp(conclusion, "success") == 0) {
        return read_run(&run, ALERT_RESOLVED);
    }
    return ci_ignore(&run, "a run that is %s changes nothing",
                     *conclusion != '\0' ? conclusion : "without a conclusion");
}
