/* SPDX-License-Identifier: MIT */
/* What a transaction, or a session that could not be opened, means for the mail and
 * for the relay: whose fault it was decides who waits. */
#include "bridge/delivery/smtp/pool_inside.h"

#include <string.h>

unsigned pool_count(const Pool *pool, CourierState state)
{
    unsigned n = 0;
    for (guint i = 0; i < pool->couriers->len; i++) {
        n += courier_state(g_ptr_array_index(pool->couriers, i)) == state;
    }
    return n;
}

static void count_replies(Pool *pool, const Transaction *t)
{
    static const char *const classes[] = {"0xx", "1xx", "2xx", "3xx", "4xx", "5xx"};
    for (Verb verb = 0; verb < VERB_COUNT; verb++) {
        for (unsigned class = 2; class < G_N_ELEMENTS(classes); class++) {
            if (t->replies[verb][class] > 0) {
                metrics_add(pool->plan.metrics, METRIC_SMTP_REPLIES, t->replies[verb][class],
                            verb_text(verb), classes[class]);
            }
        }
    }
}

static void count_doubts(Pool *pool, const Job *job)
{
    for (unsigned i = 0; i < job->n; i++) {
        if (job->outcomes[i].kind == OUTCOME_IN_DOUBT) {
            metrics_add(pool->plan.metrics, METRIC_SMTP_IN_DOUBT, 1, pool->name, NULL);
        }
    }
}

/* --- mails --- */

static void give_back(Pool *pool, Job *take_job)
{
    count_doubts(pool, take_job);
    pool->plan.events->done(pool->plan.who, take_job);
}

static void put_back(Pool *pool, Job *take_job)
{
    g_queue_push_head(&pool->waiting, take_job);
}

static void give_back_untried(Pool *pool, Job *take_job, const char *why)
{
    job_settle_rest(take_job, OUTCOME_UNTRIED, pool->name, why);
    give_back(pool, take_job);
}

void pool_give_back_waiting(Pool *pool, const char *why)
{
    Job *job;
    while ((job = g_queue_pop_head(&pool->waiting)) != NULL) {
        give_back_untried(pool, job, why);
    }
}

/* --- the relay's own faults --- */

void pool_tell_capacity(Pool *pool)
{
    unsigned capacity = pool_capacity(pool);
    if (capacity != pool->capacity) {
        pool->capacity = capacity;
        pool->plan.events->capacity(pool->plan.who, capacity);
    }
}

void pool_mended(Pool *pool)
{
    pool_tell_capacity(pool);
    pool->plan.events->fault(pool->plan.who, FAULT_NONE, "");
}

void pool_close_courier(Pool *pool, Courier *courier)
{
    g_ptr_array_remove(pool->couriers, courier);
    courier_free(courier);
}

/* The health is paused already: say so, and hold nothing any more. */
static void pause_relay(Pool *pool, RelayFault fault, const char *text)
{
    for (guint i = pool->couriers->len; i-- > 0;) {
        Courier *courier = g_ptr_array_index(pool->couriers, i);
        if (courier_state(courier) == COURIER_CONNECTING) {
            pool_close_courier(pool, courier);
        }
    }
    g_autofree char *full = g_strdup_printf("smtp %s: %s", pool->name, text);
    pool_tell_capacity(pool); /* before anybody offers those mails anew */
    pool->plan.events->fault(pool->plan.who, fault, full);
    pool_give_back_waiting(pool, text);
}

static void count_throttle(Pool *pool, RelayFault fault)
{
    if (fault == FAULT_THROTTLE) {
        metrics_add(pool->plan.metrics, METRIC_SMTP_THROTTLES, 1, pool->name, NULL);
    }
}

static void fail_relay(Pool *pool, RelayFault fault, const char *text)
{
    count_throttle(pool, fault);
    health_relay_failed(&pool->health, fault, loop_now_ms(pool->loop));
    pause_relay(pool, fault, text);
}

/* The open sessions but FAILED (NULL: it is none of them any more). */
static unsigned count_others(const Pool *pool, const Courier *failed)
{
    unsigned open = pool_count(pool, COURIER_IDLE) + pool_count(pool, COURIER_BUSY);
    return failed != NULL && courier_state(failed) != COURIER_SPENT ? open - 1 : open;
}

/* A session is lost to FAULT; it counts against the relay if it was the only one. */
static void fail_session(Pool *pool, const Courier *failed, RelayFault fault, const char *text)
{
    unsigned others = count_others(pool, failed);
    count_throttle(pool, fault);
    health_session_failed(&pool->health, fault, others, loop_now_ms(pool->loop));
    g_free(pool->fault_text);
    pool->fault_text = g_strdup(text);
    if (pool->health.paused && others == 0) {
        pause_relay(pool, fault, text);
    } else {
        log_line(pool->plan.log, LOG_LEVEL_WARN, "smtp session failed", "relay", pool->name,
                 "fault", relay_fault_text(fault), "error", text, "sessions",
                 LOG_NUMBER(others), NULL);
    }
}

void pool_fail_session(Pool *pool, RelayFault fault, const char *text)
{
    fail_session(pool, NULL, fault, text);
}

void pool_strand(Pool *pool)
{
    pause_relay(pool, pool->health.fault, pool->fault_text);
}

/* --- what a transaction comes to --- */

static char *print_why(const Transaction *t)
{
    const Reply *why = &t->why;
    if (why->code == 0) {
        return g_strdup(why->text);
    }
    return g_strdup_printf("%s: %d%s%s%s%s", verb_text(t->why_verb), why->code,
                           why->enhanced[0] != '\0' ? " " : "", why->enhanced,
                           why->text[0] != '\0' ? " " : "", why->text);
}

static void settle_rest_reply(Pool *pool, Job *job, OutcomeKind kind, const Reply *why)
{
    for (unsigned i = 0; i < job->n; i++) {
        if (job->pending[i]) {
            job_settle_reply(job, i, kind, pool->name, why);
        }
    }
}

/* Is it this mail's own fault after all?  One to which it happens twice running makes
 * way for others, which may show that. */
static OutcomeKind suspect(Pool *pool, const Mail *mail)
{
    bool again = strcmp(pool->suspect, mail->message_id) == 0;
    g_free(pool->suspect);
    pool->suspect = g_strdup(mail->message_id);
    return again ? OUTCOME_DEFERRED : OUTCOME_UNTRIED;
}

/* The relay's fault: the mail is charged nothing. */
static void settle_fault(Pool *pool, Courier *courier, Job *job)
{
    Transaction *t = courier_transaction(courier);
    g_autofree char *why = print_why(t);
    if (t->fault == FAULT_REFUSED && health_take_proof(&pool->health, loop_now_ms(pool->loop))) {
        settle_rest_reply(pool, job, OUTCOME_DEFERRED, &t->why);
        give_back(pool, job);
        return;
    }
    courier_retire(courier);
    if (t->fault == FAULT_THROTTLE && count_others(pool, courier) > 0) {
        fail_session(pool, courier, t->fault, why);
        put_back(pool, job);
        return;
    }
    if (t->fault == FAULT_REFUSED) {
        transaction_take_back(t);
    }
    OutcomeKind kind = t->fault == FAULT_AUTH ? OUTCOME_UNTRIED : suspect(pool, job->mail);
    settle_rest_reply(pool, job, kind, &t->why);
    fail_relay(pool, t->fault, why);
    give_back(pool, job);
}

/* The session died before the final dot. If it had been good for others before, that
 * says nothing about this mail: once, it starts over on another session. */
static void settle_loss(Pool *pool, Courier *courier, Job *job)
{
    Transaction *t = courier_transaction(courier);
    bool stale = courier_was_reused(courier);
    if (pool->stopping) {
        give_back_untried(pool, job, t->why.text);
    } else if (stale && !job->restarted) {
        job->restarted = true;
        put_back(pool, job);
    } else if (!stale && t->fault != FAULT_NONE) {
        settle_fault(pool, courier, job);
    } else {
        settle_rest_reply(pool, job, stale ? OUTCOME_UNTRIED : OUTCOME_DEFERRED, &t->why);
        give_back(pool, job);
    }
}

/* The server was to hear of this mail behind the dot of another one, and would not: silent,
 * or "bad sequence of commands".  That says nothing about the mail; it is not done again. */
static bool minds_being_early(const Transaction *t)
{
    bool silent = t->end == END_LOST && t->why.code == 0 && transaction_is_unheard(t);
    bool sequence = t->fault == FAULT_REFUSED && t->why_verb == VERB_MAIL &&
                    t->why.code >= 500 && t->why.code <= 504;
    return t->plan.behind && (silent || sequence);
}

static void go_shallow(Pool *pool, Courier *courier, Job *job)
{
    g_autofree char *why = print_why(courier_transaction(courier));
    if (!pool->shallow) {
        log_line(pool->plan.log, LOG_LEVEL_WARN, "the server may not know deep pipelining: it is "
                 "not used until the next reload", "relay", pool->name, "text", why, NULL);
    }
    pool->shallow = true;
    courier_retire(courier);
    put_back(pool, job);
}

void pool_settle(Pool *pool, Courier *courier, Job *take_job)
{
    Transaction *t = courier_transaction(courier);
    count_replies(pool, t);
    if (courier_was_reused(courier)) {
        metrics_add(pool->plan.metrics, METRIC_SMTP_SESSIONS_REUSED, 1, pool->name, NULL);
    }
    bool answered = t->end == END_KEEP || t->end == END_RESET;
    if (!pool->stopping && minds_being_early(t)) {
        go_shallow(pool, courier, take_job);
        return;
    }
    if (t->end == END_LOST) {
        settle_loss(pool, courier, take_job);
        return;
    }
    if (t->fault != FAULT_NONE) {
        settle_fault(pool, courier, take_job);
        return;
    }
    bool taken = t->replies[VERB_DOT][2] > 0;
    bool spoke = t->replies[VERB_MAIL][2] > 0;
    if (answered && spoke &&
        health_mail_answered(&pool->health, taken, loop_now_ms(pool->loop))) {
        pool_mended(pool);
    }
    if (take_job->n_pending > 0) {
        put_back(pool, take_job);
    } else {
        give_back(pool, take_job);
    }
}
