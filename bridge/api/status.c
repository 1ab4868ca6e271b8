/* SPDX-License-Identifier: MIT */
#include "bridge/api/status.h"

#include <time.h>

#include "bridge/json.h"

static double age_s(int64_t oldest_ms)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    int64_t now_ms = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
    return oldest_ms == 0 || oldest_ms > now_ms ? 0
                                                : (double)(now_ms - oldest_ms) / 1000;
}

static void append_member(GString *out, const char *key, const char *value)
{
    g_string_append_printf(out, "\"%s\":", key);
    json_append_string(out, value);
}

static void append_seconds(GString *out, const char *key, double seconds)
{
    char text[G_ASCII_DTOSTR_BUF_SIZE];
    g_ascii_formatd(text, sizeof text, "%.3f", seconds);
    g_string_append_printf(out, ",\"%s\":%s", key, text);
}

static void append_queue(GString *out, const OutboxStats *stats)
{
    g_string_append_printf(
        out,
        "\"queue\":{\"queued\":%" G_GUINT64_FORMAT ",\"deferred\":%" G_GUINT64_FORMAT
        ",\"claimed\":%" G_GUINT64_FORMAT ",\"dead\":%" G_GUINT64_FORMAT
        ",\"bytes\":%" G_GUINT64_FORMAT,
        stats->queued, stats->deferred, stats->claimed, stats->dead, stats->bytes);
    append_seconds(out, "oldest_age_s", age_s(stats->oldest_ms));
    g_string_append_c(out, '}');
}

static void append_sources(GString *out, const Config *config)
{
    g_string_append(out, "\"sources\":[");
    for (unsigned i = 0; i < config->n_sources; i++) {
        const SourceConfig *source = &config->sources[i];
        g_string_append(out, i == 0 ? "{" : ",{");
        append_member(out, "name", source->name);
        g_string_append_c(out, ',');
        append_member(out, "type", source->type);
        g_string_append_printf(out, ",\"authenticated\":%s}",
                               source->auth.required ? "true" : "false");
    }
    g_string_append_c(out, ']');
}

static void append_trouble(GString *out, const IntakeHooks *hooks, const char *relay)
{
    g_auto(RelayTrouble) trouble = {.fault = FAULT_NONE};
    if (hooks->trouble != NULL) {
        hooks->trouble(hooks->app, relay, &trouble);
    }
    bool paused = trouble.fault != FAULT_NONE;
    g_string_append_printf(out, ",\"paused\":%s", paused ? "true" : "false");
    if (paused) {
        g_string_append_c(out, ',');
        append_member(out, "fault", relay_fault_text(trouble.fault));
        append_seconds(out, "paused_s", age_s(trouble.since_ms));
        append_seconds(out, "next_try_s", (double)trouble.probe_in_ms / 1000);
        g_string_append_c(out, ',');
        append_member(out, "text", trouble.text);
    }
}

static void append_relays(GString *out, const IntakeHooks *hooks, const Config *config)
{
    g_string_append(out, "\"relays\":[");
    for (unsigned i = 0; i < config->n_relays; i++) {
        const RelayConfig *relay = &config->relays[i];
        g_string_append(out, i == 0 ? "{" : ",{");
        append_member(out, "key", relay->key);
        g_string_append_c(out, ',');
        append_member(out, "scheme", relay->scheme == RELAY_SMTP ? "smtp" : "maildir");
        append_trouble(out, hooks, relay->key);
        g_string_append_c(out, '}');
    }
    g_string_append_c(out, ']');
}

void status_print(const IntakeHooks *hooks, int64_t uptime_us, GString *out)
{
    OutboxStats stats = {0};
    g_autoptr(Config) config = hooks->config(hooks->app);
    hooks->stats(hooks->app, &stats);
    g_string_append_c(out, '{');
    append_member(out, "version", ALERTPOST_VERSION);
    g_string_append_printf(out, ",\"uptime_s\":%" G_GINT64_FORMAT ",",
                           uptime_us / 1000000);
    append_member(out, "config", config->path);
    g_string_append_c(out, ',');
    append_queue(out, &stats);
    g_string_append_c(out, ',');
    append_sources(out, config);
    g_string_append_c(out, ',');
    append_relays(out, hooks, config);
    g_string_append(out, "}\n");
}

void status_count(const IntakeHooks *hooks)
{
    OutboxStats stats = {0};
    Metrics *metrics = hooks->metrics;
    hooks->stats(hooks->app, &stats);
    metrics_set(metrics, METRIC_QUEUE_OLDEST_S, age_s(stats.oldest_ms), NULL, NULL);
    metrics_set(metrics, METRIC_LOG_DROPPED, (double)log_dropped(hooks->log), NULL,
                NULL);
}
