/* SPDX-License-Identifier: MIT */
/* Payloads as their senders' documentation shows them: what data/payloads/NAME.json is
 * read as stands in NAME.txt.  UPDATE=1 writes those anew; look at what changed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/intake/format.h"
#include "rules/fault.h"

#define PAYLOADS TEST_DATA "/payloads/"

static const LimitsConfig limits = {.body = 1 << 20, .alerts = 100, .labels = 100};

/* "Name: value\nName: value" */
static const char *find_header(const void *request, const char *name)
{
    static char value[200];
    size_t length = strlen(name);
    for (const char *at = request; at != NULL; at = strchr(at, '\n')) {
        at += *at == '\n';
        if (g_ascii_strncasecmp(at, name, length) == 0 && at[length] == ':') {
            g_strlcpy(value, at + length + 2, strcspn(at + length + 2, "\n") + 1);
            return value;
        }
    }
    return NULL;
}

static Event *parse(const char *type, Family family, const char *headers, const char *body,
                    size_t length, GError **error)
{
    char name[] = "here";
    g_autofree char *own = g_strdup(type);
    SourceConfig source = {.name = name, .type = own, .family = family};
    const Format *format = format_find(type);
    assert_non_null(format);
    FormatInput input = {.source = &source,
                         .limits = &limits,
                         .header = headers != NULL ? find_header : NULL,
                         .request = headers};
    return format_parse(format, &input, body, length, error);
}

static void print_labels(GString *out, const char *name, const Labels *labels)
{
    for (size_t i = 0; i < labels->n; i++) {
        g_autofree char *value = g_strescape(labels->items[i].value, NULL);
        g_string_append_printf(out, "  %s %s: %s\n", name, labels->items[i].name, value);
    }
}

static void print_text(GString *out, const char *name, const char *text)
{
    if (*text != '\0') {
        g_string_append_printf(out, "%s: %s\n", name, text);
    }
}

static void print_time(GString *out, const char *name, Timestamp time)
{
    if (!timestamp_is_zero(time)) {
        CivilTime civil = timestamp_civil(time);
        g_string_append_printf(out, "  %s: %d-%02d-%02d %02d:%02d:%02d\n", name,
                               (int)civil.year, civil.month, civil.day, civil.hour,
                               civil.minute, civil.second);
    }
}

static void print_alert(GString *out, const Alert *alert)
{
    g_string_append_printf(out, "%s\n", alert_status_text(alert->status));
    print_labels(out, "label", &alert->labels);
    print_labels(out, "annotation", &alert->annotations);
    print_time(out, "starts", alert->starts_at);
    print_time(out, "ends", alert->ends_at);
    print_text(out, "  link", alert->generator_url);
    print_text(out, "  silence", alert->silence_url);
    print_text(out, "  dashboard", alert->dashboard_url);
    print_text(out, "  panel", alert->panel_url);
    print_text(out, "  value", alert->value_string);
}

static void print_event(GString *out, const Event *event)
{
    print_text(out, "ignored", event->ignored);
    print_text(out, "group", event->group_key);
    print_text(out, "external", event->external_url);
    print_text(out, "delivery", event->event_id);
    if (event->sequence[0] > 0 || event->sequence[1] > 0) {
        g_string_append_printf(out, "sequence: %" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT "\n",
                               event->sequence[0], event->sequence[1]);
    }
    print_labels(out, "group", &event->group_labels);
    for (size_t i = 0; i < event->n_alerts; i++) {
        print_alert(out, &event->alerts[i]);
    }
}

typedef struct {
    const char *name, *type;
    const char *headers; /* NULL: read from a file, without a request */
} Example;

static const Example examples[] = {
    {"grafana-firing", "grafana", NULL},
};

static Family family_of(const char *type)
{
    bool monitoring = strcmp(type, "grafana") == 0 || strcmp(type, "alertmanager") == 0;
    return monitoring ? FAMILY_MONITORING : FAMILY_CI;
}

static void check_example(const Example *example)
{
    g_autofree char *json = g_strconcat(PAYLOADS, example->name, ".json", NULL);
    g_autofree char *text = g_strconcat(PAYLOADS, example->name, ".txt", NULL);
    g_autofree char *body = NULL;
    g_autofree char *expected = NULL;
    gsize length;
    assert_true(g_file_get_contents(json, &body, &length, NULL));
    g_autoptr(GError) error = NULL;
    g_autoptr(Event) event = parse(example->type, family_of(example->type),
                                   example->headers, body, length, &error);
    g_autoptr(GString) out = g_string_new(NULL);
    if (event == NULL) {
        fail_msg("%s: %s", example->name, error->message);
    }
    print_event(out, event);
    if (getenv("UPDATE") != NULL) {
        assert_true(g_file_set_contents(text, out->str, (gssize)out->len, NULL));
    }
    assert_true(g_file_get_contents(text, &expected, NULL, NULL));
    assert_string_equal(out->str, expected);
}

static void what_senders_document_is_read_whole(void **state)
{
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(examples); i++) {
        check_example(&examples[i]);
    }
}

typedef struct {
    const char *type, *body, *message;
} Malformed;

static void a_payload_of_the_wrong_shape_is_refused_with_the_place(void **state)
{
    (void)state;
    static const Malformed table[] = {
        {"grafana", "[]", "not a JSON object"},
        {"grafana", "{\"alerts\":[{},{\"panelURL\":7}]}", "alerts[1].panelURL: not a string"},
        {"grafana", "{\"alerts\":[{\"silenceURL\":{}}]}", "alerts[0].silenceURL: not a string"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(table); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(Event) event =
            parse(table[i].type, family_of(table[i].type), NULL, table[i].body,
                  strlen(table[i].body), &error);
        if (event != NULL) {
            fail_msg("%s: %s", table[i].type, table[i].body);
        }
        assert_string_equal(error->message, table[i].message);
        assert_true(g_error_matches(error, FAULT, FAULT_INPUT));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_senders_document_is_read_whole),
        cmocka_unit_test(a_payload_of_the_wrong_shape_is_refused_with_the_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
