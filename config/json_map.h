/* SPDX-License-Identifier: MIT */
#ifndef CONFIG_JSON_MAP_H
#define CONFIG_JSON_MAP_H

#include <stdbool.h>

#include "rules/alert.h"
#include "rules/template/template.h"

/* How a source of type json makes an alert of a body: templates whose data is the body.
 * NULL: not given. */

typedef enum { MAPPED_FIRING, MAPPED_RESOLVED, MAPPED_IGNORED } MappedStatus;

typedef struct {
    const char *text; /* what `status` gives; "*": anything else */
    MappedStatus status;
} MapStatus;

typedef struct {
    const char *name;
    const Template *value;
} MapText;

typedef struct {
    const Template *status;
    MapStatus *statuses;
    MapText *labels, *annotations;
    unsigned n_statuses, n_labels, n_annotations;
    const Template *generator, *dashboard, *panel, *silence;
    const Template *group_key, *event_id, *sequence, *time;
} JsonMap;

#endif
