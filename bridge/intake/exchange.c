/* SPDX-License-Identifier: MIT */
/* One request: from its first line to the end of its answer.
 *
 * The first line starts the clock; with the headers the exchange is made and begin()
 * decides; the body is gathered under its ceilings; serve() answers or defers, which
 * suspends the connection until an answer from any thread resumes it.  In between the
 * connection's thread does not touch the exchange.  However the request ends,
 * libmicrohttpd says so once, and the exchange is freed there. */
#include "bridge/intake/exchange.h"

#include "bridge/intake/body.h"
#include "bridge/intake/framing.h"

/* Read of a body nobody wants, to keep the connection; of one that became too long. */
#define DISCARD_MAX ((size_t)64 * 1024)
#define OVERRUN_MAX ((size_t)1024 * 1024)

typedef enum {
    STAGE_BODY,     /* the body comes in */
    STAGE_DEFERRED, /* suspended, or just resumed */
    STAGE_ANSWERED, /* the answer is with libmicrohttpd */
} Stage;

struct HttpExchange {
    ExchangeContext *context;
    struct MHD_Connection *connection;
    Peer *peer;
    Stage stage;
    HttpMethod method;
    char *path;
    int64_t started_us;
    HttpPlan plan;
    bool answered; /* `answer` is set */
    HttpAnswer answer;
    Body body;
    size_t discarded;
};

static Peer *peer_of(struct MHD_Connection *connection)
{
    return MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT)
        ->socket_context;
}

static int64_t now_ms(void)
{
    return g_get_monotonic_time() / 1000;
}

static void allow_ms(HttpExchange *exchange, int64_t ms)
{
    peers_set_deadline(exchange->context->peers, exchange->peer,
                       ms == 0 ? 0 : now_ms() + ms);
}

HttpMethod http_method(const HttpExchange *exchange)
{
    return exchange->method;
}

const char *http_path(const HttpExchange *exchange)
{
    return exchange->path;
}

const char *http_header(const HttpExchange *exchange, const char *name)
{
    return MHD_lookup_connection_value(exchange->connection, MHD_HEADER_KIND, name);
}

static enum MHD_Result note_argument(void *table, enum MHD_ValueKind kind, const char *name,
                                     const char *value)
{
    (void)kind;
    g_hash_table_replace(table, g_strdup(name), g_strdup(value != NULL ? value : ""));
    return MHD_YES;
}

GHashTable *http_arguments(const HttpExchange *exchange)
{
    GHashTable *table = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    MHD_get_connection_values(exchange->connection, MHD_GET_ARGUMENT_KIND, note_argument,
                              table);
    return table;
}

const char *http_remote(const HttpExchange *exchange)
{
    return exchange->peer->remote;
}

bool http_is_local(const HttpExchange *exchange)
{
    return exchange->peer->local;
}

HttpDoor http_door(const HttpExchange *exchange)
{
    return (HttpDoor)exchange->peer->door;
}

int64_t http_started_us(const HttpExchange *exchange)
{
    return exchange->started_us;
}

size_t http_announced_length(const HttpExchange *exchange)
{
    const char *text = http_header(exchange, "Content-Length");
    guint64 length;
    if (http_header(exchange, "Transfer-Encoding") != NULL) {
        return SIZE_MAX;
    }
    if (text == NULL) {
        return 0;
    }
    return g_ascii_string_to_unsigned(text, 10, 0, SIZE_MAX - 1, &length, NULL)
               ? (size_t)length
               : SIZE_MAX;
}

const char *http_body(const HttpExchange *exchange, size_t *length)
{
    *length = exchange->body.length;
    return exchange->body.bytes != NULL ? exchange->body.bytes : "";
}

void http_drop_body(HttpExchange *exchange)
{
    body_clear(&exchange->body);
}

void http_continue(HttpExchange *exchange, const HttpPlan *plan)
{
    exchange->plan = *plan;
}

bool http_defer(HttpExchange *exchange, unsigned waiting_max)
{
    if (!gate_enter(&exchange->context->gate, waiting_max)) {
        return false;
    }
    metrics_add(exchange->context->metrics, METRIC_WEBHOOK_WAITING, 1, NULL, NULL);
    exchange->stage = STAGE_DEFERRED;
    MHD_suspend_connection(exchange->connection);
    return true;
}

void http_answer(HttpExchange *exchange, const HttpAnswer *answer)
{
    g_assert(!exchange->answered);
    ExchangeContext *context = exchange->context;
    exchange->answer = *answer;
    exchange->answered = true;
    if (exchange->stage == STAGE_DEFERRED) {
        metrics_add(context->metrics, METRIC_WEBHOOK_WAITING, -1, NULL, NULL);
        gate_answered(&context->gate);
        MHD_resume_connection(exchange->connection); /* and the exchange may be gone */
        gate_exit(&context->gate);
    }
}

static void add_header(void *response, const char *name, const char *value)
{
    if (value != NULL) {
        enum MHD_Result added = MHD_add_response_header(response, name, value);
        g_assert(added == MHD_YES);
    }
}

static struct MHD_Response *make_response(ExchangeContext *context,
                                          const HttpAnswer *answer)
{
    size_t length = answer->body->len;
    struct MHD_Response *response = MHD_create_response_from_buffer(
        length, g_string_free(answer->body, FALSE), MHD_RESPMEM_MUST_FREE);
    g_assert(response != NULL);
    char seconds[16];
    g_snprintf(seconds, sizeof seconds, "%u", answer->retry_after_s);
    add_header(response, "Content-Type", answer->content_type);
    add_header(response, "Allow", answer->allow);
    add_header(response, "WWW-Authenticate", answer->authenticate);
    add_header(response, "Retry-After", answer->retry_after_s > 0 ? seconds : NULL);
    add_header(response, "Connection",
               answer->close || atomic_load(&context->draining) ? "close" : NULL);
    if (context->headers != NULL) {
        context->headers(context->headers_who, add_header, response);
    }
    return response;
}

static enum MHD_Result send_answer(HttpExchange *exchange)
{
    struct MHD_Response *response = make_response(exchange->context, &exchange->answer);
    exchange->answer.body = NULL;
    http_drop_body(exchange);
    allow_ms(exchange, exchange->context->limits->answer_ms);
    enum MHD_Result queued =
        MHD_queue_response(exchange->connection, exchange->answer.code, response);
    MHD_destroy_response(response);
    if (exchange->stage != STAGE_DEFERRED) {
        gate_answered(&exchange->context->gate);
    }
    exchange->stage = STAGE_ANSWERED;
    return queued;
}

static void overflow(HttpExchange *exchange, BodyVerdict verdict)
{
    HttpPlan *plan = &exchange->plan;
    plan->overflow(plan->data, exchange,
                   verdict == BODY_TOO_LONG ? HTTP_BODY_TOO_LONG : HTTP_BODY_TOO_MANY);
}

static BodyLimits body_limits(const HttpExchange *exchange)
{
    return (BodyLimits){exchange->plan.body_max, exchange->plan.inflight_max};
}

static enum MHD_Result note_header(void *framing, enum MHD_ValueKind kind, const char *name,
                                   size_t name_length, const char *value, size_t value_length)
{
    (void)kind;
    framing_note(framing, name, name_length, value, value_length);
    return MHD_YES;
}

/* libmicrohttpd takes the first of two lengths, and chunks before both. */
static bool is_ambiguous(HttpExchange *exchange)
{
    Framing framing = {0};
    MHD_get_connection_values_n(exchange->connection, MHD_HEADER_KIND, note_header, &framing);
    const char *problem = framing_problem(&framing);
    if (problem != NULL) {
        HttpAnswer answer = http_error(400, "%s", problem);
        answer.close = true;
        http_answer(exchange, &answer);
    }
    return problem != NULL;
}

/* The headers are there.  What is refused already is answered at once, unless what
 * follows is short: reading it keeps the connection in use. */
static enum MHD_Result begin(HttpExchange *exchange, const char *path,
                             const char *method)
{
    ExchangeContext *context = exchange->context;
    exchange->path = g_strdup(path);
    exchange->method = http_method_parse(method);
    exchange->started_us = g_get_monotonic_time();
    if (is_ambiguous(exchange)) {
        return send_answer(exchange);
    }
    context->begin(context->who, exchange);
    size_t announced = http_announced_length(exchange);
    if (!exchange->answered && announced != SIZE_MAX) {
        BodyLimits limits = body_limits(exchange);
        BodyVerdict verdict = body_announce(&exchange->body, announced, &limits);
        if (verdict != BODY_OK) {
            overflow(exchange, verdict);
        }
    }
    bool short_body =
        announced <= DISCARD_MAX && http_header(exchange, "Expect") == NULL;
    return exchange->answered && !short_body ? send_answer(exchange) : MHD_YES;
}

/* MHD_NO cuts the connection: libmicrohttpd takes no answer in the middle of a body. */
static enum MHD_Result receive(HttpExchange *exchange, const char *data, size_t length)
{
    if (!exchange->answered) {
        BodyLimits limits = body_limits(exchange);
        BodyVerdict verdict = body_append(&exchange->body, data, length, &limits);
        if (verdict == BODY_OK) {
            return MHD_YES;
        }
        http_drop_body(exchange);
        overflow(exchange, verdict);
    }
    exchange->discarded += length;
    return exchange->discarded <= OVERRUN_MAX ? MHD_YES : MHD_NO;
}

/* The body is there. */
static enum MHD_Result serve(HttpExchange *exchange)
{
    if (!exchange->answered) {
        allow_ms(exchange, 0);
        exchange->plan.serve(exchange->plan.data, exchange);
    }
    /* Once deferred, the rest of the exchange may belong to another thread. */
    return exchange->stage == STAGE_DEFERRED ? MHD_YES : send_answer(exchange);
}

static HttpExchange *exchange_new(ExchangeContext *context,
                                  struct MHD_Connection *connection)
{
    HttpExchange *exchange = g_new0(HttpExchange, 1);
    exchange->context = context;
    exchange->connection = connection;
    exchange->body.inflight = &context->inflight;
    exchange->peer = peer_of(connection);
    return exchange;
}

enum MHD_Result exchange_on_request(void *who, struct MHD_Connection *connection,
                                    const char *path, const char *method,
                                    const char *version, const char *data,
                                    size_t *length, void **request)
{
    (void)version;
    HttpExchange *exchange = *request;
    if (exchange == NULL) {
        *request = exchange = exchange_new(who, connection);
        return begin(exchange, path, method);
    }
    if (exchange->stage == STAGE_DEFERRED) {
        return send_answer(exchange);
    }
    if (*length > 0) {
        enum MHD_Result result = receive(exchange, data, *length);
        *length = 0;
        return result;
    }
    return serve(exchange);
}

size_t exchange_unescape(void *who, struct MHD_Connection *connection, char *text)
{
    (void)who, (void)connection;
    return framing_unescape(text);
}

/* The first line of a request is there, with its time running.  Nothing is made of it
 * yet: libmicrohttpd may come here twice, and forget the first. */
void *exchange_on_first_line(void *who, const char *uri,
                             struct MHD_Connection *connection)
{
    (void)uri;
    ExchangeContext *context = who;
    peers_await(context->peers, peer_of(connection),
                now_ms() + context->limits->request_ms);
    return NULL;
}

/* The exchange is over, with its answer sent or without. */
void exchange_on_completed(void *who, struct MHD_Connection *connection, void **request,
                           enum MHD_RequestTerminationCode code)
{
    (void)connection, (void)code;
    ExchangeContext *context = who;
    HttpExchange *exchange = *request;
    if (exchange == NULL) {
        return;
    }
    peers_await(context->peers, exchange->peer, now_ms() + context->limits->idle_ms);
    if (exchange->plan.end != NULL) {
        exchange->plan.end(exchange->plan.data);
    }
    if (exchange->stage == STAGE_DEFERRED || exchange->stage == STAGE_ANSWERED) {
        gate_sent(&context->gate);
    }
    if (exchange->answer.body != NULL) {
        g_string_free(exchange->answer.body, TRUE);
    }
    http_drop_body(exchange);
    g_free(exchange->path);
    g_free(exchange);
    *request = NULL;
}
