/* SPDX-License-Identifier: MIT */
#include "bridge/accept_step.h"

#define DAY_MS ((int64_t)24 * 3600 * 1000)

/* How long a state is kept, at least.  A workflow may run once a month, and be red that
 * long; a green one is only kept so that late runs are known as such. */
#define KEEP_MS       (5 * DAY_MS)
#define KEEP_RED_MS   (400 * DAY_MS)
#define KEEP_GREEN_MS (30 * DAY_MS)

void part_forget(Part *part)
{
    record_clear(&part->record);
    part->record = (Record){0};
    dedup_decision_clear(&part->decision);
    g_clear_pointer(&part->mailed, event_free);
    mail_report_clear(&part->report);
    g_clear_pointer(&part->message_id, g_free);
    part->last_mail_queued = false;
}

static bool sends_resolved(const Step *step, const Part *part)
{
    const EmailConfig *email = &part->reach->receiver->emails[part->integration];
    return email->send_resolved_set ? email->send_resolved
                                    : step->event->family == FAMILY_CI;
}

static DedupState *old_state(const Step *step, const Part *part)
{
    if (part->record.value == NULL) {
        return NULL;
    }
    g_autoptr(GError) error = NULL;
    DedupState *state = dedup_decode(part->record.value, part->record.length, &error);
    if (state == NULL) {
        log_line(step->accept->log, LOG_LEVEL_ERROR, "dedup state lost", "receiver",
                 part->reach->receiver->name, "record", part->key, "error",
                 error->message, NULL);
    }
    return state;
}

void part_decide(const Step *step, Part *part)
{
    const SourceConfig *source = config_find_source(step->config, step->event->source);
    DedupSettings settings = {
        .window_ms = source != NULL ? source->dedup_window_ms : 0,
        .remind_ms = source != NULL ? source->dedup_remind_ms : 0,
        .repeat_interval_ms = part->reach->route->repeat_interval_ms,
        .send_resolved = sends_resolved(step, part),
    };
    DedupInput input = {.webhook = step->webhook,
                        .last_mail_out_of_queue = !part->last_mail_queued,
                        .now_ms = step->now_ms};
    g_autoptr(DedupState) old = old_state(step, part);
    part->last_mail_ms = old != NULL ? old->last_mail_ms : 0;
    dedup_decision_clear(&part->decision);
    g_clear_pointer(&part->mailed, event_free);
    dedup_decide(old, part->reach->event, &settings, &input, &part->decision);
    if (dedup_reason_sends(part->decision.reason)) {
        part->mailed = dedup_mailed(part->reach->event, settings.send_resolved);
    }
}

static Mail *make_mail(const Step *step, Part *part)
{
    MailOrder order = {
        .config = step->config,
        .receiver = part->reach->receiver,
        .integration = part->integration,
        .event = part->mailed,
        .route = part->reach->route,
        .now_ms = step->now_ms,
        .thread_root = part->decision.thread_root,
        .group = part->key,
        .signer = step->accept->signer,
    };
    Mail *mail = accept_mail_always(&order, &part->report);
    part->message_id = g_strdup(mail->message_id);
    dedup_name_mail(&part->decision, mail->message_id);
    return mail;
}

static int64_t expires_ms(const Step *step, const Part *part)
{
    const SourceConfig *source = config_find_source(step->config, step->event->source);
    const DedupState *state = part->decision.state;
    if (state->family == FAMILY_CI) {
        return step->now_ms + (state->runs.red ? KEEP_RED_MS : KEEP_GREEN_MS);
    }
    int64_t longest = MAX(part->reach->route->repeat_interval_ms,
                          source != NULL ? source->dedup_window_ms : 0);
    return step->now_ms + MAX(KEEP_MS, 2 * MIN(longest, INT64_MAX / 8));
}

void part_change(const Step *step, Part *part, Change *change)
{
    if (part->mailed != NULL) {
        change->mails[change->n_mails++] = make_mail(step, part);
    }
    if (part->mailed != NULL || part->decision.changed) {
        Record *record = &change->records[change->n_records++];
        *record = (Record){.key = g_strdup(part->key),
                           .version = part->record.version,
                           .expires_ms = expires_ms(step, part)};
        record->value = dedup_encode(part->decision.state, &record->length);
    }
}
