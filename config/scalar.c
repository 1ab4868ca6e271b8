/* SPDX-License-Identifier: MIT */
/* libyaml tells where a scalar begins, not where its bytes come from.  So the written form
 * and the text are walked side by side: each step takes from both what belongs together, and
 * what does not fit ends the walk. */
#include "config/scalar.h"

#include <glib.h>
#include <string.h>

#include "rules/utf8.h"

typedef struct {
    const char *raw, *raw_end;
    unsigned line, col;
    const char *text, *wanted; /* the text's next byte, and the one that is looked for */
    ScalarStyle style;
    size_t indent; /* of a folded block */
} Walk;

static bool is_break(const Walk *walk)
{
    return walk->raw < walk->raw_end && (*walk->raw == '\n' || *walk->raw == '\r');
}

static bool is_blank(const Walk *walk)
{
    return walk->raw < walk->raw_end && (*walk->raw == ' ' || *walk->raw == '\t');
}

/* One character, or a line's end; nothing at the end. */
static void skip(Walk *walk)
{
    if (walk->raw == walk->raw_end) {
        return;
    }
    if (is_break(walk)) {
        bool two = *walk->raw == '\r' && walk->raw + 1 < walk->raw_end && walk->raw[1] == '\n';
        walk->raw += two ? 2 : 1;
        walk->line++;
        walk->col = 1;
        return;
    }
    do {
        walk->raw++;
    } while (walk->raw < walk->raw_end && ((guchar)*walk->raw & 0xC0) == 0x80);
    walk->col++;
}

static void skip_blanks(Walk *walk)
{
    while (is_blank(walk)) {
        skip(walk);
    }
}

/* The next character, if it is the text's next one as well. */
static bool take_same(Walk *walk)
{
    const char *before = walk->raw;
    if (before == walk->raw_end) {
        return false;
    }
    skip(walk);
    size_t n = (size_t)(walk->raw - before);
    bool same = strncmp(before, walk->text, n) == 0;
    walk->text += same ? n : 0;
    return same;
}

/* A line's end and the blanks around it, which are a blank or, with empty lines, their
 * ends. */
static void take_flow_break(Walk *walk)
{
    size_t breaks = 0;
    for (skip_blanks(walk); is_break(walk); skip_blanks(walk)) {
        skip(walk);
        breaks++;
    }
    if (breaks == 1 && *walk->text == ' ') {
        walk->text++;
    }
    for (; breaks > 1 && *walk->text == '\n'; breaks--) {
        walk->text++;
    }
}

static bool ends_line(const Walk *walk)
{
    Walk ahead = *walk;
    skip_blanks(&ahead);
    return is_break(&ahead);
}

/* A backslash before a line's end joins the lines. */
static bool joins_lines(const Walk *walk)
{
    Walk ahead = *walk;
    if (walk->style != SCALAR_DOUBLE || walk->raw == walk->raw_end || *walk->raw != '\\') {
        return false;
    }
    skip(&ahead);
    return is_break(&ahead);
}

static void skip_joint(Walk *walk)
{
    skip(walk);
    skip(walk);
    skip_blanks(walk);
}

/* Whatever it means, it is one character of the text. */
static bool take_escape(Walk *walk)
{
    static const char digits[][2] = {{'x', 2}, {'u', 4}, {'U', 8}};
    skip(walk);
    if (walk->raw == walk->raw_end || *walk->text == '\0') {
        return false;
    }
    int n = 1;
    for (size_t i = 0; i < G_N_ELEMENTS(digits); i++) {
        n += *walk->raw == digits[i][0] ? digits[i][1] : 0;
    }
    for (; n > 0 && walk->raw < walk->raw_end; n--) {
        skip(walk);
    }
    walk->text = utf8_next(walk->text);
    return true;
}

static bool step_flow(Walk *walk)
{
    if (ends_line(walk)) {
        take_flow_break(walk);
        return true;
    }
    if (walk->style == SCALAR_DOUBLE && walk->raw < walk->raw_end && *walk->raw == '\\') {
        return take_escape(walk);
    }
    bool doubled = walk->style == SCALAR_SINGLE && walk->raw + 1 < walk->raw_end &&
                   walk->raw[0] == '\'' && walk->raw[1] == '\'';
    if (doubled) {
        skip(walk);
    }
    return take_same(walk);
}

/* The bytes of the line that begins here. */
static size_t line_length(const Walk *walk)
{
    size_t n = 0, left = (size_t)(walk->raw_end - walk->raw);
    while (n < left && walk->raw[n] != '\n' && walk->raw[n] != '\r') {
        n++;
    }
    return n;
}

static void skip_indent(Walk *walk, size_t n)
{
    for (; n > 0 && is_blank(walk); n--) {
        skip(walk);
    }
}

/* A line of a literal block ends as its text does: what is in front is indentation. */
static void begin_literal_line(Walk *walk)
{
    size_t written = line_length(walk), kept = strcspn(walk->text, "\n");
    skip_indent(walk, written > kept ? written - kept : 0);
}

/* At the end of a folded line: the empty lines behind it belong to it. */
static void take_folded_break(Walk *walk)
{
    bool blank = *walk->text == ' ';
    do {
        skip(walk);
        skip_indent(walk, walk->indent);
        walk->text += !blank && *walk->text == '\n';
    } while (is_break(walk));
    walk->text += blank;
}

static bool step_block(Walk *walk)
{
    if (!is_break(walk)) {
        return take_same(walk);
    }
    if (walk->style == SCALAR_FOLDED) {
        take_folded_break(walk);
        return true;
    }
    skip(walk);
    bool right = *walk->text == '\n';
    walk->text += right;
    begin_literal_line(walk);
    return right;
}

/* Over the block's header and, of a folded one, the empty lines at its start. */
static void begin_block(Walk *walk)
{
    while (walk->raw < walk->raw_end && !is_break(walk)) {
        skip(walk);
    }
    skip(walk);
    if (walk->style == SCALAR_LITERAL) {
        begin_literal_line(walk);
        return;
    }
    while (*walk->text == '\n' && walk->text < walk->wanted) {
        skip_blanks(walk);
        skip(walk);
        walk->text++;
    }
    size_t written = 0, kept = strspn(walk->text, " ");
    for (Walk ahead = *walk; is_blank(&ahead); written++) {
        skip(&ahead);
    }
    walk->indent = written - MIN(kept, written);
    skip_indent(walk, walk->indent);
}

/* Over an anchor and a tag to the scalar itself. */
static void begin(Walk *walk)
{
    while (walk->raw < walk->raw_end && (*walk->raw == '&' || *walk->raw == '!')) {
        while (walk->raw < walk->raw_end && !is_blank(walk) && !is_break(walk)) {
            skip(walk);
        }
        while (is_blank(walk) || is_break(walk)) {
            skip(walk);
        }
    }
    if (walk->style == SCALAR_LITERAL || walk->style == SCALAR_FOLDED) {
        begin_block(walk);
    } else if (walk->style != SCALAR_PLAIN) {
        skip(walk);
    }
}

/* False if the walk ended before; *AT is where the wanted byte begins. */
static bool find(Walk *walk, Walk *at)
{
    bool flow = walk->style != SCALAR_LITERAL && walk->style != SCALAR_FOLDED;
    begin(walk);
    *at = *walk;
    while (walk->text < walk->wanted || joins_lines(walk)) {
        if (joins_lines(walk)) {
            skip_joint(walk);
        } else if (walk->raw == walk->raw_end ||
                   !(flow ? step_flow(walk) : step_block(walk))) {
            return false;
        }
        if (walk->text <= walk->wanted) {
            *at = *walk;
        }
    }
    return true;
}

bool scalar_find(const Scalar *scalar, const char *text, size_t offset, unsigned *line,
                 unsigned *col)
{
    Walk walk = {.raw = scalar->raw,
                 .raw_end = scalar->raw + scalar->length,
                 .line = scalar->line,
                 .col = scalar->col,
                 .text = text,
                 .wanted = text + MIN(offset, strlen(text)),
                 .style = scalar->style};
    Walk at;
    bool found = find(&walk, &at);
    *line = found ? at.line : scalar->line;
    *col = found ? at.col : scalar->col;
    return found;
}
