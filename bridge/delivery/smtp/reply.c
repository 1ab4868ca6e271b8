/* SPDX-License-Identifier: MIT */
#include "bridge/delivery/smtp/reply.h"

#include <glib.h>
#include <string.h>

static const char cut_mark[] = "...";

void reply_init(ReplyParser *parser)
{
    parser->complete = false;
    parser->text_length = parser->total = parser->line_length = 0;
    parser->reply.code = 0;
    parser->reply.enhanced[0] = parser->reply.text[0] = '\0';
}

bool reply_at_start(const ReplyParser *parser)
{
    return parser->complete || (parser->total == 0 && parser->line_length == 0);
}

int reply_class(const Reply *reply)
{
    return reply->code / 100;
}

bool reply_subject_is(const Reply *reply, int subject)
{
    const char *dot = strchr(reply->enhanced, '.');
    return dot != NULL && g_ascii_strtoll(dot + 1, NULL, 10) == subject;
}

/* How many digits, at most three, stand at TEXT. */
static size_t count_digits(const char *text, size_t length)
{
    size_t n = 0;
    while (n < length && n < 3 && g_ascii_isdigit(text[n])) {
        n++;
    }
    return n;
}

/* The length of the enhanced status code at TEXT, 0 if there is none that goes with
 * the reply's class. */
static size_t measure_enhanced(const char *text, size_t length, char class)
{
    if (length < 5 || text[0] != class || text[1] != '.') {
        return 0;
    }
    size_t subject = count_digits(text + 2, length - 2);
    size_t at = 2 + subject;
    if (subject == 0 || at >= length || text[at] != '.') {
        return 0;
    }
    size_t detail = count_digits(text + at + 1, length - at - 1);
    at += 1 + detail;
    bool ends = at == length || text[at] == ' ';
    return detail > 0 && ends ? at : 0;
}

static void add_text(ReplyParser *parser, const char *text, size_t length)
{
    char *out = parser->reply.text;
    if (length == 0 || parser->text_length == REPLY_TEXT_MAX) {
        return;
    }
    if (parser->text_length > 0) {
        out[parser->text_length++] = ' ';
    }
    size_t fits = MIN(length, REPLY_TEXT_MAX - parser->text_length);
    for (size_t i = 0; i < fits; i++) {
        char byte = text[i];
        out[parser->text_length + i] = byte == 0x7f || (byte >= 0 && byte < 0x20) ? ' ' : byte;
    }
    parser->text_length += fits;
    if (fits < length) {
        parser->text_length = REPLY_TEXT_MAX;
        memcpy(out + REPLY_TEXT_MAX - strlen(cut_mark), cut_mark, strlen(cut_mark));
    }
    out[parser->text_length] = '\0';
}

static ReplyStatus read_line(ReplyParser *parser, const char *line, size_t length)
{
    if (length > 0 && line[length - 1] == '\r') {
        length--;
    }
    bool coded = length >= 3 && line[0] >= '2' && line[0] <= '5' &&
                 g_ascii_isdigit(line[1]) && g_ascii_isdigit(line[2]);
    if (!coded || length > REPLY_LINE_MAX || (length > 3 && line[3] != ' ' && line[3] != '-')) {
        return REPLY_GARBAGE;
    }
    parser->reply.code = (line[0] - '0') * 100 + (line[1] - '0') * 10 + (line[2] - '0');
    const char *text = line + MIN(length, 4);
    size_t text_length = length - MIN(length, 4);
    size_t enhanced = measure_enhanced(text, text_length, line[0]);
    if (enhanced > 0 && parser->reply.enhanced[0] == '\0') {
        memcpy(parser->reply.enhanced, text, enhanced);
        parser->reply.enhanced[enhanced] = '\0';
    }
    size_t skip = enhanced < text_length && enhanced > 0 ? enhanced + 1 : enhanced;
    add_text(parser, text + skip, text_length - skip);
    return length > 3 && line[3] == '-' ? REPLY_MORE : REPLY_COMPLETE;
}

/* Takes the bytes up to the line's end out of the stream; false if it is not there
 * yet, or LINE is NULL because it grew too long. */
static bool take_line(ReplyParser *parser, const char **bytes, size_t *length,
                      const char **line, size_t *line_length)
{
    const char *end = memchr(*bytes, '\n', *length);
    size_t here = end != NULL ? (size_t)(end - *bytes) : *length;
    *line = NULL;
    if (here > sizeof parser->line - parser->line_length) {
        return false;
    }
    *line = *bytes;
    *line_length = here;
    if (parser->line_length > 0 || end == NULL) {
        memcpy(parser->line + parser->line_length, *bytes, here);
        parser->line_length += here;
        *line = parser->line;
        *line_length = parser->line_length;
    }
    size_t eaten = end != NULL ? here + 1 : here;
    *bytes += eaten;
    *length -= eaten;
    parser->total += eaten;
    return end != NULL;
}

ReplyStatus reply_feed(ReplyParser *parser, const char **bytes, size_t *length)
{
    if (parser->complete) {
        reply_init(parser);
    }
    ReplyStatus status = REPLY_MORE;
    while (*length > 0 && status == REPLY_MORE) {
        const char *line;
        size_t line_length;
        if (take_line(parser, bytes, length, &line, &line_length)) {
            parser->line_length = 0;
            status = read_line(parser, line, line_length);
        } else if (line == NULL) {
            status = REPLY_GARBAGE;
        }
        if (parser->total > REPLY_TOTAL_MAX) {
            status = REPLY_GARBAGE;
        }
    }
    parser->complete = status == REPLY_COMPLETE;
    return status;
}
