/* SPDX-License-Identifier: MIT */
/* POST /hooks/NAME.
 *
 * On the server's thread: what can be refused by the headers alone is refused before
 * the body (source, method, credentials missing, type, length, a full queue).  With the
 * body there a worker takes over: credentials, payload, then the lane of (source, group
 * key), in which accept decides and stores.  Its done() writes the answer and gives the
 * lane back; a source with `ack: delivered` gives the lane back, and gets the same answer
 * when the mails it is about are settled, or 503 when that takes too long.  The ways
 * out are those of webhook_answer.h. */
#include "bridge/intake/webhook.h"

#include <string.h>

#include "bridge/intake/auth.h"
#include "bridge/intake/webhook_answer.h"
#include "rules/fault.h"

static void webhook_free(void *data)
{
    Webhook *webhook = data;
    config_unref(webhook->config);
    event_free(webhook->event);
    g_free(webhook->group);
    g_free(webhook->ignored);
    g_free(webhook->reason);
    g_free(webhook);
}

static void accept_in_lane(void *data, Lane *lane)
{
    Webhook *webhook = data;
    webhook->lane = lane;
    Event *event = g_steal_pointer(&webhook->event);
    webhook->hooks->accept(webhook->hooks->app, webhook->config, event, webhook_accepted,
                           webhook);
}

static const char *find_header(const void *request, const char *name)
{
    return http_header(request, name);
}

/* False if the webhook is finished. */
static bool check_credentials(Webhook *webhook)
{
    g_autoptr(GError) error = NULL;
    AuthRequest request = {.header = find_header,
                           .request = webhook->exchange,
                           .now_ms = g_get_real_time() / 1000};
    request.body = http_body(webhook->exchange, &request.length);
    switch (auth_check(&webhook->source->auth, &request, &error)) {
    case AUTH_OK:
        return true;
    case AUTH_STALE:
        webhook_refuse(webhook, 401, "the signature's timestamp is too far from now");
        return false;
    case AUTH_REFUSED:
        webhook_refuse(webhook, 401, "wrong credentials");
        return false;
    default:
        log_line(webhook->hooks->log, LOG_LEVEL_ERROR, "cannot check credentials",
                 "source", webhook->source->name, "error", error->message, NULL);
        webhook_busy(webhook, "the credentials cannot be checked now");
        return false;
    }
}

static bool parse(Webhook *webhook)
{
    g_autoptr(GError) error = NULL;
    FormatInput input = {.source = webhook->source,
                         .limits = &webhook->config->limits,
                         .header = find_header,
                         .request = webhook->exchange};
    size_t length;
    const char *body = http_body(webhook->exchange, &length);
    webhook->event = format_parse(webhook->format, &input, body, length, &error);
    http_drop_body(webhook->exchange);
    if (webhook->event != NULL) {
        webhook->group = g_strdup(webhook->event->group_key);
        webhook->ignored = g_strdup(webhook->event->ignored);
        webhook->status = webhook->event->status;
        webhook->alerts = webhook->event->n_alerts;
        return true;
    }
    webhook_refuse(webhook, g_error_matches(error, FAULT, FAULT_LIMIT) ? 413 : 400,
           error->message);
    return false;
}

/* It may come in. */
static void proceed(Webhook *webhook)
{
    if (!parse(webhook)) {
        return;
    }
    if (webhook->alerts == 0) {
        webhook_ignored(webhook);
        return;
    }
    g_autofree char *key =
        g_strdup_printf("%s\n%s", webhook->source->name, webhook->group);
    lanes_enter(webhook->hooks->lanes, key, accept_in_lane, webhook);
}

static void on_web_checked(void *data, bool passes)
{
    if (passes) {
        proceed(data);
    } else {
        webhook_refuse(data, 401, "wrong credentials");
    }
}

/* The source's own authentication stands in place of the web configuration's. */
static bool needs_login(const Webhook *webhook)
{
    return !webhook->source->auth.required && !webhook->source->allow_unauthenticated &&
           web_has_users(webhook->hooks->web);
}

/* On a worker. */
static void work(void *data)
{
    Webhook *webhook = data;
    if (needs_login(webhook)) {
        web_ask(webhook->hooks->web, webhook->hooks->lanes,
                http_header(webhook->exchange, "Authorization"), on_web_checked, webhook);
    } else if (check_credentials(webhook)) {
        proceed(webhook);
    }
}

static bool is_login_tried(const Webhook *webhook)
{
    const HttpExchange *exchange = webhook->exchange;
    return needs_login(webhook)
               ? http_header(exchange, "Authorization") != NULL
               : auth_is_tried(&webhook->source->auth, find_header, exchange);
}

/* The body is there. */
static void serve(void *data, HttpExchange *exchange)
{
    Webhook *webhook = data;
    size_t waiting = webhook->config->limits.waiting;
    if (!http_defer(exchange, (unsigned)MIN(waiting, G_MAXUINT))) {
        webhook_busy(webhook, "too many webhooks are waiting, or alertpost is stopping");
    } else if (!lanes_submit(webhook->hooks->lanes, work, webhook)) {
        webhook_busy(webhook, "too many webhooks are waiting");
    }
}

/* As its sender wrote it; nothing here unpacks. */
static bool is_plain(const char *encoding)
{
    return encoding == NULL || *encoding == '\0' ||
           g_ascii_strcasecmp(encoding, "identity") == 0;
}

static bool is_allowed(const Webhook *webhook)
{
    switch (http_method(webhook->exchange)) {
    case HTTP_POST:
        return true;
    case HTTP_PUT:
        return strstr(webhook->format->methods, "PUT") != NULL;
    default:
        return false;
    }
}

/* What the headers alone decide; false if the webhook is finished. */
static bool check_headers(Webhook *webhook)
{
    HttpExchange *exchange = webhook->exchange;
    if (webhook->source == NULL) {
        webhook_refuse(webhook, 404, "no source of this name is configured");
    } else if (!is_allowed(webhook)) {
        webhook_refuse(webhook, 405, "a webhook is sent with POST");
    } else if (!is_login_tried(webhook)) {
        webhook_refuse(webhook, 401, "credentials are missing");
    } else if (!format_takes(webhook->format, http_header(exchange, "Content-Type"))) {
        webhook_refuse(webhook, 415, "the content type is not application/json");
    } else if (!is_plain(http_header(exchange, "Content-Encoding"))) {
        webhook_refuse(webhook, 415, "a body that is encoded (Content-Encoding) is not read");
    } else {
        return true;
    }
    return false;
}

static size_t body_max(const Webhook *webhook)
{
    return webhook->source != NULL && webhook->source->max_body > 0
               ? webhook->source->max_body
               : webhook->config->limits.body;
}

/* A body that is too long is refused as such, not for want of room. */
static void check_room(Webhook *webhook)
{
    const IntakeHooks *hooks = webhook->hooks;
    size_t announced = http_announced_length(webhook->exchange);
    size_t bytes = announced == SIZE_MAX ? 0 : announced;
    if (bytes <= body_max(webhook) && !hooks->room(hooks->app, bytes)) {
        webhook_busy(webhook, "the queue is full");
    }
}

static void overflow(void *data, HttpExchange *exchange, HttpOverflow kind)
{
    Webhook *webhook = data;
    (void)exchange;
    if (kind == HTTP_BODY_TOO_LONG) {
        g_autofree char *reason =
            g_strdup_printf("the body is longer than %s allows (%zu)",
                            webhook->source->max_body > 0 ? "max_body" : "limits.body",
                            body_max(webhook));
        webhook_refuse(webhook, 413, reason);
    } else {
        webhook_busy(webhook, "too many bytes are being received (limits.inflight_bytes)");
    }
}

void webhook_begin(const IntakeHooks *hooks, HttpExchange *exchange)
{
    Webhook *webhook = g_new0(Webhook, 1);
    webhook->hooks = hooks;
    webhook->exchange = exchange;
    webhook->config = hooks->config(hooks->app);
    webhook->source =
        config_find_source(webhook->config, http_path(exchange) + strlen(WEBHOOK_PATH));
    webhook->format =
        webhook->source != NULL ? format_find(webhook->source->type) : NULL;
    const LimitsConfig *limits = &webhook->config->limits;
    http_continue(exchange, &(HttpPlan){.body_max = body_max(webhook),
                                        .inflight_max = limits->inflight_bytes,
                                        .serve = serve,
                                        .overflow = overflow,
                                        .end = webhook_free,
                                        .data = webhook});
    if (check_headers(webhook)) {
        check_room(webhook);
    }
}
