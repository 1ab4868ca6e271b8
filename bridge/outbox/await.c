/* SPDX-License-Identifier: MIT */
/* Waiting for mails to be settled.  A job looks whether its mail is in the queue (the
 * storage says so) or at a relay (`groups` does).  If it is, the job waits in the chain
 * of its group, until a mail of the group comes back; then it looks again.  With that
 * mail settled it goes on to its next one, and after the last it is answered.
 *
 * Looking is done in two steps, because jobs of one transaction are seen by the storage
 * at once and by `groups` only as they finish: the storage in run(), `groups` in
 * finish().  So no mail is missed on its way from one to the other. */
#include "bridge/outbox/await.h"

#include "bridge/outbox/job.h"

typedef struct AwaitJob AwaitJob;
struct AwaitJob {
    Job job;
    AwaitJob *next_waiting; /* of its group */
    MailName *mails;
    size_t n, at;      /* `at`: the one it waits for */
    int64_t until_ms;  /* monotonic */
    bool queued;       /* the storage has it to be tried */
    OutboxAwaitDone *done;
    void *who;
};

/* A group that has mails at a relay, or somebody who waits for one. */
typedef struct {
    unsigned given_out;
    AwaitJob *waiting;
} Group;

struct Awaited {
    GHashTable *groups; /* name -> Group */
    int64_t until_ms;   /* no later than the first that is over */
    bool dismissed;     /* nobody waits any more */
};

Awaited *awaited_new(void)
{
    Awaited *awaited = g_new0(Awaited, 1);
    awaited->groups = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    awaited->until_ms = INT64_MAX;
    return awaited;
}

void awaited_free(Awaited *awaited)
{
    if (awaited != NULL) {
        g_hash_table_unref(awaited->groups);
        g_free(awaited);
    }
}

static Group *group_of(Awaited *awaited, const char *name)
{
    Group *group = g_hash_table_lookup(awaited->groups, name);
    if (group == NULL) {
        group = g_new0(Group, 1);
        g_hash_table_insert(awaited->groups, g_strdup(name), group);
    }
    return group;
}

static void forget_if_idle(Awaited *awaited, const char *name, const Group *group)
{
    if (group->given_out == 0 && group->waiting == NULL) {
        g_hash_table_remove(awaited->groups, name);
    }
}

static void answer(AwaitJob *await, OutboxResult result)
{
    await->done(await->who, result);
    for (size_t i = 0; i < await->n; i++) {
        g_free(await->mails[i].group);
    }
    g_free(await->mails);
    g_free(await);
}

static bool run(Outbox *outbox, Job *job, GError **error)
{
    AwaitJob *await = (AwaitJob *)job;
    const MailName *mail = &await->mails[await->at];
    return outbox->ops->queued(outbox->store, mail->group, mail->accepted_ms,
                               &await->queued, error);
}

static void undo(Outbox *outbox, Job *job)
{
    (void)outbox;
    ((AwaitJob *)job)->queued = false;
}

static void wait_in(Outbox *outbox, AwaitJob *await)
{
    Awaited *awaited = outbox->awaited;
    Group *group = group_of(awaited, await->mails[await->at].group);
    await->next_waiting = group->waiting;
    group->waiting = await;
    awaited->until_ms = MIN(awaited->until_ms, await->until_ms);
}

static bool is_given_out(Outbox *outbox, const char *name)
{
    const Group *group = g_hash_table_lookup(outbox->awaited->groups, name);
    return group != NULL && group->given_out > 0;
}

static void finish(Outbox *outbox, Job *job)
{
    AwaitJob *await = (AwaitJob *)job;
    if (job->result != OUTBOX_OK) {
        answer(await, job->result);
    } else if (await->queued || is_given_out(outbox, await->mails[await->at].group)) {
        if (outbox->awaited->dismissed) {
            answer(await, OUTBOX_LATE);
        } else {
            wait_in(outbox, await);
        }
    } else if (++await->at == await->n) {
        answer(await, OUTBOX_OK);
    } else {
        outbox_push(outbox, job);
    }
}

static const JobKind await_kind = {run, undo, finish, false};

void outbox_await(Outbox *outbox, const MailName *mails, size_t n, int64_t timeout_ms,
                  OutboxAwaitDone *done, void *who)
{
    if (n == 0) {
        done(who, OUTBOX_OK);
        return;
    }
    AwaitJob *await = g_new(AwaitJob, 1);
    *await = (AwaitJob){.job = {.kind = &await_kind},
                        .mails = g_new(MailName, n),
                        .n = n,
                        .until_ms = g_get_monotonic_time() / 1000 + timeout_ms,
                        .done = done,
                        .who = who};
    for (size_t i = 0; i < n; i++) {
        await->mails[i] = (MailName){g_strdup(mails[i].group), mails[i].accepted_ms};
    }
    outbox_push(outbox, &await->job);
}

void awaited_given_out(Awaited *awaited, const Mail *mail)
{
    group_of(awaited, mail->group)->given_out++;
}

static void look_again(Outbox *outbox, const char *name, Group *group)
{
    AwaitJob *await = g_steal_pointer(&group->waiting);
    forget_if_idle(outbox->awaited, name, group);
    while (await != NULL) {
        AwaitJob *next = await->next_waiting;
        outbox_push(outbox, &await->job);
        await = next;
    }
}

void awaited_back(Outbox *outbox, const Mail *mail)
{
    Group *group = g_hash_table_lookup(outbox->awaited->groups, mail->group);
    g_assert(group != NULL && group->given_out > 0);
    group->given_out--;
    look_again(outbox, mail->group, group);
}

void awaited_ended(Outbox *outbox, const Mail *mail)
{
    Group *group = g_hash_table_lookup(outbox->awaited->groups, mail->group);
    if (group != NULL) {
        look_again(outbox, mail->group, group);
    }
}

int64_t awaited_until_ms(const Awaited *awaited)
{
    return awaited->until_ms;
}

/* Takes those that are over out of the chain; *UNTIL_MS is what remains. */
static AwaitJob *take_late(Group *group, int64_t now_ms, int64_t *until_ms, AwaitJob *late)
{
    AwaitJob **at = &group->waiting;
    while (*at != NULL) {
        AwaitJob *await = *at;
        if (await->until_ms <= now_ms) {
            *at = await->next_waiting;
            await->next_waiting = late;
            late = await;
        } else {
            *until_ms = MIN(*until_ms, await->until_ms);
            at = &await->next_waiting;
        }
    }
    return late;
}

void awaited_expire(Outbox *outbox, int64_t now_ms)
{
    Awaited *awaited = outbox->awaited;
    GHashTableIter iter;
    void *group;
    AwaitJob *late = NULL;
    if (awaited->until_ms > now_ms) {
        return;
    }
    awaited->until_ms = INT64_MAX;
    g_hash_table_iter_init(&iter, awaited->groups);
    while (g_hash_table_iter_next(&iter, NULL, &group)) {
        late = take_late(group, now_ms, &awaited->until_ms, late);
        if (((Group *)group)->given_out == 0 && ((Group *)group)->waiting == NULL) {
            g_hash_table_iter_remove(&iter);
        }
    }
    while (late != NULL) {
        AwaitJob *next = late->next_waiting;
        answer(late, OUTBOX_LATE);
        late = next;
    }
}

/* Nobody waits any longer. */

static bool run_dismiss(Outbox *outbox, Job *job, GError **error)
{
    (void)outbox, (void)job, (void)error;
    return true;
}

static void undo_dismiss(Outbox *outbox, Job *job)
{
    (void)outbox, (void)job;
}

static void finish_dismiss(Outbox *outbox, Job *job)
{
    outbox->awaited->dismissed = true;
    awaited_expire(outbox, INT64_MAX);
    g_free(job);
}

static const JobKind dismiss_kind = {run_dismiss, undo_dismiss, finish_dismiss, false};

void outbox_dismiss(Outbox *outbox)
{
    Job *job = g_new(Job, 1);
    *job = (Job){.kind = &dismiss_kind};
    outbox_push(outbox, job);
}
