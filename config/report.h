/* SPDX-License-Identifier: MIT */
#ifndef CONFIG_REPORT_H
#define CONFIG_REPORT_H

#include <glib.h>
#include <stdbool.h>

#include "config/yaml.h"

/* What is found wrong, or worth a warning, while a file is read: collected, and told
 * in the order of the file, one "file:line:col: path.to.key: reason" a line. */
typedef struct Report Report;

/* Errors beyond this many are only counted. */
#define REPORT_MAX 1000

Report *report_new(const char *file);
void report_free(Report *report); /* NULL is allowed */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Report, report_free)

/* About the value NODE; line feeds in the text become blanks. */
void report_error(Report *report, const Node *node, const char *format, ...)
    G_GNUC_PRINTF(3, 4);
/* About the key that NODE is the value of. */
void report_key_error(Report *report, const Node *node, const char *format, ...)
    G_GNUC_PRINTF(3, 4);
/* LINE, which has a place of its own ("file:line:col: …"), among those about NODE. */
void report_error_line(Report *report, const Node *node, const char *line);
/* "line:col: reason", as yaml_parse says it. */
void report_syntax_error(Report *report, const char *text);
/* Not an error: something accepted that is worth a warning. */
void report_note(Report *report, const Node *node, const char *format, ...)
    G_GNUC_PRINTF(3, 4);

/* "file:line:col: path.to.key" of NODE; free it. */
char *report_place(const Report *report, const Node *node);

bool report_has_errors(const Report *report);
char *report_errors(Report *report);  /* the lines, without a final line feed */
char **report_notes(Report *report);  /* free with g_strfreev */

/* TEXT in quotes, as Go's %q writes it; free it. */
char *report_quote(const char *text);

#endif
