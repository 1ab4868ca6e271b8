/* SPDX-License-Identifier: MIT */
#ifndef RULES_TEMPLATE_TEMPLATE_H
#define RULES_TEMPLATE_TEMPLATE_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rules/alert.h"
#include "rules/timestamp.h"

/* Go's text/template and html/template, with Alertmanager's data and functions.
 *
 * A TemplateSet holds the named definitions of all template files; a Template is
 * one entry text (a receiver's `html`, `to`, …) compiled against a set.  Both are
 * immutable once compiled and may be executed from any number of threads. */
typedef struct TemplateSet TemplateSet;
typedef struct Template Template;

typedef enum { TEMPLATE_TEXT, TEMPLATE_HTML } TemplateMode;

TemplateSet *template_set_new(void);
TemplateSet *template_set_ref(TemplateSet *set);
void template_set_unref(TemplateSet *set); /* NULL is allowed */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TemplateSet, template_set_unref)

/* Adds the text of the file NAME (its basename, which names the top-level text) and
 * its definitions; a later definition replaces an earlier one unless it is empty.
 * On error (INPUT) "template: name:line:col: reason" and the set is unchanged. */
bool template_set_add(TemplateSet *set, const char *name, const char *text,
                      size_t length, GError **error);

/* The same for the file at PATH, whose basename is the name; PATH is the place of errors in
 * it, also of those when it is executed: fault_place(). */
bool template_set_add_file(TemplateSet *set, const char *path, const char *text,
                           size_t length, GError **error);

/* The names of all definitions, sorted, as an array of const char * that SET owns; free
 * the array with g_ptr_array_unref(). */
GPtrArray *template_set_names(const TemplateSet *set);

/* Compiles TEXT as an entry over SET, which it keeps alive.  In TEMPLATE_HTML mode
 * everything it reaches is escaped by context, as html/template does.  NAME is what
 * errors call it; "" for Alertmanager's inline texts.  Text without any action is
 * recognised: template_is_static(). */
Template *template_compile(TemplateSet *set, TemplateMode mode, const char *name,
                           const char *text, GError **error);
/* The definition NAME of SET as an entry; an error if there is none. */
Template *template_compile_defined(TemplateSet *set, TemplateMode mode, const char *name,
                                   GError **error);
void template_free(Template *tmpl); /* NULL is allowed */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Template, template_free)
bool template_is_static(const Template *tmpl);

/* Whether every `template` action that TMPL can reach, in whatever branch, names a
 * definition.  Go finds that in HTML only; text fails when it gets there.  On error
 * (INPUT) "template: name:line:col: reason". */
bool template_check_calls(const Template *tmpl, GError **error);

/* Another handle for what TMPL is, which must live longer; freed as any. */
Template *template_twin(const Template *tmpl);
/* Whatever its owner wants to know of this handle; NULL at first.  Not freed. */
void template_set_note(Template *tmpl, const void *note);
const void *template_note(const Template *tmpl);

/* What a mail is about: the data Alertmanager calls template.Data. */
typedef struct {
    const Event *event;   /* only the alerts that are mailed */
    const char *receiver; /* ours */
    const char *status;   /* NULL: the event's; otherwise what .Status says instead */
    Timestamp now;
    Labels route_labels;  /* rendered */
} Notification;

/* Ceilings of one execution; exceeding one is an error (LIMIT). */
typedef struct {
    size_t output_bytes;
    uint64_t steps; /* nodes executed */
    unsigned depth; /* nested template calls */
} TemplateLimits;
#define TEMPLATE_LIMITS_DEFAULT \
    ((TemplateLimits){.output_bytes = 10 * 1024 * 1024, .steps = 20000000, .depth = 1000})

/* Appends what TMPL makes of the notification to OUT; LIMITS may be NULL, which means the
 * default ones.  On error (INPUT for the
 * template's fault, LIMIT) OUT is as it was; the text has Go's form:
 * template: name:line:col: executing "name" at <pipeline>: reason. */
bool template_execute(const Template *tmpl, const Notification *notification,
                      const TemplateLimits *limits, GString *out, GError **error);

#endif
