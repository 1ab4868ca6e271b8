/* SPDX-License-Identifier: MIT */
#ifndef RULES_TEMPLATE_DATA_H
#define RULES_TEMPLATE_DATA_H

#include "rules/arena.h"
#include "rules/template/template.h"
#include "rules/template/value.h"

/* What {{ . }} of a notification is: Alertmanager's template.Data and our additions. */
typedef struct TemplateData {
    const Notification *notification;
    const Alert *const *alerts; /* those of the event, in order */
} TemplateData;

Value template_data(Arena *arena, const Notification *notification);

#endif
