/* SPDX-License-Identifier: MIT */
#include "bridge/intake/ci.h"

#include <string.h>

#define JOINED_MAX 1000 /* bytes of a list in one annotation, about */

bool ci_begin(CiRun *run, const FormatInput *input, Event *event, GError **error)
{
    *run = (CiRun){
        .payload = {.arena = event->arena, .limits = input->limits, .error = error},
        .root = input->json,
        .event = event,
    };
    return payload_root(&run->payload, run->root);
}

static bool has(const Label *items, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(items[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

static void add(Label *items, size_t *n, size_t max, const char *name, const char *value)
{
    if (*value != '\0' && !has(items, *n, name)) {
        g_assert(*n < max);
        items[(*n)++] = (Label){name, value};
    }
}

void ci_label(CiRun *run, const char *name, const char *value)
{
    add(run->labels, &run->n_labels, G_N_ELEMENTS(run->labels), name, value);
}

void ci_annotation(CiRun *run, const char *name, const char *value)
{
    add(run->annotations, &run->n_annotations, G_N_ELEMENTS(run->annotations), name, value);
}

/* The text at FIELD's path; "" if there is none. */
static bool read_field(CiRun *run, const CiField *field, const char **text)
{
    *text = "";
    if (!payload_text(&run->payload, run->root, field->path, text)) {
        return false;
    }
    if (field->kind == CI_FIRST_LINE) {
        *text = arena_strndup(run->payload.arena, *text, strcspn(*text, "\r\n"));
    } else if (field->kind == CI_EMAIL && strchr(*text, '@') == NULL) {
        *text = "";
    }
    return true;
}

bool ci_labels(CiRun *run, const CiField *fields, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const char *text;
        if (!read_field(run, &fields[i], &text)) {
            return false;
        }
        ci_label(run, fields[i].name, text);
    }
    return true;
}

bool ci_annotations(CiRun *run, const CiField *fields, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const char *text;
        if (!read_field(run, &fields[i], &text)) {
            return false;
        }
        ci_annotation(run, fields[i].name, text);
    }
    return true;
}

void ci_number(CiRun *run, const char *name, uint64_t value)
{
    if (value > 0) {
        ci_annotation(run, name,
                      arena_printf(run->payload.arena, "%" G_GUINT64_FORMAT, value));
    }
}

void ci_duration(CiRun *run, int64_t seconds)
{
    if (seconds <= 0) {
        return;
    }
    g_autoptr(GString) text = g_string_new(NULL);
    if (seconds >= 3600) {
        g_string_append_printf(text, "%" G_GINT64_FORMAT "h", seconds / 3600);
    }
    if (seconds >= 60) {
        g_string_append_printf(text, "%dm", (int)(seconds / 60 % 60));
    }
    g_string_append_printf(text, "%ds", (int)(seconds % 60));
    ci_annotation(run, "duration", arena_strdup(run->payload.arena, text->str));
}

static Labels copy(Arena *arena, const Label *from, size_t n)
{
    Label *items = arena_array(arena, Label, n);
    memcpy(items, from, n * sizeof *items);
    return labels_make(items, n);
}

/* tests failed on main */
static const char *summary(Arena *arena, const Labels *labels, AlertStatus result)
{
    const char *name = labels_get(labels, "alertname");
    const char *branch = labels_get(labels, "branch");
    const char *verb = result == ALERT_FIRING ? "failed" : "succeeded";
    return branch == NULL ? arena_printf(arena, "%s %s", name, verb)
                          : arena_printf(arena, "%s %s on %s", name, verb, branch);
}

bool ci_end(CiRun *run, AlertStatus result, const char *key, Timestamp ended,
            const char *url)
{
    Event *event = run->event;
    Arena *arena = event->arena;
    ci_label(run, "alertname", "run");
    event->group_labels = copy(arena, run->labels, run->n_labels);
    g_autofree char *route =
        *key != '\0' ? g_strdup_printf("{}/{%s}", key) : g_strdup("{}");
    event->group_key = format_group_key(arena, route, &event->group_labels);
    ci_label(run, "source", event->source);
    ci_label(run, "severity", "error");
    ci_annotation(run, "summary", summary(arena, &event->group_labels, result));
    event->alerts = format_alerts_new(event, 1);
    event->n_alerts = 1;
    Alert *alert = &event->alerts[0];
    alert->status = result;
    alert->labels = copy(arena, run->labels, run->n_labels);
    alert->annotations = copy(arena, run->annotations, run->n_annotations);
    alert->starts_at = ended;
    alert->ends_at = result == ALERT_RESOLVED ? ended : TIMESTAMP_ZERO;
    alert->generator_url = url;
    return true;
}

bool ci_ignore(CiRun *run, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    g_autofree char *text = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    run->event->ignored = arena_strdup(run->event->arena, text);
    return true;
}

const char *ci_join(Arena *arena, const Json *array)
{
    g_autoptr(GString) joined = g_string_new(NULL);
    const Json *item = array != NULL ? json_first(array) : NULL;
    for (; item != NULL; item = json_next(item)) {
        const char *text = json_text(item);
        if (joined->len > JOINED_MAX) {
            g_string_append(joined, ", …");
            break;
        }
        if (text != NULL && *text != '\0') {
            g_string_append_printf(joined, "%s%s", joined->len > 0 ? ", " : "", text);
        }
    }
    return arena_strdup(arena, joined->str);
}

const char *ci_repository(Arena *arena, const char *url)
{
    const char *scheme = strstr(url, "://");
    const char *host = scheme != NULL ? scheme + 3 : url;
    const char *path = host + strcspn(host, scheme != NULL ? "/" : ":");
    path += *path != '\0';
    if (*path == '\0') {
        return url;
    }
    size_t length = strlen(path);
    while (length > 0 && path[length - 1] == '/') {
        length--;
    }
    if (length > 4 && strncmp(path + length - 4, ".git", 4) == 0) {
        length -= 4;
    }
    return arena_strndup(arena, path, length);
}
