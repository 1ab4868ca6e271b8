/* SPDX-License-Identifier: MIT */
/* The outbox's thread.  Calls become jobs in a queue; the storage thread takes what
 * waits, runs it in one transaction, commits, and finishes each job.  While it commits
 * the next batch gathers: the busier, the more share a commit.
 *
 * When the storage fails the transaction is rolled back and its jobs finish FAILED,
 * except reports: what became of a mail must not be forgotten, so they are kept and go
 * into the next transaction.  With nothing to do, the storage is probed once a second
 * until it works again.  A commit that seemed to fail may be on the disk all the same:
 * conflicts show where records are newer, and claims that nobody was given are undone.
 *
 * At the end the queue is worked off; then later jobs fail at once. */
#include "bridge/outbox/outbox.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "bridge/outbox/job.h"
#include "rules/fault.h"

enum {
    BATCH_JOBS = 512,
    BATCH_BYTES = 8 << 20,
    PROBE_MS = 1000,
    UPKEEP_MS = 5000,
    CACHE_BYTES = 48 << 20,
};

static int64_t clock_ms(clockid_t id)
{
    struct timespec now;
    clock_gettime(id, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int64_t system_now_ms(void *who)
{
    (void)who;
    return clock_ms(CLOCK_REALTIME);
}

static double system_random(void *who)
{
    (void)who;
    uint64_t bits = 0;
    if (getrandom(&bits, sizeof bits, 0) != sizeof bits) {
        return 0.5;
    }
    return (double)(bits >> 11) * 0x1p-53;
}

static bool wants_nothing(void *who, Mail *mail)
{
    (void)who, (void)mail;
    return false;
}

static void ignore_due(void *who, const char *relay, int64_t due_ms)
{
    (void)who, (void)relay, (void)due_ms;
}

static const OutboxClock system_clock = {system_now_ms, system_random, NULL};
static const OutboxClaimer no_claimer = {.wants = wants_nothing, .due = ignore_due};

void record_clear(Record *record)
{
    g_free(record->key);
    g_free(record->value);
    *record = (Record){0};
}

void change_clear(Change *change)
{
    for (size_t i = 0; i < change->n_records; i++) {
        record_clear(&change->records[i]);
    }
    for (size_t i = 0; i < change->n_mails; i++) {
        mail_free(change->mails[i]);
    }
    g_free(change->records);
    g_free(change->mails);
    *change = (Change){0};
}

/* Opening and configuring. */

static const StoreOps *find_store(const char *storage, const char **where, GError **error)
{
    static const StoreOps *const stores[] = {&store_sqlite, &store_memory};
    for (size_t i = 0; i < G_N_ELEMENTS(stores); i++) {
        if (g_str_has_prefix(storage, stores[i]->scheme)) {
            *where = storage + strlen(stores[i]->scheme);
            return stores[i];
        }
    }
    g_set_error(error, FAULT, FAULT_INPUT,
                "storage \"%s\": must be sqlite:PATH or memory:", storage);
    return NULL;
}

static void note_wake(void *who, const char *relay, int64_t due_ms)
{
    Outbox *outbox = who;
    for (unsigned i = 0; i < outbox->wakes->len; i++) {
        Wake *wake = &g_array_index(outbox->wakes, Wake, i);
        if (strcmp(wake->relay, relay) == 0) {
            wake->due_ms = MIN(wake->due_ms, due_ms);
            return;
        }
    }
    Wake wake = {g_strdup(relay), due_ms};
    g_array_append_val(outbox->wakes, wake);
}

static void tell_moved(void *who, const char *to, const char *reason)
{
    Outbox *outbox = who;
    metrics_add(outbox->metrics, METRIC_STORE_DAMAGED, 1, NULL, NULL);
    log_line(outbox->log, LOG_LEVEL_ERROR, "damaged database moved aside", "to", to,
             "reason", reason, NULL);
}

static void clear_wake(void *data)
{
    g_free(((Wake *)data)->relay);
}

void outbox_configure(Outbox *outbox, const Config *config)
{
    const DeliveryConfig *delivery = &config->delivery;
    pthread_mutex_lock(&outbox->lock);
    outbox->mails_max = config->limits.queue_mails;
    outbox->bytes_max = config->limits.queue_bytes;
    outbox->history_max = MIN(config->limits.history_mails, outbox->ops->history_max);
    outbox->history_ms = delivery->history_ms;
    outbox->policy = (RetryPolicy){
        .min_ms = delivery->retry_min_ms,
        .max_ms = delivery->retry_max_ms,
        .give_up_ms = delivery->give_up_ms,
        .in_doubt_keep = delivery->in_doubt_keep,
    };
    pthread_mutex_unlock(&outbox->lock);
    record_cache_limit(outbox->cache, config->limits.history, CACHE_BYTES);
}

static Outbox *outbox_new(const StoreOps *ops, Log *log, Metrics *metrics)
{
    Outbox *outbox = g_new0(Outbox, 1);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&outbox->wake, &monotonic);
    pthread_condattr_destroy(&monotonic);
    pthread_mutex_init(&outbox->lock, NULL);
    outbox->ops = ops;
    outbox->log = log;
    outbox->metrics = metrics;
    outbox->cache = record_cache_new(0, 0);
    outbox->known = known_keys_new();
    outbox->learnt = g_strdup("");
    outbox->clock = system_clock;
    outbox->claimer = &no_claimer;
    outbox->last = &outbox->first;
    outbox->wakes = g_array_new(FALSE, FALSE, sizeof(Wake));
    g_array_set_clear_func(outbox->wakes, clear_wake);
    outbox->given_out = g_hash_table_new(NULL, NULL);
    outbox->awaited = awaited_new();
    atomic_init(&outbox->ready, true);
    return outbox;
}

/* A disk that proves full has given its reserve by the second time. */
static bool recover_tight(Outbox *outbox, const Config *config, GError **error)
{
    g_autoptr(GError) reason = NULL;
    if (recover(outbox, config, &reason)) {
        return true;
    }
    if (outbox->ops->tight(outbox->store) && recover(outbox, config, NULL)) {
        return true;
    }
    g_propagate_error(error, g_steal_pointer(&reason));
    return false;
}

/* Frees the OUTBOX if it does not open. */
static Outbox *open_at(Outbox *take_outbox, const char *where, OnDamage on_damage,
                       const Config *config, GError **error)
{
    Outbox *outbox = take_outbox;
    outbox_configure(outbox, config);
    const StoreWatcher watcher = {note_wake, tell_moved, outbox};
    outbox->store = outbox->ops->open(where, on_damage, &watcher, error);
    if (outbox->store == NULL || !recover_tight(outbox, config, error)) {
        g_prefix_error(error, "storage: ");
        outbox_free(outbox);
        return NULL;
    }
    return outbox;
}

Outbox *outbox_open(const char *storage, OnDamage on_damage, const Config *config, Log *log,
                    Metrics *metrics, GError **error)
{
    const char *where;
    const StoreOps *ops = find_store(storage, &where, error);
    if (ops == NULL) {
        return NULL;
    }
    bool is_new = *where != '\0' && !g_file_test(where, G_FILE_TEST_EXISTS);
    Outbox *outbox = open_at(outbox_new(ops, log, metrics), where, on_damage, config, error);
    if (outbox != NULL && is_new) { /* or a mistaken name: where else are the mails? */
        log_line(log, LOG_LEVEL_INFO, "new database", "path", where, NULL);
    }
    return outbox;
}

Outbox *outbox_visit(const char *storage, const Config *config, GError **error)
{
    const char *where;
    const StoreOps *ops = find_store(storage, &where, error);
    if (ops == NULL) {
        return NULL;
    }
    Outbox *outbox = outbox_new(ops, NULL, NULL);
    outbox->visiting = true;
    return open_at(outbox, where, DAMAGE_STOPS, config, error);
}

void outbox_set_clock(Outbox *outbox, const OutboxClock *clock)
{
    outbox->clock = *clock;
}

void outbox_set_claimer(Outbox *outbox, const OutboxClaimer *claimer, void *who)
{
    outbox->claimer = claimer;
    outbox->claimer_who = who;
}

int64_t outbox_now_ms(Outbox *outbox)
{
    return outbox->clock.now_ms(outbox->clock.who);
}

RetryPolicy outbox_policy(Outbox *outbox)
{
    pthread_mutex_lock(&outbox->lock);
    RetryPolicy policy = outbox->policy;
    pthread_mutex_unlock(&outbox->lock);
    return policy;
}

bool outbox_ready(Outbox *outbox)
{
    return atomic_load(&outbox->ready);
}

bool outbox_room(Outbox *outbox, size_t bytes)
{
    pthread_mutex_lock(&outbox->lock);
    const OutboxStats *stats = &outbox->stats;
    bool room = stats->queued + stats->deferred + stats->claimed < outbox->mails_max &&
                stats->bytes + bytes <= outbox->bytes_max;
    pthread_mutex_unlock(&outbox->lock);
    return room;
}

void outbox_stats(Outbox *outbox, OutboxStats *stats)
{
    pthread_mutex_lock(&outbox->lock);
    *stats = outbox->stats;
    pthread_mutex_unlock(&outbox->lock);
}

/* The queue. */

void outbox_push(Outbox *outbox, Job *job)
{
    pthread_mutex_lock(&outbox->lock);
    bool ended = outbox->ended;
    if (!ended) {
        job->next = NULL; /* one that comes back was in another chain */
        *outbox->last = job;
        outbox->last = &job->next;
    }
    pthread_mutex_unlock(&outbox->lock);
    if (ended) {
        job->result = OUTBOX_FAILED;
        job->kind->finish(outbox, job);
    } else {
        pthread_cond_signal(&outbox->wake);
    }
}

static struct timespec timespec_of(int64_t ms)
{
    return (struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
}

/* Waits until there is a job, the end, or UNTIL_MS (monotonic).  Takes what one
 * transaction should hold; NULL: nothing.  *END: nothing will come. */
static Job *take_jobs(Outbox *outbox, int64_t until_ms, bool *end)
{
    struct timespec until = timespec_of(until_ms);
    pthread_mutex_lock(&outbox->lock);
    int result = 0;
    while (outbox->first == NULL && !outbox->stopping && result != ETIMEDOUT) {
        result = pthread_cond_timedwait(&outbox->wake, &outbox->lock, &until);
    }
    Job *taken = outbox->first, **next = &outbox->first;
    size_t n = 0, bytes = 0;
    for (; *next != NULL && n < BATCH_JOBS && bytes < BATCH_BYTES; n++) {
        bytes += (*next)->weight;
        next = &(*next)->next;
    }
    outbox->first = *next;
    *next = NULL;
    if (outbox->first == NULL) {
        outbox->last = &outbox->first;
    }
    *end = taken == NULL && outbox->stopping;
    pthread_mutex_unlock(&outbox->lock);
    return n > 0 ? taken : NULL;
}

/* The thread. */

static Job *add_job(Job *job, Job *jobs)
{
    job->next = jobs;
    return job;
}

/* The thread's own, before JOBS. */
static Job *add_own(Outbox *outbox, Job *jobs)
{
    int64_t now_ms = clock_ms(CLOCK_MONOTONIC);
    if (now_ms >= outbox->upkeep_ms) {
        outbox->upkeep_ms = now_ms + (outbox_ready(outbox) ? UPKEEP_MS : PROBE_MS);
        jobs = add_job(upkeep_job(), jobs);
        outbox->forgetting = true;
        Job *notice = outbox_ready(outbox) ? notice_job(outbox) : NULL;
        jobs = notice != NULL ? add_job(notice, jobs) : jobs;
    }
    if (outbox->forgetting && outbox_ready(outbox)) {
        jobs = add_job(forget_job(), jobs);
    }
    if (outbox->learnt != NULL && outbox_ready(outbox)) {
        jobs = add_job(learn_job(), jobs);
    }
    return jobs;
}

/* Until when to wait for jobs. */
static int64_t patience_ms(Outbox *outbox, int64_t now_ms)
{
    int64_t until_ms = outbox->upkeep_ms;
    if (!outbox_ready(outbox)) {
        until_ms = now_ms + PROBE_MS;
    } else if (outbox->learnt != NULL || outbox->forgetting) {
        until_ms = now_ms;
    }
    return MIN(until_ms, awaited_until_ms(outbox->awaited));
}

/* What became of mails and could not be stored: the next start calls them in doubt. */
static void give_up_kept(Outbox *outbox)
{
    unsigned n = 0;
    for (Job *job = outbox->kept; job != NULL; job = job->next) {
        n++;
    }
    if (n > 0) {
        log_line(outbox->log, LOG_LEVEL_ERROR, "outcomes lost: storage fails", "mails",
                 LOG_NUMBER(n), NULL);
    }
    finish_jobs(outbox, g_steal_pointer(&outbox->kept));
}

static void *work(void *data)
{
    Outbox *outbox = data;
    bool end = false;
    pthread_setname_np(pthread_self(), "storage");
    while (!end) {
        int64_t now_ms = clock_ms(CLOCK_MONOTONIC);
        Job *jobs = take_jobs(outbox, patience_ms(outbox, now_ms), &end);
        awaited_expire(outbox, clock_ms(CLOCK_MONOTONIC));
        jobs = add_own(outbox, jobs);
        jobs = join_kept(outbox, jobs);
        if (jobs != NULL || !outbox_ready(outbox)) {
            run_batch(outbox, jobs);
        }
    }
    give_up_kept(outbox);
    awaited_expire(outbox, INT64_MAX);
    return NULL;
}

bool outbox_start(Outbox *outbox, GError **error)
{
    outbox->started_ms = outbox_now_ms(outbox);
    outbox->upkeep_ms = clock_ms(CLOCK_MONOTONIC) + UPKEEP_MS;
    int code = pthread_create(&outbox->thread, NULL, work, outbox);
    if (code != 0) {
        g_set_error(error, FAULT, FAULT_SYSTEM, "start the storage thread: %s",
                    g_strerror(code));
        return false;
    }
    outbox->started = true;
    return true;
}

void outbox_stop(Outbox *outbox)
{
    pthread_mutex_lock(&outbox->lock);
    outbox->stopping = true;
    pthread_cond_signal(&outbox->wake);
    pthread_mutex_unlock(&outbox->lock);
}

void outbox_join(Outbox *outbox)
{
    if (outbox->started) {
        pthread_join(outbox->thread, NULL);
        outbox->started = false;
    }
    pthread_mutex_lock(&outbox->lock);
    Job *late = g_steal_pointer(&outbox->first);
    outbox->last = &outbox->first;
    outbox->ended = true;
    pthread_mutex_unlock(&outbox->lock);
    for (Job *job = late; job != NULL; job = job->next) {
        job->result = OUTBOX_FAILED;
    }
    finish_jobs(outbox, late);
}

void outbox_free(Outbox *outbox)
{
    if (outbox == NULL) {
        return;
    }
    outbox_join(outbox);
    if (outbox->store != NULL) {
        outbox->ops->close(outbox->store);
    }
    record_cache_free(outbox->cache);
    known_keys_free(outbox->known);
    g_free(outbox->learnt);
    g_array_unref(outbox->wakes);
    g_hash_table_unref(outbox->given_out);
    awaited_free(outbox->awaited);
    pthread_cond_destroy(&outbox->wake);
    pthread_mutex_destroy(&outbox->lock);
    g_free(outbox);
}
