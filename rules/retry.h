/* SPDX-License-Identifier: MIT */
#ifndef RULES_RETRY_H
#define RULES_RETRY_H

#include <stdbool.h>
#include <stdint.h>

/* The life of one recipient of one mail, from attempt to attempt.  Pure: the clock and
 * the dice are arguments. */

/* What became of a recipient in one attempt. */
typedef enum {
    OUTCOME_UNTRIED,   /* nothing was said about this recipient; costs it nothing */
    OUTCOME_DELIVERED,
    OUTCOME_DEFERRED,  /* 4xx, or the connection was lost before the final dot */
    OUTCOME_REFUSED,   /* 5xx: this recipient (at RCPT) or the whole mail (at DATA, dot) */
    OUTCOME_IN_DOUBT,  /* the final dot may have gone out and no reply came */
} OutcomeKind;

/* These numbers are stored: append only. */
typedef enum {
    RECIPIENT_QUEUED,    /* to be tried; in a claimed mail: in this attempt */
    RECIPIENT_WAITING,   /* not in this attempt: an earlier mail of its group is still on
                            its way to it, or its pause is not over */
    RECIPIENT_DELIVERED,
    RECIPIENT_REFUSED,   /* for good, by the server or by our own rules */
    RECIPIENT_DEAD,      /* given up */
    RECIPIENT_DROPPED,   /* taken out of the queue by hand */
} RecipientState;

typedef struct {
    int64_t min_ms, max_ms; /* the shortest and the longest pause */
    int64_t give_up_ms;     /* after acceptance */
    bool in_doubt_keep;     /* what is in doubt is kept as dead rather than sent again */
} RetryPolicy;

typedef struct {
    RecipientState state;
    unsigned attempts; /* those that said something */
    int64_t due_ms;    /* next attempt, Unix time; 0: now */
    bool in_doubt;     /* some attempt may have delivered it */
} RetryState;

typedef struct {
    int64_t accepted_ms, now_ms; /* Unix time */
    double random;               /* 0 <= random < 1 */
} RetryMoment;

/* What is in doubt is not tried again before. */
#define RETRY_IN_DOUBT_MS 60000

/* The state after an attempt with OUTCOME.  A recipient that was not in the attempt
 * (not QUEUED) stays as it is.  The last attempt falls on give_up_ms. */
RetryState retry_after(RetryState recipient, OutcomeKind outcome, const RetryPolicy *policy,
                       const RetryMoment *moment);

/* The pause after so many failed ATTEMPTS (1 after the first): full jitter between
 * min_ms and min_ms doubled with each attempt, at most max_ms. */
int64_t retry_pause_ms(const RetryPolicy *policy, unsigned attempts, double random);

/* give_up_ms are over. */
bool retry_over(const RetryPolicy *policy, const RetryMoment *moment);

#endif
