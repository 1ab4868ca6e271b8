/* SPDX-License-Identifier: MIT */
/* Whether a mail is still in the queue: asked before a repetition joins it. */
#include "bridge/outbox/job.h"

typedef struct {
    Job job;
    char *group;
    int64_t accepted_ms;
    bool queued;
    OutboxQueuedDone *done;
    void *who;
} QueuedJob;

static bool run(Outbox *outbox, Job *job, GError **error)
{
    QueuedJob *asked = (QueuedJob *)job;
    return outbox->ops->queued(outbox->store, asked->group, asked->accepted_ms,
                               &asked->queued, error);
}

static void undo(Outbox *outbox, Job *job)
{
    (void)outbox;
    ((QueuedJob *)job)->queued = false;
}

static void finish(Outbox *outbox, Job *job)
{
    (void)outbox;
    QueuedJob *asked = (QueuedJob *)job;
    asked->done(asked->who, job->result, asked->queued);
    g_free(asked->group);
    g_free(asked);
}

static const JobKind kind = {run, undo, finish, false};

void outbox_queued(Outbox *outbox, const char *group, int64_t accepted_ms,
                   OutboxQueuedDone *done, void *who)
{
    OutboxStats stats;
    outbox_stats(outbox, &stats);
    if (stats.queued + stats.deferred == 0) {
        done(who, OUTBOX_OK, false);
        return;
    }
    QueuedJob *asked = g_new(QueuedJob, 1);
    *asked = (QueuedJob){{.kind = &kind}, g_strdup(group), accepted_ms, false, done, who};
    outbox_push(outbox, &asked->job);
}
