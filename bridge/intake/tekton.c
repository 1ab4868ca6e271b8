/* SPDX-License-Identifier: MIT */
#include "bridge/intake/tekton.h"

#include <string.h>

#include "bridge/intake/ci.h"

#define PAC "pipelinesascode.tekton.dev/" /* Pipelines as Code */

static const struct {
    const char *key;              /* in the event's data */
    const char *label, *reference; /* what names its pipeline or task */
} kinds[] = {
    {"pipelineRun", "tekton.dev/pipeline", "spec.pipelineRef.name"},
    {"taskRun", "tekton.dev/task", "spec.taskRef.name"},
    {"customRun", "", "spec.customRef.name"},
};

/* One run under way; labels and annotations are the Kubernetes object's. */
typedef struct {
    CiRun ci;
    size_t kind;
    const Json *object;
    Labels labels, annotations;
    const char *status, *reason, *message; /* of the condition Succeeded */
} Tekton;

static const char *get(const Labels *labels, const char *name)
{
    const char *value = labels_get(labels, name);
    return value != NULL ? value : "";
}

/* What Pipelines as Code noted; as a label where it fits there, else as an annotation. */
static const char *noted(const Tekton *tekton, const char *name)
{
    const char *value = get(&tekton->annotations, name);
    return *value != '\0' ? value : get(&tekton->labels, name);
}

/* In the structured mode the body is an envelope around the data. */
static bool open_envelope(const FormatInput *input, Tekton *tekton)
{
    CiRun *ci = &tekton->ci;
    ci->event->event_id = arena_strdup(ci->event->arena, format_header(input, "Ce-Id"));
    if (json_get(ci->root, "specversion") == NULL) {
        return true;
    }
    const Json *data = NULL;
    if (!payload_text(&ci->payload, ci->root, "id", &ci->event->event_id) ||
        !payload_object(&ci->payload, ci->root, "data", &data)) {
        return false;
    }
    if (data == NULL) {
        return payload_fail(&ci->payload, FAULT_INPUT, "data", "missing");
    }
    ci->root = data;
    return true;
}

static bool find_object(Tekton *tekton)
{
    CiRun *ci = &tekton->ci;
    for (size_t i = 0; i < G_N_ELEMENTS(kinds) && tekton->object == NULL; i++) {
        tekton->kind = i;
        if (!payload_object(&ci->payload, ci->root, kinds[i].key, &tekton->object)) {
            return false;
        }
    }
    return tekton->object != NULL ||
           payload_fail(&ci->payload, FAULT_INPUT, "pipelineRun", "missing");
}

static bool find_condition(Tekton *tekton)
{
    const Payload *payload = &tekton->ci.payload;
    const Json *conditions = NULL;
    if (!payload_array(payload, tekton->object, "status.conditions", &conditions)) {
        return false;
    }
    for (const Json *item = conditions != NULL ? json_first(conditions) : NULL;
         item != NULL; item = json_next(item)) {
        const char *type = "";
        if (!payload_text(payload, item, "type", &type) ||
            (strcmp(type, "Succeeded") == 0 &&
             (!payload_text(payload, item, "status", &tekton->status) ||
              !payload_text(payload, item, "reason", &tekton->reason) ||
              !payload_text(payload, item, "message", &tekton->message)))) {
            return false;
        }
    }
    return true;
}

/* Its pipeline or task; of one that is written in the run itself what its name is made of. */
static bool read_name(Tekton *tekton, const char **name)
{
    const Payload *payload = &tekton->ci.payload;
    const char *generated = "", *reference = "", *own = "";
    if (!payload_text(payload, tekton->object, kinds[tekton->kind].reference, &reference) ||
        !payload_text(payload, tekton->object, "metadata.generateName", &generated) ||
        !payload_text(payload, tekton->object, "metadata.name", &own)) {
        return false;
    }
    size_t length = strlen(generated);
    length -= length > 0 && generated[length - 1] == '-';
    const char *noted_name = get(&tekton->labels, kinds[tekton->kind].label);
    *name = *reference != '\0'    ? reference
            : *generated != '\0'  ? arena_strndup(payload->arena, generated, length)
            : *noted_name != '\0' ? noted_name
                                  : own;
    return true;
}

static void add_noted(Tekton *tekton)
{
    CiRun *ci = &tekton->ci;
    const char *owner = noted(tekton, PAC "url-org"), *name = noted(tekton, PAC "url-repository");
    const char *branch = noted(tekton, PAC "source-branch");
    if (*owner != '\0' && *name != '\0') {
        ci_label(ci, "repository", arena_printf(ci->payload.arena, "%s/%s", owner, name));
    }
    ci_label(ci, "branch", *branch != '\0' ? branch : noted(tekton, PAC "branch"));
    ci_annotation(ci, "commit", noted(tekton, PAC "sha"));
    ci_annotation(ci, "commit_message", noted(tekton, PAC "sha-title"));
    ci_annotation(ci, "author", noted(tekton, PAC "sender"));
    ci_annotation(ci, "event", noted(tekton, PAC "event-type"));
}

static bool read_run(Tekton *tekton, AlertStatus result)
{
    CiRun *ci = &tekton->ci;
    const Payload *payload = &ci->payload;
    const char *namespace = "", *name = "", *run = "";
    Timestamp started = TIMESTAMP_ZERO, ended = TIMESTAMP_ZERO;
    if (!read_name(tekton, &name) ||
        !payload_text(payload, tekton->object, "metadata.namespace", &namespace) ||
        !payload_text(payload, tekton->object, "metadata.name", &run) ||
        !payload_date(payload, tekton->object, "status.startTime", &started) ||
        !payload_date(payload, tekton->object, "status.completionTime", &ended)) {
        return false;
    }
    ci_label(ci, "alertname", name);
    ci_label(ci, "workflow", name);
    ci_label(ci, "namespace", namespace);
    add_noted(tekton);
    ci_annotation(ci, "status", tekton->reason);
    ci_annotation(ci, "description", tekton->message);
    ci_annotation(ci, "run", run);
    if (!timestamp_is_zero(started)) {
        ci->event->sequence[0] = (uint64_t)MAX(started.seconds, 0);
        ci->event->sequence[1] = (uint64_t)MAX(ended.seconds, 0);
        ci_duration(ci, timestamp_is_zero(ended) ? 0 : ended.seconds - started.seconds);
    }
    return ci_end(ci, result, "", ended, noted(tekton, PAC "log-url"));
}

static bool read_object(Tekton *tekton)
{
    CiRun *ci = &tekton->ci;
    if (!payload_labels(&ci->payload, tekton->object, "metadata.labels", &tekton->labels) ||
        !payload_labels(&ci->payload, tekton->object, "metadata.annotations",
                        &tekton->annotations) ||
        !find_condition(tekton)) {
        return false;
    }
    if (tekton->kind > 0 && *get(&tekton->labels, "tekton.dev/pipelineRun") != '\0') {
        return ci_ignore(ci, "it is part of a pipelineRun, which tells");
    }
    if (strstr(tekton->reason, "Cancelled") != NULL) {
        return ci_ignore(ci, "a run that is cancelled changes nothing");
    }
    if (strcmp(tekton->status, "False") == 0) {
        return read_run(tekton, ALERT_FIRING);
    }
    if (strcmp(tekton->status, "True") == 0) {
        return read_run(tekton, ALERT_RESOLVED);
    }
    return ci_ignore(ci, "the run has not ended");
}

bool tekton_parse(const FormatInput *input, Event *event, GError **error)
{
    Tekton tekton = {.status = "", .reason = "", .message = ""};
    return ci_begin(&tekton.ci, input, event, error) && open_envelope(input, &tekton) &&
           find_object(&tekton) && read_object(&tekton);
}
