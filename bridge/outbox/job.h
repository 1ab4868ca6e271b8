/* SPDX-License-Identifier: MIT */
#ifndef BRIDGE_OUTBOX_JOB_H
#define BRIDGE_OUTBOX_JOB_H

#include <pthread.h>
#include <stdatomic.h>

#include "bridge/outbox/await.h"
#include "bridge/outbox/cache.h"
#include "bridge/outbox/known.h"
#include "bridge/outbox/outbox.h"
#include "bridge/outbox/store.h"

/* What the files of the outbox share: outbox.c (queue and thread), batch.c (one
 * transaction), jobs.c and await.c (what is asked for), upkeep.c (what it does by itself). */

typedef struct Job Job;

typedef struct {
    /* In a transaction.  False with ERROR set: the storage fails, all is rolled back. */
    bool (*run)(Outbox *outbox, Job *job, GError **error);
    /* The transaction in which it ran (perhaps not to the end) was rolled back. */
    void (*undo)(Outbox *outbox, Job *job);
    /* After the commit or the failure (job->result): tells whom it concerns, frees. */
    void (*finish)(Outbox *outbox, Job *job);
    bool lasting; /* after a failure it is tried again rather than finished */
} JobKind;

/* The head of each kind's own struct. */
struct Job {
    const JobKind *kind;
    Job *next;
    OutboxResult result;
    bool ran;
    size_t weight; /* bytes that it adds to a commit */
};

typedef struct {
    char *relay;
    int64_t due_ms;
} Wake;

struct Outbox {
    const StoreOps *ops;
    Log *log;
    Metrics *metrics;
    RecordCache *cache; /* has its own lock */
    KnownKeys *known;   /* of records; needs none */
    OutboxClock clock;
    OutboxNotice *notice; /* NULL: nobody is told of dead mails */
    void *notice_who;
    const OutboxClaimer *claimer;
    void *claimer_who;
    pthread_t thread;
    bool started;
    bool visiting; /* what is claimed in the database is for its daemon's next start */
    atomic_bool ready;

    pthread_mutex_t lock; /* guards, up to the next blank line: */
    pthread_cond_t wake;
    Job *first, **last;   /* the queue */
    bool stopping, ended;
    OutboxStats stats;    /* after the last commit */
    size_t mails_max, bytes_max, history_max;
    int64_t history_ms;
    RetryPolicy policy;

    /* The storage thread's own: */
    Store *store;
    Job *kept;            /* lasting jobs that failed, oldest first */
    bool failed;          /* the last transaction */
    int64_t now_ms;       /* when the transaction began */
    OutboxStats counts;   /* as `stats`, without the lock */
    size_t adding, adding_bytes; /* mails that this transaction adds */
    GArray *wakes;        /* of Wake: to be said after the commit */
    GHashTable *given_out; /* ids of mails claimed and not reported */
    Awaited *awaited;
    int64_t started_ms, upkeep_ms; /* its clock; monotonic: when it is due next */
    int64_t notice_ms; /* its clock: no notice before */
    bool forgetting; /* the last slice of what is too old was a full one */
    char *learnt; /* `known` has the storage's keys up to this; NULL: all */
};

/* Queues the job; after the end it is finished at once, FAILED. */
void outbox_push(Outbox *outbox, Job *job);
RetryPolicy outbox_policy(Outbox *outbox);

/* Gives each recipient that was tried its new state, by rules/retry. */
void apply_outcomes(Outbox *outbox, Mail *mail, const Outcome *outcomes, int64_t now_ms);

/* batch.c: the storage thread. */
/* Runs the jobs in one transaction and finishes them. */
void run_batch(Outbox *outbox, Job *jobs);
/* JOBS behind those that were kept. */
Job *join_kept(Outbox *outbox, Job *jobs);
void finish_jobs(Outbox *outbox, Job *jobs);
void say_counts(Outbox *outbox); /* in the metrics */

/* upkeep.c */
Job *upkeep_job(void);
Job *learn_job(void);
Job *forget_job(void);
/* notice.c: NULL if it is not time for one. */
Job *notice_job(Outbox *outbox);
/* In no transaction.  Queues again, in doubt, what is claimed in the database; CONFIG
 * names the relays.  Logs each.  A visitor leaves them alone. */
bool recover(Outbox *outbox, const Config *config, GError **error);
/* In a transaction.  The same, not in doubt, for mails that nobody was given: their
 * claim seemed to fail with its commit, and was stored.  And tells again what is due:
 * what such a commit queued was not said. */
bool reclaim(Outbox *outbox, GError **error);
/* A dead mail's line in the log. */
void log_dead(Outbox *outbox, const Mail *mail);

#endif
