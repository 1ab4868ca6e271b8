/* SPDX-License-Identifier: MIT */
#ifndef CONFIG_SOURCE_H
#define CONFIG_SOURCE_H

#include <glib.h>

#include "config/scalar.h"
#include "config/yaml.h"
#include "rules/arena.h"
#include "rules/template/template.h"

/* Where a template of the configuration is written: each Template of a Config has one as its
 * note, so that an error is told with the place in the user's file, when the file is read as
 * well as when a mail fails. */
typedef struct TemplateSource {
    const char *file;     /* the configuration's */
    const char *path;     /* receivers[0].email_configs[0].html */
    const char *text;     /* NULL: the template is built in */
    Scalar written;       /* for a built-in one, the place of what it belongs to */
    const struct TemplateSource *const *items; /* of a list, whose texts are joined with
                                                  ", "; NULL-terminated; else NULL */
} TemplateSource;

/* That of the value NODE; its text, which is NULL for what is built in, and all else are
 * copied into ARENA. KEY, unless NULL, is what NODE lacks: the built-in value stands for it. */
const TemplateSource *source_new(Arena *arena, const char *file, const Node *node,
                                 const char *key);

/* "file:line:col" of ERROR, which executing or compiling a template of SOURCE gave: in the
 * template's file, in the configuration, or where the value begins if it is unknown. */
char *source_place(const TemplateSource *source, const GError *error);
/* "file:line:col: path.to.key: reason". */
char *source_describe(const TemplateSource *source, const GError *error);

/* What TMPL of a Config was written as. */
const TemplateSource *source_of(const Template *tmpl);

#endif
