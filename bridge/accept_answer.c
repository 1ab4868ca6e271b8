/* SPDX-License-Identifier: MIT */
#include "bridge/accept_step.h"

static void log_problems(const Step *step, const Part *part)
{
    const char *receiver = part->reach->receiver->name;
    if (part->report.problem != NULL) {
        const char *part_name = part->report.part != NULL ? part->report.part : "";
        metrics_add(step->accept->metrics, METRIC_TEMPLATE_ERRORS, 1, receiver, part_name);
        log_line(step->accept->log, LOG_LEVEL_ERROR, "plain mail instead", "mail",
                 part->message_id, "receiver", receiver, "part", part_name, "place",
                 part->report.place != NULL ? part->report.place : "", "error",
                 part->report.problem, NULL);
    }
    if (part->report.unsigned_because != NULL) {
        metrics_add(step->accept->metrics, METRIC_DKIM_ERRORS, 1, NULL, NULL);
        log_line(step->accept->log, LOG_LEVEL_ERROR, "mail not signed", "mail",
                 part->message_id, "receiver", receiver, "error",
                 part->report.unsigned_because, NULL);
    }
    for (char **left = part->report.left_out; left != NULL && *left != NULL; left++) {
        log_line(step->accept->log, LOG_LEVEL_WARN, "left out of a mail", "mail",
                 part->message_id, "receiver", receiver, "what", *left, NULL);
    }
}

static void account(const Step *step, const Part *part)
{
    const Accept *accept = step->accept;
    const char *receiver = part->reach->receiver->name;
    const char *reason = dedup_reason_name(part->decision.reason);
    bool sends = part->mailed != NULL;
    metrics_add(accept->metrics, METRIC_NOTIFICATIONS, 1, receiver,
                sends ? "queued" : "suppressed");
    if (!sends) {
        metrics_add(accept->metrics, METRIC_NOTIFICATIONS_SUPPRESSED, 1, reason, NULL);
        log_line(accept->log, LOG_LEVEL_INFO, "notification suppressed", "source",
                 step->event->source, "receiver", receiver, "group",
                 step->event->group_key, "reason", reason, NULL);
        return;
    }
    log_line(accept->log, LOG_LEVEL_INFO, "mail queued", "mail", part->message_id,
             "source", step->event->source, "receiver", receiver, "group",
             step->event->group_key, "reason", reason, NULL);
    log_problems(step, part);
}

void step_account(const Step *step)
{
    for (size_t i = 0; i < step->n_parts; i++) {
        account(step, &step->parts[i]);
    }
}

static AcceptResult result_of(const Step *step, const Part *part)
{
    bool sends = part->mailed != NULL;
    return (AcceptResult){
        .receiver = g_strdup(part->reach->receiver->name),
        .kind = sends ? ACCEPT_QUEUED : ACCEPT_SUPPRESSED,
        .text = g_strdup(sends ? part->message_id
                               : dedup_reason_text(part->decision.reason)),
        .mail = {part->key, sends ? step->now_ms : part->last_mail_ms},
    };
}

/* A receiver without email_configs is where Alertmanager's users send what nobody is to
 * be told. */
GArray *step_results(const Step *step)
{
    GArray *results = g_array_new(FALSE, FALSE, sizeof(AcceptResult));
    for (size_t i = 0; i < step->n_parts; i++) {
        AcceptResult result = result_of(step, &step->parts[i]);
        g_array_append_val(results, result);
    }
    for (unsigned i = 0; i < step->reached->len; i++) {
        const Receiver *receiver = ((const Reach *)step->reached->pdata[i])->receiver;
        if (receiver->n_emails == 0) {
            AcceptResult result = {
                .receiver = g_strdup(receiver->name),
                .kind = ACCEPT_IGNORED,
                .text = g_strdup("the receiver has no email_configs"),
            };
            g_array_append_val(results, result);
        }
    }
    return results;
}
