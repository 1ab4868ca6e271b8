/* SPDX-License-Identifier: MIT */
/* The endpoints beside the webhooks, one row of the table each.  What may take time is
 * deferred: reload runs on a worker, and mails are asked of the storage thread.  The rest
 * is answered on the spot. */
#include "bridge/api/management.h"

#include <string.h>

#include "bridge/api/status.h"

#define BODY_MAX ((size_t)4096) /* nobody reads it */

typedef HttpAnswer Answer(Management *management);
/* PUBLIC: health.  GUARDED: asks for users where there are any.  LOCAL: where there are none,
 * only this machine may ask. */
typedef enum { PUBLIC, GUARDED, LOCAL } Access;

typedef struct Call Call;

typedef struct {
    const char *path;    /* ending in '/': all below it, too */
    unsigned methods; /* HttpMethod bits */
    const char *allow;
    Access access;
    Answer *answer;
    Answer *slow_answer; /* instead: on a worker */
    void (*ask)(Call *call); /* or: later, deferred */
} Endpoint;

struct Call {
    Management *management;
    HttpExchange *exchange;
    const Endpoint *endpoint;
};

static HttpAnswer healthy(Management *management)
{
    (void)management;
    return http_text(200, "healthy");
}

static HttpAnswer ready(Management *management)
{
    const IntakeHooks *hooks = management->hooks;
    if (atomic_load(&management->draining)) {
        return http_busy("alertpost is stopping");
    }
    if (!hooks->ready(hooks->app)) {
        return http_busy("the storage fails");
    }
    return hooks->room(hooks->app, 0) ? http_text(200, "ready")
                                      : http_busy("the queue is full");
}

static HttpAnswer metrics(Management *management)
{
    const IntakeHooks *hooks = management->hooks;
    HttpAnswer answer = http_json(200);
    answer.content_type = "text/plain; version=0.0.4; charset=utf-8";
    status_count(hooks);
    metrics_print(hooks->metrics, answer.body);
    return answer;
}

static HttpAnswer status(Management *management)
{
    HttpAnswer answer = http_json(200);
    status_print(management->hooks, g_get_monotonic_time() - management->started_us,
                 answer.body);
    return answer;
}

static HttpAnswer reload(Management *management)
{
    const IntakeHooks *hooks = management->hooks;
    g_autoptr(GError) error = NULL;
    if (!hooks->reload(hooks->app, &error)) {
        return http_error(500, "%s", error->message);
    }
    HttpAnswer answer = http_json(200);
    g_string_append(answer.body, "{\"result\":\"reloaded\"}\n");
    return answer;
}

static void answer_mails(void *who, const HttpAnswer *answer)
{
    http_answer(((Call *)who)->exchange, answer);
}

static void mails(Call *call)
{
    const IntakeHooks *hooks = call->management->hooks;
    g_autoptr(GHashTable) arguments = http_arguments(call->exchange);
    g_autofree char *path = g_strdup(http_path(call->exchange)); /* the exchange may go */
    const MailsRequest request = {http_method(call->exchange), path, arguments,
                                  g_get_real_time() / 1000};
    hooks->mails(hooks->app, &request, answer_mails, call);
}

#define GET_HEAD HTTP_GET | HTTP_HEAD, "GET, HEAD"
/* Which of them, the answer knows. */
#define MAIL_METHODS                                                                   \
    HTTP_GET | HTTP_HEAD | HTTP_POST | HTTP_DELETE, "GET, HEAD, POST, DELETE"
static const Endpoint endpoints[] = {
    {"/-/healthy", GET_HEAD, PUBLIC, healthy, NULL},
    {"/-/ready", GET_HEAD, PUBLIC, ready, NULL},
    {"/healthz", GET_HEAD, PUBLIC, healthy, NULL},
    {"/livez", GET_HEAD, PUBLIC, healthy, NULL},
    {"/readyz", GET_HEAD, PUBLIC, ready, NULL},
    {"/metrics", GET_HEAD, GUARDED, metrics, NULL},
    {"/-/reload", HTTP_POST | HTTP_PUT, "POST, PUT", LOCAL, NULL, reload},
    {"/api/v1/status", GET_HEAD, LOCAL, status, NULL},
    {MAILS_PATH, MAIL_METHODS, LOCAL, .ask = mails},
    {MAILS_PATH "/", MAIL_METHODS, LOCAL, .ask = mails},
};

static const Endpoint *find_endpoint(const char *path)
{
    for (size_t i = 0; i < G_N_ELEMENTS(endpoints); i++) {
        const char *known = endpoints[i].path;
        if (strcmp(known, path) == 0 ||
            (g_str_has_suffix(known, "/") && g_str_has_prefix(path, known))) {
            return &endpoints[i];
        }
    }
    return NULL;
}

/* The exchange is deferred; on a worker. */
static void work(void *data)
{
    Call *call = data;
    const Endpoint *endpoint = call->endpoint;
    if (endpoint->ask != NULL) {
        endpoint->ask(call);
        return;
    }
    HttpAnswer answer = endpoint->slow_answer != NULL
                            ? endpoint->slow_answer(call->management)
                            : endpoint->answer(call->management);
    http_answer(call->exchange, &answer);
}

static const char *login_of(const Call *call)
{
    return http_header(call->exchange, "Authorization");
}

static HttpAnswer answer_unauthorized(void)
{
    HttpAnswer answer = http_error(401, "%s", "a name and a password are wanted");
    answer.authenticate = WEB_CHALLENGE;
    return answer;
}

static void on_web_checked(void *data, bool passes)
{
    Call *call = data;
    if (passes) {
        work(call);
        return;
    }
    HttpAnswer answer = answer_unauthorized();
    http_answer(call->exchange, &answer);
}

static void check_login(void *data)
{
    Call *call = data;
    const IntakeHooks *hooks = call->management->hooks;
    web_ask(hooks->web, hooks->lanes, login_of(call), on_web_checked, call);
}

static bool needs_login(const Management *management, const Endpoint *endpoint)
{
    return endpoint->access != PUBLIC && web_has_users(management->hooks->web);
}

static void serve(void *data, HttpExchange *exchange)
{
    Call *call = data;
    Management *management = call->management;
    HttpAnswer answer;
    bool unknown = needs_login(management, call->endpoint) &&
                   !web_knows(management->hooks->web, login_of(call));
    if (unknown && http_defer(exchange, G_MAXUINT) &&
        lanes_submit(management->hooks->lanes, check_login, call)) {
        return;
    }
    if (unknown) {
        answer = http_busy("alertpost is busy or stopping");
    } else if (call->endpoint->answer != NULL) {
        answer = call->endpoint->answer(call->management);
    } else if (call->endpoint->ask != NULL && http_defer(exchange, G_MAXUINT)) {
        call->endpoint->ask(call);
        return;
    } else if (call->endpoint->slow_answer != NULL && http_defer(exchange, G_MAXUINT) &&
               lanes_submit(call->management->hooks->lanes, work, call)) {
        return;
    } else {
        answer = http_busy("alertpost is busy or stopping");
    }
    http_answer(exchange, &answer);
}

static void overflow(void *data, HttpExchange *exchange, HttpOverflow kind)
{
    (void)data;
    HttpAnswer answer = http_overflow(kind, BODY_MAX);
    http_answer(exchange, &answer);
}

static void refuse(HttpExchange *exchange, unsigned code, const char *reason,
                   const char *allow)
{
    HttpAnswer answer = http_error(code, "%s", reason);
    answer.allow = allow;
    http_answer(exchange, &answer);
}

void management_begin(Management *management, HttpExchange *exchange)
{
    const Endpoint *endpoint = find_endpoint(http_path(exchange));
    if (endpoint == NULL) {
        refuse(exchange, 404, HTTP_NOTHING_HERE, NULL);
    } else if ((endpoint->methods & http_method(exchange)) == 0) {
        refuse(exchange, 405, "this method is not for this path", endpoint->allow);
    } else if (needs_login(management, endpoint) &&
               http_header(exchange, "Authorization") == NULL) {
        HttpAnswer answer = answer_unauthorized();
        http_answer(exchange, &answer);
    } else if (endpoint->access == LOCAL && !http_is_local(exchange) &&
               !web_keeps_out(management->hooks->web)) {
        refuse(exchange, 403, "only answered on a loopback address", NULL);
    } else {
        Call *call = g_new(Call, 1);
        *call = (Call){management, exchange, endpoint};
        http_continue(exchange, &(HttpPlan){.body_max = BODY_MAX,
                                            .inflight_max = SIZE_MAX,
                                            .serve = serve,
                                            .overflow = overflow,
                                            .end = g_free,
                                            .data = call});
    }
}
