/* SPDX-License-Identifier: MIT */
#ifndef RULES_TEMPLATE_ESCAPERS_H
#define RULES_TEMPLATE_ESCAPERS_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

/* What html/template does to a value, by the place it is put in.  Every function
 * appends to OUT; TEXT has N bytes and may hold NULs and invalid UTF-8. */

/* What stands where a value would be dangerous. */
#define ESCAPE_REFUSED "ZgotmplZ"

/* Text, RCDATA and quoted attributes: NUL " & ' + < > become harmless. */
void escape_html(const char *text, size_t n, GString *out);
bool html_is_harmless(const char *text, size_t n); /* escape_html() changes nothing */
/* The same for text that is HTML already: & stays. */
void escape_html_again(const char *text, size_t n, GString *out);
/* Attribute values without quotes: blanks, = and ` too.  Empty is refused. */
void escape_unquoted(const char *text, size_t n, GString *out);
void escape_unquoted_again(const char *text, size_t n, GString *out);
/* HTML without its tags and comments, for where markup can be no more than text. */
void strip_tags(const char *html, size_t n, GString *out);
/* The name of a harmless attribute in lower case; anything else is refused. */
void filter_name(const char *text, size_t n, GString *out);

/* A URL is safe without a scheme or with http, https or mailto. */
bool url_is_safe(const char *text, size_t n);
void filter_url(const char *text, size_t n, GString *out); /* "#" ESCAPE_REFUSED */
/* Percent-encodes what may not stand in a URL; what is encoded already stays. */
void normalize_url(const char *text, size_t n, GString *out);
/* Percent-encodes everything but letters, digits and - . _ ~ */
void escape_url(const char *text, size_t n, GString *out);
/* A list of image URLs with their sizes: each is filtered and normalized. */
void filter_srcset(const char *text, size_t n, GString *out);
/* One URL for such a list: commas are encoded too. */
void escape_srcset_url(const char *text, size_t n, GString *out);

/* Inside a CSS string. */
void escape_css(const char *text, size_t n, GString *out);
/* A CSS value without anything that could end it or run; otherwise refused. */
void filter_css(const char *text, size_t n, GString *out);
/* Resolves CSS's backslash escapes. */
void decode_css(const char *text, size_t n, GString *out);
bool css_is_name(gunichar character); /* may be part of a CSS identifier */

/* What values an HTML attribute holds. */
typedef enum {
    ATTRIBUTE_PLAIN,
    ATTRIBUTE_URL,
    ATTRIBUTE_CSS,
    ATTRIBUTE_JS,
    ATTRIBUTE_SRCSET,
    ATTRIBUTE_HTML,   /* a document */
    ATTRIBUTE_UNSAFE, /* changes what others mean: never from a value */
} AttributeType;

/* By its name in lower case; unknown names are judged by their looks. */
AttributeType attribute_type(const char *name, size_t n);

/* Whether a script element of this type holds JavaScript (or JSON); if not, its content
 * is markup to html/template. */
bool script_type_is_js(const char *type, size_t n);

/* The character reference whose '&' is before TEXT, appended to OUT.  The bytes used
 * (with its semicolon, where it has one), 0 if it is none that is known.  entities.c */
size_t decode_entity(const char *text, size_t n, GString *out);
/* HTML's character references (&amp; &#38;) resolved. */
void decode_entities(const char *text, size_t n, GString *out);

#endif
