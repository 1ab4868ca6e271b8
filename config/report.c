/* SPDX-License-Identifier: MIT */
#include "config/report.h"

#include <stdarg.h>

#include "rules/quote.h"

#define TEXT_MAX ((gsize)2000)

typedef struct {
    unsigned line, col;
    unsigned order; /* among those of one place */
    char *text;
} Finding;

struct Report {
    char *file;
    GArray *errors, *notes; /* Finding */
    unsigned dropped;
};

static void clear_finding(void *finding)
{
    g_free(((Finding *)finding)->text);
}

static GArray *new_findings(void)
{
    GArray *findings = g_array_new(FALSE, FALSE, sizeof(Finding));
    g_array_set_clear_func(findings, clear_finding);
    return findings;
}

Report *report_new(const char *file)
{
    Report *report = g_new0(Report, 1);
    report->file = g_strdup(file);
    report->errors = new_findings();
    report->notes = new_findings();
    return report;
}

void report_free(Report *report)
{
    if (report == NULL) {
        return;
    }
    g_free(report->file);
    g_array_unref(report->errors);
    g_array_unref(report->notes);
    g_free(report);
}

/* A message shows what is wrong, not all of it. */
static void cut(GString *text)
{
    if (text->len > TEXT_MAX) {
        gsize length = TEXT_MAX;
        while (((guchar)text->str[length] & 0xC0) == 0x80) {
            length--;
        }
        g_string_truncate(text, length);
        g_string_append(text, "…");
    }
}

static void add_line(Report *report, GArray *findings, const Node *at, GString *text)
{
    if (findings->len >= REPORT_MAX) {
        report->dropped += findings == report->errors;
        g_string_free(text, TRUE);
        return;
    }
    cut(text);
    g_strdelimit(text->str, "\r\n", ' ');
    Finding finding = {.line = at->line,
                       .col = at->col,
                       .order = findings->len,
                       .text = g_string_free(text, FALSE)};
    g_array_append_val(findings, finding);
}

char *report_place(const Report *report, const Node *node)
{
    g_autoptr(GString) path = g_string_new(NULL);
    node_path(node, path);
    return g_strdup_printf("%s:%u:%u: %s", report->file, node->line, node->col, path->str);
}

/* AT gives the line and column, NODE the path. */
static void add_finding(Report *report, GArray *findings, const Node *at,
                        const Node *node, const char *reason)
{
    GString *text = g_string_new(NULL);
    g_string_append_printf(text, "%s:%u:%u: ", report->file, at->line, at->col);
    gsize start = text->len;
    g_autoptr(GString) path = g_string_new(NULL);
    node_path(node, path);
    g_string_append(text, path->str);
    g_string_append(text, text->len > start ? ": " : "");
    g_string_append(text, reason);
    add_line(report, findings, at, text);
}

void report_error(Report *report, const Node *node, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *reason = g_strdup_vprintf(format, args);
    va_end(args);
    add_finding(report, report->errors, node, node, reason);
}

void report_key_error(Report *report, const Node *node, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *reason = g_strdup_vprintf(format, args);
    va_end(args);
    add_finding(report, report->errors, node->key != NULL ? node->key : node, node, reason);
}

void report_note(Report *report, const Node *node, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *reason = g_strdup_vprintf(format, args);
    va_end(args);
    add_finding(report, report->notes, node, node, reason);
}

void report_error_line(Report *report, const Node *node, const char *line)
{
    add_line(report, report->errors, node, g_string_new(line));
}

void report_syntax_error(Report *report, const char *text)
{
    GString *line = g_string_new(report->file);
    g_string_append_printf(line, ":%s", text);
    add_line(report, report->errors, &(Node){0}, line);
}

bool report_has_errors(const Report *report)
{
    return report->errors->len > 0;
}

static int compare_findings(const void *a, const void *b)
{
    const Finding *left = a, *right = b;
    if (left->line != right->line) {
        return left->line < right->line ? -1 : 1;
    }
    if (left->col != right->col) {
        return left->col < right->col ? -1 : 1;
    }
    return (left->order > right->order) - (left->order < right->order);
}

char *report_errors(Report *report)
{
    g_array_sort(report->errors, compare_findings);
    GString *out = g_string_new(NULL);
    const char *last = NULL; /* what `global` has wrong is found once per email_config */
    for (unsigned i = 0; i < report->errors->len; i++) {
        const char *text = g_array_index(report->errors, Finding, i).text;
        if (g_strcmp0(text, last) != 0) {
            g_string_append_printf(out, "%s%s", last != NULL ? "\n" : "", text);
        }
        last = text;
    }
    if (report->dropped > 0) {
        g_string_append_printf(out, "\n%s: and %u more errors", report->file,
                               report->dropped);
    }
    return g_string_free(out, FALSE);
}

char **report_notes(Report *report)
{
    g_array_sort(report->notes, compare_findings);
    char **notes = g_new0(char *, report->notes->len + 1);
    for (unsigned i = 0; i < report->notes->len; i++) {
        notes[i] = g_strdup(g_array_index(report->notes, Finding, i).text);
    }
    return notes;
}

char *report_quote(const char *text)
{
    GString *out = g_string_new(NULL);
    quote_append(out, text);
    return g_string_free(out, FALSE);
}
