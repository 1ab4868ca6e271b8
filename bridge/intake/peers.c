/* SPDX-License-Identifier: MIT */
/* The open connections.  The listener adds one before it hands the socket on; the
 * server opens it on the thread that serves it, sets its deadlines as the request goes
 * on, and removes it before the socket is closed.  The sweep works under the same lock,
 * so that it never shuts down a number that belongs to somebody else by now. */
#include "bridge/intake/peers.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <string.h>

typedef struct {
    Peer peer; /* first: a Peer is an Entry */
    char *network;
    bool open;
    bool awaited; /* it is its turn to send */
    bool ended;   /* the last sweep found that it will send nothing more */
    int64_t deadline_ms;
} Entry;

struct Peers {
    unsigned total_max, address_max;
    pthread_mutex_t lock; /* guards what follows and the entries */
    GHashTable *by_fd;    /* not yet open: fd -> Entry */
    GHashTable *entries;  /* all */
    GHashTable *networks; /* text -> how many */
};

const char *peers_verdict_text(PeersVerdict verdict)
{
    static const char *const texts[] = {
        [PEERS_OK] = "", [PEERS_FULL] = "total", [PEERS_FULL_OF_ADDRESS] = "address"};
    return texts[verdict];
}

/* ADDRESS as IPv6, an IPv4 one as the mapped address; the port in *PORT. */
static struct in6_addr as_ipv6(const struct sockaddr *address, unsigned *port)
{
    struct in6_addr ipv6 = IN6ADDR_ANY_INIT;
    if (address->sa_family == AF_INET6) {
        struct sockaddr_in6 in6;
        memcpy(&in6, address, sizeof in6);
        *port = ntohs(in6.sin6_port);
        return in6.sin6_addr;
    }
    struct sockaddr_in in;
    memcpy(&in, address, sizeof in);
    *port = ntohs(in.sin_port);
    ipv6.s6_addr[10] = ipv6.s6_addr[11] = 0xFF;
    memcpy(&ipv6.s6_addr[12], &in.sin_addr, 4);
    return ipv6;
}

char *peers_address_text(const struct sockaddr *address)
{
    unsigned port;
    char text[INET6_ADDRSTRLEN];
    struct in6_addr ipv6 = as_ipv6(address, &port);
    if (IN6_IS_ADDR_V4MAPPED(&ipv6)) {
        inet_ntop(AF_INET, &ipv6.s6_addr[12], text, sizeof text);
        return g_strdup_printf("%s:%u", text, port);
    }
    inet_ntop(AF_INET6, &ipv6, text, sizeof text);
    return g_strdup_printf("[%s]:%u", text, port);
}

bool peers_address_is_loopback(const struct sockaddr *address)
{
    unsigned port;
    struct in6_addr ipv6 = as_ipv6(address, &port);
    return IN6_IS_ADDR_V4MAPPED(&ipv6) ? ipv6.s6_addr[12] == 127
                                       : IN6_IS_ADDR_LOOPBACK(&ipv6);
}

/* What one sender can have many addresses of counts as one: an IPv6 /64. */
static char *network_of(const struct sockaddr *address)
{
    unsigned port;
    char text[INET6_ADDRSTRLEN];
    struct in6_addr ipv6 = as_ipv6(address, &port);
    if (!IN6_IS_ADDR_V4MAPPED(&ipv6)) {
        memset(&ipv6.s6_addr[8], 0, 8);
    }
    inet_ntop(AF_INET6, &ipv6, text, sizeof text);
    return g_strdup(text);
}

static bool is_local(int fd)
{
    struct sockaddr_storage storage = {0};
    socklen_t length = sizeof storage;
    return getsockname(fd, (struct sockaddr *)&storage, &length) == 0 &&
           peers_address_is_loopback((struct sockaddr *)&storage);
}

static void entry_free(gpointer data)
{
    Entry *entry = data;
    g_free(entry->peer.remote);
    g_free(entry->network);
    g_free(entry);
}

Peers *peers_new(unsigned total_max, unsigned address_max)
{
    Peers *peers = g_new0(Peers, 1);
    peers->total_max = total_max;
    peers->address_max = address_max;
    pthread_mutex_init(&peers->lock, NULL);
    peers->by_fd = g_hash_table_new(NULL, NULL);
    peers->entries = g_hash_table_new_full(NULL, NULL, entry_free, NULL);
    peers->networks = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    return peers;
}

void peers_free(Peers *peers)
{
    if (peers == NULL) {
        return;
    }
    g_hash_table_unref(peers->by_fd);
    g_hash_table_unref(peers->entries);
    g_hash_table_unref(peers->networks);
    pthread_mutex_destroy(&peers->lock);
    g_free(peers);
}

/* With the lock held. */
static unsigned network_count(Peers *peers, const char *network)
{
    return GPOINTER_TO_UINT(g_hash_table_lookup(peers->networks, network));
}

static PeersVerdict judge(Peers *peers, const char *network)
{
    if (g_hash_table_size(peers->entries) >= peers->total_max) {
        return PEERS_FULL;
    }
    return network_count(peers, network) >= peers->address_max ? PEERS_FULL_OF_ADDRESS
                                                               : PEERS_OK;
}

static void insert(Peers *peers, Entry *entry)
{
    unsigned count = network_count(peers, entry->network) + 1;
    g_hash_table_insert(peers->networks, g_strdup(entry->network),
                        GUINT_TO_POINTER(count));
    g_hash_table_insert(peers->by_fd, GINT_TO_POINTER(entry->peer.fd), entry);
    g_hash_table_add(peers->entries, entry);
}

static void take_out(Peers *peers, Entry *entry)
{
    if (!entry->open) {
        g_hash_table_remove(peers->by_fd, GINT_TO_POINTER(entry->peer.fd));
    }
    unsigned count = network_count(peers, entry->network) - 1;
    if (count == 0) {
        g_hash_table_remove(peers->networks, entry->network);
    } else {
        g_hash_table_insert(peers->networks, g_strdup(entry->network),
                            GUINT_TO_POINTER(count));
    }
    g_hash_table_remove(peers->entries, entry);
}

/* One that was added for FD and closed without ever being opened. */
static void take_out_stale(Peers *peers, int fd)
{
    Entry *stale = g_hash_table_lookup(peers->by_fd, GINT_TO_POINTER(fd));
    if (stale != NULL) {
        take_out(peers, stale);
    }
}

PeersVerdict peers_add(Peers *peers, int fd, const struct sockaddr *address,
                       Peer **peer)
{
    Entry *entry = g_new0(Entry, 1);
    entry->peer =
        (Peer){.fd = fd, .remote = peers_address_text(address), .local = is_local(fd)};
    entry->network = network_of(address);
    pthread_mutex_lock(&peers->lock);
    take_out_stale(peers, fd);
    PeersVerdict verdict = judge(peers, entry->network);
    if (verdict == PEERS_OK) {
        insert(peers, entry);
        *peer = &entry->peer;
    }
    pthread_mutex_unlock(&peers->lock);
    if (verdict != PEERS_OK) {
        entry_free(entry);
    }
    return verdict;
}

Peer *peers_open(Peers *peers, int fd)
{
    pthread_mutex_lock(&peers->lock);
    Entry *entry = g_hash_table_lookup(peers->by_fd, GINT_TO_POINTER(fd));
    g_assert(entry != NULL);
    entry->open = true;
    g_hash_table_remove(peers->by_fd, GINT_TO_POINTER(fd));
    pthread_mutex_unlock(&peers->lock);
    return &entry->peer;
}

void peers_remove(Peers *peers, Peer *peer)
{
    pthread_mutex_lock(&peers->lock);
    take_out(peers, (Entry *)peer);
    pthread_mutex_unlock(&peers->lock);
}

unsigned peers_count(Peers *peers)
{
    pthread_mutex_lock(&peers->lock);
    unsigned count = g_hash_table_size(peers->entries);
    pthread_mutex_unlock(&peers->lock);
    return count;
}

static void set_turn(Peers *peers, Peer *peer, int64_t deadline_ms, bool awaited)
{
    Entry *entry = (Entry *)peer;
    pthread_mutex_lock(&peers->lock);
    entry->deadline_ms = deadline_ms;
    entry->awaited = awaited;
    entry->ended = false;
    pthread_mutex_unlock(&peers->lock);
}

void peers_set_deadline(Peers *peers, Peer *peer, int64_t deadline_ms)
{
    set_turn(peers, peer, deadline_ms, false);
}

void peers_await(Peers *peers, Peer *peer, int64_t deadline_ms)
{
    set_turn(peers, peer, deadline_ms, true);
}

/* Twice in a row with nothing done in between: what it had sent has been read. */
static bool has_left(Entry *entry)
{
    char byte;
    bool ended = entry->awaited &&
                 recv(entry->peer.fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
    bool left = ended && entry->ended;
    entry->ended = ended;
    return left;
}

unsigned peers_sweep(Peers *peers, int64_t now_ms)
{
    unsigned n = 0;
    GHashTableIter iter;
    gpointer key;
    pthread_mutex_lock(&peers->lock);
    g_hash_table_iter_init(&iter, peers->entries);
    while (g_hash_table_iter_next(&iter, &key, NULL)) {
        Entry *entry = key;
        bool late = entry->deadline_ms != 0 && entry->deadline_ms <= now_ms;
        if (entry->open && (late || has_left(entry))) {
            shutdown(entry->peer.fd, SHUT_RDWR);
            entry->deadline_ms = 0;
            entry->awaited = false;
            n += late;
        }
    }
    pthread_mutex_unlock(&peers->lock);
    return n;
}
