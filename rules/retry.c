/* SPDX-License-Identifier: MIT */
#include "rules/retry.h"

bool retry_over(const RetryPolicy *policy, const RetryMoment *moment)
{
    return moment->now_ms - moment->accepted_ms >= policy->give_up_ms;
}

int64_t retry_pause_ms(const RetryPolicy *policy, unsigned attempts, double random)
{
    int64_t ceiling = policy->min_ms;
    for (unsigned i = 0; i < attempts && ceiling < policy->max_ms; i++) {
        ceiling = ceiling > policy->max_ms / 2 ? policy->max_ms : ceiling * 2;
    }
    if (ceiling <= policy->min_ms) {
        return policy->min_ms;
    }
    return policy->min_ms + (int64_t)(random * (double)(ceiling - policy->min_ms));
}

static RetryState again(RetryState recipient, const RetryPolicy *policy,
                        const RetryMoment *moment)
{
    if (retry_over(policy, moment)) {
        recipient.state = RECIPIENT_DEAD;
        return recipient;
    }
    int64_t last_ms = moment->accepted_ms + policy->give_up_ms;
    int64_t due_ms =
        moment->now_ms + retry_pause_ms(policy, recipient.attempts, moment->random);
    recipient.due_ms = due_ms < last_ms ? due_ms : last_ms;
    return recipient;
}

static RetryState doubt(RetryState recipient, const RetryPolicy *policy,
                        const RetryMoment *moment)
{
    recipient.in_doubt = true;
    if (policy->in_doubt_keep) {
        recipient.state = RECIPIENT_DEAD;
        return recipient;
    }
    recipient = again(recipient, policy, moment);
    int64_t earliest_ms = moment->now_ms + RETRY_IN_DOUBT_MS;
    if (recipient.state == RECIPIENT_QUEUED && recipient.due_ms < earliest_ms) {
        recipient.due_ms = earliest_ms;
    }
    return recipient;
}

RetryState retry_after(RetryState recipient, OutcomeKind outcome, const RetryPolicy *policy,
                       const RetryMoment *moment)
{
    if (recipient.state != RECIPIENT_QUEUED || outcome == OUTCOME_UNTRIED) {
        return recipient;
    }
    recipient.attempts++;
    switch (outcome) {
    case OUTCOME_DELIVERED:
        recipient.state = RECIPIENT_DELIVERED;
        return recipient;
    case OUTCOME_REFUSED:
        recipient.state = RECIPIENT_REFUSED;
        return recipient;
    case OUTCOME_IN_DOUBT:
        return doubt(recipient, policy, moment);
    default:
        return again(recipient, policy, moment);
    }
}
