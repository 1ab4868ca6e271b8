/* SPDX-License-Identifier: MIT */
#include "rules/template/context.h"

#include <string.h>

static const char *const state_names[STATE_COUNT] = {
    [STATE_TEXT] = "stateText",
    [STATE_TAG] = "stateTag",
    [STATE_ATTR_NAME] = "stateAttrName",
    [STATE_AFTER_NAME] = "stateAfterName",
    [STATE_BEFORE_VALUE] = "stateBeforeValue",
    [STATE_HTML_COMMENT] = "stateHTMLCmt",
    [STATE_RCDATA] = "stateRCDATA",
    [STATE_ATTR] = "stateAttr",
    [STATE_URL] = "stateURL",
    [STATE_META_CONTENT] = "stateMetaContent",
    [STATE_META_CONTENT_URL] = "stateMetaContentURL",
    [STATE_SRCSET] = "stateSrcset",
    [STATE_JS] = "stateJS",
    [STATE_CSS] = "stateCSS",
    [STATE_CSS_DQ_STRING] = "stateCSSDqStr",
    [STATE_CSS_SQ_STRING] = "stateCSSSqStr",
    [STATE_CSS_DQ_URL] = "stateCSSDqURL",
    [STATE_CSS_SQ_URL] = "stateCSSSqURL",
    [STATE_CSS_URL] = "stateCSSURL",
    [STATE_CSS_BLOCK_COMMENT] = "stateCSSBlockCmt",
    [STATE_CSS_LINE_COMMENT] = "stateCSSLineCmt",
    [STATE_DEAD] = "stateDead",
};

static const char *const delim_names[] = {
    "delimNone",
    "delimDoubleQuote",
    "delimSingleQuote",
    "delimSpaceOrTagEnd",
};

static const char *const url_part_names[] = {
    "urlPartNone",
    "urlPartPreQuery",
    "urlPartQueryOrFrag",
    "urlPartUnknown",
};

static const char *const attr_names[] = {
    "attrNone", "attrScript", "attrScriptType",  "attrStyle",
    "attrURL",  "attrSrcset", "attrMetaContent",
};

static const char *const element_names[] = {
    "elementNone",     "elementScript", "elementStyle",
    "elementTextarea", "elementTitle",  "elementMeta",
};

bool context_equal(Context a, Context b)
{
    return memcmp(&a, &b, sizeof a) == 0;
}

/* The state a value begins in, by the kind of its attribute. */
static ContextState value_state(ContextAttr attr)
{
    static const uint8_t states[] = {
        [ATTR_NONE] = STATE_ATTR,
        [ATTR_SCRIPT] = STATE_JS,
        [ATTR_SCRIPT_TYPE] = STATE_ATTR,
        [ATTR_STYLE] = STATE_CSS,
        [ATTR_URL] = STATE_URL,
        [ATTR_SRCSET] = STATE_SRCSET,
        [ATTR_META_CONTENT] = STATE_META_CONTENT,
    };

    return states[attr];
}

Context context_begin_value(Context context, ContextDelim delim)
{
    context.state = (uint8_t)value_state(context.attr);
    context.delim = (uint8_t)delim;
    return context;
}

Context context_nudge(Context context)
{
    switch (context.state) {
    case STATE_TAG:
        context.state = STATE_ATTR_NAME;
        break;
    case STATE_BEFORE_VALUE:
        context = context_begin_value(context, DELIM_SPACE_OR_TAG_END);
        context.attr = ATTR_NONE;
        break;
    case STATE_AFTER_NAME:
        context.state = STATE_ATTR_NAME;
        context.attr = ATTR_NONE;
        break;
    default:
        break;
    }
    return context;
}

static bool join_nudged(Context a, Context b, Context *joined)
{
    Context c = context_nudge(a), d = context_nudge(b);

    return !(context_equal(a, c) && context_equal(b, d)) && context_join(c, d, joined);
}

bool context_join(Context a, Context b, Context *joined)
{
    if (a.state == STATE_DEAD) {
        *joined = b;
        return true;
    }
    if (b.state == STATE_DEAD || context_equal(a, b)) {
        *joined = a;
        return true;
    }
    Context same_part = a;
    same_part.url_part = b.url_part;
    if (context_equal(same_part, b)) {
        same_part.url_part = URL_UNKNOWN;
        *joined = same_part;
        return true;
    }
    return join_nudged(a, b, joined);
}

bool state_is_comment(ContextState state)
{
    return state == STATE_HTML_COMMENT || state == STATE_CSS_BLOCK_COMMENT ||
           state == STATE_CSS_LINE_COMMENT;
}

bool state_is_in_tag(ContextState state)
{
    return state == STATE_TAG || state == STATE_ATTR_NAME ||
           state == STATE_AFTER_NAME || state == STATE_BEFORE_VALUE ||
           state == STATE_ATTR;
}

/* Where Go says in which way a slash begins a regular expression, the start is said. */
void context_print(Context context, GString *out)
{
    g_string_append_printf(out, "{%s %s %s jsCtxRegexp %s %s <nil>}",
                           state_names[context.state], delim_names[context.delim],
                           url_part_names[context.url_part], attr_names[context.attr],
                           element_names[context.element]);
}

char *context_mangle(Context context, const char *name)
{
    GString *out = g_string_new(name);

    if (context.state == STATE_TEXT) {
        return g_string_free(out, FALSE);
    }
    g_string_append_printf(out, "$htmltemplate_%s", state_names[context.state]);
    if (context.delim != DELIM_NONE) {
        g_string_append_printf(out, "_%s", delim_names[context.delim]);
    }
    if (context.url_part != URL_NONE) {
        g_string_append_printf(out, "_%s", url_part_names[context.url_part]);
    }
    if (context.attr != ATTR_NONE) {
        g_string_append_printf(out, "_%s", attr_names[context.attr]);
    }
    if (context.element != ELEMENT_NONE) {
        g_string_append_printf(out, "_%s", element_names[context.element]);
    }
    return g_string_free(out, FALSE);
}
