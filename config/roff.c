/* SPDX-License-Identifier: MIT */
#include "config/roff.h"

#include <stdbool.h>

/* At the beginning of a line a dot or an apostrophe would be a request. */
static bool begins_line(const GString *out)
{
    return out->len == 0 || out->str[out->len - 1] == '\n';
}

void roff_append(GString *out, const char *text)
{
    bool bold = false;
    for (const char *c = text; *c != '\0'; c++) {
        if ((*c == '.' || *c == '\'') && begins_line(out)) {
            g_string_append(out, "\\&");
        }
        switch (*c) {
        case '\\': g_string_append(out, "\\e"); break;
        case '-': g_string_append(out, "\\-"); break;
        case '\'': g_string_append(out, "\\(aq"); break;
        case '"': g_string_append(out, "\\(dq"); break;
        case '^': g_string_append(out, "\\(ha"); break;
        case '~': g_string_append(out, "\\(ti"); break;
        case '`':
            bold = !bold;
            g_string_append(out, bold ? "\\fB" : "\\fR");
            break;
        default: g_string_append_c(out, *c);
        }
    }
}

void roff_append_text(GString *out, const char *text)
{
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    bool kept = false, pause = false;
    for (char **line = lines; *line != NULL; line++) {
        bool keep = g_str_has_prefix(*line, "  ");
        if (**line == '\0') {
            pause = true;
            continue;
        }
        if (kept && !keep) {
            g_string_append(out, ".fi\n.RE\n");
        }
        if (pause) {
            g_string_append(out, ".PP\n");
        }
        if (keep && !kept) {
            g_string_append(out, ".RS 4\n.nf\n");
        }
        roff_append(out, keep ? *line + 2 : *line);
        g_string_append_c(out, '\n');
        kept = keep;
        pause = false;
    }
    g_string_append(out, kept ? ".fi\n.RE\n" : "");
}
