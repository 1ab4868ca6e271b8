/* SPDX-License-Identifier: MIT */
/* One transaction of the outbox: its jobs, the commit, and what follows from success or
 * failure. */
#include "bridge/outbox/job.h"

#include <string.h>

static bool run_jobs(Outbox *outbox, Job *jobs, GError **error)
{
    for (Job *job = jobs; job != NULL; job = job->next) {
        job->ran = true;
        job->result = OUTBOX_OK;
        if (!job->kind->run(outbox, job, error)) {
            return false;
        }
    }
    return true;
}

/* Writes a little, so that a read-only or full disk shows. */
static bool probe(Outbox *outbox, GError **error)
{
    const Record record = {.key = (char[]){""}, .value = (guint8[]){0}, .length = 1,
                           .version = (uint64_t)outbox->now_ms};
    return outbox->ops->put(outbox->store, &record, error);
}

static bool transact(Outbox *outbox, Job *jobs, GError **error)
{
    bool failed_before = outbox->failed;
    outbox->now_ms = outbox_now_ms(outbox);
    outbox->adding = outbox->adding_bytes = 0;
    return outbox->ops->begin(outbox->store, error) &&
           (!failed_before ||
            (probe(outbox, error) && reclaim(outbox, error))) &&
           run_jobs(outbox, jobs, error) &&
           outbox->ops->count(outbox->store, &outbox->counts, error) &&
           outbox->ops->commit(outbox->store, error);
}

void say_counts(Outbox *outbox)
{
    const OutboxStats *counts = &outbox->counts;
    Metrics *metrics = outbox->metrics;
    double oldest_s = counts->oldest_ms > 0
                          ? (double)(outbox->now_ms - counts->oldest_ms) / 1000
                          : 0;
    metrics_set(metrics, METRIC_QUEUE_MAILS, (double)counts->queued, "queued", NULL);
    metrics_set(metrics, METRIC_QUEUE_MAILS, (double)counts->deferred, "deferred", NULL);
    metrics_set(metrics, METRIC_QUEUE_MAILS, (double)counts->claimed, "claimed", NULL);
    metrics_set(metrics, METRIC_QUEUE_MAILS, (double)counts->dead, "dead", NULL);
    metrics_set(metrics, METRIC_QUEUE_BYTES, (double)counts->bytes, NULL, NULL);
    metrics_set(metrics, METRIC_QUEUE_OLDEST_S, oldest_s, NULL, NULL);
}

void finish_jobs(Outbox *outbox, Job *jobs)
{
    while (jobs != NULL) {
        Job *job = jobs;
        jobs = job->next;
        job->kind->finish(outbox, job);
    }
}

/* REASON: why not; NULL: ready. */
static void be_ready(Outbox *outbox, const char *reason)
{
    bool before = atomic_exchange(&outbox->ready, reason == NULL);
    if (before && reason != NULL) {
        log_line(outbox->log, LOG_LEVEL_ERROR, "storage fails", "err", reason, NULL);
    } else if (!before && reason == NULL) {
        log_line(outbox->log, LOG_LEVEL_INFO, "storage works again", NULL);
    }
}

static void succeed(Outbox *outbox, Job *jobs)
{
    metrics_add(outbox->metrics, METRIC_STORE_COMMITS, 1, NULL, NULL);
    pthread_mutex_lock(&outbox->lock);
    outbox->stats = outbox->counts;
    pthread_mutex_unlock(&outbox->lock);
    outbox->failed = false;
    bool tight = outbox->ops->tight(outbox->store);
    if (tight && outbox_ready(outbox)) { /* found behind the commit, which did not fail */
        metrics_add(outbox->metrics, METRIC_STORE_ERRORS, 1, NULL, NULL);
    }
    be_ready(outbox, tight ? "the disk is full: mails go out, but none is taken" : NULL);
    say_counts(outbox); /* whoever gets an answer may look there next */
    finish_jobs(outbox, jobs);
    for (unsigned i = 0; i < outbox->wakes->len; i++) {
        const Wake *wake = &g_array_index(outbox->wakes, Wake, i);
        outbox->claimer->due(outbox->claimer_who, wake->relay, wake->due_ms);
    }
    metrics_set(outbox->metrics, METRIC_DEDUP_GROUPS,
                (double)record_cache_count(outbox->cache), NULL, NULL);
}

/* Undoes the jobs; keeps the lasting ones, finishes the others. */
static void fail(Outbox *outbox, Job *jobs, const GError *error)
{
    metrics_add(outbox->metrics, METRIC_STORE_ERRORS, 1, NULL, NULL);
    outbox->failed = true;
    be_ready(outbox, error->message);
    outbox->ops->rollback(outbox->store);
    Job *failed = NULL, **next_failed = &failed, **next_kept = &outbox->kept;
    for (Job *job = jobs, *next; job != NULL; job = next) {
        next = job->next;
        if (job->ran) {
            job->kind->undo(outbox, job);
        }
        job->ran = false;
        job->result = OUTBOX_FAILED;
        Job ***end = job->kind->lasting ? &next_kept : &next_failed;
        **end = job;
        *end = &job->next;
        job->next = NULL;
    }
    finish_jobs(outbox, failed);
}

/* JOBS after those that were kept. */
Job *join_kept(Outbox *outbox, Job *jobs)
{
    Job *kept = outbox->kept, **end = &kept;
    outbox->kept = NULL;
    while (*end != NULL) {
        end = &(*end)->next;
    }
    *end = jobs;
    return kept;
}

void run_batch(Outbox *outbox, Job *jobs)
{
    g_autoptr(GError) error = NULL;
    if (transact(outbox, jobs, &error)) {
        succeed(outbox, jobs);
    } else {
        fail(outbox, jobs, error);
    }
    g_array_set_size(outbox->wakes, 0);
}
