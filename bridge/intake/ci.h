/* SPDX-License-Identifier: MIT */
#ifndef BRIDGE_INTAKE_CI_H
#define BRIDGE_INTAKE_CI_H

#include "bridge/intake/format.h"
#include "bridge/intake/payload.h"

/* What the CI formats share: a run that has ended becomes an event of one alert, firing if
 * the run failed.  Its labels say which workflow of which branch it is, and are the same
 * for every run of it; all else is annotations.  bridge/README.md lists both. */
typedef struct {
    Payload payload;
    const Json *root;
    Event *event;
    Label labels[12], annotations[24];
    size_t n_labels, n_annotations;
} CiRun;

typedef enum { CI_TEXT, CI_FIRST_LINE, CI_EMAIL } CiKind;

/* The text at PATH of the payload is the label or annotation NAME; of several rows with
 * one name the first that has a text counts.  An EMAIL without @ is none. */
typedef struct {
    const char *path, *name;
    CiKind kind;
} CiField;

/* False with the input's error set if the body is not an object. */
bool ci_begin(CiRun *run, const FormatInput *input, Event *event, GError **error);
bool ci_labels(CiRun *run, const CiField *fields, size_t n);
bool ci_annotations(CiRun *run, const CiField *fields, size_t n);
/* One that the format made itself; "" and a name that is there already add nothing. */
void ci_label(CiRun *run, const char *name, const char *value);
void ci_annotation(CiRun *run, const char *name, const char *value);
void ci_number(CiRun *run, const char *name, uint64_t value); /* an annotation; 0: none */
void ci_duration(CiRun *run, int64_t seconds);                /* "1h2m3s" */

/* The run's result: RED or GREEN.  KEY tells workflows apart whose labels are alike; "" if
 * there are none.  Always true. */
bool ci_end(CiRun *run, AlertStatus result, const char *key, Timestamp ended,
            const char *url);
/* Nothing to tell, and why.  Always true. */
bool ci_ignore(CiRun *run, const char *format, ...) G_GNUC_PRINTF(2, 3);

/* The strings of ARRAY (NULL: none), with commas, as far as they are short. */
const char *ci_join(Arena *arena, const Json *array);
/* acme/api of https://git.example.org/acme/api.git or git@git.example.org:acme/api.git */
const char *ci_repository(Arena *arena, const char *url);

#endif
