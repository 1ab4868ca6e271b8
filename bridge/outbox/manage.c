/* SPDX-License-Identifier: MIT */
/* Jobs that look at many mails or wait for a name to be found take several turns: each
 * is one slice in one transaction, and queues the job again behind the others. */
#include "bridge/outbox/manage.h"

#include <string.h>

#include "bridge/delivery/address.h"
#include "bridge/outbox/job.h"

static const char *const state_texts[MAIL_STATES] = {
    [MAIL_QUEUED] = "queued", [MAIL_DEFERRED] = "deferred",   [MAIL_CLAIMED] = "claimed",
    [MAIL_BURIED] = "dead",   [MAIL_DELIVERED] = "delivered", [MAIL_DROPPED] = "dropped",
};

const char *mail_state_text(MailState state)
{
    return state_texts[state];
}

bool mail_state_parse(const char *text, MailState *state)
{
    for (unsigned i = 0; i < MAIL_STATES; i++) {
        if (strcmp(state_texts[i], text) == 0) {
            *state = (MailState)i;
            return true;
        }
    }
    return false;
}

void past_attempt_clear(void *attempt)
{
    outcome_clear(&((PastAttempt *)attempt)->outcome);
}

void stored_mail_free(StoredMail *stored)
{
    if (stored != NULL) {
        mail_free(stored->mail);
        g_clear_pointer(&stored->attempts, g_array_unref);
        g_free(stored);
    }
}

/* Listing. */

typedef struct {
    Job job;
    MailQuery query;
    char *receiver, *recipient; /* the query's */
    int64_t before, next;       /* where this turn begins, and the next one */
    unsigned had;               /* mails that earlier turns found */
    GPtrArray *mails;
    OutboxListDone *done;
    void *who;
} ListJob;

static bool run_list(Outbox *outbox, Job *job, GError **error)
{
    ListJob *list = (ListJob *)job;
    list->next = list->before;
    return outbox->ops->list(outbox->store, &list->query, &list->next, list->mails, error);
}

static void undo_list(Outbox *outbox, Job *job)
{
    (void)outbox;
    ListJob *list = (ListJob *)job;
    g_ptr_array_set_size(list->mails, (gint)list->had);
}

static void finish_list(Outbox *outbox, Job *job)
{
    ListJob *list = (ListJob *)job;
    list->before = list->next;
    list->had = list->mails->len;
    if (job->result == OUTBOX_OK && list->before > 0 && list->had < list->query.max) {
        outbox_push(outbox, job);
        return;
    }
    if (job->result != OUTBOX_OK) {
        g_clear_pointer(&list->mails, g_ptr_array_unref);
    }
    list->done(list->who, job->result, list->mails, list->before);
    g_free(list->receiver);
    g_free(list->recipient);
    g_free(list);
}

static const JobKind list_kind = {run_list, undo_list, finish_list, false};

void outbox_list(Outbox *outbox, const MailQuery *query, OutboxListDone *done, void *who)
{
    ListJob *list = g_new0(ListJob, 1);
    *list = (ListJob){.job = {.kind = &list_kind},
                      .query = *query,
                      .receiver = g_strdup(query->receiver),
                      .recipient = g_strdup(query->recipient),
                      .before = query->before,
                      .mails = g_ptr_array_new_with_free_func(
                          (GDestroyNotify)stored_mail_free),
                      .done = done,
                      .who = who};
    list->query.receiver = list->receiver;
    list->query.recipient = list->recipient;
    outbox_push(outbox, &list->job);
}

/* One mail, by its name. */

typedef struct NameJob NameJob;
struct NameJob {
    Job job;
    char *name;
    int64_t number;       /* 0: not found yet */
    int64_t before, next; /* where to look for it, this turn and the next one */
    StoredMail *found;
    ManageResult managed;
    /* In the transaction, with the mail found; NULL: it is only looked at. */
    bool (*act)(Outbox *outbox, NameJob *job, GError **error);
    bool ends; /* whoever waits for the mail's end waits no more */
    OutboxFindDone *found_done; /* either … */
    OutboxManageDone *done;     /* … or */
    void *who;
};

static bool run_name(Outbox *outbox, Job *job, GError **error)
{
    NameJob *named = (NameJob *)job;
    int64_t number = named->number;
    named->managed = MANAGE_UNKNOWN;
    named->next = named->before;
    if (number == 0 && !outbox->ops->seek(outbox->store, named->name, &named->next, &number,
                                          error)) {
        return false;
    }
    if (number == 0) {
        return true;
    }
    named->next = 0;
    if (!outbox->ops->load(outbox->store, number, named->act == NULL, &named->found, error)) {
        return false;
    }
    return named->found == NULL || named->act == NULL || named->act(outbox, named, error);
}

static void undo_name(Outbox *outbox, Job *job)
{
    (void)outbox;
    NameJob *named = (NameJob *)job;
    g_clear_pointer(&named->found, stored_mail_free);
}

static void finish_name(Outbox *outbox, Job *job)
{
    NameJob *named = (NameJob *)job;
    named->before = named->next;
    if (job->result == OUTBOX_OK && named->before > 0) {
        outbox_push(outbox, job);
        return;
    }
    if (job->result == OUTBOX_OK && named->ends && named->managed == MANAGE_DONE) {
        awaited_ended(outbox, named->found->mail);
    }
    if (named->found_done != NULL) {
        named->found_done(named->who, job->result, g_steal_pointer(&named->found));
    } else {
        named->done(named->who, job->result, named->managed);
    }
    stored_mail_free(named->found);
    g_free(named->name);
    g_free(named);
}

static const JobKind name_kind = {run_name, undo_name, finish_name, false};

static NameJob *name_job(const char *name, void *who)
{
    guint64 number = 0;
    NameJob *named = g_new0(NameJob, 1);
    named->job.kind = &name_kind;
    size_t length = strlen(name);
    bool bracketed = length > 2 && *name == '<' && name[length - 1] == '>';
    named->name = bracketed ? g_strndup(name + 1, length - 2) : g_strdup(name);
    named->who = who;
    g_ascii_string_to_unsigned(name, 10, 1, G_MAXINT64, &number, NULL);
    named->number = (int64_t)number;
    named->before = number > 0 ? 0 : INT64_MAX;
    return named;
}

void outbox_find(Outbox *outbox, const char *name, OutboxFindDone *done, void *who)
{
    NameJob *named = name_job(name, who);
    named->found_done = done;
    outbox_push(outbox, &named->job);
}

/* Trying again. */

static bool is_hopeful(const Recipient *recipient)
{
    return (recipient->state == RECIPIENT_DEAD || recipient->state == RECIPIENT_REFUSED) &&
           address_fault(recipient->address) == NULL;
}

/* Why a mail in this state can be neither tried again nor dropped; DONE if it can. */
static ManageResult obstacle(MailState state)
{
    switch (state) {
    case MAIL_CLAIMED:
        return MANAGE_CLAIMED;
    case MAIL_DELIVERED:
        return MANAGE_DELIVERED;
    case MAIL_DROPPED:
        return MANAGE_DROPPED;
    default:
        return MANAGE_DONE;
    }
}

static bool has_room(Outbox *outbox, const StoredMail *stored)
{
    const OutboxStats *counts = &outbox->counts;
    if (stored->state != MAIL_BURIED) {
        return true;
    }
    pthread_mutex_lock(&outbox->lock);
    bool room = counts->queued + counts->deferred + counts->claimed + outbox->adding <
                    outbox->mails_max &&
                counts->bytes + outbox->adding_bytes + stored->mail->length <=
                    outbox->bytes_max;
    pthread_mutex_unlock(&outbox->lock);
    if (room) {
        outbox->adding++;
        outbox->adding_bytes += stored->mail->length;
    }
    return room;
}

static bool retry(Outbox *outbox, NameJob *job, GError **error)
{
    const StoredMail *stored = job->found;
    const Mail *mail = stored->mail;
    g_autofree bool *revive = g_new0(bool, mail->n_recipients);
    unsigned hopeful = 0;
    for (unsigned i = 0; i < mail->n_recipients; i++) {
        revive[i] = is_hopeful(&mail->recipients[i]);
        hopeful += revive[i];
    }
    job->managed = obstacle(stored->state);
    if (job->managed != MANAGE_DONE) {
        return true;
    }
    if (stored->state == MAIL_BURIED && hopeful == 0) {
        job->managed = MANAGE_HOPELESS;
    } else if (!has_room(outbox, stored)) {
        job->job.result = OUTBOX_FULL;
    } else {
        return outbox->ops->revive(outbox->store, stored, revive, outbox->now_ms, error);
    }
    return true;
}

void outbox_retry(Outbox *outbox, const char *name, OutboxManageDone *done, void *who)
{
    NameJob *named = name_job(name, who);
    named->act = retry;
    named->done = done;
    outbox_push(outbox, &named->job);
}

/* Dropping. */

static bool drop(Outbox *outbox, NameJob *job, GError **error)
{
    const StoredMail *stored = job->found;
    job->managed = obstacle(stored->state);
    return job->managed != MANAGE_DONE ||
           outbox->ops->drop(outbox->store, stored, outbox->now_ms, error);
}

void outbox_drop(Outbox *outbox, const char *name, OutboxManageDone *done, void *who)
{
    NameJob *named = name_job(name, who);
    named->act = drop;
    named->ends = true;
    named->done = done;
    outbox_push(outbox, &named->job);
}
