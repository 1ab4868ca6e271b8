/* SPDX-License-Identifier: MIT */
#ifndef BRIDGE_METRICS_H
#define BRIDGE_METRICS_H

#include <glib.h>
#include <stdint.h>

/* Every metric is a row of the table in metrics.c (name, type, labels, help); /metrics
 * and the manual's list are printed from it. */
typedef enum {
    METRIC_BUILD_INFO,                 /* gauge {version} */
    METRIC_WEBHOOK_REQUESTS,           /* counter {source, code} */
    METRIC_WEBHOOK_AUTH_FAILURES,      /* counter {source} */
    METRIC_WEBHOOK_WAITING,            /* gauge: webhooks that wait for their answer */
    METRIC_HTTP_CONNECTIONS,           /* gauge */
    METRIC_HTTP_CONNECTIONS_REFUSED,   /* counter {reason}: total, address, descriptors */
    METRIC_HTTP_CONNECTIONS_DISPLACED, /* counter: waiting ones closed for a new one */
    METRIC_HTTP_DEADLINES,             /* counter: connections cut for being too slow */
    METRIC_NOTIFICATIONS,              /* counter {receiver, result}: queued, suppressed */
    METRIC_NOTIFICATIONS_SUPPRESSED,   /* counter {reason} */
    METRIC_TEMPLATE_ERRORS,            /* counter {receiver, part} */
    METRIC_DKIM_ERRORS,                /* counter */
    METRIC_REGEXP_LIMITS,              /* counter */
    METRIC_DEDUP_GROUPS,               /* gauge: groups remembered in memory */
    METRIC_QUEUE_MAILS,                /* gauge {state}: queued, deferred, claimed, dead */
    METRIC_QUEUE_BYTES,                /* gauge */
    METRIC_QUEUE_OLDEST_S,             /* gauge */
    METRIC_DELIVERIES,                 /* counter {relay, outcome}, per recipient */
    METRIC_DELIVERY_SECONDS,           /* histogram: acceptance to final 2xx */
    METRIC_DEAD_NOTICES,               /* counter */
    METRIC_STORE_COMMITS,              /* counter */
    METRIC_STORE_ERRORS,               /* counter */
    METRIC_STORE_DAMAGED,              /* counter */
    METRIC_SMTP_SESSIONS,              /* gauge {relay, state}: connecting, idle, busy, closing */
    METRIC_SMTP_SESSIONS_OPENED,       /* counter {relay} */
    METRIC_SMTP_SESSIONS_REUSED,       /* counter {relay}: mails over a session that had carried one */
    METRIC_SMTP_THROTTLES,             /* counter {relay} */
    METRIC_SMTP_REPLIES,               /* counter {verb, class} */
    METRIC_SMTP_IN_DOUBT,              /* counter {relay} */
    METRIC_RELAY_PAUSED,               /* gauge {relay}: 1 while paused */
    METRIC_RELAY_RATE_LIMITED,         /* gauge {relay}: 1 while our rate_limit holds mails back */
    METRIC_CONFIG_RELOAD_SUCCESSFUL,   /* gauge */
    METRIC_CONFIG_RELOAD_SUCCESS_TIMESTAMP, /* gauge */
    METRIC_LOG_DROPPED,                /* counter */
    METRIC_COUNT,
} MetricId;

/* Thread-safe.  All functions allow METRICS NULL (nothing happens). */
typedef struct Metrics Metrics;
Metrics *metrics_new(void);
void metrics_free(Metrics *metrics); /* NULL is allowed */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Metrics, metrics_free)

/* Label values in the table's order; NULL where the metric has none. A metric takes
 * at most 1,000 label sets; what comes after is counted under "other". */
void metrics_add(Metrics *metrics, MetricId id, double by, const char *label1, const char *label2);
/* Counters that are counted elsewhere may be set, too. */
void metrics_set(Metrics *metrics, MetricId id, double value, const char *label1, const char *label2);
void metrics_observe(Metrics *metrics, MetricId id, double value);
/* 0 for label sets never seen; of a histogram, how many values were observed. */
double metrics_get(Metrics *metrics, MetricId id, const char *label1, const char *label2);

/* Prometheus text format 0.0.4. */
void metrics_print(Metrics *metrics, GString *out);
/* The table as Markdown, for bridge/README.md. */
void metrics_print_manual(GString *out);

#endif
