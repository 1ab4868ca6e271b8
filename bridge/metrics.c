/* SPDX-License-Identifier: MIT */
#include "bridge/metrics.h"

#include <pthread.h>
#include <stdbool.h>
#include <string.h>

#define LABELS_MAX 2
#define SERIES_MAX 1000

typedef enum { COUNTER, GAUGE, HISTOGRAM } MetricType;

typedef struct {
    MetricType type;
    const char *name; /* without "alertpost_" */
    const char *labels[LABELS_MAX];
    const char *help;
} Metric;

#define LABELS(...)                                                                    \
    {                                                                                  \
        __VA_ARGS__                                                                    \
    }
#define ROW(id, type, name, labels, help) [METRIC_##id] = {type, name, labels, help}
static const Metric table[METRIC_COUNT] = {
    ROW(BUILD_INFO, GAUGE, "build_info", LABELS("version"),
        "1, with the version that runs."),
    ROW(WEBHOOK_REQUESTS, COUNTER, "webhook_requests_total", LABELS("source", "code"),
        "Webhooks answered, by source (empty if unknown) and HTTP status."),
    ROW(WEBHOOK_AUTH_FAILURES, COUNTER, "webhook_auth_failures_total", LABELS("source"),
        "Webhooks without valid credentials."),
    ROW(WEBHOOK_WAITING, GAUGE, "webhook_waiting", LABELS(NULL),
        "Webhooks that wait for their answer."),
    ROW(HTTP_CONNECTIONS, GAUGE, "http_connections", LABELS(NULL),
        "Open HTTP connections."),
    ROW(HTTP_CONNECTIONS_REFUSED, COUNTER, "http_connections_refused_total",
        LABELS("reason"),
        "Connections closed at once: too many in all (total), of one address "
        "(address), no descriptors left (descriptors)."),
    ROW(HTTP_CONNECTIONS_DISPLACED, COUNTER, "http_connections_displaced_total", LABELS(NULL),
        "Connections closed because a new one came, there were as many as may be, and they "
        "had been silent for longest."),
    ROW(HTTP_DEADLINES, COUNTER, "http_deadlines_total", LABELS(NULL),
        "Connections cut because a request or an answer took too long."),
    ROW(NOTIFICATIONS, COUNTER, "notifications_total", LABELS("receiver", "result"),
        "What became of an event at a receiver: queued, suppressed or ignored."),
    ROW(NOTIFICATIONS_SUPPRESSED, COUNTER, "notifications_suppressed_total",
        LABELS("reason"), "Suppressed events, by reason."),
    ROW(TEMPLATE_ERRORS, COUNTER, "template_errors_total", LABELS("receiver", "part"),
        "Built-in plain mails that went out, by the part whose template failed (empty if "
        "the mail could not be made for another reason)."),
    ROW(DKIM_ERRORS, COUNTER, "dkim_errors_total", LABELS(NULL),
        "Mails that went out without their DKIM signature: the key could not be used."),
    ROW(REGEXP_LIMITS, COUNTER, "regexp_limits_total", LABELS(NULL),
        "Regular expressions that hit a limit and counted as no match."),
    ROW(DEDUP_GROUPS, GAUGE, "dedup_groups", LABELS(NULL),
        "Groups remembered in memory."),
    ROW(QUEUE_MAILS, GAUGE, "queue_mails", LABELS("state"),
        "Mails in the queue: queued, deferred, claimed (on their way) or dead."),
    ROW(QUEUE_BYTES, GAUGE, "queue_bytes", LABELS(NULL),
        "Bytes of the mails in the queue."),
    ROW(QUEUE_OLDEST_S, GAUGE, "queue_oldest_age_seconds", LABELS(NULL),
        "Age of the oldest queued mail; 0 if there is none."),
    ROW(DELIVERIES, COUNTER, "deliveries_total", LABELS("relay", "outcome"),
        "Attempts, counted per recipient, by relay and outcome."),
    ROW(DELIVERY_SECONDS, HISTOGRAM, "delivery_latency_seconds", LABELS(NULL),
        "From a mail's acceptance to the relay's final yes."),
    ROW(DEAD_NOTICES, COUNTER, "dead_notices_total", LABELS(NULL),
        "Mails to the postmaster about dead mails."),
    ROW(STORE_COMMITS, COUNTER, "store_commits_total", LABELS(NULL),
        "Commits of the storage."),
    ROW(STORE_ERRORS, COUNTER, "store_errors_total", LABELS(NULL),
        "Commits that failed."),
    ROW(STORE_DAMAGED, COUNTER, "store_damaged_total", LABELS(NULL),
        "Damaged databases that were moved aside at the start."),
    ROW(SMTP_SESSIONS, GAUGE, "smtp_sessions", LABELS("relay", "state"),
        "SMTP sessions: connecting, idle, busy or closing."),
    ROW(SMTP_SESSIONS_OPENED, COUNTER, "smtp_sessions_opened_total", LABELS("relay"),
        "SMTP sessions opened."),
    ROW(SMTP_SESSIONS_REUSED, COUNTER, "smtp_sessions_reused_total", LABELS("relay"),
        "Mails that went over a session that had carried another one before."),
    ROW(SMTP_THROTTLES, COUNTER, "smtp_throttles_total", LABELS("relay"),
        "Times a mail server said that it is too much: connections or mails."),
    ROW(SMTP_REPLIES, COUNTER, "smtp_replies_total", LABELS("verb", "class"),
        "Replies of mail servers, by command and first digit."),
    ROW(SMTP_IN_DOUBT, COUNTER, "smtp_in_doubt_total", LABELS("relay"),
        "Mails whose final reply was lost: delivered perhaps."),
    ROW(RELAY_PAUSED, GAUGE, "relay_paused", LABELS("relay"),
        "1 while a relay is paused."),
    ROW(RELAY_RATE_LIMITED, GAUGE, "relay_rate_limited", LABELS("relay"),
        "1 while mails wait because of our own rate_limit."),
    ROW(CONFIG_RELOAD_SUCCESSFUL, GAUGE, "config_last_reload_successful", LABELS(NULL),
        "1 if the last reload of the configuration worked."),
    ROW(CONFIG_RELOAD_SUCCESS_TIMESTAMP, GAUGE,
        "config_last_reload_success_timestamp_seconds", LABELS(NULL),
        "When the configuration was last loaded."),
    ROW(LOG_DROPPED, COUNTER, "log_lines_dropped_total", LABELS(NULL),
        "Log lines lost because nobody read them."),
};

static const double buckets[] = {0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5,  1,
                                 2.5,   5,    10,    30,   60,  300,  1800, 21600};

typedef struct {
    const char *labels[LABELS_MAX]; /* what it is found by */
    char *owned[LABELS_MAX];        /* the same */
    double value;
} Series;

typedef struct {
    uint64_t counts[G_N_ELEMENTS(buckets) + 1];
    uint64_t count;
    double sum;
} Histogram;

struct Metrics {
    pthread_mutex_t lock;                /* guards all */
    GPtrArray *series[METRIC_COUNT];     /* in the order in which they came */
    GHashTable *by_labels[METRIC_COUNT]; /* the same as a set */
    Histogram histograms[METRIC_COUNT];
};

static void series_free(gpointer data)
{
    Series *series = data;
    for (size_t i = 0; i < LABELS_MAX; i++) {
        g_free(series->owned[i]);
    }
    g_free(series);
}

static guint hash_labels(gconstpointer data)
{
    const Series *series = data;
    return g_str_hash(series->labels[0]) * 31 + g_str_hash(series->labels[1]);
}

static gboolean equal_labels(gconstpointer a, gconstpointer b)
{
    const Series *left = a, *right = b;
    return strcmp(left->labels[0], right->labels[0]) == 0 &&
           strcmp(left->labels[1], right->labels[1]) == 0;
}

/* All with the lock held.  The series, or NULL if it was never counted. */
static Series *find(Metrics *metrics, MetricId id, const char *label1,
                    const char *label2)
{
    const Series key = {.labels = {label1, label2}};
    return g_hash_table_lookup(metrics->by_labels[id], &key);
}

static Series *add(Metrics *metrics, MetricId id, const char *label1,
                   const char *label2)
{
    Series *series = g_new0(Series, 1);
    series->labels[0] = series->owned[0] = g_utf8_make_valid(label1, -1);
    series->labels[1] = series->owned[1] = g_utf8_make_valid(label2, -1);
    g_hash_table_add(metrics->by_labels[id], series);
    g_ptr_array_add(metrics->series[id], series);
    return series;
}

/* The series of labels that are no valid text is that of the text they are made. */
static Series *find_given(Metrics *metrics, MetricId id, const char *label1,
                          const char *label2)
{
    Series *series = find(metrics, id, label1, label2);
    if (series != NULL) {
        return series;
    }
    g_autofree char *valid1 = g_utf8_make_valid(label1, -1);
    g_autofree char *valid2 = g_utf8_make_valid(label2, -1);
    return find(metrics, id, valid1, valid2);
}

static Series *take(Metrics *metrics, MetricId id, const char *label1,
                    const char *label2)
{
    label1 = label1 != NULL ? label1 : "";
    label2 = label2 != NULL ? label2 : "";
    Series *series = find_given(metrics, id, label1, label2);
    if (series == NULL && metrics->series[id]->len >= SERIES_MAX) {
        label1 = label2 = "other";
        series = find(metrics, id, label1, label2);
    }
    return series != NULL ? series : add(metrics, id, label1, label2);
}

Metrics *metrics_new(void)
{
    Metrics *metrics = g_new0(Metrics, 1);
    pthread_mutex_init(&metrics->lock, NULL);
    for (unsigned id = 0; id < METRIC_COUNT; id++) {
        metrics->series[id] = g_ptr_array_new_with_free_func(series_free);
        metrics->by_labels[id] = g_hash_table_new(hash_labels, equal_labels);
        if (table[id].labels[0] == NULL && table[id].type != HISTOGRAM) {
            take(metrics, (MetricId)id, NULL, NULL);
        }
    }
    metrics_set(metrics, METRIC_BUILD_INFO, 1, ALERTPOST_VERSION, NULL);
    return metrics;
}

void metrics_free(Metrics *metrics)
{
    if (metrics == NULL) {
        return;
    }
    for (size_t id = 0; id < METRIC_COUNT; id++) {
        g_hash_table_unref(metrics->by_labels[id]);
        g_ptr_array_unref(metrics->series[id]);
    }
    pthread_mutex_destroy(&metrics->lock);
    g_free(metrics);
}

void metrics_add(Metrics *metrics, MetricId id, double by, const char *label1,
                 const char *label2)
{
    if (metrics == NULL) {
        return;
    }
    pthread_mutex_lock(&metrics->lock);
    take(metrics, id, label1, label2)->value += by;
    pthread_mutex_unlock(&metrics->lock);
}

void metrics_set(Metrics *metrics, MetricId id, double value, const char *label1,
                 const char *label2)
{
    if (metrics == NULL) {
        return;
    }
    pthread_mutex_lock(&metrics->lock);
    take(metrics, id, label1, label2)->value = value;
    pthread_mutex_unlock(&metrics->lock);
}

void metrics_observe(Metrics *metrics, MetricId id, double value)
{
    if (metrics == NULL) {
        return;
    }
    g_assert(table[id].type == HISTOGRAM);
    size_t bucket = 0;
    while (bucket < G_N_ELEMENTS(buckets) && value > buckets[bucket]) {
        bucket++;
    }
    pthread_mutex_lock(&metrics->lock);
    Histogram *histogram = &metrics->histograms[id];
    histogram->counts[bucket]++;
    histogram->count++;
    histogram->sum += value;
    pthread_mutex_unlock(&metrics->lock);
}

double metrics_get(Metrics *metrics, MetricId id, const char *label1,
                   const char *label2)
{
    if (metrics == NULL) {
        return 0;
    }
    pthread_mutex_lock(&metrics->lock);
    const Series *series = find_given(metrics, id, label1 != NULL ? label1 : "",
                                      label2 != NULL ? label2 : "");
    double value = series != NULL ? series->value : 0;
    if (table[id].type == HISTOGRAM) {
        value = (double)metrics->histograms[id].count;
    }
    pthread_mutex_unlock(&metrics->lock);
    return value;
}

static void append_number(GString *out, double value)
{
    char text[G_ASCII_DTOSTR_BUF_SIZE];
    bool whole = value > -1e15 && value < 1e15 && value == (double)(int64_t)value;
    g_string_append(
        out, g_ascii_formatd(text, sizeof text, whole ? "%.0f" : "%.15g", value));
}

static void append_escaped(GString *out, const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '\n') {
            g_string_append(out, "\\n");
            continue;
        }
        if (*text == '"' || *text == '\\') {
            g_string_append_c(out, '\\');
        }
        g_string_append_c(out, *text);
    }
}

static void print_series(GString *out, const Metric *metric, const Series *series)
{
    g_string_append_printf(out, "alertpost_%s", metric->name);
    for (size_t i = 0; i < LABELS_MAX && metric->labels[i] != NULL; i++) {
        g_string_append_printf(out, "%s%s=\"", i == 0 ? "{" : ",", metric->labels[i]);
        append_escaped(out, series->labels[i]);
        g_string_append_c(out, '"');
    }
    g_string_append(out, metric->labels[0] != NULL ? "} " : " ");
    append_number(out, series->value);
    g_string_append_c(out, '\n');
}

static void print_histogram(GString *out, const Metric *metric,
                            const Histogram *histogram)
{
    uint64_t below = 0;
    for (size_t i = 0; i < G_N_ELEMENTS(buckets); i++) {
        char text[G_ASCII_DTOSTR_BUF_SIZE];
        below += histogram->counts[i];
        g_string_append_printf(
            out, "alertpost_%s_bucket{le=\"%s\"} %" G_GUINT64_FORMAT "\n", metric->name,
            g_ascii_formatd(text, sizeof text, "%g", buckets[i]), below);
    }
    g_string_append_printf(out,
                           "alertpost_%s_bucket{le=\"+Inf\"} %" G_GUINT64_FORMAT "\n",
                           metric->name, histogram->count);
    g_string_append_printf(out, "alertpost_%s_sum ", metric->name);
    append_number(out, histogram->sum);
    g_string_append_printf(out, "\nalertpost_%s_count %" G_GUINT64_FORMAT "\n",
                           metric->name, histogram->count);
}

static const char *type_text(MetricType type)
{
    static const char *const texts[] = {
        [COUNTER] = "counter", [GAUGE] = "gauge", [HISTOGRAM] = "histogram"};
    return texts[type];
}

void metrics_print(Metrics *metrics, GString *out)
{
    if (metrics == NULL) {
        return;
    }
    pthread_mutex_lock(&metrics->lock);
    for (size_t id = 0; id < METRIC_COUNT; id++) {
        const Metric *metric = &table[id];
        g_string_append_printf(out, "# HELP alertpost_%s %s\n# TYPE alertpost_%s %s\n",
                               metric->name, metric->help, metric->name,
                               type_text(metric->type));
        if (metric->type == HISTOGRAM) {
            print_histogram(out, metric, &metrics->histograms[id]);
        }
        for (guint i = 0; i < metrics->series[id]->len; i++) {
            print_series(out, metric, g_ptr_array_index(metrics->series[id], i));
        }
    }
    pthread_mutex_unlock(&metrics->lock);
}

void metrics_print_manual(GString *out)
{
    g_string_append(out,
                    "| metric | type | labels | what it says |\n|---|---|---|---|\n");
    for (size_t id = 0; id < METRIC_COUNT; id++) {
        const Metric *metric = &table[id];
        g_string_append_printf(out, "| `alertpost_%s` | %s |", metric->name,
                               type_text(metric->type));
        for (size_t i = 0; i < LABELS_MAX && metric->labels[i] != NULL; i++) {
            g_string_append_printf(out, "%s `%s`", i == 0 ? "" : ",",
                                   metric->labels[i]);
        }
        g_string_append_printf(out, " | %s |\n", metric->help);
    }
}
