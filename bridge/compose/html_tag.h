/* SPDX-License-Identifier: MIT */
#ifndef BRIDGE_COMPOSE_HTML_TAG_H
#define BRIDGE_COMPOSE_HTML_TAG_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

/* The pieces of HTML that html2text reads; all are linear and stay inside the text. */

/* What an element means for a text. */
typedef enum {
    HTML_INLINE,
    HTML_BLOCK,     /* on lines of its own */
    HTML_PARAGRAPH, /* with an empty line around it */
    HTML_BREAK,
    HTML_RULE,
    HTML_LIST,
    HTML_ITEM,
    HTML_TABLE,
    HTML_ROW,
    HTML_CELL,
    HTML_PRE,
    HTML_LINK,
    HTML_IMAGE,
    HTML_RAW,       /* content is no text: script, style, title */
} HtmlKind;

typedef struct {
    const char *name; /* points into the markup; any case */
    size_t length;    /* 0: a comment or declaration */
    const char *end;  /* behind its last attribute */
    bool closes;
    HtmlKind kind;
} HtmlTag;

/* Whether AT is a tag, a comment or a declaration rather than a lonely '<'. */
bool html_markup_starts(const char *at);
/* Reads the markup at AT and gives the place behind it (the text's end if it has no
 * end). */
const char *html_tag_read(const char *at, HtmlTag *tag);
bool html_tag_is(const HtmlTag *tag, const char *name);
/* Behind the end tag of the raw element TAG, whose content starts at AT. */
const char *html_raw_end(const char *at, const HtmlTag *tag);

/* The attribute's decoded value, to free; NULL if TAG has none of that name. */
char *html_attribute(const HtmlTag *tag, const char *name);
/* The address of a link that may be shown (http, https, mailto, tel), to free, or NULL. */
char *html_link(const HtmlTag *tag);
bool html_is_hidden(const HtmlTag *tag);

/* Decodes the character reference at AT to the end of OUT, what cannot be seen left out;
 * the bytes it took, 0 if it is none that is known. */
size_t html_entity(const char *at, GString *out);

#endif
