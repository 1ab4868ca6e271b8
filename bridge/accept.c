/* SPDX-License-Identifier: MIT */

/* One event from webhook to commit, as a step that wanders between threads:
 *
 *   route (worker) -> outbox_read of the groups' states -> decide (worker) -> where the
 *   sender repeats itself, outbox_queued -> render, compose (worker) ->
 *   outbox_commit of states and mails -> done().
 *
 * An answer that comes on the storage thread is not worked on there: the step goes back
 * to a worker.  A conflict (someone else wrote a state meanwhile) reads and decides
 * again.  A state that cannot be read counts as none: rather a second mail than none.
 * Nothing is kept of a step that ends BUSY. */
#include "bridge/accept.h"

#include <string.h>
#include <time.h>

#include "bridge/accept_step.h"

#define TRIES_MAX 8

static int64_t now_ms(const Accept *accept)
{
    if (accept->clock != NULL) {
        return accept->clock();
    }
    struct timespec time;
    clock_gettime(CLOCK_REALTIME, &time);
    return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

static void step_free(Step *step)
{
    for (size_t i = 0; i < step->n_parts; i++) {
        part_forget(&step->parts[i]);
        g_free(step->parts[i].key);
    }
    g_free(step->parts);
    g_ptr_array_unref(step->reached);
    event_free(step->event);
    config_unref(step->config);
    g_free(step);
}

static void end_busy(Step *step, const char *reason)
{
    step->done(step->who, ACCEPT_BUSY, reason, NULL, 0);
    step_free(step);
}

/* Fixed length, whatever the names: every part is preceded by its own. */
static char *key_of(const Event *event, const Receiver *receiver, unsigned integration)
{
    g_autofree char *text = g_strdup_printf(
        "%zu:%s %u %zu:%s %s", strlen(receiver->name), receiver->name, integration,
        strlen(event->source), event->source, event->group_key);
    g_autofree char *hash = g_compute_checksum_for_string(G_CHECKSUM_SHA256, text, -1);
    return g_strdup_printf("dedup:%.40s", hash);
}

static void add_parts(Step *step)
{
    for (unsigned i = 0; i < step->reached->len; i++) {
        const Reach *reach = step->reached->pdata[i];
        step->parts =
            g_renew(Part, step->parts, step->n_parts + reach->receiver->n_emails);
        for (unsigned k = 0; k < reach->receiver->n_emails; k++) {
            step->parts[step->n_parts++] =
                (Part){.reach = reach,
                       .integration = k,
                       .key = key_of(step->event, reach->receiver, k)};
        }
    }
}

static void end_ok(Step *step)
{
    step_account(step);
    GArray *results = step_results(step);
    step->done(step->who, ACCEPT_OK, "",
               (const AcceptResult *)(const void *)results->data, results->len);
    for (unsigned i = 0; i < results->len; i++) {
        AcceptResult *result = &g_array_index(results, AcceptResult, i);
        g_free(result->receiver);
        g_free(result->text);
    }
    g_array_unref(results);
    step_free(step);
}

static void read_states(void *data);

static void committed(void *who, OutboxResult result, Change *change)
{
    Step *step = who;
    change_clear(change);
    g_free(change);
    if (result == OUTBOX_OK) {
        end_ok(step);
    } else if (result == OUTBOX_FULL) {
        end_busy(step, "the queue is full");
    } else if (result == OUTBOX_FAILED) {
        end_busy(step, "the storage fails");
    } else if (++step->tries == TRIES_MAX) {
        end_busy(step, "the group's state keeps changing");
    } else {
        step->accept->schedule(step->accept->scheduler, read_states, step);
    }
}

static void commit(Step *step)
{
    Change *change = g_new0(Change, 1);
    change->records = g_new0(Record, step->n_parts + 1);
    change->mails = g_new0(Mail *, step->n_parts + 1);
    for (size_t i = 0; i < step->n_parts; i++) {
        part_change(step, &step->parts[i], change);
    }
    if (change->n_records == 0) {
        committed(step, OUTBOX_OK, change);
        return;
    }
    outbox_commit(step->accept->outbox, change, committed, step);
}

/* The outbox may have answered at once, on the worker itself. */
static void go_on(Step *step, AcceptResume *next)
{
    if (pthread_equal(pthread_self(), step->caller)) {
        next(step);
    } else {
        step->accept->schedule(step->accept->scheduler, next, step);
    }
}

static void queue_answered(void *who, OutboxResult result, bool queued);

/* A repetition is of no use while the mail that it repeats has not left. */
static void ask_queue(Step *step)
{
    for (; step->asked < step->n_parts; step->asked++) {
        const Part *part = &step->parts[step->asked];
        if (part->decision.reason == DEDUP_SENDER_REPEATS) {
            step->caller = pthread_self();
            outbox_queued(step->accept->outbox, part->key, part->last_mail_ms,
                          queue_answered, step);
            return;
        }
    }
    commit(step);
}

static void take_answer(void *data)
{
    Step *step = data;
    Part *part = &step->parts[step->asked];
    if (part->last_mail_queued) {
        part_decide(step, part);
    }
    step->asked++;
    ask_queue(step);
}

static void queue_answered(void *who, OutboxResult result, bool queued)
{
    Step *step = who;
    if (result != OUTBOX_OK) {
        end_busy(step, "the storage fails");
        return;
    }
    step->parts[step->asked].last_mail_queued = queued;
    go_on(step, take_answer);
}

static void decide_all(void *data)
{
    Step *step = data;
    step->asked = 0;
    for (size_t i = 0; i < step->n_parts; i++) {
        part_decide(step, &step->parts[i]);
    }
    ask_queue(step);
}

static void take_records(Step *step, Record *records)
{
    for (size_t i = 0; i < step->n_parts; i++) {
        part_forget(&step->parts[i]);
        step->parts[i].record = records[i];
    }
    g_free(records);
}

/* On the storage thread, unless all was in memory. */
static void states_read(void *who, OutboxResult result, Record *records, size_t n)
{
    Step *step = who;
    if (result != OUTBOX_OK) {
        end_busy(step, "the storage fails");
        return;
    }
    g_assert(n == step->n_parts);
    take_records(step, records);
    go_on(step, decide_all);
}

static void read_states(void *data)
{
    Step *step = data;
    g_autofree const char **keys = g_new(const char *, step->n_parts);
    for (size_t i = 0; i < step->n_parts; i++) {
        keys[i] = step->parts[i].key;
    }
    step->caller = pthread_self();
    outbox_read(step->accept->outbox, keys, step->n_parts, states_read, step);
}

void accept_event(const Accept *accept, Config *config, Event *take_event,
                  AcceptDone *done, void *who)
{
    Step *step = g_new0(Step, 1);
    *step = (Step){.accept = accept,
                   .config = config_ref(config),
                   .event = take_event,
                   .webhook = dedup_webhook(take_event),
                   .now_ms = now_ms(accept),
                   .done = done,
                   .who = who};
    unsigned limits = 0;
    step->reached = accept_route(config, take_event, &limits);
    add_parts(step);
    if (limits > 0) {
        metrics_add(accept->metrics, METRIC_REGEXP_LIMITS, limits, NULL, NULL);
        log_line(accept->log, LOG_LEVEL_WARN, "regular expressions hit their limit",
                 "source", take_event->source, "group", take_event->group_key, "count",
                 LOG_NUMBER(limits), NULL);
    }
    if (step->n_parts == 0) {
        end_ok(step);
    } else {
        read_states(step);
    }
}
