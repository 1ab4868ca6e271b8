/* SPDX-License-Identifier: MIT */
#include "bridge/outbox/job.h"

typedef struct {
    Job job;
    void (*answer)(void *who);
    void *who;
} AskJob;

static bool run(Outbox *outbox, Job *job, GError **error)
{
    (void)outbox, (void)job, (void)error;
    return true;
}

static void undo(Outbox *outbox, Job *job)
{
    (void)outbox, (void)job;
}

static void finish(Outbox *outbox, Job *job)
{
    (void)outbox;
    AskJob *asked = (AskJob *)job;
    asked->answer(asked->who);
    g_free(asked);
}

static const JobKind kind = {run, undo, finish, false};

void outbox_ask(Outbox *outbox, void (*answer)(void *who), void *who)
{
    AskJob *asked = g_new(AskJob, 1);
    *asked = (AskJob){{.kind = &kind}, answer, who};
    outbox_push(outbox, &asked->job);
}
