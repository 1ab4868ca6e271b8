/* SPDX-License-Identifier: MIT */
#include "bridge/compose/html_tag.h"

#include <string.h>

#include "rules/template/escapers.h"
#include "rules/utf8.h"

#define ENTITY_MAX 64 /* bytes that are looked at */

static const struct {
    const char *name;
    HtmlKind kind;
} kinds[] = {
    {"a", HTML_LINK},           {"address", HTML_BLOCK},   {"article", HTML_BLOCK},
    {"blockquote", HTML_PARAGRAPH}, {"br", HTML_BREAK},    {"caption", HTML_BLOCK},
    {"center", HTML_BLOCK},     {"dd", HTML_BLOCK},        {"div", HTML_BLOCK},
    {"dl", HTML_PARAGRAPH},     {"dt", HTML_BLOCK},        {"footer", HTML_BLOCK},
    {"form", HTML_BLOCK},       {"h1", HTML_PARAGRAPH},    {"h2", HTML_PARAGRAPH},
    {"h3", HTML_PARAGRAPH},     {"h4", HTML_PARAGRAPH},    {"h5", HTML_PARAGRAPH},
    {"h6", HTML_PARAGRAPH},     {"header", HTML_BLOCK},    {"hr", HTML_RULE},
    {"img", HTML_IMAGE},        {"li", HTML_ITEM},         {"main", HTML_BLOCK},
    {"nav", HTML_BLOCK},        {"ol", HTML_LIST},    {"p", HTML_PARAGRAPH},
    {"pre", HTML_PRE},          {"script", HTML_RAW},      {"section", HTML_BLOCK},
    {"style", HTML_RAW},        {"table", HTML_TABLE}, {"tbody", HTML_BLOCK},
    {"td", HTML_CELL},          {"textarea", HTML_RAW},    {"th", HTML_CELL},
    {"thead", HTML_BLOCK},      {"title", HTML_RAW},       {"tr", HTML_ROW},
    {"iframe", HTML_RAW},       {"svg", HTML_RAW},         {"template", HTML_RAW},
    {"ul", HTML_LIST},
};

bool html_markup_starts(const char *at)
{
    return at[0] == '<' && (g_ascii_isalpha(at[1]) || at[1] == '!' || at[1] == '?' ||
                            (at[1] == '/' && g_ascii_isalpha(at[2])));
}

bool html_tag_is(const HtmlTag *tag, const char *name)
{
    return strlen(name) == tag->length &&
           g_ascii_strncasecmp(tag->name, name, tag->length) == 0;
}

static HtmlKind kind_of(const HtmlTag *tag)
{
    for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++) {
        if (html_tag_is(tag, kinds[i].name)) {
            return kinds[i].kind;
        }
    }
    return HTML_INLINE;
}

/* The '>' that ends a tag, or the text's end; quoted attribute values may hold one. */
static const char *find_tag_end(const char *at)
{
    while (*at != '\0' && *at != '>') {
        char quote = at[0] == '=' ? at[1 + strspn(at + 1, " \t\n")] : '\0';
        if (quote == '"' || quote == '\'') {
            at += 2 + strspn(at + 1, " \t\n");
            at += strcspn(at, quote == '"' ? "\"" : "'");
            at += *at != '\0';
        } else {
            at++;
        }
    }
    return at;
}

static const char *skip_declaration(const char *at)
{
    bool comment = g_str_has_prefix(at, "<!--");
    const char *end = strstr(at + 2, comment ? "-->" : ">");
    if (end == NULL) {
        return at + strlen(at);
    }
    return end + (comment ? 3 : 1);
}

const char *html_tag_read(const char *at, HtmlTag *tag)
{
    *tag = (HtmlTag){.name = at};
    if (at[1] == '!' || at[1] == '?') {
        return skip_declaration(at);
    }
    tag->closes = at[1] == '/';
    tag->name = at + 1 + tag->closes;
    while (g_ascii_isalnum(tag->name[tag->length])) {
        tag->length++;
    }
    tag->kind = kind_of(tag);
    tag->end = find_tag_end(tag->name + tag->length);
    return tag->end + (*tag->end == '>');
}

const char *html_raw_end(const char *at, const HtmlTag *tag)
{
    while ((at = strstr(at, "</")) != NULL) {
        at += 2;
        if (g_ascii_strncasecmp(at, tag->name, tag->length) == 0 &&
            !g_ascii_isalnum(at[tag->length])) {
            at = find_tag_end(at);
            return at + (*at == '>');
        }
    }
    return tag->end + strlen(tag->end);
}

/* One attribute at *AT; false at the tag's end.  *VALUE is NULL without one. */
static bool next_attribute(const char **at, const char *end, char **name, char **value)
{
    const char *in = *at + strspn(*at, " \t\n/");
    const char *name_end = in + strcspn(in, " \t\n=>/");
    if (in >= end || name_end == in) {
        return false;
    }
    *name = g_ascii_strdown(in, name_end - in);
    *value = NULL;
    in = name_end + strspn(name_end, " \t\n");
    if (*in != '=') {
        *at = in;
        return true;
    }
    in += 1 + strspn(in + 1, " \t\n");
    bool quoted = *in == '"' || *in == '\'';
    char stop[2] = {*in, '\0'};
    in += quoted;
    size_t length = strcspn(in, quoted ? stop : " \t\n>");
    *value = g_strndup(in, length);
    *at = in + length + (quoted && in[length] != '\0');
    return true;
}

/* As browsers do, only with its semicolon: "?a=1&copy=2" is an address. */
static size_t attribute_entity(const char *at, GString *out)
{
    size_t before = out->len, taken = html_entity(at, out);
    if (taken > 0 && at[taken - 1] != ';') {
        g_string_truncate(out, before);
        return 0;
    }
    return taken;
}

static char *decoded(const char *value)
{
    GString *out = g_string_new(NULL);
    while (*value != '\0') {
        size_t taken = *value == '&' ? attribute_entity(value, out) : 0;
        if (taken == 0) {
            g_string_append_c(out, *value);
            taken = 1;
        }
        value += taken;
    }
    return g_string_free(out, FALSE);
}

char *html_attribute(const HtmlTag *tag, const char *name)
{
    const char *at = tag->name + tag->length;
    char *key, *value;
    while (next_attribute(&at, tag->end, &key, &value)) {
        g_autofree char *own_key = key, *own_value = value;
        if (strcmp(own_key, name) == 0) {
            return decoded(own_value != NULL ? own_value : "");
        }
    }
    return NULL;
}

char *html_link(const HtmlTag *tag)
{
    static const char *const schemes[] = {"http://", "https://", "mailto:", "tel:"};
    g_autofree char *href = html_attribute(tag, "href");
    if (href == NULL) {
        return NULL;
    }
    g_strstrip(href);
    for (size_t i = 0; i < G_N_ELEMENTS(schemes); i++) {
        if (g_ascii_strncasecmp(href, schemes[i], strlen(schemes[i])) == 0) {
            return g_uri_escape_string(href, ":/?#[]@!$&'()*+,;=%", TRUE);
        }
    }
    return NULL;
}

static bool is_void(const HtmlTag *tag)
{
    return tag->kind == HTML_BREAK || tag->kind == HTML_RULE || tag->kind == HTML_IMAGE ||
           html_tag_is(tag, "input") || html_tag_is(tag, "meta") ||
           html_tag_is(tag, "link");
}

bool html_is_hidden(const HtmlTag *tag)
{
    if (tag->closes || is_void(tag)) {
        return false;
    }
    g_autofree char *hidden = html_attribute(tag, "hidden");
    g_autofree char *style = html_attribute(tag, "style");
    if (style == NULL) {
        return hidden != NULL;
    }
    size_t n = 0;
    for (const char *at = style; *at != '\0'; at++) {
        if (!g_ascii_isspace(*at)) {
            style[n++] = g_ascii_tolower(*at);
        }
    }
    style[n] = '\0';
    return hidden != NULL || strstr(style, "display:none") != NULL;
}

/* Soft hyphens, joiners, marks of no width. */
static bool is_invisible(gunichar c)
{
    return c == 0xAD || c == 0x34F || (c >= 0x200B && c <= 0x200D) || c == 0x2060 || c == 0xFEFF;
}

static void append_visible(GString *out, const char *text)
{
    for (; *text != '\0'; text = utf8_next(text)) {
        gunichar c = g_utf8_get_char(text);
        if (g_unichar_isspace(c) || g_unichar_iscntrl(c)) {
            g_string_append_c(out, ' ');
        } else if (!is_invisible(c)) {
            g_string_append_unichar(out, c);
        }
    }
}

size_t html_entity(const char *at, GString *out)
{
    g_autoptr(GString) decoded = g_string_new(NULL);
    size_t used = decode_entity(at + 1, strnlen(at + 1, ENTITY_MAX), decoded);
    append_visible(out, decoded->str);
    return used > 0 ? used + 1 : 0;
}
