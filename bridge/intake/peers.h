/* SPDX-License-Identifier: MIT */
#ifndef BRIDGE_INTAKE_PEERS_H
#define BRIDGE_INTAKE_PEERS_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

/* The open connections: how many there are, of whom, and until when each of them may
 * take for what it is doing.  Any thread may call; times are of one monotonic clock. */
typedef struct Peers Peers;

/* What does not change while the connection is open. */
typedef struct {
    int fd;
    char *remote; /* "10.0.0.1:4242", "[::1]:4242" */
    bool local;   /* it came in on a loopback address of ours */
    unsigned door;   /* for the owner: which listener it came in by */
    void *tls;       /* for the owner: what it is served with; NULL: in the clear */
    unsigned thread; /* for the owner: which of its threads serves it */
} Peer;

typedef enum {
    PEERS_OK,
    PEERS_DISPLACED, /* as well, but another had to go */
    PEERS_FULL,
    PEERS_FULL_OF_ADDRESS,
} PeersVerdict;
const char *peers_verdict_text(PeersVerdict verdict); /* "", "", "total", "address" */

/* At most TOTAL_MAX connections, ADDRESS_MAX of one IPv4 address or IPv6 /64.  When there
 * are as many, a new one takes the place of that which has been awaited for longest (of its
 * address, if it is that which is full): who holds connections without saying anything
 * keeps nobody out. */
Peers *peers_new(unsigned total_max, unsigned address_max);
/* How many sockets that may be: those that had to go take a moment to be closed. */
unsigned peers_sockets_max(unsigned total_max);
void peers_free(Peers *peers); /* NULL is allowed */

/* Counts the connection FD from ADDRESS in.  Until peers_open() the socket is not
 * touched, so it may be closed elsewhere; if nobody removes the peer then, the next one
 * with the same FD takes its place. */
PeersVerdict peers_add(Peers *peers, int fd, const struct sockaddr *address, Peer **peer);
/* The one that was added for FD, now in use: it must be removed before FD is closed. */
Peer *peers_open(Peers *peers, int fd);
void peers_remove(Peers *peers, Peer *peer);
unsigned peers_count(Peers *peers);
/* Whether some are about to be opened or closed: in a moment a refusal may be none. */
bool peers_in_motion(Peers *peers);

/* PEER is shut down at DEADLINE_MS; 0: it may take as long as it likes. */
void peers_set_deadline(Peers *peers, Peer *peer, int64_t deadline_ms);
/* The same while PEER has to send something; it is shut down, too, when it has closed
 * its side and sends no more (libmicrohttpd overlooks an end that comes with the last
 * bytes). */
void peers_await(Peers *peers, Peer *peer, int64_t deadline_ms);
/* Shuts down those whose time is over, and how many those are; and those who left. */
unsigned peers_sweep(Peers *peers, int64_t now_ms);

#endif
