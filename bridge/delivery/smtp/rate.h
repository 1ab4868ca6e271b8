/* SPDX-License-Identifier: MIT */
#ifndef BRIDGE_DELIVERY_SMTP_RATE_H
#define BRIDGE_DELIVERY_SMTP_RATE_H

#include <stdbool.h>
#include <stdint.h>

#include "config/config.h"

/* `rate_limit` of a relay: a bucket that holds up to `burst` mails and is filled with one
 * after the other, evenly over time, so that what has waited never leaves all at once.
 * No I/O; NOW_MS is an argument (monotonic). */
typedef struct {
    int64_t gap_us;   /* between two mails, 0: no limit */
    int64_t slack_us; /* by how much mails may come before their turn: the burst */
    int64_t turn_us;  /* when the next mail would leave if all were evenly spaced */
} Rate;

/* Starts with a full bucket; after that, what has been used stays used. */
void rate_configure(Rate *rate, const RateLimit *limit);
/* How many mails may leave now, at most MAX. */
unsigned rate_left(const Rate *rate, unsigned max, int64_t now_ms);
/* One leaves.  Only where rate_left() is not 0. */
void rate_take(Rate *rate, int64_t now_ms);
/* When the next one may leave; NOW_MS or before: now. */
int64_t rate_next_ms(const Rate *rate);
/* How many mails it is worth to hold ready, at most MAX: not more than leave in a second,
 * or in a burst. */
unsigned rate_ahead(const Rate *rate, unsigned max);

#endif
