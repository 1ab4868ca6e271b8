/* SPDX-License-Identifier: MIT */
#ifndef BRIDGE_INTAKE_SERVER_H
#define BRIDGE_INTAKE_SERVER_H

#include <glib.h>
#include <stdbool.h>
#include <sys/socket.h>

#include "bridge/intake/http.h"
#include "bridge/log.h"
#include "bridge/metrics.h"
#include "bridge/tls_server.h"

/* HTTP over connections that others accept: the one home of libmicrohttpd. */
typedef struct HttpServer HttpServer;

typedef struct {
    unsigned n_threads;
    unsigned connections_max, address_max; /* in all; of one address */
    size_t header_max;   /* memory of a connection for its headers */
    int64_t request_ms;  /* for a request to arrive, from its first line */
    int64_t answer_ms;   /* for an answer to leave */
    int64_t idle_ms;     /* between two requests */
    int64_t farewell_ms; /* at the end, for answers on their way */
} HttpLimits;
#define HTTP_LIMITS_DEFAULT                                                                \
    ((HttpLimits){.n_threads = 2, .connections_max = 4096, .address_max = 2048,            \
                 .header_max = 32768, .request_ms = 60000, .answer_ms = 60000,            \
                 .idle_ms = 300000, .farewell_ms = 2000})

/* begin() is called on the server's threads, for every request, and must not block. */
typedef void HttpBegin(void *who, HttpExchange *exchange);

HttpServer *http_server_new(const HttpLimits *limits, HttpBegin *begin, void *who, Log *log,
                            Metrics *metrics);
/* From the start on every connection is TLS, served with what tls(tls_who) gives, with a
 * reference, on the server's threads. */
typedef TlsServer *HttpTls(void *tls_who);
void http_server_use_tls(HttpServer *server, HttpTls *tls, void *tls_who);
/* From the start on every answer has the headers that headers(headers_who, …) adds, on any of
 * the server's threads. */
typedef void HttpAddHeader(void *data, const char *name, const char *value);
typedef void HttpHeaders(void *headers_who, HttpAddHeader *add, void *data);
void http_server_use_headers(HttpServer *server, HttpHeaders *headers, void *headers_who);
/* ERROR: SYSTEM. */
bool http_server_start(HttpServer *server, GError **error);

/* Serves the connection FD, which is non-blocking and came in by DOOR; too many are answered
 * with 503. */
void http_server_add(HttpServer *server, int take_fd, HttpDoor door,
                     const struct sockaddr *address, socklen_t length);
/* Cuts the connections whose time is over: every second or so, from one thread. */
void http_server_sweep(HttpServer *server);
/* From now on every answer ends its connection, so that the clients go elsewhere. */
void http_server_drain(HttpServer *server);

/* Nothing more is deferred: http_defer() is false.  Adding must have ended. */
void http_server_stop(HttpServer *server);
/* Waits until every deferred exchange is answered, gives the answers time to leave, and
 * ends the threads. */
void http_server_join(HttpServer *server);
void http_server_free(HttpServer *server); /* NULL is allowed */

#endif
