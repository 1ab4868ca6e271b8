/* SPDX-License-Identifier: MIT */
#ifndef BRIDGE_DELIVERY_SMTP_BODY_H
#define BRIDGE_DELIVERY_SMTP_BODY_H

#include <stdbool.h>
#include <stddef.h>

/* A mail's bytes as DATA wants them: a dot before every line that starts with one,
 * a line end behind the last line, and the final dot.  It comes in pieces that point
 * into the mail, so that nothing is copied. */
typedef struct {
    const char *bytes;
    size_t length, at;
    bool stuffed, ended, finished;
} Body;

#define BODY_PIECE_MAX 65536

/* BYTES stay the caller's and must outlive BODY. */
void body_init(Body *body, const char *bytes, size_t length);
/* The next piece, at most BODY_PIECE_MAX bytes; false when there is none left.  The
 * last one is the final dot's line. */
bool body_next(Body *body, const char **piece, size_t *length);
/* The piece taken last was the final dot. */
bool body_is_finished(const Body *body);

#endif
