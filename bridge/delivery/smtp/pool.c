/* SPDX-License-Identifier: MIT */
/* Mails wait in line; a session that is idle takes the first.  Where mails wait and
 * the relay's health allows it, further sessions are opened; those that are not needed
 * close by themselves.  What a transaction leaves unsettled goes back to the front of
 * the line: after a session that had grown stale, for a further hundred recipients,
 * or when one session of several was throttled.  When the relay fails, everything that
 * waits is given back untried, and nothing is taken until the pause is over.  On stop
 * the same is given back at once, what is in a transaction at its deadline. */
#include "bridge/delivery/smtp/pool.h"

#include "bridge/delivery/smtp/courier.h"
#include "bridge/delivery/smtp/health.h"

#define N_STATES (COURIER_QUITTING + 1)

struct Pool {
    PoolPlan plan;
    Loop *loop;
    const RelayConfig *relay;
    const DeliveryConfig *delivery;
    char *name;           /* host:port; fixed, since outcomes and labels point to it */
    char *fault_text;     /* of the last session that failed */
    Health health;
    GQueue waiting;       /* Job * */
    GPtrArray *couriers;  /* Courier *, those in use longest first */
    Timer timer;          /* looks again: a pause ends, patience does, or the stop */
    unsigned capacity;    /* as last told */
    unsigned shown[N_STATES]; /* sessions by state, as the metric has them */
    bool stopping, ended;
    int64_t stop_ms;
};

/* --- counting --- */

static unsigned count(const Pool *pool, CourierState state)
{
    unsigned n = 0;
    for (guint i = 0; i < pool->couriers->len; i++) {
        n += courier_state(g_ptr_array_index(pool->couriers, i)) == state;
    }
    return n;
}

static HealthLoad measure_load(Pool *pool)
{
    const Job *oldest = g_queue_peek_head(&pool->waiting);
    return (HealthLoad){
        .connecting = count(pool, COURIER_CONNECTING),
        .open = count(pool, COURIER_IDLE) + count(pool, COURIER_BUSY),
        .closing = count(pool, COURIER_QUITTING),
        .waiting = g_queue_get_length(&pool->waiting),
        .oldest_ms = oldest != NULL ? oldest->queued_ms : 0,
    };
}

static void show_sessions(Pool *pool)
{
    static const char *const labels[N_STATES] = {
        [COURIER_CONNECTING] = "connecting", [COURIER_IDLE] = "idle",
        [COURIER_BUSY] = "busy",             [COURIER_QUITTING] = "closing",
    };
    for (CourierState state = 0; state < N_STATES; state++) {
        unsigned n = count(pool, state);
        if (labels[state] != NULL && n != pool->shown[state]) {
            metrics_set(pool->plan.metrics, METRIC_SMTP_SESSIONS, n, pool->name, labels[state]);
            pool->shown[state] = n;
        }
    }
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

static void give_back_waiting(Pool *pool, const char *why)
{
    Job *job;
    while ((job = g_queue_pop_head(&pool->waiting)) != NULL) {
        give_back_untried(pool, job, why);
    }
}

/* --- the relay's own faults --- */

static void tell_capacity(Pool *pool)
{
    unsigned capacity = pool_capacity(pool);
    if (capacity != pool->capacity) {
        pool->capacity = capacity;
        pool->plan.events->capacity(pool->plan.who, capacity);
    }
}

static void close_courier(Pool *pool, Courier *courier)
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
            close_courier(pool, courier);
        }
    }
    g_autofree char *full = g_strdup_printf("smtp %s: %s", pool->name, text);
    tell_capacity(pool); /* before anybody offers those mails anew */
    pool->plan.events->fault(pool->plan.who, fault, full);
    give_back_waiting(pool, text);
}

static void fail_relay(Pool *pool, RelayFault fault, const char *text)
{
    health_relay_failed(&pool->health, fault, loop_now_ms(pool->loop));
    pause_relay(pool, fault, text);
}

/* The open sessions but FAILED (NULL: it is none of them any more). */
static unsigned count_others(const Pool *pool, const Courier *failed)
{
    unsigned open = count(pool, COURIER_IDLE) + count(pool, COURIER_BUSY);
    return failed != NULL && courier_state(failed) == COURIER_IDLE ? open - 1 : open;
}

/* A session is lost to FAULT; it counts against the relay if it was the only one. */
static void fail_session(Pool *pool, const Courier *failed, RelayFault fault, const char *text)
{
    unsigned others = count_others(pool, failed);
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
    if (t->fault == FAULT_REFUSED) {
        transaction_take_back(t);
    }
    courier_retire(courier);
    if (t->fault == FAULT_THROTTLE && count_others(pool, courier) > 0) {
        fail_session(pool, courier, t->fault, why);
        put_back(pool, job);
        return;
    }
    settle_rest_reply(pool, job, OUTCOME_UNTRIED, &t->why);
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

static void settle(Pool *pool, Courier *courier, Job *job)
{
    Transaction *t = courier_transaction(courier);
    bool answered = t->end == END_KEEP || t->end == END_RESET;
    if (t->end == END_LOST) {
        settle_loss(pool, courier, job);
        return;
    }
    if (t->fault != FAULT_NONE) {
        settle_fault(pool, courier, job);
        return;
    }
    bool taken = t->replies[VERB_DOT][2] > 0;
    bool spoke = t->replies[VERB_MAIL][2] > 0;
    if (answered && spoke &&
        health_mail_answered(&pool->health, taken, loop_now_ms(pool->loop))) {
        tell_capacity(pool);
        pool->plan.events->fault(pool->plan.who, FAULT_NONE, "");
    }
    if (job->n_pending > 0) {
        put_back(pool, job);
    } else {
        give_back(pool, job);
    }
}

/* --- events of the couriers --- */

static void on_opened(void *who, Courier *courier)
{
    Pool *pool = who;
    health_session_opened(&pool->health);
    metrics_add(pool->plan.metrics, METRIC_SMTP_SESSIONS_OPENED, 1, pool->name, NULL);
    log_line(pool->plan.log, LOG_LEVEL_DEBUG, "smtp session opened", "relay", pool->name, "tls",
             courier_is_encrypted(courier) ? "yes" : "no", NULL);
    courier_rest(courier, pool->delivery->idle_close_ms);
    pool_pump(pool);
}

static void on_failed(void *who, Courier *courier, RelayFault fault, const char *text)
{
    Pool *pool = who;
    g_autofree char *why = g_strdup(text); /* TEXT goes with the courier */
    close_courier(pool, courier);
    fail_session(pool, NULL, fault, why);
    pool_pump(pool);
}

static bool is_in_excess(Pool *pool)
{
    return count(pool, COURIER_IDLE) + count(pool, COURIER_BUSY) > pool->health.allowed;
}

static void on_finished(void *who, Courier *courier, Job *take_job)
{
    Pool *pool = who;
    const DeliveryConfig *delivery = pool->delivery;
    count_replies(pool, courier_transaction(courier));
    settle(pool, courier, take_job);
    if (courier_state(courier) == COURIER_SPENT) {
        close_courier(pool, courier);
    } else if (courier_is_worn(courier, delivery->mails_per_connection,
                               delivery->connection_lifetime_ms) ||
               is_in_excess(pool)) {
        courier_quit(courier, delivery->quit_ms);
    } else if (g_queue_is_empty(&pool->waiting)) {
        courier_rest(courier, delivery->idle_close_ms);
    }
    pool_pump(pool);
}

static void on_gone(void *who, Courier *courier)
{
    Pool *pool = who;
    log_line(pool->plan.log, LOG_LEVEL_DEBUG, "smtp session closed", "relay", pool->name, "mails",
             LOG_NUMBER(courier_mails(courier)), NULL);
    close_courier(pool, courier);
    pool_pump(pool);
}

static const CourierEvents courier_events = {on_opened, on_failed, on_finished, on_gone};

/* --- handing out --- */

static Courier *find_idle(Pool *pool)
{
    for (guint i = 0; i < pool->couriers->len; i++) {
        Courier *courier = g_ptr_array_index(pool->couriers, i);
        if (courier_state(courier) == COURIER_IDLE) {
            return courier;
        }
    }
    return NULL;
}

static void hand_out(Pool *pool)
{
    while (!g_queue_is_empty(&pool->waiting)) {
        Courier *courier = find_idle(pool);
        if (courier == NULL) {
            return;
        }
        if (courier_is_worn(courier, pool->delivery->mails_per_connection,
                            pool->delivery->connection_lifetime_ms)) {
            courier_quit(courier, pool->delivery->quit_ms);
        } else {
            courier_carry(courier, g_queue_pop_head(&pool->waiting));
        }
    }
}

static bool open_session(Pool *pool)
{
    g_autoptr(GError) error = NULL;
    CourierPlan plan = {
        .loop = pool->loop,
        .connector = pool->plan.smtp->connector,
        .session = {pool->relay, pool->delivery, pool->plan.smtp->hello},
        .relay = pool->name,
        .events = &courier_events,
        .who = pool,
    };
    Courier *courier = courier_new(&plan, &error);
    if (courier == NULL) {
        fail_session(pool, NULL, FAULT_AUTH, error->message);
        return false;
    }
    g_ptr_array_add(pool->couriers, courier);
    return true;
}

static void open_sessions(Pool *pool)
{
    int64_t now_ms = loop_now_ms(pool->loop);
    HealthLoad load = measure_load(pool);
    unsigned more = health_sessions_to_open(&pool->health, &load, now_ms);
    while (more > 0 && open_session(pool)) {
        more--;
    }
    load = measure_load(pool);
    if (health_strand(&pool->health, &load, now_ms)) {
        pause_relay(pool, pool->health.fault, pool->fault_text);
    }
}

static void set_timer(Pool *pool)
{
    HealthLoad load = measure_load(pool);
    int64_t next = health_next_ms(&pool->health, &load, loop_now_ms(pool->loop));
    if (next >= 0) {
        loop_set_timer(pool->loop, &pool->timer, next);
    } else {
        loop_unset_timer(pool->loop, &pool->timer);
    }
}

/* --- the end --- */

static void wind_up(Pool *pool)
{
    bool late = loop_now_ms(pool->loop) >= pool->stop_ms;
    give_back_waiting(pool, "stopping");
    for (guint i = pool->couriers->len; i-- > 0;) {
        Courier *courier = g_ptr_array_index(pool->couriers, i);
        CourierState state = courier_state(courier);
        if (state == COURIER_CONNECTING || (late && state != COURIER_BUSY)) {
            close_courier(pool, courier);
        } else if (state == COURIER_IDLE) {
            courier_quit(courier, pool->delivery->quit_ms);
        } else if (late) {
            courier_cut(courier, "stopping"); /* pumps again, from within */
            return;
        }
    }
    if (pool->couriers->len > 0) {
        loop_set_timer(pool->loop, &pool->timer, pool->stop_ms);
    } else if (!pool->ended) {
        pool->ended = true;
        loop_unset_timer(pool->loop, &pool->timer);
        show_sessions(pool);
        pool->plan.events->ended(pool->plan.who);
    }
}

void pool_pump(Pool *pool)
{
    if (pool->stopping) {
        wind_up(pool);
        return;
    }
    health_pass(&pool->health, loop_now_ms(pool->loop));
    if (pool->health.paused) {
        give_back_waiting(pool, "the relay is paused");
    }
    hand_out(pool);
    open_sessions(pool);
    tell_capacity(pool);
    show_sessions(pool);
    set_timer(pool);
}

static void on_timer(void *who)
{
    pool_pump(who);
}

/* --- life --- */

static void use_config(Pool *pool, Config *config, unsigned index)
{
    pool->plan.config = config_ref(config);
    pool->plan.index = index;
    pool->relay = &config->relays[index];
    pool->delivery = &config->delivery;
}

Pool *pool_new(const PoolPlan *plan)
{
    Pool *pool = g_new0(Pool, 1);
    pool->plan = *plan;
    pool->loop = plan->smtp->loop;
    pool->timer = (Timer){.fire = on_timer, .who = pool};
    pool->couriers = g_ptr_array_new();
    g_queue_init(&pool->waiting);
    use_config(pool, plan->config, plan->index);
    pool->name = g_strdup(pool->relay->name);
    pool->fault_text = g_strdup("");
    health_init(&pool->health, pool->delivery->connections);
    pool->capacity = pool_capacity(pool);
    return pool;
}

void pool_free(Pool *pool)
{
    g_assert(pool->couriers->len == 0 && g_queue_is_empty(&pool->waiting));
    g_ptr_array_unref(pool->couriers);
    config_unref(pool->plan.config);
    g_free(pool->fault_text);
    g_free(pool->name);
    g_free(pool);
}

void pool_add(Pool *pool, Job *take_job)
{
    take_job->queued_ms = loop_now_ms(pool->loop);
    g_queue_push_tail(&pool->waiting, take_job);
}

void pool_configure(Pool *pool, Config *config, unsigned index)
{
    Config *old = pool->plan.config;
    use_config(pool, config, index);
    config_unref(old);
    health_configure(&pool->health, pool->delivery->connections);
    for (guint i = 0; i < pool->couriers->len; i++) {
        courier_retire(g_ptr_array_index(pool->couriers, i));
    }
}

void pool_stop(Pool *pool, int64_t deadline_ms)
{
    pool->stopping = true;
    pool->stop_ms = deadline_ms;
}

unsigned pool_capacity(const Pool *pool)
{
    return pool->stopping ? 0 : health_capacity(&pool->health);
}
