/* SPDX-License-Identifier: MIT */
#include "rules/alert.h"

#include <stdlib.h>
#include <string.h>

typedef struct {
    Label label;
    size_t index;
} Numbered;

static int compare_numbered(const void *a, const void *b)
{
    const Numbered *left = a, *right = b;
    int order = strcmp(left->label.name, right->label.name);
    return order != 0 ? order : (left->index > right->index) - (left->index < right->index);
}

static bool is_sorted(const Label *items, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        if (strcmp(items[i - 1].name, items[i].name) >= 0) {
            return false;
        }
    }
    return true;
}

Labels labels_make(Label *items, size_t n)
{
    if (is_sorted(items, n)) {
        return (Labels){items, n};
    }
    g_autofree Numbered *sorted = g_new(Numbered, n);
    for (size_t i = 0; i < n; i++) {
        sorted[i] = (Numbered){items[i], i};
    }
    qsort(sorted, n, sizeof *sorted, compare_numbered);
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        if (i + 1 == n || strcmp(sorted[i].label.name, sorted[i + 1].label.name) != 0) {
            items[kept++] = sorted[i].label;
        }
    }
    return (Labels){items, kept};
}

const char *labels_get(const Labels *labels, const char *name)
{
    size_t low = 0, high = labels->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(labels->items[middle].name, name);
        if (order == 0) {
            return labels->items[middle].value;
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return NULL;
}

bool labels_equal(const Labels *a, const Labels *b)
{
    if (a->n != b->n) {
        return false;
    }
    for (size_t i = 0; i < a->n; i++) {
        if (strcmp(a->items[i].name, b->items[i].name) != 0 ||
            strcmp(a->items[i].value, b->items[i].value) != 0) {
            return false;
        }
    }
    return true;
}

#define FNV_OFFSET 14695981039346656037u
#define FNV_PRIME  1099511628211u

static uint64_t fnv_add(uint64_t sum, const char *text)
{
    for (; *text != '\0'; text++) {
        sum = (sum ^ (unsigned char)*text) * FNV_PRIME;
    }
    return (sum ^ 0xFF) * FNV_PRIME;
}

uint64_t labels_fingerprint(const Labels *labels)
{
    uint64_t sum = FNV_OFFSET;
    for (size_t i = 0; i < labels->n; i++) {
        sum = fnv_add(fnv_add(sum, labels->items[i].name), labels->items[i].value);
    }
    return sum;
}

const char *alert_status_text(AlertStatus status)
{
    return status == ALERT_FIRING ? "firing" : "resolved";
}

Event *event_new(void)
{
    Arena *arena = arena_new();
    Event *event = arena_alloc(arena, sizeof *event);
    *event = (Event){.arena = arena,
                     .source = "",
                     .sender = "",
                     .status = ALERT_RESOLVED,
                     .sender_receiver = "",
                     .group_key = "",
                     .external_url = "",
                     .reason = "",
                     .ignored = "",
                     .event_id = ""};
    return event;
}

void event_free(Event *event)
{
    if (event != NULL) {
        arena_free(event->arena);
    }
}

typedef const Labels *(*LabelsOf)(const Alert *alert);

static const Labels *labels_of(const Alert *alert)
{
    return &alert->labels;
}

static const Labels *annotations_of(const Alert *alert)
{
    return &alert->annotations;
}

static bool all_have(const Event *event, LabelsOf of, const Label *label)
{
    for (size_t i = 1; i < event->n_alerts; i++) {
        const char *value = labels_get(of(&event->alerts[i]), label->name);
        if (value == NULL || strcmp(value, label->value) != 0) {
            return false;
        }
    }
    return true;
}

static Labels common(const Event *event, LabelsOf of)
{
    if (event->n_alerts == 0) {
        return (Labels){0};
    }
    const Labels *first = of(&event->alerts[0]);
    Label *items = arena_array(event->arena, Label, first->n);
    size_t n = 0;
    for (size_t i = 0; i < first->n; i++) {
        if (all_have(event, of, &first->items[i])) {
            items[n++] = first->items[i];
        }
    }
    return (Labels){items, n};
}

void event_summarize(Event *event)
{
    event->status = ALERT_RESOLVED;
    for (size_t i = 0; i < event->n_alerts; i++) {
        if (event->alerts[i].status == ALERT_FIRING) {
            event->status = ALERT_FIRING;
        }
    }
    event->common_labels = common(event, labels_of);
    event->common_annotations = common(event, annotations_of);
}

Event *event_select(const Event *event, const unsigned *chosen, size_t n)
{
    Event *selected = event_new();
    Arena *arena = selected->arena;
    *selected = *event;
    selected->arena = arena;
    selected->alerts = arena_array(arena, Alert, n);
    selected->n_alerts = n;
    for (size_t i = 0; i < n; i++) {
        g_assert(chosen[i] < event->n_alerts);
        selected->alerts[i] = event->alerts[chosen[i]];
    }
    event_summarize(selected);
    return selected;
}
