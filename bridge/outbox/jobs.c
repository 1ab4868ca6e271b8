/* SPDX-License-Identifier: MIT */
/* What the outbox is asked for: each call is a kind of job. */
#include "bridge/outbox/job.h"

#include <string.h>

/* Reading records. */

typedef struct {
    Job job;
    Record *records;
    size_t n;
    OutboxReadDone *done;
    void *who;
} ReadJob;

static void clear_records(Record *records, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        record_clear(&records[i]);
    }
    g_free(records);
}

static void forget_value(Record *record)
{
    g_free(g_steal_pointer(&record->value));
    record->length = 0;
    record->version = 0;
    record->expires_ms = 0;
}

static bool run_read(Outbox *outbox, Job *job, GError **error)
{
    ReadJob *read = (ReadJob *)job;
    bool ok = true;
    for (size_t i = 0; ok && i < read->n; i++) {
        ok = outbox->ops->get(outbox->store, &read->records[i], error);
    }
    return ok;
}

static void undo_read(Outbox *outbox, Job *job)
{
    (void)outbox;
    ReadJob *read = (ReadJob *)job;
    for (size_t i = 0; i < read->n; i++) {
        forget_value(&read->records[i]);
    }
}

static void finish_read(Outbox *outbox, Job *job)
{
    ReadJob *read = (ReadJob *)job;
    if (job->result == OUTBOX_OK) {
        for (size_t i = 0; i < read->n; i++) {
            record_cache_put(outbox->cache, &read->records[i]);
        }
        read->done(read->who, OUTBOX_OK, read->records, read->n);
    } else {
        clear_records(read->records, read->n);
        read->done(read->who, job->result, NULL, 0);
    }
    g_free(read);
}

static const JobKind read_kind = {run_read, undo_read, finish_read, false};

/* Fills in RECORDS; false if the storage has to be asked for one, and then none is. */
static bool read_cache(Outbox *outbox, Record *records, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (!record_cache_get(outbox->cache, &records[i]) &&
            known_keys_may_have(outbox->known, records[i].key)) {
            while (i-- > 0) {
                forget_value(&records[i]);
            }
            return false;
        }
    }
    return true;
}

void outbox_read(Outbox *outbox, const char *const *keys, size_t n, OutboxReadDone *done,
                 void *who)
{
    Record *records = g_new0(Record, n);
    for (size_t i = 0; i < n; i++) {
        records[i].key = g_strdup(keys[i]);
    }
    if (read_cache(outbox, records, n)) {
        done(who, OUTBOX_OK, records, n);
        return;
    }
    ReadJob *read = g_new(ReadJob, 1);
    *read = (ReadJob){{.kind = &read_kind}, records, n, done, who};
    outbox_push(outbox, &read->job);
}

/* Committing a change. */

typedef struct {
    Job job;
    Change *change;
    bool *wanted; /* by mail: the claimer would take it */
    OutboxCommitDone *done;
    void *who;
} CommitJob;

/* Never given twice to one key, even if its record is removed in between. */
static uint64_t next_version(const Record *record, int64_t now_ms)
{
    if (record->value == NULL) {
        return 0;
    }
    return record->version > 0 ? record->version + 1 : (uint64_t)MAX(now_ms, 1) * 1000;
}

/* *RESULT: CONFLICT if a record has another version than the change states. */
static bool check_versions(Outbox *outbox, const Change *change, OutboxResult *result,
                           GError **error)
{
    for (size_t i = 0; i < change->n_records; i++) {
        uint64_t version;
        if (!outbox->ops->version(outbox->store, change->records[i].key, &version, error)) {
            return false;
        }
        if (version != change->records[i].version) {
            *result = OUTBOX_CONFLICT;
            return true;
        }
    }
    return true;
}

static bool would_overflow(Outbox *outbox, const Change *change)
{
    size_t bytes = 0;
    for (size_t i = 0; i < change->n_mails; i++) {
        bytes += change->mails[i]->length;
    }
    const OutboxStats *counts = &outbox->counts;
    pthread_mutex_lock(&outbox->lock);
    bool overflow = counts->queued + counts->deferred + counts->claimed + outbox->adding +
                            change->n_mails > outbox->mails_max ||
                    counts->bytes + outbox->adding_bytes + bytes > outbox->bytes_max;
    pthread_mutex_unlock(&outbox->lock);
    if (!overflow) {
        outbox->adding += change->n_mails;
        outbox->adding_bytes += bytes;
    }
    return overflow;
}

static bool store_records(Outbox *outbox, const Change *change, GError **error)
{
    bool ok = true;
    for (size_t i = 0; ok && i < change->n_records; i++) {
        Record record = change->records[i];
        record.version = next_version(&record, outbox->now_ms);
        known_keys_add(outbox->known, record.key);
        ok = outbox->ops->put(outbox->store, &record, error);
    }
    return ok;
}

static bool store_mails(Outbox *outbox, CommitJob *commit, GError **error)
{
    bool ok = true;
    for (size_t i = 0; ok && i < commit->change->n_mails; i++) {
        Mail *mail = commit->change->mails[i];
        commit->wanted[i] = outbox->claimer->wants(outbox->claimer_who, mail);
        ok = outbox->ops->insert(outbox->store, mail, outbox->now_ms, commit->wanted[i],
                                 error);
    }
    return ok;
}

static bool run_commit(Outbox *outbox, Job *job, GError **error)
{
    CommitJob *commit = (CommitJob *)job;
    const Change *change = commit->change;
    if (outbox->ops->tight(outbox->store)) {
        job->result = OUTBOX_FAILED;
        return true;
    }
    if (!check_versions(outbox, change, &job->result, error)) {
        return false;
    }
    if (job->result == OUTBOX_OK && change->n_mails > 0 && would_overflow(outbox, change)) {
        job->result = OUTBOX_FULL;
    }
    return job->result != OUTBOX_OK ||
           (store_records(outbox, change, error) && store_mails(outbox, commit, error));
}

static void undo_commit(Outbox *outbox, Job *job)
{
    CommitJob *commit = (CommitJob *)job;
    for (size_t i = 0; i < commit->change->n_mails; i++) {
        Mail *mail = commit->change->mails[i];
        if (commit->wanted[i]) {
            outbox->claimer->unclaimed(outbox->claimer_who, mail);
        }
        mail->id = 0;
        mail->attempts = 0;
        for (unsigned r = 0; r < mail->n_recipients; r++) {
            if (mail->recipients[r].state == RECIPIENT_WAITING) {
                mail->recipients[r].state = RECIPIENT_QUEUED;
            }
        }
    }
}

static void note_given_out(Outbox *outbox, const Mail *mail)
{
    g_hash_table_add(outbox->given_out, GSIZE_TO_POINTER((gsize)mail->id));
    awaited_given_out(outbox->awaited, mail);
}

static void hand_out(Outbox *outbox, CommitJob *commit)
{
    for (size_t i = 0; i < commit->change->n_mails; i++) {
        Mail *mail = commit->change->mails[i];
        if (commit->wanted[i] && mail->attempts > 0) {
            note_given_out(outbox, mail);
            commit->change->mails[i] = NULL;
            outbox->claimer->claimed(outbox->claimer_who, mail);
            continue;
        }
        if (commit->wanted[i]) {
            outbox->claimer->unclaimed(outbox->claimer_who, mail);
        }
        if (mail_fate(mail) == MAIL_DEAD) {
            log_dead(outbox, mail);
        }
    }
}

static void finish_commit(Outbox *outbox, Job *job)
{
    CommitJob *commit = (CommitJob *)job;
    Change *change = commit->change;
    for (size_t i = 0; i < change->n_records; i++) {
        if (job->result == OUTBOX_OK) {
            change->records[i].version = next_version(&change->records[i], outbox->now_ms);
            record_cache_put(outbox->cache, &change->records[i]);
        } else if (job->result == OUTBOX_CONFLICT) {
            record_cache_drop(outbox->cache, change->records[i].key);
            known_keys_add(outbox->known, change->records[i].key);
        }
    }
    if (job->result == OUTBOX_OK) {
        hand_out(outbox, commit);
    }
    commit->done(commit->who, job->result, change);
    g_free(commit->wanted);
    g_free(commit);
}

static const JobKind commit_kind = {run_commit, undo_commit, finish_commit, false};

void outbox_commit(Outbox *outbox, Change *take_change, OutboxCommitDone *done, void *who)
{
    CommitJob *commit = g_new(CommitJob, 1);
    *commit = (CommitJob){{.kind = &commit_kind}, take_change,
                          g_new0(bool, take_change->n_mails), done, who};
    for (size_t i = 0; i < take_change->n_mails; i++) {
        commit->job.weight += take_change->mails[i]->length;
    }
    outbox_push(outbox, &commit->job);
}

/* Claiming. */

typedef struct {
    Job job;
    char *relay;
    unsigned max;
    GPtrArray *mails;
    int64_t next_due_ms;
    OutboxClaimDone *done;
    void *who;
} ClaimJob;

static bool run_claim(Outbox *outbox, Job *job, GError **error)
{
    ClaimJob *claim = (ClaimJob *)job;
    const StoreOps *ops = outbox->ops;
    return ops->claim(outbox->store, claim->relay, outbox->now_ms, claim->max,
                      claim->mails, error) &&
           ops->next_due(outbox->store, claim->relay, &claim->next_due_ms, error);
}

static void undo_claim(Outbox *outbox, Job *job)
{
    (void)outbox;
    ClaimJob *claim = (ClaimJob *)job;
    for (unsigned i = 0; i < claim->mails->len; i++) {
        mail_free(claim->mails->pdata[i]);
    }
    g_ptr_array_set_size(claim->mails, 0);
    claim->next_due_ms = -1;
}

static void finish_claim(Outbox *outbox, Job *job)
{
    ClaimJob *claim = (ClaimJob *)job;
    gsize n = 0;
    for (unsigned i = 0; i < claim->mails->len; i++) {
        note_given_out(outbox, claim->mails->pdata[i]);
    }
    Mail **mails = (Mail **)g_ptr_array_steal(claim->mails, &n);
    claim->done(claim->who, job->result, mails, n, claim->next_due_ms);
    g_ptr_array_unref(claim->mails);
    g_free(claim->relay);
    g_free(claim);
}

static const JobKind claim_kind = {run_claim, undo_claim, finish_claim, false};

void outbox_claim(Outbox *outbox, const char *relay, unsigned max, OutboxClaimDone *done,
                  void *who)
{
    ClaimJob *claim = g_new(ClaimJob, 1);
    *claim = (ClaimJob){{.kind = &claim_kind}, g_strdup(relay), max, g_ptr_array_new(), -1,
                        done, who};
    outbox_push(outbox, &claim->job);
}

/* Reporting. */

typedef struct {
    Job job;
    Mail *mail;
} ReportJob;

static bool run_report(Outbox *outbox, Job *job, GError **error)
{
    const Mail *mail = ((ReportJob *)job)->mail;
    return outbox->ops->report(outbox->store, mail, outbox->now_ms, error);
}

static void undo_nothing(Outbox *outbox, Job *job)
{
    (void)outbox, (void)job;
}

static void finish_report(Outbox *outbox, Job *job)
{
    Mail *mail = ((ReportJob *)job)->mail;
    g_hash_table_remove(outbox->given_out, GSIZE_TO_POINTER((gsize)mail->id));
    if (mail_fate(mail) == MAIL_DEAD) {
        log_dead(outbox, mail);
    }
    awaited_back(outbox, mail);
    mail_free(mail);
    g_free(job);
}

static const JobKind report_kind = {run_report, undo_nothing, finish_report, true};

/* What an attempt at MOMENT brought to one recipient. */
static void apply(Recipient *recipient, const Outcome *outcome, const RetryPolicy *policy,
                  const RetryMoment *moment)
{
    RetryState before = {recipient->state, recipient->attempts, recipient->due_ms,
                         recipient->in_doubt};
    RetryState after = retry_after(before, outcome->kind, policy, moment);
    if (recipient->state == RECIPIENT_QUEUED && outcome->kind != OUTCOME_UNTRIED) {
        outcome_set(&recipient->last, outcome->kind, outcome->code, outcome->enhanced,
                    outcome->relay, outcome->text);
        recipient->last_ms = moment->now_ms;
        recipient->tried = true;
    }
    recipient->state = after.state;
    recipient->attempts = after.attempts;
    recipient->due_ms = after.due_ms;
    recipient->in_doubt = after.in_doubt;
}

void apply_outcomes(Outbox *outbox, Mail *mail, const Outcome *outcomes, int64_t now_ms)
{
    RetryPolicy policy = outbox_policy(outbox);
    RetryMoment moment = {MAX(mail->accepted_ms, mail->since_ms), now_ms,
                          outbox->clock.random(outbox->clock.who)};
    for (unsigned i = 0; i < mail->n_recipients; i++) {
        apply(&mail->recipients[i], &outcomes[i], &policy, &moment);
    }
}

void outbox_report(Outbox *outbox, Mail *take_mail, const Outcome *outcomes)
{
    apply_outcomes(outbox, take_mail, outcomes, outbox_now_ms(outbox));
    ReportJob *report = g_new(ReportJob, 1);
    *report = (ReportJob){{.kind = &report_kind}, take_mail};
    outbox_push(outbox, &report->job);
}

/* Routing anew. */

typedef struct {
    Job job;
    OutboxRouter *router;
    OutboxRouteDone *done;
    void *who;
} RouteJob;

static bool run_route(Outbox *outbox, Job *job, GError **error)
{
    RouteJob *route = (RouteJob *)job;
    return outbox->ops->route(outbox->store, route->router, route->who, error);
}

static void finish_route(Outbox *outbox, Job *job)
{
    (void)outbox;
    RouteJob *route = (RouteJob *)job;
    route->done(route->who, job->result);
    g_free(route);
}

static const JobKind route_kind = {run_route, undo_nothing, finish_route, false};

void outbox_route(Outbox *outbox, OutboxRouter *router, OutboxRouteDone *done, void *who)
{
    RouteJob *route = g_new(RouteJob, 1);
    *route = (RouteJob){{.kind = &route_kind}, router, done, who};
    outbox_push(outbox, &route->job);
}
