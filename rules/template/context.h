/* SPDX-License-Identifier: MIT */
#ifndef RULES_TEMPLATE_CONTEXT_H
#define RULES_TEMPLATE_CONTEXT_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where in an HTML document the template is: what a value put there would be. */
typedef enum {
    STATE_TEXT,
    STATE_TAG,
    STATE_ATTR_NAME,
    STATE_AFTER_NAME,
    STATE_BEFORE_VALUE,
    STATE_HTML_COMMENT,
    STATE_RCDATA, /* title and textarea */
    STATE_ATTR,   /* a plain attribute's value */
    STATE_URL,
    STATE_META_CONTENT,
    STATE_META_CONTENT_URL, /* behind url= of a refresh */
    STATE_SRCSET,
    STATE_JS, /* a script or an event attribute; not looked into */
    STATE_CSS,
    STATE_CSS_DQ_STRING,
    STATE_CSS_SQ_STRING,
    STATE_CSS_DQ_URL,
    STATE_CSS_SQ_URL,
    STATE_CSS_URL,
    STATE_CSS_BLOCK_COMMENT,
    STATE_CSS_LINE_COMMENT,
    STATE_DEAD, /* behind break and continue */
    STATE_COUNT,
} ContextState;

/* What ends the attribute's value. */
typedef enum {
    DELIM_NONE, /* not in a value */
    DELIM_DOUBLE_QUOTE,
    DELIM_SINGLE_QUOTE,
    DELIM_SPACE_OR_TAG_END,
} ContextDelim;

typedef enum {
    URL_NONE, /* nothing of it was there yet */
    URL_BEFORE_QUERY,
    URL_QUERY_OR_FRAGMENT,
    URL_UNKNOWN, /* it depends on the branch taken */
} ContextUrlPart;

typedef enum {
    ATTR_NONE,
    ATTR_SCRIPT,
    ATTR_SCRIPT_TYPE,
    ATTR_STYLE,
    ATTR_URL,
    ATTR_SRCSET,
    ATTR_META_CONTENT,
} ContextAttr;

/* Elements whose content is not markup, and meta. */
typedef enum {
    ELEMENT_NONE,
    ELEMENT_SCRIPT,
    ELEMENT_STYLE,
    ELEMENT_TEXTAREA,
    ELEMENT_TITLE,
    ELEMENT_META,
} ContextElement;

typedef struct {
    uint8_t state, delim, url_part, attr, element; /* the enums above */
} Context;

bool context_equal(Context a, Context b);
/* CONTEXT after nothing at all: `<a href=` waits for a value, and a value begins. */
Context context_nudge(Context context);
/* The attribute's value begins. */
Context context_begin_value(Context context, ContextDelim delim);
/* What is behind two branches that end in A and B.  False if they do not fit. */
bool context_join(Context a, Context b, Context *joined);
bool state_is_comment(ContextState state);
bool state_is_in_tag(ContextState state);

/* Appends CONTEXT as Go prints it: {stateURL delimDoubleQuote … <nil>}. */
void context_print(Context context, GString *out);
/* The name of the copy of template NAME that begins in CONTEXT. */
char *context_mangle(Context context, const char *name);

/* The first byte of TEXT that ends a value, N if there is none. */
size_t delim_find(ContextDelim delim, const char *text, size_t n);

/* Goes over static text, one step at a time: *USED bytes lead to a new *CONTEXT.
 * On error (INPUT, only the reason) nothing is written. */
bool context_after_text(Context *context, const char *text, size_t n, size_t *used,
                        GError **error);
/* The same outside attribute values, as if the state were STATE. */
bool context_step(Context *context, ContextState state, const char *text, size_t n,
                  size_t *used, GError **error);

#endif
