/* SPDX-License-Identifier: MIT */
/* Our listening sockets.  One thread polls them, accepts what waits, a moment for each socket
 * in turn, and hands each connection on.  Without descriptors it rests for a moment, with the
 * connections waiting in the kernel; the log says so once in a while.  A stop wakes the thread
 * by a descriptor of its own, and join closes the sockets. */
#include "bridge/intake/listener.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "bridge/intake/peer_address.h"
#include "rules/fault.h"

#define SOCKETS_MAX 64
#define TURN_US     50000
#define REST_MS     100
#define COMPLAIN_MS 10000

struct Listener {
    const ListenerEvents *events;
    void *who;
    Log *log;
    Metrics *metrics;
    int sockets[SOCKETS_MAX];
    char *addresses[SOCKETS_MAX];
    bool exposed[SOCKETS_MAX];
    HttpDoor doors[SOCKETS_MAX];
    bool adopted[SOCKETS_MAX]; /* it listens already, with a backlog that others chose */
    unsigned n;
    int wake;
    bool started;
    atomic_bool stopping;
    pthread_t thread;
    int64_t complained_us; /* of the thread */
};

Listener *listener_new(const ListenerEvents *events, void *who, Log *log,
                       Metrics *metrics)
{
    Listener *listener = g_new0(Listener, 1);
    listener->events = events;
    listener->who = who;
    listener->log = log;
    listener->metrics = metrics;
    listener->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    g_assert(listener->wake >= 0);
    return listener;
}

static bool fail(GError **error, FaultKind kind, const char *address,
                 const char *reason)
{
    g_set_error(error, FAULT, (gint)kind, "listen on \"%s\": %s", address, reason);
    return false;
}

/* Takes HOST:PORT apart; *HOST is "" for all addresses. */
static bool split(const char *address, char **host, char **port, GError **error)
{
    const char *colon = strrchr(address, ':');
    guint64 number;
    if (colon == NULL ||
        !g_ascii_string_to_unsigned(colon + 1, 10, 0, 65535, &number, NULL)) {
        return fail(error, FAULT_INPUT, address, "not HOST:PORT");
    }
    g_autofree char *name = g_strndup(address, (gsize)(colon - address));
    size_t length = strlen(name);
    if (length >= 2 && name[0] == '[' && name[length - 1] == ']') {
        memmove(name, name + 1, length - 2);
        name[length - 2] = '\0';
    } else if (strchr(name, ':') != NULL) {
        return fail(error, FAULT_INPUT, address, "an IPv6 address needs [ ] around it");
    }
    *host = g_steal_pointer(&name);
    *port = g_strdup(colon + 1);
    return true;
}

/* A bound socket, or -1 with errno set. */
static int bind_one(const struct addrinfo *info)
{
    int fd = socket(info->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return -1;
    }
    int on = 1, off = 0;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (info->ai_family == AF_INET6) {
        struct sockaddr_in6 in6;
        memcpy(&in6, info->ai_addr, sizeof in6);
        bool any = IN6_IS_ADDR_UNSPECIFIED(&in6.sin6_addr);
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, any ? &off : &on, sizeof on);
    }
    if (bind(fd, info->ai_addr, info->ai_addrlen) != 0) {
        int reason = errno;
        close(fd);
        errno = reason;
        return -1;
    }
    return fd;
}

static void keep(Listener *listener, int fd)
{
    struct sockaddr_storage storage = {0};
    socklen_t length = sizeof storage;
    int failure = getsockname(fd, (struct sockaddr *)&storage, &length);
    g_assert(failure == 0);
    listener->sockets[listener->n] = fd;
    listener->addresses[listener->n] = peer_address_text((struct sockaddr *)&storage);
    listener->exposed[listener->n] =
        !peer_address_is_loopback((struct sockaddr *)&storage);
    listener->n++;
}

/* All addresses: one socket for both kinds where there is IPv6, else one for IPv4. */
static bool bind_any(Listener *listener, const char *address, const char *port,
                     GError **error)
{
    const char *const hosts[] = {"::", "0.0.0.0"};
    for (size_t i = 0; i < G_N_ELEMENTS(hosts); i++) {
        struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
                                 .ai_flags = AI_NUMERICHOST},
                        *info;
        if (getaddrinfo(hosts[i], port, &hints, &info) != 0) {
            continue;
        }
        int fd = bind_one(info);
        freeaddrinfo(info);
        if (fd >= 0) {
            keep(listener, fd);
            return true;
        }
    }
    return fail(error, FAULT_SYSTEM, address, g_strerror(errno));
}

static bool bind_host(Listener *listener, const char *address, const char *host,
                      const char *port, GError **error)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE},
                    *found;
    int failure = getaddrinfo(host, port, &hints, &found);
    if (failure != 0) {
        return fail(error, FAULT_SYSTEM, address, gai_strerror(failure));
    }
    unsigned before = listener->n;
    int reason = 0;
    for (struct addrinfo *info = found; info != NULL && listener->n < SOCKETS_MAX;
         info = info->ai_next) {
        int fd = bind_one(info);
        if (fd >= 0) {
            keep(listener, fd);
        } else {
            reason = errno;
        }
    }
    freeaddrinfo(found);
    return listener->n > before ||
           fail(error, FAULT_SYSTEM, address, g_strerror(reason));
}

static bool bind_all(Listener *listener, const char *address, GError **error)
{
    g_autofree char *host = NULL, *port = NULL;
    if (listener->n == SOCKETS_MAX) {
        return fail(error, FAULT_INPUT, address, "too many addresses");
    }
    if (!split(address, &host, &port, error)) {
        return false;
    }
    return *host == '\0' ? bind_any(listener, address, port, error)
                         : bind_host(listener, address, host, port, error);
}

bool listener_bind(Listener *listener, HttpDoor door, const char *address, GError **error)
{
    unsigned before = listener->n;
    bool bound = bind_all(listener, address, error);
    for (unsigned i = before; i < listener->n; i++) {
        listener->doors[i] = door;
    }
    return bound;
}

bool listener_adopt(Listener *listener, HttpDoor door, int take_fd, GError **error)
{
    if (listener->n == SOCKETS_MAX) {
        close(take_fd);
        return fail(error, FAULT_INPUT, "passed socket", "too many addresses");
    }
    listener->doors[listener->n] = door;
    listener->adopted[listener->n] = true;
    keep(listener, take_fd);
    return true;
}

unsigned listener_n_addresses(const Listener *listener)
{
    return listener->n;
}

const char *listener_address(const Listener *listener, unsigned index)
{
    return listener->addresses[index];
}

const char *listener_exposed_address(const Listener *listener)
{
    for (unsigned i = 0; i < listener->n; i++) {
        if (listener->exposed[i] && listener->doors[i] == HTTP_WEB) {
            return listener->addresses[i];
        }
    }
    return NULL;
}

static void rest(Listener *listener)
{
    int reason = errno;
    int64_t now_us = g_get_monotonic_time();
    metrics_add(listener->metrics, METRIC_HTTP_CONNECTIONS_REFUSED, 1, "descriptors",
                NULL);
    if (listener->complained_us == 0 ||
        now_us - listener->complained_us > COMPLAIN_MS * (int64_t)1000) {
        listener->complained_us = now_us;
        log_line(listener->log, LOG_LEVEL_ERROR, "cannot accept connections", "error",
                 g_strerror(reason), NULL);
    }
    struct pollfd fd = {.fd = listener->wake, .events = POLLIN};
    poll(&fd, 1, REST_MS);
}

/* Accepts what waits on the socket at INDEX, for a moment: in a flood there is always more, and
 * the other sockets and the tick have their turn.  False if that fails for want of something. */
static bool accept_some(Listener *listener, unsigned index)
{
    int64_t end_us = g_get_monotonic_time() + TURN_US;
    do {
        struct sockaddr_storage storage = {0};
        socklen_t length = sizeof storage;
        struct sockaddr *address = (struct sockaddr *)&storage;
        int client = accept4(listener->sockets[index], address, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (client >= 0) {
            listener->events->accepted(listener->who, client, listener->doors[index], address,
                                       length);
        } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS ||
                   errno == ENOMEM) {
            return false;
        } else if (errno == EAGAIN) {
            return true;
        }
    } while (!atomic_load(&listener->stopping) && g_get_monotonic_time() < end_us);
    return true;
}

static void accept_ready(Listener *listener, const struct pollfd *fds)
{
    for (unsigned i = 0; i < listener->n; i++) {
        if (fds[i].revents != 0 && !accept_some(listener, i)) {
            rest(listener);
        }
    }
}

static void close_sockets(Listener *listener)
{
    for (unsigned i = 0; i < listener->n; i++) {
        close(listener->sockets[i]);
        g_free(listener->addresses[i]);
    }
    listener->n = 0;
}

static void *run(void *data)
{
    Listener *listener = data;
    pthread_setname_np(pthread_self(), "listener");
    struct pollfd fds[SOCKETS_MAX + 1];
    for (unsigned i = 0; i < listener->n; i++) {
        fds[i] = (struct pollfd){.fd = listener->sockets[i], .events = POLLIN};
    }
    fds[listener->n] = (struct pollfd){.fd = listener->wake, .events = POLLIN};
    int64_t ticked_us = g_get_monotonic_time();
    while (!atomic_load(&listener->stopping)) {
        if (poll(fds, listener->n + 1, listener->events->tick_ms) > 0) {
            accept_ready(listener, fds);
        }
        int64_t now_us = g_get_monotonic_time();
        if (now_us - ticked_us >= listener->events->tick_ms * (int64_t)1000) {
            ticked_us = now_us;
            listener->events->tick(listener->who);
        }
    }
    return NULL;
}

static bool listen_all(Listener *listener, GError **error)
{
    for (unsigned i = 0; i < listener->n; i++) {
        if (!listener->adopted[i] && listen(listener->sockets[i], SOMAXCONN) != 0) {
            return fail(error, FAULT_SYSTEM, listener->addresses[i], g_strerror(errno));
        }
        bool web = listener->doors[i] == HTTP_WEB;
        log_line(listener->log, LOG_LEVEL_INFO, web ? "listening" : "listening for management",
                 "address", listener->addresses[i], NULL);
    }
    return true;
}

bool listener_start(Listener *listener, GError **error)
{
    if (!listen_all(listener, error)) {
        return false;
    }
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failure = pthread_create(&listener->thread, NULL, run, listener);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failure != 0) {
        g_set_error(error, FAULT, FAULT_SYSTEM, "start the listener: %s",
                    g_strerror(failure));
        return false;
    }
    listener->started = true;
    return true;
}

void listener_stop(Listener *listener)
{
    atomic_store(&listener->stopping, true);
    ssize_t written = write(listener->wake, &(uint64_t){1}, sizeof(uint64_t));
    g_assert(written == sizeof(uint64_t));
}

void listener_join(Listener *listener)
{
    if (listener->started) {
        pthread_join(listener->thread, NULL);
        listener->started = false;
    }
    close_sockets(listener);
}

void listener_free(Listener *listener)
{
    if (listener == NULL) {
        return;
    }
    g_assert(!listener->started);
    close_sockets(listener);
    close(listener->wake);
    g_free(listener);
}
