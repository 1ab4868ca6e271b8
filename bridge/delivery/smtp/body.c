/* SPDX-License-Identifier: MIT */
#include "bridge/delivery/smtp/body.h"

#include <glib.h>
#include <string.h>

void body_init(Body *body, const char *bytes, size_t length)
{
    *body = (Body){.bytes = bytes, .length = length};
}

bool body_is_finished(const Body *body)
{
    return body->finished;
}

/* Any LF counts as a line end here: a stray one must not hide a dot from us that a
 * lenient server would see. */
static bool starts_line(const Body *body)
{
    return body->at == 0 || body->bytes[body->at - 1] == '\n';
}

/* How many bytes from here on can go as they are. */
static size_t measure_run(const Body *body)
{
    const char *start = body->bytes + body->at;
    const char *end = body->bytes + body->length;
    const char *limit = start + MIN((size_t)(end - start), BODY_PIECE_MAX);
    for (const char *at = start; at < limit;) {
        const char *line_end = memchr(at, '\n', (size_t)(limit - at));
        if (line_end == NULL) {
            break;
        }
        at = line_end + 1;
        if (at < limit && *at == '.') {
            return (size_t)(at - start);
        }
    }
    return (size_t)(limit - start);
}

static bool next_of_mail(Body *body, const char **piece, size_t *length)
{
    if (body->bytes[body->at] == '.' && starts_line(body) && !body->stuffed) {
        body->stuffed = true;
        *piece = ".";
        *length = 1;
        return true;
    }
    body->stuffed = false;
    *piece = body->bytes + body->at;
    *length = measure_run(body);
    body->at += *length;
    return true;
}

static bool ends_in_crlf(const Body *body)
{
    return body->length == 0 ||
           (body->length >= 2 && memcmp(body->bytes + body->length - 2, "\r\n", 2) == 0);
}

bool body_next(Body *body, const char **piece, size_t *length)
{
    if (body->at < body->length) {
        return next_of_mail(body, piece, length);
    }
    if (!body->ended && !ends_in_crlf(body)) {
        body->ended = true;
        *piece = "\r\n";
        *length = 2;
        return true;
    }
    if (body->finished) {
        return false;
    }
    body->finished = true;
    *piece = ".\r\n";
    *length = 3;
    return true;
}
