/* SPDX-License-Identifier: MIT */
#include "bridge/intake/flux.h"

#include <string.h>

#include "bridge/intake/ci.h"

/* Beside every reason that ends in Succeeded. */
static const char *const green[] = {"NewArtifact", "ArtifactUpToDate", NULL};

static const CiField labels[] = {
    {"involvedObject.kind", "kind", CI_TEXT},
    {"involvedObject.namespace", "namespace", CI_TEXT},
    {"involvedObject.name", "name", CI_TEXT},
};

static const CiField annotations[] = {
    {"reason", "status", CI_TEXT},
    {"message", "description", CI_TEXT},
    {"metadata.revision", "commit", CI_TEXT},
    {"metadata.summary", "note", CI_TEXT},
    {"reportingController", "triggered_by", CI_TEXT},
};

/* Controllers put the revision under a key of their own: NAME.toolkit.fluxcd.io/revision. */
static bool read_revision(CiRun *run)
{
    Labels metadata = {0};
    if (!payload_labels(&run->payload, run->root, "metadata", &metadata)) {
        return false;
    }
    for (size_t i = 0; i < metadata.n; i++) {
        if (g_str_has_suffix(metadata.items[i].name, "/revision")) {
            ci_annotation(run, "commit", metadata.items[i].value);
        }
    }
    return true;
}

static bool read_run(CiRun *run, AlertStatus result)
{
    const char *kind = "", *name = "";
    Timestamp time = TIMESTAMP_ZERO;
    if (!payload_text(&run->payload, run->root, "involvedObject.kind", &kind) ||
        !payload_text(&run->payload, run->root, "involvedObject.name", &name) ||
        !payload_date(&run->payload, run->root, "timestamp", &time) ||
        !ci_labels(run, labels, G_N_ELEMENTS(labels)) ||
        !ci_annotations(run, annotations, G_N_ELEMENTS(annotations)) || !read_revision(run)) {
        return false;
    }
    const char *workflow = arena_printf(run->payload.arena, "%s/%s", kind, name);
    ci_label(run, "workflow", workflow);
    ci_label(run, "alertname", workflow);
    if (!timestamp_is_zero(time)) {
        run->event->sequence[0] = (uint64_t)MAX(time.seconds, 0);
        run->event->sequence[1] = (uint64_t)time.nanoseconds;
    }
    return ci_end(run, result, "", time, "");
}

bool flux_parse(const FormatInput *input, Event *event, GError **error)
{
    CiRun run;
    const Json *object = NULL;
    const char *severity = "", *reason = "";
    if (!ci_begin(&run, input, event, error) ||
        !payload_object(&run.payload, run.root, "involvedObject", &object) ||
        !payload_text(&run.payload, run.root, "severity", &severity) ||
        !payload_text(&run.payload, run.root, "reason", &reason)) {
        return false;
    }
    if (object == NULL) {
        return payload_fail(&run.payload, FAULT_INPUT, "involvedObject", "missing");
    }
    if (strcmp(severity, "error") == 0) {
        return read_run(&run, ALERT_FIRING);
    }
    bool succeeded = g_str_has_suffix(reason, "Succeeded") || g_strv_contains(green, reason);
    if (strcmp(severity, "info") == 0 && succeeded) {
        return read_run(&run, ALERT_RESOLVED);
    }
    return ci_ignore(&run, "severity %s with the reason %s changes nothing", severity, reason);
}
