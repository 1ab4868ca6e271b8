/* SPDX-License-Identifier: MIT */

/* One pass over the markup.  Text goes to the output at once; what separates it (blank,
 * cell border, line ends) is only noted and written before the next text, so that
 * empty elements leave no trace.  Markup without an end swallows the rest, as it does
 * in a browser. */
#include "bridge/compose/html2text.h"

#include <stdbool.h>
#include <string.h>

#include "bridge/compose/html_tag.h"

typedef struct {
    GString *out;
    unsigned lines; /* line ends wanted before the next text; 2: an empty line */
    bool blank, cell, bullet;
    unsigned pre; /* open <pre> */
    char *href;   /* of the open link; NULL: none */
    size_t href_start;
    char *hidden; /* the element whose content is not displayed; NULL: none */
    unsigned hidden_depth;
} Reader;

static void want_lines(Reader *reader, unsigned n)
{
    reader->lines = MAX(reader->lines, n);
}

static void separate(Reader *reader)
{
    GString *out = reader->out;
    bool begun = out->len > 0;
    if (begun && reader->lines > 0) {
        g_string_append(out, reader->lines > 1 ? "\n\n" : "\n");
    } else if (begun && reader->cell) {
        g_string_append(out, " | ");
    } else if (begun && reader->blank && out->str[out->len - 1] != '\n') {
        g_string_append_c(out, ' ');
    }
    if (reader->bullet) {
        g_string_append(out, "- ");
    }
    reader->lines = 0;
    reader->blank = reader->cell = reader->bullet = false;
}

static void add_text(Reader *reader, const char *text, size_t length)
{
    if (reader->lines > 0 || reader->blank || reader->cell || reader->bullet) {
        separate(reader);
    }
    g_string_append_len(reader->out, text, (gssize)length);
}

static void add_blank(Reader *reader, char byte)
{
    if (reader->pre == 0) {
        reader->blank = true;
    } else if (byte == '\n') {
        separate(reader);
        g_string_append_c(reader->out, '\n');
    } else {
        add_text(reader, " ", 1);
    }
}

/* Characters up to the next markup. */
static const char *read_text(Reader *reader, const char *at)
{
    while (*at != '\0' && !html_markup_starts(at)) {
        if (strchr(" \t\n", *at) != NULL) {
            add_blank(reader, *at++);
            continue;
        }
        char decoded[8];
        size_t taken = *at == '&' ? html_entity(at, decoded) : 0;
        if (taken > 0) {
            bool blank = strcmp(decoded, " ") == 0;
            blank ? add_blank(reader, ' ') : add_text(reader, decoded, strlen(decoded));
            at += taken;
            continue;
        }
        size_t run = 1 + strcspn(at + 1, " \t\n<&");
        add_text(reader, at, run);
        at += run;
    }
    return at;
}

static bool is_shown(const char *href, const char *text)
{
    const char *bare = g_str_has_prefix(href, "mailto:") ? href + 7 : href;
    return strcmp(bare, text) == 0;
}

static void end_link(Reader *reader)
{
    if (reader->href == NULL) {
        return;
    }
    g_autofree char *href = g_steal_pointer(&reader->href);
    size_t start = MIN(reader->href_start, reader->out->len);
    g_autofree char *text = g_strstrip(g_strdup(reader->out->str + start));
    if (*text == '\0' || !is_shown(href, text)) {
        reader->blank = *text != '\0' || reader->blank;
        g_autofree char *shown = g_strdup_printf("<%s>", href);
        add_text(reader, shown, strlen(shown));
    }
}

static void start_link(Reader *reader, const HtmlTag *tag)
{
    end_link(reader);
    reader->href = html_link(tag);
    reader->href_start = reader->out->len;
}

static void read_image(Reader *reader, const HtmlTag *tag)
{
    g_autofree char *alt = html_attribute(tag, "alt");
    if (alt != NULL && *g_strstrip(alt) != '\0') {
        add_text(reader, alt, strlen(alt));
    }
}

static void read_tag(Reader *reader, const HtmlTag *tag)
{
    switch (tag->kind) {
    case HTML_BREAK:
        reader->lines == 0 ? want_lines(reader, 1) : want_lines(reader, 2);
        break;
    case HTML_RULE:
        want_lines(reader, 1);
        add_text(reader, "----------------------------------------", 40);
        want_lines(reader, 1);
        break;
    case HTML_BLOCK:
    case HTML_PARAGRAPH:
        want_lines(reader, tag->kind == HTML_BLOCK ? 1 : 2);
        break;
    case HTML_ITEM:
        want_lines(reader, 1);
        reader->bullet = !tag->closes;
        break;
    case HTML_CELL:
        reader->cell = reader->cell || (!tag->closes && reader->lines == 0);
        break;
    case HTML_PRE:
        want_lines(reader, 1);
        reader->pre = tag->closes ? reader->pre - (reader->pre > 0) : reader->pre + 1;
        break;
    case HTML_LINK:
        tag->closes ? end_link(reader) : start_link(reader, tag);
        break;
    case HTML_IMAGE:
        read_image(reader, tag);
        break;
    case HTML_INLINE:
    case HTML_RAW:
        break;
    }
}

static void read_hidden(Reader *reader, const HtmlTag *tag)
{
    if (!html_tag_is(tag, reader->hidden)) {
        return;
    }
    reader->hidden_depth += tag->closes ? -1u : 1u;
    if (reader->hidden_depth == 0) {
        g_clear_pointer(&reader->hidden, g_free);
    }
}

static const char *read_markup(Reader *reader, const char *at)
{
    HtmlTag tag;
    const char *end = html_tag_read(at, &tag);
    if (tag.length == 0) {
        return end;
    }
    if (tag.kind == HTML_RAW) {
        return tag.closes ? end : html_raw_end(end, &tag);
    }
    if (reader->hidden != NULL) {
        read_hidden(reader, &tag);
    } else if (html_is_hidden(&tag)) {
        reader->hidden = g_strndup(tag.name, tag.length);
        reader->hidden_depth = 1;
    } else {
        read_tag(reader, &tag);
    }
    return end;
}

void html_to_text(GString *out, const char *html)
{
    g_autoptr(GString) text = g_string_sized_new(strlen(html) / 2);
    Reader reader = {.out = text};
    for (const char *at = html; *at != '\0';) {
        if (html_markup_starts(at)) {
            at = read_markup(&reader, at);
        } else if (reader.hidden != NULL) {
            at += 1 + strcspn(at + 1, "<");
        } else {
            at = read_text(&reader, at);
        }
    }
    end_link(&reader);
    if (text->len > 0) {
        g_string_append_len(out, text->str, (gssize)text->len);
        g_string_append_c(out, '\n');
    }
    g_free(reader.hidden);
}
