/* SPDX-License-Identifier: MIT */
/* Mails wait in line; a session that is idle takes the first.  Where mails wait and
 * the relay's health allows it, further sessions are opened; those that are not needed
 * close by themselves.  What a transaction leaves unsettled goes back to the front of
 * the line: after a session that had grown stale, for a further hundred recipients,
 * or when one session of several was throttled.  When the relay fails, everything that
 * waits is given back untried, and nothing is taken until the pause is over.  On stop
 * the same is given back at once, what is in a transaction at its deadline. */
#include "bridge/delivery/smtp/pool_inside.h"

enum { LIMIT_LOG_MS = 60000 };

/* --- counting --- */

/* The mails that could leave now, sessions aside. */
static unsigned count_ready(Pool *pool)
{
    return rate_left(&pool->rate, g_queue_get_length(&pool->waiting), loop_now_ms(pool->loop));
}

static HealthLoad measure_load(Pool *pool)
{
    const Job *oldest = g_queue_peek_head(&pool->waiting);
    return (HealthLoad){
        .connecting = pool_count(pool, COURIER_CONNECTING),
        .open = pool_count(pool, COURIER_IDLE) + pool_count(pool, COURIER_BUSY),
        .closing = pool_count(pool, COURIER_QUITTING),
        .waiting = count_ready(pool),
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
        unsigned n = pool_count(pool, state);
        if (labels[state] != NULL && n != pool->shown[state]) {
            /* Not set: other pools may count sessions with the same server. */
            double more = (double)n - pool->shown[state];
            metrics_add(pool->plan.metrics, METRIC_SMTP_SESSIONS, more, pool->name, labels[state]);
            pool->shown[state] = n;
        }
    }
}

/* --- events of the couriers --- */

static void on_opened(void *who, Courier *courier)
{
    Pool *pool = who;
    if (health_session_opened(&pool->health)) {
        pool_mended(pool);
    }
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
    pool_close_courier(pool, courier);
    pool_fail_session(pool, fault, why);
    pool_pump(pool);
}

/* Sessions that have shown nothing yet do not count: one that works must not leave for
 * one that may be throttled next. */
static bool is_in_excess(Pool *pool)
{
    unsigned n = 0;
    for (guint i = 0; i < pool->couriers->len; i++) {
        const Courier *courier = g_ptr_array_index(pool->couriers, i);
        CourierState state = courier_state(courier);
        bool open = state == COURIER_IDLE || state == COURIER_BUSY;
        n += open && courier_mails(courier) > 0;
    }
    return n > pool->health.allowed;
}

static void on_finished(void *who, Courier *courier, Job *take_job)
{
    Pool *pool = who;
    const DeliveryConfig *delivery = pool->delivery;
    pool_settle(pool, courier, take_job);
    CourierState state = courier_state(courier);
    if (state == COURIER_SPENT) {
        pool_close_courier(pool, courier);
    } else if (state == COURIER_BUSY) {
        /* with the mail that was behind */
    } else if (courier_is_worn(courier, delivery->mails_per_connection,
                               delivery->connection_lifetime_ms) ||
               is_in_excess(pool)) {
        courier_quit(courier, delivery->quit_ms);
    } else if (count_ready(pool) == 0) {
        courier_rest(courier, delivery->idle_close_ms);
    }
    pool_pump(pool);
}

static void on_gone(void *who, Courier *courier)
{
    Pool *pool = who;
    log_line(pool->plan.log, LOG_LEVEL_DEBUG, "smtp session closed", "relay", pool->name, "mails",
             LOG_NUMBER(courier_mails(courier)), NULL);
    pool_close_courier(pool, courier);
    pool_pump(pool);
}

/* Says, once a minute at most, that mails wait because of our own rate_limit. */
static void show_limit(Pool *pool)
{
    int64_t now_ms = loop_now_ms(pool->loop);
    bool limited = !g_queue_is_empty(&pool->waiting) && count_ready(pool) == 0;
    if (limited != pool->limited) {
        pool->limited = limited;
        metrics_set(pool->plan.metrics, METRIC_RELAY_RATE_LIMITED, limited, pool->name, NULL);
    }
    if (limited && (pool->limited_ms == 0 || now_ms - pool->limited_ms >= LIMIT_LOG_MS)) {
        pool->limited_ms = now_ms;
        log_line(pool->plan.log, LOG_LEVEL_INFO, "mails wait because of rate_limit", "relay",
                 pool->name, "waiting", LOG_NUMBER(g_queue_get_length(&pool->waiting)), NULL);
    }
}

/* Behind a dot a mail has to wait for the reply to it: only where no session can be had. */
static bool may_queue(Pool *pool, const Courier *courier)
{
    const DeliveryConfig *delivery = pool->delivery;
    return !pool->stopping && pool_is_well(pool) && !pool->shallow && count_ready(pool) > 0 &&
           pool->couriers->len >= pool->health.allowed && !is_in_excess(pool) &&
           !courier_is_worn(courier, delivery->mails_per_connection,
                            delivery->connection_lifetime_ms);
}

static Job *on_wanted(void *who, Courier *courier)
{
    Pool *pool = who;
    if (!may_queue(pool, courier)) {
        return NULL;
    }
    rate_take(&pool->rate, loop_now_ms(pool->loop));
    return g_queue_pop_head(&pool->waiting);
}

static void on_returned(void *who, Courier *courier, Job *take_job)
{
    (void)courier;
    Pool *pool = who;
    g_queue_push_head(&pool->waiting, take_job);
}

static const CourierEvents courier_events = {on_opened, on_failed,   on_finished,
                                             on_wanted, on_returned, on_gone};

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
    while (count_ready(pool) > 0) {
        Courier *courier = find_idle(pool);
        if (courier == NULL) {
            return;
        }
        if (courier_is_worn(courier, pool->delivery->mails_per_connection,
                            pool->delivery->connection_lifetime_ms)) {
            courier_quit(courier, pool->delivery->quit_ms);
        } else {
            rate_take(&pool->rate, loop_now_ms(pool->loop));
            courier_carry(courier, g_queue_pop_head(&pool->waiting));
        }
    }
}

/* Mails that found no session go behind those whose dot is out. */
static void queue_behind(Pool *pool)
{
    for (guint i = 0; i < pool->couriers->len && count_ready(pool) > 0; i++) {
        Courier *courier = g_ptr_array_index(pool->couriers, i);
        if (courier_takes_next(courier)) {
            Job *job = on_wanted(pool, courier);
            if (job != NULL) {
                courier_queue(courier, job);
            }
        }
    }
}

static bool open_session(Pool *pool)
{
    g_autoptr(GError) error = NULL;
    CourierPlan plan = {
        .loop = pool->loop,
        .connector = pool->plan.smtp->connector,
        .session = {pool->plan.config, pool->relay, pool->delivery, pool->plan.smtp->hello,
                    pool->plan.tap},
        .lockstep = pool->delivery->pipelining == PIPELINING_OFF,
        .deep = pool->delivery->pipelining == PIPELINING_DEEP,
        .relay = pool->name,
        .events = &courier_events,
        .who = pool,
    };
    Courier *courier = courier_new(&plan, &error);
    if (courier == NULL) {
        pool_fail_session(pool, FAULT_AUTH, error->message);
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
        pool_strand(pool);
    }
}

static void set_timer(Pool *pool)
{
    HealthLoad load = measure_load(pool);
    int64_t next = health_next_ms(&pool->health, &load, loop_now_ms(pool->loop));
    if (pool->limited) {
        int64_t turn = rate_next_ms(&pool->rate);
        next = next >= 0 ? MIN(next, turn) : turn;
    }
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
    pool_give_back_waiting(pool, "stopping");
    for (guint i = pool->couriers->len; i-- > 0;) {
        Courier *courier = g_ptr_array_index(pool->couriers, i);
        CourierState state = courier_state(courier);
        if (state == COURIER_CONNECTING || (late && state != COURIER_BUSY)) {
            pool_close_courier(pool, courier);
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
        pool_give_back_waiting(pool, "the relay is paused");
    }
    hand_out(pool);
    open_sessions(pool);
    queue_behind(pool);
    pool_tell_capacity(pool);
    show_sessions(pool);
    show_limit(pool);
    set_timer(pool);
}

static void on_timer(void *who)
{
    pool_pump(who);
}

/* --- life --- */

static void use_config(Pool *pool, Config *config, const RelayConfig *relay, bool spared)
{
    pool->plan.config = config_ref(config);
    pool->plan.relay = pool->relay = relay;
    pool->delivery = &config->delivery;
    pool->health.spared = spared;
}

Pool *pool_new(const PoolPlan *plan)
{
    Pool *pool = g_new0(Pool, 1);
    pool->plan = *plan;
    pool->loop = plan->smtp->loop;
    pool->timer = (Timer){.fire = on_timer, .who = pool};
    pool->couriers = g_ptr_array_new();
    g_queue_init(&pool->waiting);
    pool->fault_text = g_strdup("");
    pool->suspect = g_strdup("");
    health_init(&pool->health, plan->config->delivery.connections);
    use_config(pool, plan->config, plan->relay, plan->spared);
    pool->name = g_strdup(pool->relay->name);
    rate_configure(&pool->rate, &pool->delivery->rate_limit);
    pool->capacity = pool_capacity(pool);
    return pool;
}

void pool_free(Pool *pool)
{
    g_assert(pool->couriers->len == 0 && g_queue_is_empty(&pool->waiting));
    g_ptr_array_unref(pool->couriers);
    config_unref(pool->plan.config);
    g_free(pool->fault_text);
    g_free(pool->suspect);
    g_free(pool->name);
    g_free(pool);
}

void pool_add(Pool *pool, Job *take_job)
{
    take_job->queued_ms = loop_now_ms(pool->loop);
    g_queue_push_tail(&pool->waiting, take_job);
}

void pool_configure(Pool *pool, Config *config, const RelayConfig *relay, bool spared)
{
    Config *old = pool->plan.config;
    use_config(pool, config, relay, spared);
    config_unref(old);
    health_configure(&pool->health, pool->delivery->connections);
    rate_configure(&pool->rate, &pool->delivery->rate_limit);
    pool->shallow = false;
    for (guint i = 0; i < pool->couriers->len; i++) {
        courier_retire(g_ptr_array_index(pool->couriers, i));
    }
}

void pool_probe(Pool *pool)
{
    health_probe(&pool->health);
}

int64_t pool_probe_ms(const Pool *pool)
{
    return pool->health.paused ? pool->health.open_after_ms : 0;
}

void pool_stop(Pool *pool, int64_t deadline_ms)
{
    pool->stopping = true;
    pool->stop_ms = deadline_ms;
}

unsigned pool_capacity(const Pool *pool)
{
    unsigned capacity = pool->stopping ? 0 : health_capacity(&pool->health);
    return rate_ahead(&pool->rate, capacity);
}

bool pool_is_well(const Pool *pool)
{
    return !pool->stopping && !pool->health.paused && !pool->health.probing;
}

const char *pool_name(const Pool *pool)
{
    return pool->name;
}
