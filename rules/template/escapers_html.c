/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "rules/append.h"
#include "rules/rune.h"
#include "rules/template/context.h"
#include "rules/template/escapers.h"

/* What a byte becomes; NULL where it stays. */
typedef const char *const Replacements[256];

#define HTML_REPLACEMENTS                                                              \
    ['"'] = "&#34;", ['\''] = "&#39;", ['+'] = "&#43;", ['<'] = "&lt;", ['>'] = "&gt;"

static Replacements html = {[0] = "\xEF\xBF\xBD", ['&'] = "&amp;", HTML_REPLACEMENTS};
static Replacements html_again = {[0] = "\xEF\xBF\xBD", HTML_REPLACEMENTS};

#define UNQUOTED_REPLACEMENTS                                                          \
    [0] = "&#xfffd;", ['\t'] = "&#9;", ['\n'] = "&#10;", ['\v'] = "&#11;",             \
    ['\f'] = "&#12;", ['\r'] = "&#13;", [' '] = "&#32;", ['='] = "&#61;",              \
    ['`'] = "&#96;", HTML_REPLACEMENTS

static Replacements unquoted = {['&'] = "&amp;", UNQUOTED_REPLACEMENTS};
static Replacements unquoted_again = {UNQUOTED_REPLACEMENTS};

static void replace(Replacements table, const char *text, size_t n, GString *out)
{
    size_t done = 0;

    for (size_t i = 0; i < n; i++) {
        const char *replacement = table[(unsigned char)text[i]];
        if (replacement != NULL) {
            append_text(out, text + done, i - done);
            append_text(out, replacement, strlen(replacement));
            done = i + 1;
        }
    }
    append_text(out, text + done, n - done);
}

void escape_html(const char *text, size_t n, GString *out)
{
    replace(html, text, n, out);
}

bool html_is_harmless(const char *text, size_t n)
{
    size_t i = 0;

    while (i < n && html[(unsigned char)text[i]] == NULL) {
        i++;
    }
    return i == n;
}

void escape_html_again(const char *text, size_t n, GString *out)
{
    replace(html_again, text, n, out);
}

/* The bytes that follow ASCII in an unquoted value: what some browsers take for the
 * end of the value, or cannot read, becomes a number. */
static size_t append_wide(const char *text, size_t n, GString *out)
{
    size_t width;
    gunichar rune = rune_decode(text, n, &width); /* U+FFFD where it is none */

    if ((rune >= 0xfdd0 && rune <= 0xfdef) || (rune >= 0xfff0 && rune <= 0xffff)) {
        g_string_append_printf(out, "&#x%x;", rune);
    } else {
        g_string_append_len(out, text, (gssize)width);
    }
    return width;
}

static void replace_unquoted(Replacements table, const char *text, size_t n,
                             GString *out)
{
    for (size_t i = 0; i < n;) {
        size_t run = i;
        while (run < n && (unsigned char)text[run] < 0x80) {
            run++;
        }
        replace(table, text + i, run - i, out);
        i = run < n ? run + append_wide(text + run, n - run, out) : n;
    }
}

void escape_unquoted(const char *text, size_t n, GString *out)
{
    if (n == 0) {
        g_string_append(out, ESCAPE_REFUSED);
    }
    replace_unquoted(unquoted, text, n, out);
}

void escape_unquoted_again(const char *text, size_t n, GString *out)
{
    replace_unquoted(unquoted_again, text, n, out);
}

/* Where the text in front of the tag or comment that begins in TEXT ends. */
static size_t last_angle(const char *text, size_t n)
{
    const char *angle = memrchr(text, '<', n);

    return angle == NULL ? n : (size_t)(angle - text);
}

/* One step over markup outside attribute values; text is kept. */
static size_t strip_markup(Context *context, const char *html_text, size_t n,
                           GString *out)
{
    Context before = *context;
    ContextState state = before.state;
    size_t used = 0;

    /* The contents of script and style are not looked into. */
    if (before.element != ELEMENT_NONE && !state_is_in_tag(state)) {
        state = STATE_RCDATA;
    }
    if (!context_step(context, state, html_text, n, &used, NULL)) {
        return n;
    }
    if (before.state == STATE_TEXT || before.state == STATE_RCDATA) {
        size_t kept =
            context->state == before.state ? used : last_angle(html_text, used);
        g_string_append_len(out, html_text, (gssize)kept);
    }
    return used;
}

void strip_tags(const char *html_text, size_t n, GString *out)
{
    Context context = {.state = STATE_TEXT};

    for (size_t i = 0; i < n;) {
        if (context.delim == DELIM_NONE) {
            i += strip_markup(&context, html_text + i, n - i, out);
            continue;
        }
        size_t end = delim_find(context.delim, html_text + i, n - i);
        if (end == n - i) {
            return;
        }
        i += end + (context.delim == DELIM_SPACE_OR_TAG_END ? 0 : 1);
        context = (Context){.state = STATE_TAG, .element = context.element};
    }
}

void filter_name(const char *text, size_t n, GString *out)
{
    g_autofree char *name = g_ascii_strdown(text, (gssize)n);
    size_t plain = 0;

    /* A NUL cuts the copy short, but is no letter either. */
    while (plain < n &&
           (g_ascii_isdigit(name[plain]) || g_ascii_islower(name[plain]))) {
        plain++;
    }
    if (n == 0 || plain < n || attribute_type(name, n) != ATTRIBUTE_PLAIN) {
        g_string_append(out, ESCAPE_REFUSED);
    } else {
        g_string_append_len(out, name, (gssize)n);
    }
}
