/* SPDX-License-Identifier: MIT */
#ifndef BRIDGE_INTAKE_HTTP_H
#define BRIDGE_INTAKE_HTTP_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One request and its answer, as everything but server.c sees them.
 *
 * When the headers are there, begin() either answers or says how to go on.  When the
 * body is there, serve() either answers, or defers: then whoever holds the exchange
 * answers later, from any thread. */
typedef struct HttpExchange HttpExchange;

typedef enum {
    HTTP_OTHER = 0,
    HTTP_GET = 1,
    HTTP_HEAD = 2,
    HTTP_POST = 4,
    HTTP_PUT = 8,
    HTTP_DELETE = 16,
} HttpMethod;

/* Which kind of listener a request came in by. */
typedef enum { HTTP_WEB, HTTP_MANAGEMENT } HttpDoor;

/* OTHER for any but these. */
HttpMethod http_method_parse(const char *text);

typedef enum {
    HTTP_BODY_TOO_LONG, /* 413: more than body_max */
    HTTP_BODY_TOO_MANY, /* 503: more than inflight_max, with all other bodies */
} HttpOverflow;

typedef struct {
    unsigned code;
    const char *content_type;  /* static */
    GString *body;             /* taken by http_answer() */
    const char *allow;         /* static; 405's methods, or NULL */
    const char *authenticate;  /* static; 401's challenge, or NULL */
    unsigned retry_after_s;    /* 0: none */
    bool close;                /* and no further request over this connection */
} HttpAnswer;

/* Why a path that nothing is at has 404; `alertpost queue` knows a wrong address by it. */
#define HTTP_NOTHING_HERE "there is nothing here"

/* {"error":"…"} with one line of text. */
HttpAnswer http_error(unsigned code, const char *format, ...) G_GNUC_PRINTF(2, 3);
/* 503, with Retry-After. */
HttpAnswer http_busy(const char *reason);
/* The usual answer to an overflow. */
HttpAnswer http_overflow(HttpOverflow overflow, size_t body_max);
/* LINE and a newline, as text/plain. */
HttpAnswer http_text(unsigned code, const char *line);
/* An answer whose JSON the caller appends to `body`. */
HttpAnswer http_json(unsigned code);

/* How to go on after the headers. */
typedef struct {
    size_t body_max, inflight_max;
    void (*serve)(void *data, HttpExchange *exchange); /* the body is there */
    /* It will not be: answer. */
    void (*overflow)(void *data, HttpExchange *exchange, HttpOverflow overflow);
    void (*end)(void *data); /* the exchange is over, however; may be NULL */
    void *data;
} HttpPlan;

HttpMethod http_method(const HttpExchange *exchange);
const char *http_path(const HttpExchange *exchange); /* decoded, without the query */
const char *http_header(const HttpExchange *exchange, const char *name); /* NULL: none */
/* The query's arguments, decoded: name -> value, both owned by the table. */
GHashTable *http_arguments(const HttpExchange *exchange);
const char *http_remote(const HttpExchange *exchange); /* "10.0.0.1:4242" */
bool http_is_local(const HttpExchange *exchange); /* came in on a loopback address */
HttpDoor http_door(const HttpExchange *exchange);
int64_t http_started_us(const HttpExchange *exchange); /* monotonic: headers were there */
/* From Content-Length; 0 if there is no body, SIZE_MAX if its length is not said. */
size_t http_announced_length(const HttpExchange *exchange);

/* The body, from serve() on; not NUL-terminated. */
const char *http_body(const HttpExchange *exchange, size_t *length);
void http_drop_body(HttpExchange *exchange); /* frees its memory before the end */

/* In begin(), if it does not answer. */
void http_continue(HttpExchange *exchange, const HttpPlan *plan);

/* In serve(): the exchange stays open until http_answer(), which is due on any thread.
 * False if the server stops or WAITING_MAX others are deferred: answer at once. */
bool http_defer(HttpExchange *exchange, unsigned waiting_max);

/* A connection too many, FD non-blocking: 503, as far as it can be said (not over TLS), and
 * closed. */
typedef enum { HTTP_SAYING_SO, HTTP_SILENTLY } HttpFarewell;
void http_turn_away(int take_fd, HttpFarewell farewell);

/* The answer, once per exchange.  After a deferred one the exchange is gone. */
void http_answer(HttpExchange *exchange, const HttpAnswer *answer);

#endif
