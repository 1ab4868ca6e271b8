/* SPDX-License-Identifier: MIT */
#ifndef BRIDGE_DELIVERY_SMTP_REPLY_H
#define BRIDGE_DELIVERY_SMTP_REPLY_H

#include <stdbool.h>
#include <stddef.h>

/* What a mail server said, taken from a stream that may be cut anywhere. */

#define REPLY_LINE_MAX  8192  /* bytes of one line, its end not counted */
#define REPLY_TOTAL_MAX 65536 /* bytes of all lines of one reply */
#define REPLY_TEXT_MAX  1000  /* bytes of text kept */

typedef struct {
    int code;            /* 200 to 599, the last line's */
    char enhanced[12];   /* "5.1.1" from the first line that has one, "" */
    char text[REPLY_TEXT_MAX + 1]; /* the lines' words without the codes, one space
                          * between; control bytes are spaces; ends in "..." if cut */
} Reply;

typedef struct {
    Reply reply;         /* valid after REPLY_COMPLETE, until the next feed */
    size_t text_length, total, line_length;
    bool complete;
    char line[REPLY_LINE_MAX + 1]; /* and its CR */
} ReplyParser;

typedef enum {
    REPLY_MORE,     /* the reply goes on */
    REPLY_COMPLETE, /* `reply` is there; what is left belongs to the next one */
    REPLY_GARBAGE,  /* not SMTP, or beyond a ceiling: this stream is of no more use */
} ReplyStatus;

void reply_init(ReplyParser *parser);
/* Eats from *BYTES, *LENGTH, up to the end of one reply at most. */
ReplyStatus reply_feed(ReplyParser *parser, const char **bytes, size_t *length);
/* Nothing of a further reply has been fed since the last complete one. */
bool reply_at_start(const ReplyParser *parser);

/* The first digit of the code, 2 to 5. */
int reply_class(const Reply *reply);
/* ENHANCED is "X.subject.Y" with this subject, e.g. 7 for security and policy. */
bool reply_subject_is(const Reply *reply, int subject);

#endif
