/* SPDX-License-Identifier: MIT */
#include "bridge/intake/jenkins.h"

#include <string.h>

#include "bridge/intake/ci.h"

#define LOG_LINES 20
#define LOG_MAX   4000 /* bytes */

static const char *const red[] = {"FAILURE", "UNSTABLE", NULL};
static const char *const ends[] = {"COMPLETED", "FINALIZED", NULL};

static const CiField annotations[] = {
    {"build.status", "status", CI_TEXT},
    {"build.scm.commit", "commit", CI_TEXT},
    {"build.display_name", "build", CI_TEXT},
    {"build.notes", "description", CI_TEXT},
};

/* acme/api/main of job/acme/job/api/job/main/: a branch of a multibranch job is called by
 * its branch alone. */
static bool read_job(CiRun *run)
{
    const char *url = "", *name = "";
    if (!payload_text(&run->payload, run->root, "url", &url) ||
        !payload_text(&run->payload, run->root, "name", &name)) {
        return false;
    }
    g_autoptr(GString) path = g_string_new(NULL);
    g_auto(GStrv) parts = g_strsplit(url, "/", -1);
    for (char **part = parts; part[0] != NULL && part[1] != NULL; part += 2) {
        if (strcmp(part[0], "job") == 0) {
            g_string_append_printf(path, "%s%s", path->len > 0 ? "/" : "", part[1]);
        }
    }
    const char *job =
        path->len > 0 ? arena_strdup(run->payload.arena, path->str) : name;
    ci_label(run, "workflow", job);
    ci_label(run, "alertname", job);
    return true;
}

/* Git's names for main: refs/remotes/origin/main, origin/main, refs/heads/main. */
static const char *short_branch(const char *branch)
{
    static const char *const prefixes[] = {"refs/heads/", "refs/remotes/", "origin/"};
    for (size_t i = 0; i < G_N_ELEMENTS(prefixes); i++) {
        branch += g_str_has_prefix(branch, prefixes[i]) ? strlen(prefixes[i]) : 0;
    }
    return branch;
}

static bool read_scm(CiRun *run)
{
    const char *url = "", *branch = "";
    if (!payload_text(&run->payload, run->root, "build.scm.url", &url) ||
        !payload_text(&run->payload, run->root, "build.scm.branch", &branch)) {
        return false;
    }
    ci_label(run, "repository", ci_repository(run->payload.arena, url));
    ci_label(run, "branch", short_branch(branch));
    return true;
}

/* 3 of 40 failed */
static bool read_tests(CiRun *run)
{
    const Json *names = NULL, *culprits = NULL;
    uint64_t total = 0, failed = 0;
    if (!payload_count(&run->payload, run->root, "build.test_summary.total", &total) ||
        !payload_count(&run->payload, run->root, "build.test_summary.failed", &failed) ||
        !payload_array(&run->payload, run->root, "build.test_summary.failed_tests", &names) ||
        !payload_array(&run->payload, run->root, "build.scm.culprits", &culprits)) {
        return false;
    }
    Arena *arena = run->payload.arena;
    if (failed > 0) {
        ci_annotation(run, "tests",
                      arena_printf(arena, "%" G_GUINT64_FORMAT " of %" G_GUINT64_FORMAT " failed",
                                   failed, total));
    }
    ci_annotation(run, "failed_tests", ci_join(arena, names));
    ci_annotation(run, "author", ci_join(arena, culprits));
    return true;
}

static bool read_log(CiRun *run)
{
    const char *log = "";
    if (!payload_text(&run->payload, run->root, "build.log", &log)) {
        return false;
    }
    size_t length = strlen(log);
    while (length > 0 && g_ascii_isspace(log[length - 1])) {
        length--;
    }
    size_t start = length;
    for (unsigned lines = 0; start > 0; start--) {
        lines += log[start - 1] == '\n';
        bool inside = (log[start] & 0xC0) == 0x80; /* of a character */
        if (lines == LOG_LINES || (length - start >= LOG_MAX && !inside)) {
            break;
        }
    }
    ci_annotation(run, "log", arena_strndup(run->payload.arena, log + start, length - start));
    return true;
}

typedef struct {
    uint64_t number, started_ms, duration_ms;
    const char *url;
} Numbers;

static bool read_numbers(CiRun *run, Numbers *numbers)
{
    const Payload *payload = &run->payload;
    const Json *root = run->root;
    return payload_count(payload, root, "build.number", &numbers->number) &&
           payload_count(payload, root, "build.timestamp", &numbers->started_ms) &&
           payload_count(payload, root, "build.duration", &numbers->duration_ms) &&
           payload_text(payload, root, "build.full_url", &numbers->url);
}

static Timestamp ended(const Numbers *numbers)
{
    const uint64_t most = (uint64_t)1 << 52;
    uint64_t ms = MIN(numbers->started_ms, most) + MIN(numbers->duration_ms, most);
    return numbers->started_ms > 0 ? timestamp_from_ms((int64_t)ms) : TIMESTAMP_ZERO;
}

static bool read_run(CiRun *run, AlertStatus result)
{
    Numbers numbers = {.url = ""};
    if (!read_job(run) || !read_scm(run) ||
        !ci_annotations(run, annotations, G_N_ELEMENTS(annotations)) || !read_tests(run) ||
        !read_log(run) || !read_numbers(run, &numbers)) {
        return false;
    }
    ci_number(run, "run", numbers.number);
    ci_duration(run, (int64_t)MIN(numbers.duration_ms / 1000, G_MAXINT32));
    run->event->sequence[0] = numbers.started_ms;
    run->event->sequence[1] = numbers.number;
    return ci_end(run, result, "", ended(&numbers), numbers.url);
}

bool jenkins_parse(const FormatInput *input, Event *event, GError **error)
{
    CiRun run;
    const Json *build = NULL;
    const char *phase = "", *status = "";
    if (!ci_begin(&run, input, event, error) ||
        !payload_object(&run.payload, run.root, "build", &build) ||
        !payload_text(&run.payload, run.root, "build.phase", &phase) ||
        !payload_text(&run.payload, run.root, "build.status", &status)) {
        return false;
    }
    if (build == NULL) {
        return payload_fail(&run.payload, FAULT_INPUT, "build", "missing");
    }
    if (!g_strv_contains(ends, phase)) {
        return ci_ignore(&run, "the build has not ended");
    }
    if (g_strv_contains(red, status)) {
        return read_run(&run, ALERT_FIRING);
    }
    if (strcmp(status, "SUCCESS") == 0) {
        return read_run(&run, ALERT_RESOLVED);
    }
    return ci_ignore(&run, "a build that is %s changes nothing",
                     *status != '\0' ? status : "without a status");
}
