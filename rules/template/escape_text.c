/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "rules/template/escape_internal.h"

typedef struct {
    const char *bytes;
    size_t n, written; /* up to where OUT has, or leaves out, what there is */
    GString *out;
} Cleaning;

static void write_up_to(Cleaning *cleaning, size_t end)
{
    g_string_append_len(cleaning->out, cleaning->bytes + cleaning->written,
                        (gssize)(end - cleaning->written));
}

static bool is_doctype(const char *bytes, size_t n)
{
    static const char doctype[] = "<!DOCTYPE";

    return n >= strlen(doctype) &&
           g_ascii_strncasecmp(bytes, doctype, strlen(doctype)) == 0;
}

/* Text from I up to END, where another state may begin with a tag or a comment. */
static void clean_markup(Cleaning *cleaning, size_t i, size_t end, bool begins_other)
{
    if (begins_other) {
        const char *angle = memrchr(cleaning->bytes + i, '<', end - i);
        end = angle == NULL ? end : (size_t)(angle - cleaning->bytes);
    }
    for (; i < end; i++) {
        if (cleaning->bytes[i] == '<' &&
            !is_doctype(cleaning->bytes + i, cleaning->n - i)) {
            write_up_to(cleaning, i);
            g_string_append(cleaning->out, "&lt;");
            cleaning->written = i + 1;
        }
    }
}

/* A comment outside of attributes is left out; in CSS it separates like a blank. */
static bool is_dropped(Context context)
{
    return state_is_comment((ContextState)context.state) && context.delim == DELIM_NONE;
}

static void clean_step(Cleaning *cleaning, Context before, Context after, size_t i,
                       size_t end)
{
    bool changes = before.state != after.state;

    if (before.state == STATE_TEXT || before.state == STATE_RCDATA) {
        clean_markup(cleaning, i, end, changes);
    } else if (is_dropped(before)) {
        if (before.state == STATE_CSS_BLOCK_COMMENT) {
            g_string_append_c(cleaning->out, ' ');
        }
        cleaning->written = end;
    }
    if (changes && is_dropped(after)) {
        size_t mark = after.state == STATE_HTML_COMMENT ? 4 : 2;
        write_up_to(cleaning, end - mark);
        cleaning->written = end;
    }
}

bool escape_clean_text(Context *context, const Node *text, GString *out,
                       CleanedText *cleaned, GError **error)
{
    Cleaning cleaning = {text->text.bytes, text->text.length, 0, out};
    size_t used = 0;

    for (size_t i = 0; i < cleaning.n; i += used) {
        Context before = *context;
        if (!context_after_text(context, cleaning.bytes + i, cleaning.n - i, &used,
                                error)) {
            cleaned->bad = i;
            return false;
        }
        clean_step(&cleaning, before, *context, i, i + used);
    }
    cleaned->changed = cleaning.written != 0;
    if (cleaned->changed && !is_dropped(*context)) {
        write_up_to(&cleaning, cleaning.n);
    }
    return true;
}
