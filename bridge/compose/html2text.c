/* SPDX-License-Identifier: MIT */

/* One pass over the markup.  Text goes to the output at once; what separates it (blank,
 * cell border, line ends) is only noted and written before the next text, so that
 * empty elements leave no trace.  Markup without an end swallows the rest, as it does
 * in a browser. */
#include "bridge/compose/html2text.h"

#include <stdbool.h>
#include <string.h>

#include "bridge/compose/html_tag.h"

#define LISTS_MAX 4 /* deeper ones are shown as if this deep */
#define NO_ROW    G_MAXSIZE

typedef struct {
    GString *out;
    GString *entity; /* the one being read */
    unsigned lines;  /* line ends wanted before the next text; 2: an empty line */
    bool blank, cell, bullet;
    size_t breaks;     /* line ends written so far, … */
    size_t row_breaks; /* … before the open row, … */
    size_t row_start;  /* … and where its text begins; NO_ROW: none is open */
    unsigned lists;    /* open ones */
    unsigned numbers[LISTS_MAX]; /* of their items; only those that are numbered count */
    bool numbered[LISTS_MAX];
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

static unsigned list_level(const Reader *reader)
{
    return MIN(reader->lists, LISTS_MAX);
}

static void append_bullet(Reader *reader)
{
    unsigned level = list_level(reader);
    for (unsigned i = 1; i < level; i++) {
        g_string_append(reader->out, "  ");
    }
    if (level > 0 && reader->numbered[level - 1]) {
        g_string_append_printf(reader->out, "%u. ", reader->numbers[level - 1]);
    } else {
        g_string_append(reader->out, "- ");
    }
}

static void separate(Reader *reader)
{
    GString *out = reader->out;
    bool begun = out->len > 0;
    if (begun && reader->lines > 0) {
        g_string_append(out, reader->lines > 1 ? "\n\n" : "\n");
        reader->breaks++;
    } else if (begun && reader->cell) {
        g_string_append(out, " | ");
    } else if (begun && reader->blank && out->str[out->len - 1] != '\n') {
        g_string_append_c(out, ' ');
    }
    if (reader->bullet) {
        append_bullet(reader);
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
        reader->breaks++;
    } else {
        add_text(reader, " ", 1);
    }
}

/* The bytes it took, 0 if it is none. */
static size_t read_entity(Reader *reader, const char *at)
{
    GString *entity = reader->entity;
    g_string_truncate(entity, 0);
    size_t taken = html_entity(at, entity);
    if (strcmp(entity->str, " ") == 0) {
        add_blank(reader, ' ');
    } else if (entity->len > 0) {
        add_text(reader, entity->str, entity->len);
    }
    return taken;
}

/* Characters up to the next markup. */
static const char *read_text(Reader *reader, const char *at)
{
    while (*at != '\0' && !html_markup_starts(at)) {
        if (strchr(" \t\n", *at) != NULL) {
            add_blank(reader, *at++);
            continue;
        }
        size_t taken = *at == '&' ? read_entity(reader, at) : 0;
        if (taken == 0) {
            taken = 1 + strcspn(at + 1, " \t\n<&");
            add_text(reader, at, taken);
        }
        at += taken;
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

/* What opens in a cell that is empty so far stays on the row's line. */
static void read_block(Reader *reader, const HtmlTag *tag, unsigned lines)
{
    if (tag->closes || !reader->cell) {
        want_lines(reader, lines);
    }
}

/* Lists inside of lists have no empty lines around them. */
static void read_list(Reader *reader, const HtmlTag *tag)
{
    reader->lists -= tag->closes && reader->lists > 0;
    want_lines(reader, reader->lists > 0 ? 1 : 2);
    reader->lists += !tag->closes;
    if (!tag->closes) {
        unsigned level = list_level(reader);
        reader->numbers[level - 1] = 0;
        reader->numbered[level - 1] = html_tag_is(tag, "ol");
    }
}

static void read_item(Reader *reader, const HtmlTag *tag)
{
    want_lines(reader, 1);
    reader->bullet = !tag->closes;
    if (!tag->closes && reader->lists > 0) {
        reader->numbers[list_level(reader) - 1]++;
    }
}

static bool row_is_one_line(const Reader *reader)
{
    return reader->row_start != NO_ROW && reader->breaks == reader->row_breaks;
}

static void read_table(Reader *reader, const HtmlTag *tag)
{
    read_block(reader, tag, 2);
    reader->row_start = NO_ROW;
}

/* A row that took several lines stands apart from the next one, others do not. */
static void read_row(Reader *reader, const HtmlTag *tag)
{
    bool ends = tag->closes && reader->row_start != NO_ROW;
    if (ends) {
        reader->lines = row_is_one_line(reader) ? 1 : 2;
    } else {
        read_block(reader, tag, 1);
    }
    reader->row_start = tag->closes ? NO_ROW : reader->out->len;
    /* the end of the line before the row is still to come */
    reader->row_breaks = reader->breaks + (reader->lines > 0 && reader->out->len > 0);
}

/* Cells are side by side as long as each is one line. */
static void read_cell(Reader *reader, const HtmlTag *tag)
{
    bool first = reader->out->len == reader->row_start;
    if (tag->closes || first) {
        return;
    }
    if (row_is_one_line(reader)) {
        reader->lines = 0;
        reader->cell = true;
    } else {
        reader->cell = reader->cell || reader->lines == 0;
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
        read_block(reader, tag, tag->kind == HTML_BLOCK ? 1 : 2);
        break;
    case HTML_LIST:
        read_list(reader, tag);
        break;
    case HTML_ITEM:
        read_item(reader, tag);
        break;
    case HTML_TABLE:
        read_table(reader, tag);
        break;
    case HTML_ROW:
        read_row(reader, tag);
        break;
    case HTML_CELL:
        read_cell(reader, tag);
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
    g_autoptr(GString) entity = g_string_new(NULL);
    Reader reader = {.out = text, .entity = entity, .row_start = NO_ROW};
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
