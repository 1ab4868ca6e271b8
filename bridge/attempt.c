/* SPDX-License-Identifier: MIT */
#include "bridge/attempt.h"

bool attempt_said_something(const Attempt *attempt)
{
    for (unsigned i = 0; i < attempt->mail->n_recipients; i++) {
        if (attempt->mail->recipients[i].state == RECIPIENT_QUEUED &&
            attempt->outcomes[i].kind != OUTCOME_UNTRIED) {
            return true;
        }
    }
    return false;
}

static LogLevel level_of(OutcomeKind kind)
{
    static const LogLevel levels[] = {
        [OUTCOME_UNTRIED] = LOG_LEVEL_DEBUG, [OUTCOME_DELIVERED] = LOG_LEVEL_INFO,
        [OUTCOME_DEFERRED] = LOG_LEVEL_WARN, [OUTCOME_REFUSED] = LOG_LEVEL_ERROR,
        [OUTCOME_IN_DOUBT] = LOG_LEVEL_WARN,
    };
    return levels[kind];
}

static void tell_one(const Attempt *attempt, unsigned i, Log *log, Metrics *metrics)
{
    const Mail *mail = attempt->mail;
    const Recipient *recipient = &mail->recipients[i];
    const Outcome *outcome = &attempt->outcomes[i];
    const char *kind = outcome_kind_text(outcome->kind);
    const char *relay = outcome->relay != NULL && *outcome->relay != '\0' ? outcome->relay
                                                                         : attempt->relay;
    int64_t delay_ms = attempt->now_ms - mail->accepted_ms;
    unsigned number = recipient->attempts + (outcome->kind != OUTCOME_UNTRIED);
    log_line(log, level_of(outcome->kind), "delivery", "mail", mail->message_id, "receiver",
             mail->receiver, "relay", relay, "recipient", recipient->address, "outcome",
             kind, "code", LOG_NUMBER(outcome->code), "enhanced", outcome->enhanced,
             "attempt", LOG_NUMBER(number), "delay_ms", LOG_NUMBER(delay_ms), "text",
             outcome->text, NULL);
    if (outcome->kind == OUTCOME_UNTRIED) {
        return;
    }
    metrics_add(metrics, METRIC_DELIVERIES, 1, relay, kind);
    if (outcome->kind == OUTCOME_DELIVERED) {
        metrics_observe(metrics, METRIC_DELIVERY_SECONDS, (double)delay_ms / 1000);
    }
}

void attempt_tell(const Attempt *attempt, Log *log, Metrics *metrics)
{
    for (unsigned i = 0; i < attempt->mail->n_recipients; i++) {
        if (attempt->mail->recipients[i].state == RECIPIENT_QUEUED) {
            tell_one(attempt, i, log, metrics);
        }
    }
}
