/* SPDX-License-Identifier: MIT */
/* A relay between the threads: mails and settings come in through a locked inbox and
 * one task of the loop, however many there are; the servers behind it live on the loop's
 * thread alone.  What is left of its capacity is kept in atomics, so that room() is
 * free.  A relay whose room was used up announces new room when half of what it holds
 * is gone: then several mails can be claimed at once.  On stop the servers wind up, and
 * join() waits for its end and for the loop to have let go of the task. */
#include <pthread.h>
#include <stdatomic.h>

#include "bridge/delivery/smtp/servers.h"

struct Relay {
    DeliveryContext context;
    Loop *loop;
    Servers *servers;       /* loop thread */
    bool servers_ended;     /* loop thread */
    Task task, farewell;
    atomic_uint held, capacity;
    atomic_int_least64_t probe_ms; /* monotonic; 0: it is not paused */
    atomic_bool hungry;     /* somebody was told that there is no room */
    atomic_bool stopping;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    GPtrArray *inbox;       /* Mail *; under lock, as all that follows */
    Config *config;         /* to be taken over, NULL: none */
    unsigned index;
    bool probe, stop, finished, gone;
    int64_t stop_ms;
};

/* --- room --- */

static unsigned room_left(Relay *relay)
{
    unsigned capacity = atomic_load(&relay->capacity), held = atomic_load(&relay->held);
    bool none = capacity <= held || atomic_load(&relay->stopping);
    return none ? 0 : capacity - held;
}

static unsigned relay_room(Relay *relay)
{
    unsigned room = room_left(relay);
    if (room == 0) {
        atomic_store(&relay->hungry, true);
        room = room_left(relay); /* it may have grown before we said so */
    }
    return room;
}

static void announce_room(Relay *relay)
{
    unsigned capacity = atomic_load(&relay->capacity);
    bool worth = atomic_load(&relay->held) <= capacity / 2;
    if (room_left(relay) > 0 && worth && atomic_exchange(&relay->hungry, false)) {
        relay->context.events->room(relay->context.who, relay);
    }
}

/* --- events of the servers --- */

static void on_done(void *who, Job *take_job)
{
    Relay *relay = who;
    atomic_fetch_sub(&relay->held, 1);
    relay->context.events->done(relay->context.who, relay, take_job->mail, take_job->outcomes);
    job_free(take_job);
    announce_room(relay);
}

static void on_fault(void *who, RelayFault fault, const char *text)
{
    Relay *relay = who;
    atomic_store(&relay->probe_ms, servers_probe_ms(relay->servers));
    relay->context.events->fault(relay->context.who, relay, fault, text);
}

static void on_capacity(void *who, unsigned mails)
{
    Relay *relay = who;
    atomic_store(&relay->capacity, mails);
    announce_room(relay);
}

/* The servers have ended; so has the relay, unless a mail came in the very last moment. */
static void try_to_finish(Relay *relay)
{
    pthread_mutex_lock(&relay->lock);
    if (relay->servers_ended && relay->inbox->len == 0) {
        relay->finished = true;
        pthread_cond_signal(&relay->changed);
    }
    pthread_mutex_unlock(&relay->lock);
}

static void on_ended(void *who)
{
    Relay *relay = who;
    relay->servers_ended = true;
    try_to_finish(relay);
}

static const PoolEvents server_events = {on_done, on_fault, on_capacity, on_ended};

/* --- the loop's side --- */

typedef struct {
    GPtrArray *mails;
    Config *config;
    unsigned index;
    bool probe, stop;
    int64_t stop_ms;
} Parcel;

static Parcel take_parcel(Relay *relay)
{
    GPtrArray *empty = g_ptr_array_new();
    pthread_mutex_lock(&relay->lock);
    Parcel parcel = {relay->inbox, relay->config, relay->index,
                     relay->probe, relay->stop,   relay->stop_ms};
    relay->inbox = empty;
    relay->config = NULL;
    relay->probe = false;
    pthread_mutex_unlock(&relay->lock);
    return parcel;
}

static void run(void *who)
{
    Relay *relay = who;
    Parcel parcel = take_parcel(relay);
    for (guint i = 0; i < parcel.mails->len; i++) {
        servers_add(relay->servers, job_new(g_ptr_array_index(parcel.mails, i)));
    }
    g_ptr_array_unref(parcel.mails);
    if (parcel.config != NULL) {
        servers_configure(relay->servers, parcel.config, &parcel.config->relays[parcel.index]);
        config_unref(parcel.config);
    }
    if (parcel.probe) {
        servers_probe(relay->servers);
        int64_t waits_ms = atomic_load(&relay->probe_ms);
        atomic_store(&relay->probe_ms, MIN(waits_ms, servers_probe_ms(relay->servers)));
    }
    if (parcel.stop) {
        servers_stop(relay->servers, parcel.stop_ms);
    }
    servers_pump(relay->servers);
    announce_room(relay);
    try_to_finish(relay);
}

static void say_farewell(void *who)
{
    Relay *relay = who;
    pthread_mutex_lock(&relay->lock);
    relay->gone = true;
    pthread_cond_signal(&relay->changed);
    pthread_mutex_unlock(&relay->lock);
}

/* --- the other threads' side --- */

static Relay *relay_new(const DeliveryContext *context, Config *config, unsigned index,
                        GError **error)
{
    (void)error;
    g_assert(context->smtp != NULL);
    Relay *relay = g_new0(Relay, 1);
    PoolPlan plan = {
        .smtp = context->smtp, .log = context->log, .metrics = context->metrics,
        .config = config, .relay = &config->relays[index], .events = &server_events, .who = relay,
        .tap = context->tap,
    };
    relay->context = *context;
    relay->loop = context->smtp->loop;
    relay->servers = servers_new(&plan);
    relay->task = (Task){.run = run, .who = relay};
    relay->farewell = (Task){.run = say_farewell, .who = relay};
    relay->inbox = g_ptr_array_new();
    atomic_init(&relay->capacity, servers_capacity(relay->servers));
    pthread_mutex_init(&relay->lock, NULL);
    pthread_cond_init(&relay->changed, NULL);
    return relay;
}

static void give_back(Relay *relay, Mail *take_mail)
{
    Job *job = job_new(take_mail);
    job_settle_rest(job, OUTCOME_UNTRIED, "", "stopping");
    relay->context.events->done(relay->context.who, relay, take_mail, job->outcomes);
    job_free(job);
}

static void relay_offer(Relay *relay, Mail *take_mail)
{
    if (atomic_fetch_add(&relay->held, 1) + 1 >= atomic_load(&relay->capacity)) {
        atomic_store(&relay->hungry, true);
    }
    pthread_mutex_lock(&relay->lock);
    bool late = relay->finished;
    if (!late) {
        g_ptr_array_add(relay->inbox, take_mail);
    }
    pthread_mutex_unlock(&relay->lock);
    if (late) {
        atomic_fetch_sub(&relay->held, 1);
        give_back(relay, take_mail);
        return;
    }
    loop_post(relay->loop, &relay->task);
}

static void relay_configure(Relay *relay, Config *config, unsigned index)
{
    pthread_mutex_lock(&relay->lock);
    Config *unused = relay->config;
    relay->config = config_ref(config);
    relay->index = index;
    pthread_mutex_unlock(&relay->lock);
    config_unref(unused);
    loop_post(relay->loop, &relay->task);
}

static void relay_probe(Relay *relay)
{
    pthread_mutex_lock(&relay->lock);
    relay->probe = true;
    pthread_mutex_unlock(&relay->lock);
    loop_post(relay->loop, &relay->task);
}

static int64_t relay_probe_ms(Relay *relay)
{
    return atomic_load(&relay->probe_ms);
}

static void relay_stop(Relay *relay, int64_t deadline_ms)
{
    atomic_store(&relay->stopping, true);
    pthread_mutex_lock(&relay->lock);
    relay->stop = true;
    relay->stop_ms = deadline_ms;
    pthread_mutex_unlock(&relay->lock);
    loop_post(relay->loop, &relay->task);
}

/* The farewell is posted behind every post of the task, so none is left after it. */
static void relay_join(Relay *relay)
{
    pthread_mutex_lock(&relay->lock);
    while (!relay->finished) {
        pthread_cond_wait(&relay->changed, &relay->lock);
    }
    relay->gone = false;
    pthread_mutex_unlock(&relay->lock);
    loop_post(relay->loop, &relay->farewell);
    pthread_mutex_lock(&relay->lock);
    while (!relay->gone) {
        pthread_cond_wait(&relay->changed, &relay->lock);
    }
    pthread_mutex_unlock(&relay->lock);
}

static void relay_free(Relay *relay)
{
    servers_free(relay->servers);
    config_unref(relay->config);
    g_ptr_array_unref(relay->inbox);
    pthread_cond_destroy(&relay->changed);
    pthread_mutex_destroy(&relay->lock);
    g_free(relay);
}

const DeliveryOps delivery_smtp = {
    .scheme = RELAY_SMTP,
    .new = relay_new,
    .room = relay_room,
    .offer = relay_offer,
    .configure = relay_configure,
    .probe = relay_probe,
    .probe_ms = relay_probe_ms,
    .stop = relay_stop,
    .join = relay_join,
    .free = relay_free,
};
