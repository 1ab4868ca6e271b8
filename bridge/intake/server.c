/* SPDX-License-Identifier: MIT */
/* HTTP by libmicrohttpd, whose threads only move bytes.
 *
 * The listener's thread adds a connection to the thread that has the fewest.  Each
 * thread is a libmicrohttpd of its own, because its pool needs a listening socket.
 *
 * libmicrohttpd aborts the process when it is stopped with a connection suspended.  So
 * suspending passes a gate, which is closed at the stop, and join waits until nobody is
 * inside, then (not for ever) for the answers to leave.
 *
 * libmicrohttpd 0.9.75 gathers events 128 at a time, and when there were 128 it waits for
 * more before it looks at any; until then these connections would stand still.  So each
 * thread that has connections is nudged now and then: an eventfd of ours in its epoll set,
 * with a NULL pointer, makes it return and means nothing else to it.
 *
 * libmicrohttpd's timeout is for inactivity only.  How long a request may take is kept
 * per connection in peers.c, which shuts the socket down. */
#include "bridge/intake/server.h"

#include <microhttpd.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "bridge/intake/exchange.h"
#include "rules/fault.h"

#define THREADS_MAX 16
#define PATIENCE_MS 2000

struct HttpServer {
    HttpLimits limits;
    Log *log;
    ExchangeContext context;
    HttpTls *tls; /* NULL: in the clear */
    void *tls_who;
    struct MHD_Daemon *threads[THREADS_MAX];
    int nudges[THREADS_MAX]; /* an eventfd for each */
    atomic_uint connections[THREADS_MAX];
};

static int64_t now_ms(void)
{
    return g_get_monotonic_time() / 1000;
}

static void count_connections(HttpServer *server)
{
    metrics_set(server->context.metrics, METRIC_HTTP_CONNECTIONS,
                peers_count(server->context.peers), NULL, NULL);
}

/* libmicrohttpd closes the socket after CLOSED. */
static void on_connection(void *who, struct MHD_Connection *connection, void **context,
                          enum MHD_ConnectionNotificationCode code)
{
    HttpServer *server = who;
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        Peer *peer = peers_open(
            server->context.peers,
            MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)
                ->connect_fd);
        peers_await(server->context.peers, peer, now_ms() + server->limits.request_ms);
        if (server->tls != NULL) {
            peer->tls = server->tls(server->tls_who);
            tls_server_prepare(peer->tls,
                               MHD_get_connection_info(
                                   connection, MHD_CONNECTION_INFO_GNUTLS_SESSION)
                                   ->tls_session);
        }
        *context = peer;
        return;
    }
    Peer *peer = *context;
    atomic_fetch_sub(&server->connections[peer->thread], 1);
    tls_server_unref(peer->tls);
    peers_remove(server->context.peers, peer);
    count_connections(server);
}

static void on_message(void *who, const char *format, va_list arguments)
    G_GNUC_PRINTF(2, 0);
static void on_message(void *who, const char *format, va_list arguments)
{
    HttpServer *server = who;
    g_autofree char *text = g_strdup_vprintf(format, arguments);
    log_line(server->log, LOG_LEVEL_DEBUG, "http server", "text", g_strchomp(text),
             NULL);
}

HttpServer *http_server_new(const HttpLimits *limits, HttpBegin *begin, void *who,
                            Log *log, Metrics *metrics)
{
    g_assert(limits->n_threads >= 1 && limits->n_threads <= THREADS_MAX);
    HttpServer *server = g_new0(HttpServer, 1);
    server->limits = *limits;
    server->log = log;
    server->context.limits = &server->limits;
    server->context.begin = begin;
    server->context.who = who;
    server->context.metrics = metrics;
    server->context.peers = peers_new(limits->connections_max, limits->address_max);
    gate_init(&server->context.gate);
    return server;
}

void http_server_use_tls(HttpServer *server, HttpTls *tls, void *tls_who)
{
    server->tls = tls;
    server->tls_who = tls_who;
}

void http_server_use_headers(HttpServer *server, HttpHeaders *headers, void *headers_who)
{
    server->context.headers = headers;
    server->context.headers_who = headers_who;
}

/* No ceiling of its own: peers.c counts. */
static unsigned socket_limit(const HttpServer *server)
{
    return peers_sockets_max(server->limits.connections_max) + 1;
}

static struct MHD_Daemon *start_thread(HttpServer *server)
{
    return MHD_start_daemon(
        (server->tls != NULL ? MHD_USE_TLS : 0) |
        MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_NO_LISTEN_SOCKET |
            MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ITC | MHD_USE_ERROR_LOG,
        0, NULL, NULL, exchange_on_request, &server->context,                  //
        MHD_OPTION_EXTERNAL_LOGGER, on_message, server,                        //
        MHD_OPTION_NOTIFY_CONNECTION, on_connection, server,                   //
        MHD_OPTION_URI_LOG_CALLBACK, exchange_on_first_line, &server->context, //
        MHD_OPTION_UNESCAPE_CALLBACK, exchange_unescape, NULL,                 //
        MHD_OPTION_NOTIFY_COMPLETED, exchange_on_completed, &server->context,  //
        MHD_OPTION_CONNECTION_LIMIT, socket_limit(server),                     //
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, server->limits.header_max,         //
        server->tls != NULL ? MHD_OPTION_HTTPS_CERT_CALLBACK : MHD_OPTION_END, //
        tls_server_no_certificate, MHD_OPTION_END);
}

/* An eventfd whose every write makes DAEMON's thread return from its wait; -1: failed. */
static int add_nudge(struct MHD_Daemon *daemon)
{
    int epoll_fd = MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
    int nudge = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.ptr = NULL};
    if (nudge >= 0 && epoll_ctl(epoll_fd, EPOLL_CTL_ADD, nudge, &event) != 0) {
        close(nudge);
        return -1;
    }
    return nudge;
}

static void nudge_threads(HttpServer *server)
{
    for (unsigned i = 0; i < server->limits.n_threads; i++) {
        if (atomic_load(&server->connections[i]) > 0) {
            ssize_t written = write(server->nudges[i], &(uint64_t){1}, sizeof(uint64_t));
            g_assert(written == sizeof(uint64_t));
        }
    }
}

static bool start_nudged_thread(HttpServer *server, unsigned i)
{
    server->threads[i] = start_thread(server);
    server->nudges[i] = server->threads[i] != NULL ? add_nudge(server->threads[i]) : -1;
    return server->nudges[i] >= 0;
}

bool http_server_start(HttpServer *server, GError **error)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    bool ok = true;
    for (unsigned i = 0; ok && i < server->limits.n_threads; i++) {
        ok = start_nudged_thread(server, i);
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (!ok) {
        g_set_error(error, FAULT, FAULT_SYSTEM, "start the HTTP server");
    }
    return ok;
}

static unsigned least_busy(HttpServer *server)
{
    unsigned best = 0;
    for (unsigned i = 1; i < server->limits.n_threads; i++) {
        if (atomic_load(&server->connections[i]) <
            atomic_load(&server->connections[best])) {
            best = i;
        }
    }
    return best;
}

static bool is_refusal(PeersVerdict verdict)
{
    return verdict == PEERS_FULL || verdict == PEERS_FULL_OF_ADDRESS;
}

/* The server's threads may be behind the listener's; meanwhile the kernel holds the others. */
static PeersVerdict add_peer(HttpServer *server, int fd, const struct sockaddr *address,
                             Peer **peer)
{
    Peers *peers = server->context.peers;
    PeersVerdict verdict = peers_add(peers, fd, address, peer);
    for (unsigned i = 0; i < PATIENCE_MS && is_refusal(verdict) && peers_in_motion(peers); i++) {
        g_usleep(1000);
        verdict = peers_add(peers, fd, address, peer);
    }
    return verdict;
}

void http_server_add(HttpServer *server, int take_fd, HttpDoor door,
                     const struct sockaddr *address, socklen_t length)
{
    Peer *peer = NULL;
    PeersVerdict verdict = add_peer(server, take_fd, address, &peer);
    if (verdict == PEERS_DISPLACED) {
        metrics_add(server->context.metrics, METRIC_HTTP_CONNECTIONS_DISPLACED, 1, NULL, NULL);
    } else if (is_refusal(verdict)) {
        metrics_add(server->context.metrics, METRIC_HTTP_CONNECTIONS_REFUSED, 1,
                    peers_verdict_text(verdict), NULL);
        http_turn_away(take_fd, server->tls != NULL ? HTTP_SILENTLY : HTTP_SAYING_SO);
        return;
    }
    peer->door = door;
    unsigned thread = peer->thread = least_busy(server);
    atomic_fetch_add(&server->connections[thread], 1);
    count_connections(server);
    if (MHD_add_connection(server->threads[thread], take_fd, address, length) !=
        MHD_YES) {
        atomic_fetch_sub(&server->connections[thread], 1);
        peers_remove(server->context.peers, peer);
    }
}

void http_server_sweep(HttpServer *server)
{
    nudge_threads(server);
    unsigned cut = peers_sweep(server->context.peers, now_ms());
    metrics_add(server->context.metrics, METRIC_HTTP_DEADLINES, cut, NULL, NULL);
}

void http_server_drain(HttpServer *server)
{
    atomic_store(&server->context.draining, true);
}

void http_server_stop(HttpServer *server)
{
    http_server_drain(server);
    gate_close(&server->context.gate);
}

void http_server_join(HttpServer *server)
{
    gate_wait(&server->context.gate, server->limits.farewell_ms);
    for (unsigned i = 0; i < server->limits.n_threads; i++) {
        if (server->threads[i] != NULL) {
            MHD_stop_daemon(server->threads[i]);
            server->threads[i] = NULL;
            close(server->nudges[i]);
        }
    }
}

void http_server_free(HttpServer *server)
{
    if (server == NULL) {
        return;
    }
    g_assert(server->threads[0] == NULL);
    peers_free(server->context.peers);
    gate_clear(&server->context.gate);
    g_free(server);
}
