/* SPDX-License-Identifier: MIT */
/* The open connections.  The listener adds one before it hands the socket on; the
 * server opens it on the thread that serves it, sets its deadlines as the request goes
 * on, and removes it before the socket is closed.  The sweep works under the same lock,
 * so that it never shuts down a number that belongs to somebody else by now.
 *
 * Those that have to send something stand in two queues, of all and of their network, in
 * the order they came to that.  When the house is full the head of a queue is cut: shut
 * down and no longer counted, though its socket is closed by the server a moment later. */
#include "bridge/intake/peers.h"

#include <pthread.h>

#include "bridge/intake/peer_address.h"

/* An IPv4 address, or an IPv6 /64. */
typedef struct {
    char *name;
    unsigned counted; /* without those that were cut */
    unsigned held;    /* with them; 0: forget it */
    GQueue waiting;   /* of entries, the longest first */
} Network;

typedef struct {
    Peer peer; /* first: a Peer is an Entry */
    Network *network;
    bool open;
    bool awaited; /* it is its turn to send: it stands in the queues */
    bool cut;     /* shut down by us */
    bool ended;   /* the last sweep found that it will send nothing more */
    int64_t deadline_ms;
    GList in_all, in_network; /* its places in the queues */
} Entry;

struct Peers {
    unsigned total_max, address_max;
    pthread_mutex_t lock; /* guards what follows and the entries */
    GHashTable *by_fd;    /* not yet open: fd -> Entry */
    GHashTable *entries;  /* all */
    GHashTable *networks; /* name -> Network */
    GQueue waiting;       /* of entries, the longest first */
    unsigned n_cut;
};

const char *peers_verdict_text(PeersVerdict verdict)
{
    static const char *const texts[] = {[PEERS_OK] = "",
                                        [PEERS_DISPLACED] = "",
                                        [PEERS_FULL] = "total",
                                        [PEERS_FULL_OF_ADDRESS] = "address"};
    return texts[verdict];
}

unsigned peers_sockets_max(unsigned total_max)
{
    return total_max + total_max / 8 + 64;
}

static bool is_local(int fd)
{
    struct sockaddr_storage storage = {0};
    socklen_t length = sizeof storage;
    return getsockname(fd, (struct sockaddr *)&storage, &length) == 0 &&
           peer_address_is_loopback((struct sockaddr *)&storage);
}

static void entry_free(gpointer data)
{
    Entry *entry = data;
    g_free(entry->peer.remote);
    g_free(entry);
}

static void network_free(gpointer data)
{
    Network *network = data;
    g_free(network->name);
    g_free(network);
}

Peers *peers_new(unsigned total_max, unsigned address_max)
{
    Peers *peers = g_new0(Peers, 1);
    peers->total_max = total_max;
    peers->address_max = address_max;
    pthread_mutex_init(&peers->lock, NULL);
    peers->by_fd = g_hash_table_new(NULL, NULL);
    peers->entries = g_hash_table_new_full(NULL, NULL, entry_free, NULL);
    peers->networks =
        g_hash_table_new_full(g_str_hash, g_str_equal, NULL, network_free);
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

/* --- all of these with the lock held --- */

static void leave_queues(Peers *peers, Entry *entry)
{
    if (entry->awaited) {
        g_queue_unlink(&peers->waiting, &entry->in_all);
        g_queue_unlink(&entry->network->waiting, &entry->in_network);
        entry->awaited = false;
    }
}

static void join_queues(Peers *peers, Entry *entry)
{
    entry->in_all.data = entry->in_network.data = entry;
    g_queue_push_tail_link(&peers->waiting, &entry->in_all);
    g_queue_push_tail_link(&entry->network->waiting, &entry->in_network);
    entry->awaited = true;
}

static void cut(Peers *peers, Entry *entry)
{
    shutdown(entry->peer.fd, SHUT_RDWR);
    leave_queues(peers, entry);
    entry->cut = true;
    entry->deadline_ms = 0;
    entry->network->counted--;
    peers->n_cut++;
}

/* Makes room in a house of which QUEUE are those who wait; false if nobody does. */
static bool cut_first(Peers *peers, const GQueue *queue)
{
    if (queue->head == NULL) {
        return false;
    }
    cut(peers, queue->head->data);
    return true;
}

/* Whether one more of NETWORK may come in; somebody may have to go for that. */
static PeersVerdict judge(Peers *peers, const Network *network)
{
    unsigned sockets = g_hash_table_size(peers->entries);
    if (sockets >= peers_sockets_max(peers->total_max)) {
        return PEERS_FULL;
    }
    if (network->counted >= peers->address_max) {
        return cut_first(peers, &network->waiting) ? PEERS_DISPLACED
                                                   : PEERS_FULL_OF_ADDRESS;
    }
    if (sockets - peers->n_cut >= peers->total_max) {
        return cut_first(peers, &peers->waiting) ? PEERS_DISPLACED : PEERS_FULL;
    }
    return PEERS_OK;
}

/* Takes NAME. */
static Network *find_network(Peers *peers, char *take_name)
{
    Network *network = g_hash_table_lookup(peers->networks, take_name);
    if (network != NULL) {
        g_free(take_name);
        return network;
    }
    network = g_new0(Network, 1);
    network->name = take_name;
    g_hash_table_insert(peers->networks, network->name, network);
    return network;
}

static void forget_empty(Peers *peers, Network *network)
{
    if (network->held == 0) {
        g_hash_table_remove(peers->networks, network->name);
    }
}

static void insert(Peers *peers, Entry *entry, Network *network)
{
    entry->network = network;
    network->counted++;
    network->held++;
    g_hash_table_insert(peers->by_fd, GINT_TO_POINTER(entry->peer.fd), entry);
    g_hash_table_add(peers->entries, entry);
}

static void take_out(Peers *peers, Entry *entry)
{
    Network *network = entry->network;
    if (!entry->open) {
        g_hash_table_remove(peers->by_fd, GINT_TO_POINTER(entry->peer.fd));
    }
    leave_queues(peers, entry);
    network->counted -= !entry->cut;
    peers->n_cut -= entry->cut;
    network->held--;
    forget_empty(peers, network);
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

/* --- */

PeersVerdict peers_add(Peers *peers, int fd, const struct sockaddr *address,
                       Peer **peer)
{
    Entry *entry = g_new0(Entry, 1);
    entry->peer =
        (Peer){.fd = fd, .remote = peer_address_text(address), .local = is_local(fd)};
    char *name = peer_address_network(address);
    pthread_mutex_lock(&peers->lock);
    take_out_stale(peers, fd);
    Network *network = find_network(peers, name);
    PeersVerdict verdict = judge(peers, network);
    bool comes_in = verdict == PEERS_OK || verdict == PEERS_DISPLACED;
    if (comes_in) {
        insert(peers, entry, network);
        *peer = &entry->peer;
    } else {
        forget_empty(peers, network);
    }
    pthread_mutex_unlock(&peers->lock);
    if (!comes_in) {
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

bool peers_in_motion(Peers *peers)
{
    pthread_mutex_lock(&peers->lock);
    bool moving = peers->n_cut > 0 || g_hash_table_size(peers->by_fd) > 0;
    pthread_mutex_unlock(&peers->lock);
    return moving;
}

static void set_turn(Peers *peers, Peer *peer, int64_t deadline_ms, bool awaited)
{
    Entry *entry = (Entry *)peer;
    pthread_mutex_lock(&peers->lock);
    leave_queues(peers, entry);
    if (awaited && !entry->cut) {
        join_queues(peers, entry);
    }
    entry->deadline_ms = deadline_ms;
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
        if (entry->open && !entry->cut && (late || has_left(entry))) {
            cut(peers, entry);
            n += late;
        }
    }
    pthread_mutex_unlock(&peers->lock);
    return n;
}
