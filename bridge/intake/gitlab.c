/* SPDX-License-Identifier: MIT */
#include "bridge/intake/gitlab.h"

#include <string.h>

#include "bridge/intake/ci.h"

/* What differs between the two events. */
typedef struct {
    const char *kind; /* object_kind */
    const char *status, *id, *ended, *duration, *path;
    const CiField *labels, *annotations;
    size_t n_labels, n_annotations;
} Shape;

#define COMMON_ANNOTATIONS                                     \
    {"commit.message", "commit_message", CI_FIRST_LINE},       \
    {"commit.author.name", "author", CI_TEXT},                 \
    {"commit.author_name", "author", CI_TEXT},                 \
    {"commit.author.email", "author_email", CI_EMAIL},         \
    {"commit.author_email", "author_email", CI_EMAIL},         \
    {"user.username", "triggered_by", CI_TEXT},                \
    {"user.name", "triggered_by", CI_TEXT}

static const CiField pipeline_labels[] = {
    {"project.path_with_namespace", "repository", CI_TEXT},
    {"object_attributes.ref", "branch", CI_TEXT},
};

static const CiField pipeline_annotations[] = {
    {"object_attributes.status", "status", CI_TEXT},
    {"object_attributes.sha", "commit", CI_TEXT},
    COMMON_ANNOTATIONS,
    {"object_attributes.source", "event", CI_TEXT},
    {"object_attributes.name", "pipeline_name", CI_TEXT},
    {"merge_request.title", "merge_request", CI_TEXT},
    {"merge_request.url", "merge_request_url", CI_TEXT},
};

static const CiField job_labels[] = {
    {"project.path_with_namespace", "repository", CI_TEXT},
    {"project_name", "repository", CI_TEXT},
    {"ref", "branch", CI_TEXT},
    {"build_name", "workflow", CI_TEXT},
    {"build_name", "alertname", CI_TEXT},
};

static const CiField job_annotations[] = {
    {"build_status", "status", CI_TEXT},
    {"sha", "commit", CI_TEXT},
    COMMON_ANNOTATIONS,
    {"build_stage", "stage", CI_TEXT},
    {"build_failure_reason", "reason", CI_TEXT},
};

static const Shape shapes[] = {
    {"pipeline", "object_attributes.status", "object_attributes.id",
     "object_attributes.finished_at", "object_attributes.duration", "pipelines",
     pipeline_labels, pipeline_annotations, G_N_ELEMENTS(pipeline_labels),
     G_N_ELEMENTS(pipeline_annotations)},
    {"build", "build_status", "build_id", "build_finished_at", "build_duration", "jobs",
     job_labels, job_annotations, G_N_ELEMENTS(job_labels), G_N_ELEMENTS(job_annotations)},
};

static bool is_true(const Json *object, const char *key)
{
    const Json *value = json_get(object, key);
    return value != NULL && json_is_true(value);
}

/* build (test), lint (test): those that failed and had to succeed. */
static bool read_failed_jobs(CiRun *run)
{
    const Json *jobs = NULL;
    if (!payload_array(&run->payload, run->root, "builds", &jobs)) {
        return false;
    }
    g_autoptr(GString) failed = g_string_new(NULL);
    size_t i = 0;
    for (const Json *job = jobs != NULL ? json_first(jobs) : NULL; job != NULL;
         job = json_next(job), i++) {
        const char *status = "", *name = "", *stage = "";
        payload_enter(&run->payload, "builds", i);
        if (!payload_text(&run->payload, job, "status", &status) ||
            !payload_text(&run->payload, job, "name", &name) ||
            !payload_text(&run->payload, job, "stage", &stage)) {
            return false;
        }
        if (strcmp(status, "failed") == 0 && !is_true(job, "allow_failure") &&
            failed->len < 1000) {
            g_string_append_printf(failed, "%s%s (%s)", failed->len > 0 ? ", " : "", name,
                                   stage);
        }
    }
    run->payload.place[0] = '\0';
    ci_annotation(run, "failed_jobs", arena_strdup(run->payload.arena, failed->str));
    return true;
}

/* A merge request out of a fork has the fork's branch. */
static bool read_fork(CiRun *run)
{
    uint64_t from = 0, to = 0;
    if (!payload_count(&run->payload, run->root, "merge_request.source_project_id", &from) ||
        !payload_count(&run->payload, run->root, "merge_request.target_project_id", &to)) {
        return false;
    }
    if (from != to) {
        ci_label(run, "head_repository",
                 arena_printf(run->payload.arena, "project %" G_GUINT64_FORMAT, from));
    }
    return true;
}

/* What only pipelines have. */
static bool read_pipeline(CiRun *run)
{
    const char *source = "";
    uint64_t number = 0;
    if (!payload_text(&run->payload, run->root, "object_attributes.source", &source) ||
        !payload_count(&run->payload, run->root, "object_attributes.iid", &number) ||
        !read_fork(run) || !read_failed_jobs(run)) {
        return false;
    }
    const char *name =
        strcmp(source, "parent_pipeline") == 0 ? "child pipeline" : "pipeline";
    ci_label(run, "workflow", name);
    ci_label(run, "alertname", name);
    ci_number(run, "run", number);
    return true;
}

/* GitLab counts parts of seconds. */
static bool read_duration(CiRun *run, const char *path)
{
    double seconds = 0;
    if (!payload_real(&run->payload, run->root, path, &seconds)) {
        return false;
    }
    ci_duration(run, (int64_t)CLAMP(seconds, 0, 1e9));
    return true;
}

static const char *link_to(CiRun *run, const Shape *shape, const char *url, uint64_t id)
{
    const char *project = run->event->external_url;
    if (*url != '\0' || *project == '\0') {
        return url;
    }
    return arena_printf(run->payload.arena, "%s/-/%s/%" G_GUINT64_FORMAT, project,
                        shape->path, id);
}

static bool read_run(CiRun *run, const Shape *shape, AlertStatus result)
{
    const Payload *payload = &run->payload;
    uint64_t id = 0;
    Timestamp ended = TIMESTAMP_ZERO;
    const char *url = "";
    bool is_job = strcmp(shape->kind, "build") == 0;
    if (!ci_labels(run, shape->labels, shape->n_labels) ||
        !ci_annotations(run, shape->annotations, shape->n_annotations) ||
        !(is_job || read_pipeline(run)) || !read_duration(run, shape->duration) ||
        !payload_count(payload, run->root, shape->id, &id) ||
        !payload_date(payload, run->root, shape->ended, &ended) ||
        !payload_text(payload, run->root, "object_attributes.url", &url) ||
        !payload_text(payload, run->root, "repository.homepage", &run->event->external_url) ||
        !payload_text(payload, run->root, "project.web_url", &run->event->external_url)) {
        return false;
    }
    run->event->sequence[0] = id;
    run->event->sequence[1] =
        timestamp_is_zero(ended) ? 0 : (uint64_t)MAX(ended.seconds, 0);
    return ci_end(run, result, "", ended, link_to(run, shape, url, id));
}

static const Shape *find_shape(const char *kind)
{
    for (size_t i = 0; i < G_N_ELEMENTS(shapes); i++) {
        if (strcmp(shapes[i].kind, kind) == 0) {
            return &shapes[i];
        }
    }
    return NULL;
}

bool gitlab_parse(const FormatInput *input, Event *event, GError **error)
{
    CiRun run;
    const char *kind = "", *status = "";
    if (!ci_begin(&run, input, event, error) ||
        !payload_text(&run.payload, run.root, "object_kind", &kind)) {
        return false;
    }
    if (*kind == '\0') {
        return payload_fail(&run.payload, FAULT_INPUT, "object_kind", "missing");
    }
    const Shape *shape = find_shape(kind);
    if (shape == NULL) {
        return ci_ignore(&run, "the event %s is not about a pipeline or job", kind);
    }
    if (!payload_text(&run.payload, run.root, shape->status, &status)) {
        return false;
    }
    event->event_id = arena_strdup(event->arena, format_header(input, "Idempotency-Key"));
    bool is_red = strcmp(status, "failed") == 0;
    if (is_red && is_true(run.root, "build_allow_failure")) {
        return ci_ignore(&run, "this job is allowed to fail");
    }
    if (is_red || strcmp(status, "success") == 0) {
        return read_run(&run, shape, is_red ? ALERT_FIRING : ALERT_RESOLVED);
    }
    return ci_ignore(&run, "a run that is %s changes nothing",
                     *status != '\0' ? status : "without a status");
}
