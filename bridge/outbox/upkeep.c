/* SPDX-License-Identifier: MIT */
/* What the outbox does by itself: take up what a crash left, give up what is too old,
 * tidy. */
#include "bridge/outbox/job.h"

enum {
    /* A mail that is over its time still gets this long after the start, or after the
     * moment of its last attempt. */
    GRACE_MS = 10 * 60 * 1000,
    OVERDUE_SLICE = 64,
    LEARN_SLICE = 500,
    FORGET_SLICE = 200,
};

/* The words that say most about a mail that is dead. */
static const Recipient *find_cause(const Mail *mail)
{
    for (unsigned i = 0; i < mail->n_recipients; i++) {
        if (mail->recipients[i].state != RECIPIENT_DELIVERED) {
            return &mail->recipients[i];
        }
    }
    return NULL;
}

void log_dead(Outbox *outbox, const Mail *mail)
{
    const Recipient *cause = find_cause(mail);
    const char *text = cause != NULL && cause->last.text != NULL ? cause->last.text : "";
    log_line(outbox->log, LOG_LEVEL_ERROR, "mail is dead", "mail", mail->message_id,
             "receiver", mail->receiver, "recipient", cause != NULL ? cause->address : "",
             "recipients", LOG_NUMBER(mail->n_recipients), "subject", mail->subject,
             "text", text, NULL);
}

/* Mails that the outbox holds itself for a while. */
static void drop_mails(GPtrArray *mails)
{
    for (unsigned i = 0; i < mails->len; i++) {
        mail_free(mails->pdata[i]);
    }
    g_ptr_array_set_size(mails, 0);
}

/* After a crash. */

static void call_in_doubt(Outbox *outbox, Mail *mail, const char *relay, int64_t claimed_ms)
{
    g_autofree Outcome *outcomes = g_new0(Outcome, mail->n_recipients);
    for (unsigned i = 0; i < mail->n_recipients; i++) {
        const Recipient *recipient = &mail->recipients[i];
        if (recipient->state != RECIPIENT_QUEUED) {
            continue;
        }
        outcome_set(&outcomes[i], OUTCOME_IN_DOUBT, 0, "", relay,
                    "the program ended during the attempt");
        metrics_add(outbox->metrics, METRIC_DELIVERIES, 1, relay, "in_doubt");
        log_line(outbox->log, LOG_LEVEL_WARN, "in doubt after a crash", "mail",
                 mail->message_id, "receiver", mail->receiver, "relay", relay, "recipient",
                 recipient->address, NULL);
    }
    apply_outcomes(outbox, mail, outcomes, claimed_ms);
    for (unsigned i = 0; i < mail->n_recipients; i++) {
        outcome_clear(&outcomes[i]);
    }
    if (mail_fate(mail) == MAIL_DEAD) {
        log_dead(outbox, mail);
    }
}

static bool recover_claims(Outbox *outbox, const Config *config, GPtrArray *mails,
                           GError **error)
{
    g_autoptr(GArray) claimed_ms = g_array_new(FALSE, FALSE, sizeof(int64_t));
    bool ok = outbox->ops->claimed(outbox->store, mails, claimed_ms, error);
    for (unsigned i = 0; ok && i < mails->len; i++) {
        Mail *mail = mails->pdata[i];
        const RelayConfig *relay = config_find_relay(config, mail->relay);
        call_in_doubt(outbox, mail, relay != NULL ? relay->name : mail->relay,
                      g_array_index(claimed_ms, int64_t, i));
        ok = outbox->ops->report(outbox->store, mail, outbox_now_ms(outbox), error);
    }
    if (mails->len > 0) { /* before the commit: what is sent twice was called in doubt */
        log_flush(outbox->log);
    }
    return ok;
}

bool recover(Outbox *outbox, const Config *config, GError **error)
{
    g_autoptr(GPtrArray) mails = g_ptr_array_new();
    bool ok = outbox->ops->begin(outbox->store, error) &&
              (outbox->visiting || recover_claims(outbox, config, mails, error)) &&
              outbox->ops->count(outbox->store, &outbox->counts, error) &&
              outbox->ops->commit(outbox->store, error);
    if (!ok) {
        outbox->ops->rollback(outbox->store);
    }
    outbox->stats = outbox->counts;
    outbox->now_ms = outbox_now_ms(outbox);
    say_counts(outbox);
    drop_mails(mails);
    return ok;
}

/* After a commit that seemed to fail. */

bool reclaim(Outbox *outbox, GError **error)
{
    g_autoptr(GPtrArray) mails = g_ptr_array_new();
    g_autoptr(GArray) claimed_ms = g_array_new(FALSE, FALSE, sizeof(int64_t));
    bool ok = outbox->visiting || outbox->ops->claimed(outbox->store, mails, claimed_ms, error);
    for (unsigned i = 0; ok && i < mails->len; i++) {
        const Mail *mail = mails->pdata[i];
        ok = g_hash_table_contains(outbox->given_out, GSIZE_TO_POINTER((gsize)mail->id)) ||
             outbox->ops->report(outbox->store, mail, outbox->now_ms, error);
    }
    drop_mails(mails);
    return ok && outbox->ops->announce(outbox->store, error);
}

/* After the start. */

typedef struct {
    Job job;
    GPtrArray *keys;
} LearnJob;

static bool run_learn(Outbox *outbox, Job *job, GError **error)
{
    return outbox->ops->keys(outbox->store, outbox->learnt, LEARN_SLICE,
                             ((LearnJob *)job)->keys, error);
}

static void undo_learn(Outbox *outbox, Job *job)
{
    (void)outbox;
    g_ptr_array_set_size(((LearnJob *)job)->keys, 0);
}

static void finish_learn(Outbox *outbox, Job *job)
{
    GPtrArray *keys = ((LearnJob *)job)->keys;
    for (unsigned i = 0; i < keys->len; i++) {
        known_keys_add(outbox->known, keys->pdata[i]);
    }
    if (job->result == OUTBOX_OK) {
        bool all = keys->len < LEARN_SLICE;
        g_free(outbox->learnt);
        outbox->learnt = all ? NULL : g_strdup(keys->pdata[keys->len - 1]);
        if (all) {
            known_keys_complete(outbox->known);
        }
    }
    g_ptr_array_unref(keys);
    g_free(job);
}

static const JobKind learn_kind = {run_learn, undo_learn, finish_learn, false};

Job *learn_job(void)
{
    LearnJob *learn = g_new(LearnJob, 1);
    *learn = (LearnJob){{.kind = &learn_kind}, g_ptr_array_new_with_free_func(g_free)};
    return &learn->job;
}

/* From time to time. */

typedef struct {
    Job job;
    GPtrArray *overdue;
} UpkeepJob;

static void give_up(Mail *mail)
{
    for (unsigned i = 0; i < mail->n_recipients; i++) {
        Recipient *recipient = &mail->recipients[i];
        if (recipient->state != RECIPIENT_QUEUED && recipient->state != RECIPIENT_WAITING) {
            continue;
        }
        recipient->state = RECIPIENT_DEAD;
        if (recipient->last.text == NULL || *recipient->last.text == '\0') {
            outcome_set(&recipient->last, OUTCOME_UNTRIED, 0, "", "",
                        "given up: no attempt was possible");
        }
    }
}

static bool give_up_overdue(Outbox *outbox, GPtrArray *mails, GError **error)
{
    int64_t give_up_ms = outbox_policy(outbox).give_up_ms;
    if (outbox->now_ms - outbox->started_ms < GRACE_MS) {
        return true;
    }
    bool ok = outbox->ops->overdue(outbox->store, outbox->now_ms - give_up_ms - GRACE_MS,
                                   OVERDUE_SLICE, mails, error);
    for (unsigned i = 0; ok && i < mails->len; i++) {
        give_up(mails->pdata[i]);
        ok = outbox->ops->report(outbox->store, mails->pdata[i], outbox->now_ms, error);
    }
    return ok;
}

static bool run_upkeep(Outbox *outbox, Job *job, GError **error)
{
    return give_up_overdue(outbox, ((UpkeepJob *)job)->overdue, error) &&
           outbox->ops->tidy(outbox->store, outbox->now_ms, error);
}

static void undo_upkeep(Outbox *outbox, Job *job)
{
    (void)outbox;
    drop_mails(((UpkeepJob *)job)->overdue);
}

static void finish_upkeep(Outbox *outbox, Job *job)
{
    GPtrArray *overdue = ((UpkeepJob *)job)->overdue;
    for (unsigned i = 0; i < overdue->len; i++) {
        log_dead(outbox, overdue->pdata[i]);
        awaited_ended(outbox, overdue->pdata[i]);
    }
    drop_mails(overdue);
    g_ptr_array_unref(overdue);
    g_free(job);
}

static const JobKind upkeep_kind = {run_upkeep, undo_upkeep, finish_upkeep, false};

Job *upkeep_job(void)
{
    UpkeepJob *upkeep = g_new(UpkeepJob, 1);
    *upkeep = (UpkeepJob){{.kind = &upkeep_kind}, g_ptr_array_new()};
    return &upkeep->job;
}

/* Slice after slice, between the other jobs, until nothing is too old. */

typedef struct {
    Job job;
    unsigned forgotten;
} ForgetJob;

static bool run_forget(Outbox *outbox, Job *job, GError **error)
{
    pthread_mutex_lock(&outbox->lock);
    int64_t before_ms = outbox->now_ms - outbox->history_ms;
    size_t keep = outbox->history_max;
    pthread_mutex_unlock(&outbox->lock);
    return outbox->ops->forget(outbox->store, before_ms, keep, FORGET_SLICE,
                               &((ForgetJob *)job)->forgotten, error);
}

static void undo_forget(Outbox *outbox, Job *job)
{
    (void)outbox, (void)job;
}

static void finish_forget(Outbox *outbox, Job *job)
{
    outbox->forgetting =
        job->result == OUTBOX_OK && ((ForgetJob *)job)->forgotten == FORGET_SLICE;
    g_free(job);
}

static const JobKind forget_kind = {run_forget, undo_forget, finish_forget, false};

Job *forget_job(void)
{
    ForgetJob *forget = g_new0(ForgetJob, 1);
    forget->job.kind = &forget_kind;
    return &forget->job;
}
