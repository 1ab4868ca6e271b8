/* SPDX-License-Identifier: MIT */
/* POST /hooks/NAME.
 *
 * On the server's thread: what can be refused by the headers alone is refused before
 * the body (source, method, credentials missing, type, length, a full queue).  With the
 * body there a worker takes over: credentials, payload, then the lane of (source, group
 * key), in which accept decides and stores.  Its done() writes the answer and gives the
 * lane back; a source with `ack: delivered` gives the lane back, and gets the same answer
 * when the mails it is about are settled, or 503 when that takes too long.  Every way out
 * passes through finish(): one answer, one log line, one count. */
#include "bridge/intake/webhook.h"

#include <string.h>

#include "bridge/intake/auth.h"
#include "bridge/intake/format.h"
#include "bridge/json.h"
#include "rules/fault.h"

typedef struct {
    const IntakeHooks *hooks;
    HttpExchange *exchange;
    Config *config;
    const SourceConfig *source; /* of `config`; NULL: no such source */
    const Format *format;
    Event *event; /* until accept takes it */
    Lane *lane;
    /* While it waits for the delivery. */
    HttpAnswer answer;
    const char *result;
    /* For the log. */
    char *group, *reason;
    char *ignored; /* why the payload has no alerts */
    AlertStatus status;
    size_t alerts;
} Webhook;

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

static const char *source_name(const Webhook *webhook)
{
    return webhook->source != NULL ? webhook->source->name : "";
}

/* "" where the payload was not read. */
static const char *status_text(const Webhook *webhook)
{
    return webhook->group != NULL ? alert_status_text(webhook->status) : "";
}

static void write_log(const Webhook *webhook, unsigned code, const char *result,
                      const char *reason)
{
    char duration[32];
    int64_t us = g_get_monotonic_time() - http_started_us(webhook->exchange);
    g_snprintf(duration, sizeof duration, "%" G_GINT64_FORMAT ".%d", us / 1000,
               (int)(us % 1000 / 100));
    LogLevel level = code < 400 ? LOG_LEVEL_INFO : LOG_LEVEL_WARN;
    log_line(webhook->hooks->log, level, "webhook",    //
             "source", source_name(webhook),           //
             "status", status_text(webhook),           //
             "alerts", LOG_NUMBER(webhook->alerts),    //
             "group", webhook->group,                  //
             "code", LOG_NUMBER(code),                 //
             "result", result,                         //
             "duration_ms", duration,                  //
             "remote", http_remote(webhook->exchange), //
             "reason", reason, NULL);
}

/* The one way out.  Afterwards the webhook is gone. */
static void finish(Webhook *webhook, const HttpAnswer *answer, const char *result,
                   const char *reason)
{
    Lane *lane = webhook->lane;
    char code[16];
    g_snprintf(code, sizeof code, "%u", answer->code);
    write_log(webhook, answer->code, result, reason);
    metrics_add(webhook->hooks->metrics, METRIC_WEBHOOK_REQUESTS, 1,
                source_name(webhook), code);
    http_answer(webhook->exchange, answer);
    if (lane != NULL) {
        lane_release(lane);
    }
}

static void refuse(Webhook *webhook, unsigned code, const char *reason)
{
    HttpAnswer answer = http_error(code, "%s", reason);
    if (code == 405) {
        answer.allow = webhook->format->methods;
    }
    if (code == 401) {
        answer.authenticate = webhook->source->auth.required
                                  ? auth_challenge(&webhook->source->auth)
                                  : WEB_CHALLENGE;
        metrics_add(webhook->hooks->metrics, METRIC_WEBHOOK_AUTH_FAILURES, 1,
                    source_name(webhook), NULL);
    }
    finish(webhook, &answer, "refused", reason);
}

static void be_busy(Webhook *webhook, const char *reason)
{
    HttpAnswer answer = http_busy(reason);
    finish(webhook, &answer, "busy", reason);
}

static const char *result_text(AcceptKind kind)
{
    static const char *const texts[] = {[ACCEPT_QUEUED] = "queued",
                                        [ACCEPT_SUPPRESSED] = "suppressed",
                                        [ACCEPT_IGNORED] = "ignored"};
    return texts[kind];
}

static void append_result(GString *out, const AcceptResult *result)
{
    g_string_append(out, "{\"receiver\":");
    json_append_string(out, result->receiver);
    g_string_append_printf(out, ",\"result\":\"%s\",\"%s\":", result_text(result->kind),
                           result->kind == ACCEPT_QUEUED ? "id" : "reason");
    json_append_string(out, result->text);
    g_string_append_c(out, '}');
}

/* Queued if anything is, else suppressed if anything is. */
static const AcceptResult *foremost(const AcceptResult *results, size_t n)
{
    const AcceptResult *best = NULL;
    for (size_t i = 0; i < n; i++) {
        if (best == NULL || results[i].kind < best->kind) {
            best = &results[i];
        }
    }
    return best;
}

static void append_results(GString *out, const AcceptResult *results, size_t n)
{
    g_string_append(out, "{\"results\":[");
    for (size_t i = 0; i < n; i++) {
        g_string_append(out, i == 0 ? "" : ",");
        append_result(out, &results[i]);
    }
    g_string_append(out, "]}\n");
}

static bool waits_for_delivery(const Webhook *webhook)
{
    AckMode ack = webhook->source->ack;
    return (ack != ACK_DEFAULT ? ack : webhook->hooks->ack_default) == ACK_DELIVERED;
}

static void on_settled(void *who, OutboxResult result)
{
    Webhook *webhook = who;
    if (result == OUTBOX_OK) {
        finish(webhook, &webhook->answer, webhook->result, webhook->reason);
        return;
    }
    g_string_free(webhook->answer.body, TRUE);
    be_busy(webhook, result == OUTBOX_LATE ? "the mail is not delivered yet"
                                           : "the storage fails");
}

/* The lane is free meanwhile: the same webhook once more waits for the same mail. */
static void await_delivery(Webhook *webhook, const AcceptResult *results, size_t n)
{
    g_autofree MailName *mails = g_new(MailName, n);
    size_t n_mails = 0;
    for (size_t i = 0; i < n; i++) {
        if (results[i].mail.group != NULL) {
            mails[n_mails++] = results[i].mail;
        }
    }
    if (webhook->lane != NULL) {
        lane_release(g_steal_pointer(&webhook->lane));
    }
    webhook->hooks->await(webhook->hooks->app, mails, n_mails,
                          webhook->source->ack_timeout_ms, on_settled, webhook);
}

static void on_accepted(void *who, AcceptStatus status, const char *reason,
                        const AcceptResult *results, size_t n)
{
    Webhook *webhook = who;
    if (status == ACCEPT_BUSY) {
        be_busy(webhook, reason);
        return;
    }
    const AcceptResult *best = foremost(results, n);
    bool queued = best != NULL && best->kind == ACCEPT_QUEUED;
    webhook->answer = http_json(queued ? 202 : 200);
    webhook->result = best != NULL ? result_text(best->kind) : "ignored";
    webhook->reason = g_strdup(best != NULL && !queued ? best->text : "");
    append_results(webhook->answer.body, results, n);
    if (waits_for_delivery(webhook)) {
        await_delivery(webhook, results, n);
    } else {
        finish(webhook, &webhook->answer, webhook->result, webhook->reason);
    }
}

/* Nothing in it is for anybody. */
static void answer_ignored(Webhook *webhook)
{
    HttpAnswer answer = http_json(200);
    g_string_append(answer.body, "{\"results\":[");
    if (*webhook->ignored != '\0') {
        g_string_append(answer.body, "{\"result\":\"ignored\",\"reason\":");
        json_append_string(answer.body, webhook->ignored);
        g_string_append_c(answer.body, '}');
    }
    g_string_append(answer.body, "]}\n");
    finish(webhook, &answer, "ignored", webhook->ignored);
}

static void accept_in_lane(void *data, Lane *lane)
{
    Webhook *webhook = data;
    webhook->lane = lane;
    Event *event = g_steal_pointer(&webhook->event);
    webhook->hooks->accept(webhook->hooks->app, webhook->config, event, on_accepted,
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
        refuse(webhook, 401, "the signature's timestamp is too far from now");
        return false;
    case AUTH_REFUSED:
        refuse(webhook, 401, "wrong credentials");
        return false;
    default:
        log_line(webhook->hooks->log, LOG_LEVEL_ERROR, "cannot check credentials",
                 "source", webhook->source->name, "error", error->message, NULL);
        be_busy(webhook, "the credentials cannot be checked now");
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
    refuse(webhook, g_error_matches(error, FAULT, FAULT_LIMIT) ? 413 : 400,
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
        answer_ignored(webhook);
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
        refuse(data, 401, "wrong credentials");
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
        be_busy(webhook, "too many webhooks are waiting, or alertpost is stopping");
    } else if (!lanes_submit(webhook->hooks->lanes, work, webhook)) {
        be_busy(webhook, "too many webhooks are waiting");
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
        refuse(webhook, 404, "no source of this name is configured");
    } else if (!is_allowed(webhook)) {
        refuse(webhook, 405, "a webhook is sent with POST");
    } else if (!is_login_tried(webhook)) {
        refuse(webhook, 401, "credentials are missing");
    } else if (!format_takes(webhook->format, http_header(exchange, "Content-Type"))) {
        refuse(webhook, 415, "the content type is not application/json");
    } else if (!is_plain(http_header(exchange, "Content-Encoding"))) {
        refuse(webhook, 415, "a body that is encoded (Content-Encoding) is not read");
    } else {
        return true;
    }
    return false;
}

/* A body that is too long is refused as such, not for want of room. */
static void check_room(Webhook *webhook)
{
    const IntakeHooks *hooks = webhook->hooks;
    size_t announced = http_announced_length(webhook->exchange);
    size_t bytes = announced == SIZE_MAX ? 0 : announced;
    if (bytes <= webhook->config->limits.body && !hooks->room(hooks->app, bytes)) {
        be_busy(webhook, "the queue is full");
    }
}

static void overflow(void *data, HttpExchange *exchange, HttpOverflow kind)
{
    Webhook *webhook = data;
    (void)exchange;
    if (kind == HTTP_BODY_TOO_LONG) {
        g_autofree char *reason =
            g_strdup_printf("the body is longer than limits.body allows (%zu)",
                            webhook->config->limits.body);
        refuse(webhook, 413, reason);
    } else {
        be_busy(webhook, "too many bytes are being received (limits.inflight_bytes)");
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
    http_continue(exchange, &(HttpPlan){.body_max = limits->body,
                                        .inflight_max = limits->inflight_bytes,
                                        .serve = serve,
                                        .overflow = overflow,
                                        .end = webhook_free,
                                        .data = webhook});
    if (check_headers(webhook)) {
        check_room(webhook);
    }
}
