/* SPDX-License-Identifier: MIT */
#include "bridge/intake/webhook_answer.h"

#include "bridge/intake/auth.h"
#include "bridge/json.h"

static const char *source_name(const Webhook *webhook)
{
    return webhook->source != NULL ? webhook->source->name : "";
}

/* "" where the payload was not read. */
static const char *status_text(const Webhook *webhook)
{
    if (webhook->group == NULL) {
        return "";
    }
    return webhook->alerts > 0 ? alert_status_text(webhook->status) : "ignored";
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

/* The one way out. */
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

void webhook_refuse(Webhook *webhook, unsigned code, const char *reason)
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

void webhook_busy(Webhook *webhook, const char *reason)
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
    webhook_busy(webhook, result == OUTBOX_LATE ? "the mail is not delivered yet"
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

void webhook_accepted(void *who, AcceptStatus status, const char *reason,
                        const AcceptResult *results, size_t n)
{
    Webhook *webhook = who;
    if (status == ACCEPT_BUSY) {
        webhook_busy(webhook, reason);
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

void webhook_ignored(Webhook *webhook)
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
