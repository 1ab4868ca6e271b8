/* SPDX-License-Identifier: MIT */
#include "bridge/delivery/smtp/rate.h"

#include <glib.h>

enum { SECOND_US = 1000000 };

void rate_configure(Rate *rate, const RateLimit *limit)
{
    if (limit->mails == 0) {
        *rate = (Rate){0};
        return;
    }
    int64_t mails = (int64_t)MIN(limit->mails, (size_t)G_MAXINT32);
    int64_t per_us = MIN(limit->per_ms, G_MAXINT64 / 2000) * 1000;
    rate->gap_us = MAX((per_us + mails - 1) / mails, 1);
    uint64_t early = MIN((uint64_t)limit->burst - 1, (uint64_t)(G_MAXINT64 / 4 / rate->gap_us));
    rate->slack_us = (int64_t)early * rate->gap_us;
}

unsigned rate_left(const Rate *rate, unsigned max, int64_t now_ms)
{
    int64_t early_us = rate->turn_us - now_ms * 1000;
    if (rate->gap_us == 0) {
        return max;
    }
    if (early_us > rate->slack_us) {
        return 0;
    }
    return (unsigned)MIN((rate->slack_us - MAX(early_us, 0)) / rate->gap_us + 1, (int64_t)max);
}

void rate_take(Rate *rate, int64_t now_ms)
{
    rate->turn_us = MAX(rate->turn_us, now_ms * 1000) + rate->gap_us;
}

int64_t rate_next_ms(const Rate *rate)
{
    return rate->gap_us > 0 ? (rate->turn_us - rate->slack_us + 999) / 1000 : 0;
}

unsigned rate_ahead(const Rate *rate, unsigned max)
{
    if (rate->gap_us == 0) {
        return max;
    }
    int64_t ahead = MAX(rate->slack_us / rate->gap_us, SECOND_US / rate->gap_us) + 1;
    return (unsigned)MIN(ahead, (int64_t)max);
}
