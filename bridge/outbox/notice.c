/* SPDX-License-Identifier: MIT */
/* Telling the postmaster of dead mails.  Which he does not know of is in the storage; the
 * notice and the knowledge are one commit, so that a crash neither loses a notice nor
 * repeats one. */
#include "bridge/outbox/job.h"

enum {
    PAUSE_MS = 5 * 60 * 1000, /* between two notices */
    TOLD_MAX = 1000,          /* mails in one of them */
};

typedef struct {
    Job job;
    GPtrArray *mails; /* dead */
    Mail *notice;
} NoticeJob;

static bool store_notice(Outbox *outbox, NoticeJob *telling, GError **error)
{
    bool ok = outbox->ops->insert(outbox->store, telling->notice, outbox->now_ms, false, error);
    for (unsigned i = 0; ok && i < telling->mails->len; i++) {
        ok = outbox->ops->told(outbox->store, telling->mails->pdata[i], error);
    }
    return ok;
}

static bool run(Outbox *outbox, Job *job, GError **error)
{
    NoticeJob *telling = (NoticeJob *)job;
    if (!outbox->ops->untold(outbox->store, TOLD_MAX, telling->mails, error)) {
        return false;
    }
    if (telling->mails->len == 0) {
        return true;
    }
    telling->notice = outbox->notice(outbox->notice_who,
                                     (const Mail *const *)telling->mails->pdata,
                                     telling->mails->len, outbox->now_ms);
    return telling->notice == NULL || store_notice(outbox, telling, error);
}

static void clear(NoticeJob *telling)
{
    for (unsigned i = 0; i < telling->mails->len; i++) {
        mail_free(telling->mails->pdata[i]);
    }
    g_ptr_array_set_size(telling->mails, 0);
    g_clear_pointer(&telling->notice, mail_free);
}

static void undo(Outbox *outbox, Job *job)
{
    (void)outbox;
    clear((NoticeJob *)job);
}

static void finish(Outbox *outbox, Job *job)
{
    NoticeJob *telling = (NoticeJob *)job;
    if (telling->mails->len > 0) {
        outbox->notice_ms = outbox->now_ms + PAUSE_MS;
    }
    if (telling->notice != NULL) {
        metrics_add(outbox->metrics, METRIC_DEAD_NOTICES, 1, NULL, NULL);
        log_line(outbox->log, LOG_LEVEL_INFO, "postmaster is told", "mail",
                 telling->notice->message_id, "dead", LOG_NUMBER(telling->mails->len), NULL);
    }
    clear(telling);
    g_ptr_array_unref(telling->mails);
    g_free(telling);
}

static const JobKind kind = {run, undo, finish, false};

Job *notice_job(Outbox *outbox)
{
    if (outbox->notice == NULL || outbox_now_ms(outbox) < outbox->notice_ms) {
        return NULL;
    }
    NoticeJob *telling = g_new(NoticeJob, 1);
    *telling = (NoticeJob){{.kind = &kind}, g_ptr_array_new(), NULL};
    return &telling->job;
}

void outbox_set_notice(Outbox *outbox, OutboxNotice *notice, void *who)
{
    outbox->notice = notice;
    outbox->notice_who = who;
}
