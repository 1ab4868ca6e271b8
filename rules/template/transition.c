/* SPDX-License-Identifier: MIT */
/* The way of an HTML parser over static text, as far as a value's safety depends on it.
 */
#include <string.h>

#include "rules/template/context.h"
#include "rules/template/escapers.h"
#include "rules/template/steps.h"

static const struct {
    const char *name;
    ContextElement element;
} elements[] = {
    {"script", ELEMENT_SCRIPT},     {"style", ELEMENT_STYLE},
    {"textarea", ELEMENT_TEXTAREA}, {"title", ELEMENT_TITLE},
    {"meta", ELEMENT_META},
};

static ContextElement find_element(const char *name, size_t n)
{
    for (size_t i = 0; i < G_N_ELEMENTS(elements); i++) {
        if (strlen(elements[i].name) == n &&
            g_ascii_strncasecmp(elements[i].name, name, n) == 0) {
            return elements[i].element;
        }
    }
    return ELEMENT_NONE;
}

/* The length of a tag's name: letters and digits, with single - and : between them. */
static size_t tag_name(const char *text, size_t n)
{
    size_t i = 1;

    if (n == 0 || !g_ascii_isalpha(text[0])) {
        return 0;
    }
    for (;;) {
        if (i < n && g_ascii_isalnum(text[i])) {
            i++;
        } else if (i + 1 < n && steps_is_one_of(text[i], ":-") &&
                   g_ascii_isalnum(text[i + 1])) {
            i += 2;
        } else {
            return i;
        }
    }
}

static size_t step_text(Context *context, const char *text, size_t n, GError **error)
{
    (void)error;
    for (size_t i = 0;; i++) {
        const char *angle = memchr(text + i, '<', n - i);
        if (angle == NULL) {
            return n;
        }
        i = (size_t)(angle - text);
        if (n - i >= 4 && memcmp(angle, "<!--", 4) == 0) {
            *context = (Context){.state = STATE_HTML_COMMENT};
            return i + 4;
        }
        bool closes = i + 1 < n && text[i + 1] == '/';
        size_t start = i + (closes ? 2 : 1);
        size_t length = start < n ? tag_name(text + start, n - start) : 0;
        if (length > 0) {
            ContextElement element =
                closes ? ELEMENT_NONE : find_element(text + start, length);
            *context = (Context){.state = STATE_TAG, .element = (uint8_t)element};
            return start + length;
        }
    }
}

/* The length of an attribute's name; N + 1 with an error. */
static size_t attribute_name(const char *text, size_t n, const char *shown,
                             size_t n_shown, GError **error)
{
    size_t i = steps_find_any(text, n, STEPS_BLANKS "=>'\"<");

    if (i < n && steps_is_one_of(text[i], "'\"<")) {
        steps_refuse(" in attribute name: ", text + i, shown, n_shown, error);
        return n + 1;
    }
    return i;
}

static ContextAttr attribute_kind(ContextElement element, const char *text, size_t n)
{
    static const uint8_t kinds[] = {
        [ATTRIBUTE_PLAIN] = ATTR_NONE,    [ATTRIBUTE_URL] = ATTR_URL,
        [ATTRIBUTE_CSS] = ATTR_STYLE,     [ATTRIBUTE_JS] = ATTR_SCRIPT,
        [ATTRIBUTE_SRCSET] = ATTR_SRCSET, [ATTRIBUTE_HTML] = ATTR_NONE,
        [ATTRIBUTE_UNSAFE] = ATTR_NONE,
    };
    g_autofree char *name = g_ascii_strdown(text, (gssize)n);

    if (element == ELEMENT_SCRIPT && strcmp(name, "type") == 0) {
        return ATTR_SCRIPT_TYPE;
    }
    if (element == ELEMENT_META && strcmp(name, "content") == 0) {
        return ATTR_META_CONTENT;
    }
    return kinds[attribute_type(name, n)];
}

/* What an element's content is. */
static Context content_of(ContextElement element)
{
    static const uint8_t states[] = {
        [ELEMENT_NONE] = STATE_TEXT,    [ELEMENT_SCRIPT] = STATE_JS,
        [ELEMENT_STYLE] = STATE_CSS,    [ELEMENT_TEXTAREA] = STATE_RCDATA,
        [ELEMENT_TITLE] = STATE_RCDATA, [ELEMENT_META] = STATE_TEXT,
    };
    bool ends = element == ELEMENT_META; /* it has no content */

    return (Context){.state = states[element],
                     .element = (uint8_t)(ends ? ELEMENT_NONE : element)};
}

static size_t step_tag(Context *context, const char *text, size_t n, GError **error)
{
    size_t start = steps_skip_blanks(text, n);

    if (start == n) {
        return n;
    }
    if (text[start] == '>') {
        *context = content_of(context->element);
        return start + 1;
    }
    size_t length = attribute_name(text + start, n - start, text, n, error);
    if (length > n - start) {
        return n + 1;
    }
    if (length == 0) {
        steps_refuse("expected space, attr name, or end of tag, but got ", NULL,
                     text + start, n - start, error);
        return n + 1;
    }
    bool complete = start + length < n;
    *context = (Context){
        .state = complete ? STATE_AFTER_NAME : STATE_ATTR_NAME,
        .element = context->element,
        .attr = (uint8_t)attribute_kind(context->element, text + start, length),
    };
    return start + length;
}

static size_t step_attr_name(Context *context, const char *text, size_t n,
                             GError **error)
{
    size_t length = attribute_name(text, n, text, n, error);

    if (length < n) {
        context->state = STATE_AFTER_NAME;
    }
    return length;
}

static size_t step_after_name(Context *context, const char *text, size_t n,
                              GError **error)
{
    size_t start = steps_skip_blanks(text, n);

    (void)error;
    if (start == n) {
        return n;
    }
    if (text[start] != '=') {
        context->state = STATE_TAG;
        return start;
    }
    context->state = STATE_BEFORE_VALUE;
    return start + 1;
}

static size_t step_before_value(Context *context, const char *text, size_t n,
                                GError **error)
{
    size_t start = steps_skip_blanks(text, n);
    ContextDelim delim = DELIM_SPACE_OR_TAG_END;

    (void)error;
    if (start == n) {
        return n;
    }
    if (text[start] == '"' || text[start] == '\'') {
        delim = text[start] == '"' ? DELIM_DOUBLE_QUOTE : DELIM_SINGLE_QUOTE;
        start++;
    }
    *context = context_begin_value(*context, delim);
    return start;
}

static size_t step_html_comment(Context *context, const char *text, size_t n,
                                GError **error)
{
    const char *end = memmem(text, n, "-->", 3);

    (void)error;
    if (end == NULL) {
        return n;
    }
    *context = (Context){.state = STATE_TEXT};
    return (size_t)(end - text) + 3;
}

/* Where "</NAME" with something behind that ends the name stands, N if nowhere. */
static size_t find_end_tag(const char *text, size_t n, const char *name)
{
    size_t length = strlen(name);

    for (size_t i = 0; i < n; i++) {
        const char *mark = memmem(text + i, n - i, "</", 2);
        if (mark == NULL) {
            return n;
        }
        i = (size_t)(mark - text);
        if (n - i > 2 + length && g_ascii_strncasecmp(mark + 2, name, length) == 0 &&
            steps_is_one_of(mark[2 + length], "> \t\n\f/")) {
            return i;
        }
    }
    return n;
}

/* Content that only its end tag ends; that tag is left to be read as text. */
static size_t step_raw_text(Context *context, const char *text, size_t n,
                            GError **error)
{
    (void)error;
    for (size_t i = 0; i < G_N_ELEMENTS(elements); i++) {
        if (elements[i].element == context->element) {
            size_t end = find_end_tag(text, n, elements[i].name);
            if (end < n) {
                *context = (Context){.state = STATE_TEXT};
            }
            return end;
        }
    }
    return n;
}

/* Nothing in it matters. */
static size_t step_over(Context *context, const char *text, size_t n, GError **error)
{
    (void)context, (void)text, (void)error;
    return n;
}

static size_t step_meta_content(Context *context, const char *text, size_t n,
                                GError **error)
{
    (void)error;
    for (size_t i = 0; i + 4 <= n; i++) {
        if (g_ascii_strncasecmp(text + i, "url", 3) != 0) {
            continue;
        }
        size_t equals = i + 3 + steps_skip_blanks(text + i + 3, n - i - 3);
        if (equals < n && text[equals] == '=') {
            context->state = STATE_META_CONTENT_URL;
            return equals + 1;
        }
    }
    return n;
}

static size_t step_meta_content_url(Context *context, const char *text, size_t n,
                                    GError **error)
{
    size_t end = steps_find_any(text, n, ";");

    (void)error;
    if (end == n) {
        return n;
    }
    context->state = STATE_META_CONTENT;
    return end + 1;
}

static Step *const steps[STATE_COUNT] = {
    [STATE_TEXT] = step_text,
    [STATE_TAG] = step_tag,
    [STATE_ATTR_NAME] = step_attr_name,
    [STATE_AFTER_NAME] = step_after_name,
    [STATE_BEFORE_VALUE] = step_before_value,
    [STATE_HTML_COMMENT] = step_html_comment,
    [STATE_RCDATA] = step_raw_text,
    [STATE_ATTR] = step_over,
    [STATE_URL] = step_url,
    [STATE_META_CONTENT] = step_meta_content,
    [STATE_META_CONTENT_URL] = step_meta_content_url,
    [STATE_SRCSET] = step_url,
    [STATE_JS] = step_over,
    [STATE_CSS] = step_css,
    [STATE_CSS_DQ_STRING] = step_css_string,
    [STATE_CSS_SQ_STRING] = step_css_string,
    [STATE_CSS_DQ_URL] = step_css_string,
    [STATE_CSS_SQ_URL] = step_css_string,
    [STATE_CSS_URL] = step_css_string,
    [STATE_CSS_BLOCK_COMMENT] = step_css_block_comment,
    [STATE_CSS_LINE_COMMENT] = step_css_line_comment,
    [STATE_DEAD] = step_over,
};

bool context_step(Context *context, ContextState state, const char *text, size_t n,
                  size_t *used, GError **error)
{
    Context after = *context;
    size_t length;

    /* Steps look at the state they are taken in. */
    after.state = (uint8_t)state;
    length = steps[state](&after, text, n, error);
    if (length > n) {
        return false;
    }
    if (after.state == state) {
        after.state = context->state;
    }
    *context = after;
    *used = length;
    return true;
}

size_t delim_find(ContextDelim delim, const char *text, size_t n)
{
    static const char *const ends[] = {
        [DELIM_NONE] = "",
        [DELIM_DOUBLE_QUOTE] = "\"",
        [DELIM_SINGLE_QUOTE] = "'",
        [DELIM_SPACE_OR_TAG_END] = STEPS_BLANKS ">",
    };

    return steps_find_any(text, n, ends[delim]);
}

/* The whole text is inside the value; its rules are those of the decoded text. */
static bool go_into_value(Context *context, const char *text, size_t n, size_t *used,
                          GError **error)
{
    g_autoptr(GString) decoded = g_string_new(NULL);
    size_t step = 0;

    decode_entities(text, n, decoded);
    for (size_t i = 0; i < decoded->len; i += step) {
        if (!context_step(context, context->state, decoded->str + i, decoded->len - i,
                          &step, error)) {
            return false;
        }
    }
    *used = n;
    return true;
}

bool context_after_text(Context *context, const char *text, size_t n, size_t *used,
                        GError **error)
{
    if (context->delim == DELIM_NONE) {
        Context after = *context;
        size_t end = step_raw_text(&after, text, n, NULL);
        if (end == 0) {
            *context = after;
            *used = 0;
            return true;
        }
        return context_step(context, context->state, text, end, used, error);
    }
    size_t end = delim_find(context->delim, text, n);
    if (context->delim == DELIM_SPACE_OR_TAG_END) {
        /* Browsers disagree on what these mean there. */
        size_t bad = steps_find_any(text, end, "\"'<=`");
        if (bad < end) {
            steps_refuse(" in unquoted attr: ", text + bad, text, end, error);
            return false;
        }
    }
    if (end == n) {
        return go_into_value(context, text, n, used, error);
    }
    bool is_type = context->state == STATE_ATTR && context->element == ELEMENT_SCRIPT &&
                   context->attr == ATTR_SCRIPT_TYPE;
    bool is_markup = is_type && !script_type_is_js(text, end);
    *used = end + (context->delim == DELIM_SPACE_OR_TAG_END ? 0 : 1);
    *context = (Context){
        .state = STATE_TAG,
        .element = is_markup ? ELEMENT_NONE : context->element,
    };
    return true;
}
