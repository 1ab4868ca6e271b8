/* SPDX-License-Identifier: MIT */
/* Each server has a pool of its own, with its own health: pauses, probes, rate.  A mail
 * goes to the first that is well; one on the way that is being probed gets one mail for
 * that.  What a failing server held comes back untried, is claimed anew and then goes to
 * the next one; mails, their order and the relay's key know nothing of it.  Only the first
 * server's faults are the relay's; those of the others are told here.  A server that a
 * reload takes away finishes what it has, and is freed at the next pump after that. */
#include "bridge/delivery/smtp/servers.h"

#include <string.h>

enum { RETIRE_MS = 60000 }; /* what a server gone by a reload has to finish */

typedef struct {
    Servers *servers;
    Pool *pool;
    char *key;     /* of its RelayConfig */
    unsigned held; /* mails */
    bool retired, ended;
} Server;

struct Servers {
    PoolPlan plan; /* as given; config and relay only while it lasts */
    GPtrArray *list; /* Server *, in order of preference, the retired ones behind */
    unsigned capacity;
    unsigned used; /* the place of the one that is used, as last told */
    bool stopping, ended;
};

static Server *server_at(const Servers *servers, unsigned i)
{
    return g_ptr_array_index(servers->list, i);
}

/* --- which one --- */

/* The first that is well; the first at all where none is. */
static unsigned find_used(const Servers *servers)
{
    for (unsigned i = 0; i < servers->list->len; i++) {
        const Server *server = server_at(servers, i);
        if (!server->retired && pool_is_well(server->pool)) {
            return i;
        }
    }
    return 0;
}

static Server *choose(const Servers *servers)
{
    unsigned used = find_used(servers);
    for (unsigned i = 0; i < servers->list->len; i++) {
        Server *server = server_at(servers, i);
        bool probe = !server->retired && pool_capacity(server->pool) > server->held;
        if (i == used && pool_is_well(server->pool)) {
            return server;
        }
        if (probe) {
            return server;
        }
    }
    return server_at(servers, 0);
}

unsigned servers_capacity(const Servers *servers)
{
    unsigned capacity = 0;
    for (unsigned i = 0; i < servers->list->len; i++) {
        const Server *server = server_at(servers, i);
        capacity += server->retired ? 0 : pool_capacity(server->pool);
        if (!server->retired && pool_is_well(server->pool)) {
            break;
        }
    }
    return capacity;
}

static void tell_used(Servers *servers)
{
    unsigned used = find_used(servers);
    if (used != servers->used && used > 0) {
        log_line(servers->plan.log, LOG_LEVEL_WARN, "mails go through a fallback", "relay",
                 pool_name(server_at(servers, 0)->pool), "fallback",
                 pool_name(server_at(servers, used)->pool), NULL);
    }
    servers->used = used;
}

/* Says which server is used and how many mails there is room for, where that changed. */
static void update(Servers *servers)
{
    unsigned capacity = servers_capacity(servers);
    tell_used(servers);
    if (capacity != servers->capacity) {
        servers->capacity = capacity;
        servers->plan.events->capacity(servers->plan.who, capacity);
    }
}

/* --- events of the pools --- */

static void on_done(void *who, Job *take_job)
{
    Server *server = who;
    server->held--;
    server->servers->plan.events->done(server->servers->plan.who, take_job);
}

static void on_fault(void *who, RelayFault fault, const char *text)
{
    Server *server = who;
    Servers *servers = server->servers;
    update(servers);
    if (server == server_at(servers, 0)) {
        servers->plan.events->fault(servers->plan.who, fault, text);
    } else {
        delivery_tell_fault(servers->plan.log, servers->plan.metrics, pool_name(server->pool),
                            fault, text);
    }
}

static void on_capacity(void *who, unsigned mails)
{
    (void)mails;
    update(((Server *)who)->servers);
}

static void try_to_end(Servers *servers)
{
    bool ended = servers->stopping && !servers->ended;
    for (unsigned i = 0; ended && i < servers->list->len; i++) {
        ended = server_at(servers, i)->ended;
    }
    if (ended) {
        servers->ended = true;
        servers->plan.events->ended(servers->plan.who);
    }
}

static void on_ended(void *who)
{
    Server *server = who;
    server->ended = true;
    try_to_end(server->servers);
}

static const PoolEvents pool_events = {on_done, on_fault, on_capacity, on_ended};

/* --- life --- */

static Server *server_new(Servers *servers, Config *config, const RelayConfig *relay, bool spared)
{
    Server *server = g_new0(Server, 1);
    PoolPlan plan = servers->plan;
    plan.config = config;
    plan.relay = relay;
    plan.spared = spared;
    plan.events = &pool_events;
    plan.who = server;
    server->servers = servers;
    server->key = g_strdup(relay->key);
    server->pool = pool_new(&plan);
    return server;
}

static void server_free(gpointer data)
{
    Server *server = data;
    pool_free(server->pool);
    g_free(server->key);
    g_free(server);
}

/* Takes the server with KEY out of the list from FROM on, NULL if there is none. */
static Server *take_server(Servers *servers, unsigned from, const char *key)
{
    for (unsigned i = from; i < servers->list->len; i++) {
        Server *server = server_at(servers, i);
        if (!server->retired && strcmp(server->key, key) == 0) {
            return g_ptr_array_steal_index(servers->list, i);
        }
    }
    return NULL;
}

static void place_server(Servers *servers, unsigned place, Config *config,
                         const RelayConfig *relay, bool spared)
{
    Server *server = take_server(servers, place, relay->key);
    if (server != NULL) {
        pool_configure(server->pool, config, relay, spared);
    } else {
        server = server_new(servers, config, relay, spared);
    }
    g_ptr_array_insert(servers->list, (gint)place, server);
}

/* The relay itself stays the first: a relay is never configured to another server. */
void servers_configure(Servers *servers, Config *config, const RelayConfig *relay)
{
    bool spared = relay->n_fallbacks > 0;
    pool_configure(server_at(servers, 0)->pool, config, relay, spared);
    for (unsigned i = 0; i < relay->n_fallbacks; i++) {
        place_server(servers, i + 1, config, &relay->fallbacks[i], spared);
    }
    for (unsigned i = relay->n_fallbacks + 1; i < servers->list->len; i++) {
        Server *server = server_at(servers, i);
        if (!server->retired) {
            server->retired = true;
            pool_stop(server->pool, loop_now_ms(servers->plan.smtp->loop) + RETIRE_MS);
        }
    }
}

Servers *servers_new(const PoolPlan *plan)
{
    Servers *servers = g_new0(Servers, 1);
    const RelayConfig *relay = plan->relay;
    bool spared = relay->n_fallbacks > 0;
    servers->plan = *plan;
    servers->list = g_ptr_array_new_with_free_func(server_free);
    g_ptr_array_add(servers->list, server_new(servers, plan->config, relay, spared));
    for (unsigned i = 0; i < relay->n_fallbacks; i++) {
        g_ptr_array_add(servers->list,
                        server_new(servers, plan->config, &relay->fallbacks[i], spared));
    }
    servers->plan.config = NULL;
    servers->plan.relay = NULL;
    servers->capacity = servers_capacity(servers);
    return servers;
}

void servers_free(Servers *servers)
{
    g_ptr_array_unref(servers->list);
    g_free(servers);
}

void servers_add(Servers *servers, Job *take_job)
{
    Server *server = choose(servers);
    server->held++;
    pool_add(server->pool, take_job);
}

void servers_pump(Servers *servers)
{
    for (unsigned i = servers->list->len; i-- > 0;) {
        Server *server = server_at(servers, i);
        if (server->retired && server->ended) {
            g_ptr_array_remove_index(servers->list, i);
        } else {
            pool_pump(server->pool);
        }
    }
}

void servers_probe(Servers *servers)
{
    for (unsigned i = 0; i < servers->list->len; i++) {
        pool_probe(server_at(servers, i)->pool);
    }
}

int64_t servers_probe_ms(const Servers *servers)
{
    return pool_probe_ms(server_at(servers, 0)->pool);
}

void servers_stop(Servers *servers, int64_t deadline_ms)
{
    servers->stopping = true;
    for (unsigned i = 0; i < servers->list->len; i++) {
        pool_stop(server_at(servers, i)->pool, deadline_ms);
    }
    try_to_end(servers);
}
