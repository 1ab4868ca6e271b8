/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <pthread.h>
#include <string.h>

#include "bridge/metrics.h"

static char *print(Metrics *metrics)
{
    GString *out = g_string_new(NULL);
    metrics_print(metrics, out);
    return g_string_free(out, FALSE);
}

static void assert_line(const char *text, const char *line)
{
    g_autofree char *whole = g_strdup_printf("\n%s\n", line);
    if (strstr(text, whole) == NULL) {
        fail_msg("no line \"%s\" in:\n%s", line, text);
    }
}

static void what_is_counted_is_printed(void **state)
{
    (void)state;
    g_autoptr(Metrics) metrics = metrics_new();
    metrics_add(metrics, METRIC_WEBHOOK_REQUESTS, 1, "alertmanager", "202");
    metrics_add(metrics, METRIC_WEBHOOK_REQUESTS, 1, "alertmanager", "202");
    metrics_add(metrics, METRIC_WEBHOOK_REQUESTS, 1, "alertmanager", "503");
    metrics_set(metrics, METRIC_QUEUE_BYTES, 12345678, NULL, NULL);
    metrics_set(metrics, METRIC_QUEUE_OLDEST_S, 0.25, NULL, NULL);
    assert_true(metrics_get(metrics, METRIC_WEBHOOK_REQUESTS, "alertmanager", "202") ==
                2);
    assert_true(metrics_get(metrics, METRIC_WEBHOOK_REQUESTS, "alertmanager", "404") ==
                0);
    g_autofree char *text = print(metrics);
    assert_line(text,
                "# HELP alertpost_webhook_requests_total Webhooks answered, by source "
                "(empty if unknown) and HTTP status.");
    assert_line(text, "# TYPE alertpost_webhook_requests_total counter");
    assert_line(
        text,
        "alertpost_webhook_requests_total{source=\"alertmanager\",code=\"202\"} 2");
    assert_line(
        text,
        "alertpost_webhook_requests_total{source=\"alertmanager\",code=\"503\"} 1");
    assert_line(text, "alertpost_queue_bytes 12345678");
    assert_line(text, "alertpost_queue_oldest_age_seconds 0.25");
    assert_line(text, "alertpost_build_info{version=\"" ALERTPOST_VERSION "\"} 1");
    assert_line(text, "alertpost_store_commits_total 0");
}

static void a_histogram_counts_what_is_at_most_its_bound(void **state)
{
    (void)state;
    g_autoptr(Metrics) metrics = metrics_new();
    metrics_observe(metrics, METRIC_DELIVERY_SECONDS, 0.005);
    metrics_observe(metrics, METRIC_DELIVERY_SECONDS, 0.0051);
    metrics_observe(metrics, METRIC_DELIVERY_SECONDS, 100000);
    assert_true(metrics_get(metrics, METRIC_DELIVERY_SECONDS, NULL, NULL) == 3);
    g_autofree char *text = print(metrics);
    assert_line(text, "# TYPE alertpost_delivery_latency_seconds histogram");
    assert_line(text, "alertpost_delivery_latency_seconds_bucket{le=\"0.005\"} 1");
    assert_line(text, "alertpost_delivery_latency_seconds_bucket{le=\"0.01\"} 2");
    assert_line(text, "alertpost_delivery_latency_seconds_bucket{le=\"21600\"} 2");
    assert_line(text, "alertpost_delivery_latency_seconds_bucket{le=\"+Inf\"} 3");
    assert_line(text, "alertpost_delivery_latency_seconds_count 3");
    assert_non_null(
        strstr(text, "\nalertpost_delivery_latency_seconds_sum 100000.0101"));
}

static void a_label_value_stays_inside_its_quotes(void **state)
{
    (void)state;
    g_autoptr(Metrics) metrics = metrics_new();
    metrics_add(metrics, METRIC_TEMPLATE_ERRORS, 1, "a\"} 1\nb\\c\xFF\xC3\xA9", "to");
    g_autofree char *text = print(metrics);
    assert_line(text, "alertpost_template_errors_total"
                      "{receiver=\"a\\\"} 1\\nb\\\\c\xEF\xBF\xBD\xC3\xA9\",part=\"to\"} 1");
}

static void labels_that_are_no_text_are_counted_as_what_they_are_made(void **state)
{
    (void)state;
    Metrics *metrics = metrics_new();
    metrics_add(metrics, METRIC_WEBHOOK_REQUESTS, 1, "a\xff", "200");
    metrics_add(metrics, METRIC_WEBHOOK_REQUESTS, 1, "a\xff", "200");
    metrics_add(metrics, METRIC_WEBHOOK_REQUESTS, 1, "a\xfe", "200");
    metrics_add(metrics, METRIC_WEBHOOK_REQUESTS, 1, "a", "\xff" "200");
    assert_true(metrics_get(metrics, METRIC_WEBHOOK_REQUESTS, "a\xff", "200") == 3);
    assert_true(metrics_get(metrics, METRIC_WEBHOOK_REQUESTS, "a\uFFFD", "200") == 3);
    assert_true(metrics_get(metrics, METRIC_WEBHOOK_REQUESTS, "a", "200") == 0);
    metrics_free(metrics);
}

static void label_sets_beyond_the_ceiling_are_counted_together(void **state)
{
    (void)state;
    g_autoptr(Metrics) metrics = metrics_new();
    for (int i = 0; i < 1005; i++) {
        g_autofree char *name = g_strdup_printf("r%d", i);
        metrics_add(metrics, METRIC_NOTIFICATIONS, 1, name, "queued");
    }
    metrics_add(metrics, METRIC_NOTIFICATIONS, 1, "r7", "queued");
    assert_true(metrics_get(metrics, METRIC_NOTIFICATIONS, "r999", "queued") == 1);
    assert_true(metrics_get(metrics, METRIC_NOTIFICATIONS, "r1000", "queued") == 0);
    assert_true(metrics_get(metrics, METRIC_NOTIFICATIONS, "other", "other") == 5);
    assert_true(metrics_get(metrics, METRIC_NOTIFICATIONS, "r7", "queued") == 2);
}

/* The text format, as far as we use it: comments in pairs, then samples. */
static void every_line_is_in_prometheus_text_format(void **state)
{
    (void)state;
    g_autoptr(Metrics) metrics = metrics_new();
    metrics_add(metrics, METRIC_DELIVERIES, 1e18, "[::1]:25", "delivered");
    metrics_add(metrics, METRIC_DELIVERIES, 1, "", "");
    metrics_set(metrics, METRIC_QUEUE_OLDEST_S, -1.5e-9, NULL, NULL);
    g_autofree char *text = print(metrics);
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
    const char *name = "";
    size_t n = 0;
    for (char **line = lines; line[1] != NULL; line++, n++) {
        if (g_str_has_prefix(*line, "# HELP ")) {
            name = strtok(*line + 7, " ");
            assert_true(g_hash_table_add(seen, (gpointer)(uintptr_t)name));
            g_autofree char *type =
                g_strdup_printf("^# TYPE %s (counter|gauge|histogram)$", name);
            assert_true(g_regex_match_simple(type, *++line, 0, 0));
            assert_int_equal(g_str_has_suffix(*line, " counter"),
                             g_str_has_suffix(name, "_total"));
            continue;
        }
        assert_true(g_str_has_prefix(*line, name));
        assert_true(g_regex_match_simple(
            "^alertpost_[a-z_]+(\\{[a-z]+=\"[^\"\\\\]*\"(,[a-z]+=\"[^\"\\\\]*\")*\\})? "
            "-?[0-9.]+(e[+-][0-9]+)?$",
            *line, 0, 0));
    }
    assert_int_equal(g_hash_table_size(seen), METRIC_COUNT);
    assert_true(n > METRIC_COUNT);
}

#define README_FILE SOURCE_DIR "/bridge/README.md"
#define LIST_START  "<!-- metrics -->\n"
#define LIST_END    "<!-- /metrics -->"

/* With UPDATE set, the page is written anew instead. */
static void the_manual_lists_the_metrics_there_are(void **state)
{
    (void)state;
    g_autofree char *page = NULL;
    assert_true(g_file_get_contents(README_FILE, &page, NULL, NULL));
    char *start = strstr(page, LIST_START), *end = strstr(page, LIST_END);
    assert_non_null(start);
    assert_non_null(end);
    start += strlen(LIST_START);
    g_autofree char *listed = g_strndup(start, (gsize)(end - start));
    g_autoptr(GString) list = g_string_new(NULL);
    metrics_print_manual(list);
    if (g_getenv("UPDATE") != NULL) {
        *start = '\0';
        g_autofree char *renewed =
            g_strconcat(page, list->str, LIST_END, end + strlen(LIST_END), NULL);
        assert_true(g_file_set_contents(README_FILE, renewed, -1, NULL));
    } else if (strcmp(listed, list->str) != 0) {
        fail_msg("bridge/README.md is stale: run UPDATE=1 "
                 "build/tests/test_metrics");
    }
}

static void nothing_happens_without_metrics(void **state)
{
    (void)state;
    metrics_add(NULL, METRIC_STORE_COMMITS, 1, NULL, NULL);
    metrics_set(NULL, METRIC_STORE_COMMITS, 1, NULL, NULL);
    metrics_observe(NULL, METRIC_DELIVERY_SECONDS, 1);
    assert_true(metrics_get(NULL, METRIC_STORE_COMMITS, NULL, NULL) == 0);
    g_autofree char *text = print(NULL);
    assert_string_equal(text, "");
    metrics_free(NULL);
}

static void *add_many(void *data)
{
    for (int i = 0; i < 2000; i++) {
        metrics_add(data, METRIC_SMTP_REPLIES, 1, "rcpt", "2");
        metrics_observe(data, METRIC_DELIVERY_SECONDS, 0.1);
    }
    return NULL;
}

static void threads_lose_no_count(void **state)
{
    (void)state;
    g_autoptr(Metrics) metrics = metrics_new();
    pthread_t threads[4];
    for (size_t i = 0; i < 4; i++) {
        pthread_create(&threads[i], NULL, add_many, metrics);
    }
    g_autofree char *meanwhile = print(metrics);
    assert_non_null(meanwhile);
    for (size_t i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
    }
    assert_true(metrics_get(metrics, METRIC_SMTP_REPLIES, "rcpt", "2") == 8000);
    assert_true(metrics_get(metrics, METRIC_DELIVERY_SECONDS, NULL, NULL) == 8000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_counted_is_printed),
        cmocka_unit_test(a_histogram_counts_what_is_at_most_its_bound),
        cmocka_unit_test(a_label_value_stays_inside_its_quotes),
        cmocka_unit_test(labels_that_are_no_text_are_counted_as_what_they_are_made),
        cmocka_unit_test(label_sets_beyond_the_ceiling_are_counted_together),
        cmocka_unit_test(every_line_is_in_prometheus_text_format),
        cmocka_unit_test(the_manual_lists_the_metrics_there_are),
        cmocka_unit_test(nothing_happens_without_metrics),
        cmocka_unit_test(threads_lose_no_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
