/* SPDX-License-Identifier: MIT */
/* Due mails to relays with room.  Each relay has a slot (slot.c), by its key.
 *
 * At the start and at each reload the relays of the configuration get their slots, and
 * every queued mail is given the relay that the configuration now says: so it goes out
 * with the corrected password, or by the new server.  Mails whose relay is gone belong
 * to a slot without a relay, which defers them until they are given up or a reload
 * brings one.  The thread watches the time, and frees gone relays when their last mail
 * is back.
 *
 * At the end nothing more is claimed, every relay is stopped, then joined; claims under
 * way come back untried. */
#include "bridge/dispatch.h"

#include <assert.h>
#include <time.h>

#include "bridge/slot.h"
#include "rules/fault.h"

enum {
    RETIRE_MS = 60000,   /* what a gone relay has to finish a transaction */
    WAIT_MAX_MS = 60000, /* the wall clock may be set meanwhile */
};

static int64_t monotonic_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int64_t unix_ms(const Dispatch *dispatch)
{
    return outbox_now_ms(dispatch->context.outbox);
}

/* Routing. */

/* The storage thread; RELAY is the mail's so far. */
static const char *answer_route(void *who, const char *receiver, unsigned integration,
                                const char *relay)
{
    Dispatch *dispatch = who;
    pthread_mutex_lock(&dispatch->lock);
    char *key = g_strdup(slot_resolve(dispatch, receiver, integration, relay));
    pthread_mutex_unlock(&dispatch->lock);
    g_free(dispatch->routed);
    dispatch->routed = key;
    return key;
}

static void take_routed(void *who, OutboxResult result)
{
    Dispatch *dispatch = who;
    GHashTableIter slots;
    void *slot;
    pthread_mutex_lock(&dispatch->lock);
    if (result != OUTBOX_OK) {
        dispatch->route_at_ms = unix_ms(dispatch) + AGAIN_MS;
    }
    g_hash_table_iter_init(&slots, dispatch->slots);
    while (g_hash_table_iter_next(&slots, NULL, &slot)) {
        ((Slot *)slot)->next_due_ms = 0;
    }
    pthread_cond_broadcast(&dispatch->wake);
    pthread_mutex_unlock(&dispatch->lock);
}

/* Slots. */

static const DeliveryOps *find_backend(const Dispatch *dispatch, RelayScheme scheme)
{
    const DeliveryOps *const *backend = dispatch->context.backends;
    while (*backend != NULL && (*backend)->scheme != scheme) {
        backend++;
    }
    return *backend;
}

static Slot *make_slot(Dispatch *dispatch, Config *config, unsigned index, GError **error)
{
    const RelayConfig *relay = &config->relays[index];
    const DispatchContext *context = &dispatch->context;
    Slot *slot = slot_new(dispatch, relay->key, relay->name);
    const DeliveryContext delivery = {context->log, context->metrics, &slot_events, slot,
                                      context->smtp};
    slot->ops = find_backend(dispatch, relay->scheme);
    assert(slot->ops != NULL);
    slot->relay = slot->ops->new(&delivery, config, index, error);
    if (slot->relay == NULL) {
        g_prefix_error(error, "relay %s: ", relay->name);
        slot_free(slot);
        return NULL;
    }
    metrics_set(context->metrics, METRIC_RELAY_PAUSED, 0, relay->name, NULL);
    return slot;
}

static void discard_slots(GPtrArray *slots)
{
    for (unsigned i = 0; i < slots->len; i++) {
        Slot *slot = slots->pdata[i];
        slot->ops->stop(slot->relay, monotonic_ms());
        slot->ops->join(slot->relay);
        slot_free(slot);
    }
    g_ptr_array_set_size(slots, 0);
}

/* Appends slots for those relays of CONFIG that have none yet; all or none. */
static bool make_slots(Dispatch *dispatch, Config *config, GPtrArray *slots, GError **error)
{
    for (unsigned i = 0; i < config->n_relays; i++) {
        if (g_hash_table_contains(dispatch->slots, config->relays[i].key)) {
            continue;
        }
        Slot *slot = make_slot(dispatch, config, i, error);
        if (slot == NULL) {
            discard_slots(slots);
            return false;
        }
        g_ptr_array_add(slots, slot);
    }
    return true;
}

/* Takes out of the table, under the lock, what CONFIG does not have. */
static void retire_slots(Dispatch *dispatch, const Config *config, GPtrArray *gone)
{
    GHashTableIter slots;
    void *data;
    g_hash_table_iter_init(&slots, dispatch->slots);
    while (g_hash_table_iter_next(&slots, NULL, &data)) {
        Slot *slot = data;
        if (slot->ops != NULL && config_find_relay(config, slot->key) == NULL) {
            slot->retired = true;
            g_ptr_array_add(gone, slot);
            g_hash_table_iter_steal(&slots);
        }
    }
}

static void swap_config(Dispatch *dispatch, Config *config, GPtrArray *fresh,
                        GPtrArray *gone)
{
    pthread_mutex_lock(&dispatch->lock);
    retire_slots(dispatch, config, gone);
    for (unsigned i = 0; i < fresh->len; i++) {
        Slot *slot = fresh->pdata[i];
        g_hash_table_insert(dispatch->slots, slot->key, slot);
    }
    config_unref(dispatch->config);
    dispatch->config = config_ref(config);
    dispatch->route_at_ms = 0;
    pthread_cond_broadcast(&dispatch->wake);
    pthread_mutex_unlock(&dispatch->lock);
}

static void configure_slots(Dispatch *dispatch, Config *config)
{
    for (unsigned i = 0; i < config->n_relays; i++) {
        Slot *slot = g_hash_table_lookup(dispatch->slots, config->relays[i].key);
        slot->ops->configure(slot->relay, config, i);
    }
}

/* Stops the slot's relay, once nobody offers it a mail any more: the slot is retired, or
 * dispatch is stopping. */
static void stop_slot(Slot *slot, int64_t deadline_ms)
{
    Dispatch *dispatch = slot->dispatch;
    pthread_mutex_lock(&dispatch->lock);
    while (slot->pins > 0) {
        pthread_cond_wait(&dispatch->wake, &dispatch->lock);
    }
    pthread_mutex_unlock(&dispatch->lock);
    if (slot->relay != NULL) {
        slot->ops->stop(slot->relay, deadline_ms);
    }
}

bool dispatch_configure(Dispatch *dispatch, Config *config, GError **error)
{
    g_autoptr(GPtrArray) fresh = g_ptr_array_new();
    g_autoptr(GPtrArray) gone = g_ptr_array_new();
    if (!make_slots(dispatch, config, fresh, error)) {
        return false;
    }
    swap_config(dispatch, config, fresh, gone);
    configure_slots(dispatch, config);
    for (unsigned i = 0; i < gone->len; i++) {
        Slot *slot = gone->pdata[i];
        stop_slot(slot, monotonic_ms() + RETIRE_MS);
        pthread_mutex_lock(&dispatch->lock);
        g_ptr_array_add(dispatch->retired, slot);
        pthread_mutex_unlock(&dispatch->lock);
    }
    return true;
}

/* The thread. */

/* Under the lock: a slot to look at; else NULL, and *UNTIL_MS when one wants to claim. */
static Slot *find_eager(Dispatch *dispatch, int64_t now_ms, int64_t *until_ms)
{
    GHashTableIter slots;
    void *data;
    g_hash_table_iter_init(&slots, dispatch->slots);
    while (g_hash_table_iter_next(&slots, NULL, &data)) {
        Slot *slot = data;
        int64_t at_ms = slot->full ? NEVER : slot_eager_at(slot);
        if (at_ms <= now_ms) {
            return slot;
        }
        *until_ms = MIN(*until_ms, at_ms);
    }
    return NULL;
}

/* Under the lock: a retired slot with nothing left to do. */
static Slot *find_spent(Dispatch *dispatch)
{
    for (unsigned i = 0; i < dispatch->retired->len; i++) {
        Slot *slot = dispatch->retired->pdata[i];
        if (slot->held == 0 && slot->pins == 0 && !slot->claiming) {
            g_ptr_array_remove_index_fast(dispatch->retired, i);
            return slot;
        }
    }
    return NULL;
}

static bool is_route_due(Dispatch *dispatch, int64_t now_ms, int64_t *until_ms)
{
    if (dispatch->route_at_ms <= now_ms) {
        dispatch->route_at_ms = NEVER;
        return true;
    }
    *until_ms = MIN(*until_ms, dispatch->route_at_ms);
    return false;
}

static void wait_until(Dispatch *dispatch, int64_t wait_ms)
{
    int64_t at_ms = monotonic_ms() + CLAMP(wait_ms, 0, WAIT_MAX_MS);
    const struct timespec at = {.tv_sec = at_ms / 1000,
                                .tv_nsec = at_ms % 1000 * 1000000};
    pthread_cond_timedwait(&dispatch->wake, &dispatch->lock, &at);
}

/* Under the lock, which it gives up meanwhile.  Does one thing, or waits. */
static void work_once(Dispatch *dispatch)
{
    int64_t now_ms = unix_ms(dispatch), until_ms = now_ms + WAIT_MAX_MS;
    bool route = is_route_due(dispatch, now_ms, &until_ms);
    Slot *spent = find_spent(dispatch);
    Slot *eager = find_eager(dispatch, now_ms, &until_ms);
    if (!route && spent == NULL && eager == NULL) {
        dispatch->until_ms = until_ms;
        wait_until(dispatch, until_ms - now_ms);
        return;
    }
    pthread_mutex_unlock(&dispatch->lock);
    if (route) {
        outbox_route(dispatch->context.outbox, answer_route, take_routed, dispatch);
    }
    if (spent != NULL) {
        spent->ops->join(spent->relay);
        slot_free(spent);
    }
    if (eager != NULL) {
        slot_consider(eager); /* only this thread frees slots */
    }
    pthread_mutex_lock(&dispatch->lock);
}

/* Under the lock. */
static void give_answer(Dispatch *dispatch)
{
    if (dispatch->answer != NULL) {
        dispatch->answer(dispatch->answer_who);
        dispatch->answer = NULL;
    }
}

static void *work(void *data)
{
    Dispatch *dispatch = data;
    pthread_setname_np(pthread_self(), "dispatch");
    pthread_mutex_lock(&dispatch->lock);
    while (!dispatch->stopping) {
        give_answer(dispatch);
        work_once(dispatch);
    }
    pthread_mutex_unlock(&dispatch->lock);
    return NULL;
}

void dispatch_ask(Dispatch *dispatch, void (*answer)(void *who), void *who)
{
    pthread_mutex_lock(&dispatch->lock);
    dispatch->answer = answer;
    dispatch->answer_who = who;
    pthread_cond_signal(&dispatch->wake);
    pthread_mutex_unlock(&dispatch->lock);
}

/* From birth to death. */

Dispatch *dispatch_new(const DispatchContext *context)
{
    Dispatch *dispatch = g_new0(Dispatch, 1);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&dispatch->wake, &monotonic);
    pthread_condattr_destroy(&monotonic);
    pthread_mutex_init(&dispatch->lock, NULL);
    dispatch->context = *context;
    dispatch->slots = g_hash_table_new(g_str_hash, g_str_equal);
    dispatch->retired = g_ptr_array_new();
    dispatch->route_at_ms = NEVER;
    Slot *no_relay = slot_new(dispatch, NO_RELAY, "none");
    g_hash_table_insert(dispatch->slots, no_relay->key, no_relay);
    outbox_set_claimer(context->outbox, &slot_claimer, dispatch);
    return dispatch;
}

bool dispatch_start(Dispatch *dispatch, Config *config, GError **error)
{
    if (!dispatch_configure(dispatch, config, error)) {
        return false;
    }
    int code = pthread_create(&dispatch->thread, NULL, work, dispatch);
    if (code != 0) {
        g_set_error(error, FAULT, FAULT_SYSTEM, "start the dispatch thread: %s",
                    g_strerror(code));
        dispatch_stop(dispatch, monotonic_ms());
        dispatch_join(dispatch);
        return false;
    }
    dispatch->started = true;
    return true;
}

static GPtrArray *list_slots(Dispatch *dispatch)
{
    GPtrArray *list = g_ptr_array_copy(dispatch->retired, NULL, NULL);
    GHashTableIter slots;
    void *slot;
    g_hash_table_iter_init(&slots, dispatch->slots);
    while (g_hash_table_iter_next(&slots, NULL, &slot)) {
        g_ptr_array_add(list, slot);
    }
    return list;
}

void dispatch_stop(Dispatch *dispatch, int64_t deadline_ms)
{
    pthread_mutex_lock(&dispatch->lock);
    dispatch->stopping = true;
    pthread_cond_broadcast(&dispatch->wake);
    pthread_mutex_unlock(&dispatch->lock);
    if (dispatch->started) { /* it might free a slot meanwhile */
        pthread_join(dispatch->thread, NULL);
        dispatch->started = false;
    }
    g_autoptr(GPtrArray) slots = list_slots(dispatch);
    for (unsigned i = 0; !dispatch->joined && i < slots->len; i++) {
        stop_slot(slots->pdata[i], deadline_ms);
    }
}

/* Waits until no claim or commit is under way that might still bring the slot a mail. */
static void wait_quiet(Dispatch *dispatch, const Slot *slot)
{
    pthread_mutex_lock(&dispatch->lock);
    while (slot->claiming || slot->pins > 0 ||
           (slot->reserved > 0 && !slot->retired)) {
        pthread_cond_wait(&dispatch->wake, &dispatch->lock);
    }
    pthread_mutex_unlock(&dispatch->lock);
}

void dispatch_join(Dispatch *dispatch)
{
    g_autoptr(GPtrArray) slots = list_slots(dispatch);
    for (unsigned i = 0; !dispatch->joined && i < slots->len; i++) {
        Slot *slot = slots->pdata[i];
        wait_quiet(dispatch, slot);
        if (slot->relay != NULL) {
            slot->ops->join(slot->relay);
        }
    }
    dispatch->joined = true;
}

void dispatch_free(Dispatch *dispatch)
{
    if (dispatch == NULL) {
        return;
    }
    g_autoptr(GPtrArray) slots = list_slots(dispatch);
    for (unsigned i = 0; i < slots->len; i++) {
        slot_free(slots->pdata[i]);
    }
    g_hash_table_unref(dispatch->slots);
    g_ptr_array_unref(dispatch->retired);
    config_unref(dispatch->config);
    g_free(dispatch->routed);
    pthread_cond_destroy(&dispatch->wake);
    pthread_mutex_destroy(&dispatch->lock);
    g_free(dispatch);
}
