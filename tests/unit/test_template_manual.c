/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "rules/template/funcs.h"
#include "rules/template/template.h"

/* The alert the manual speaks of. */
static Event *make_event(void)
{
    static const Label common[] = {
        {"alertname", "DiskFull"}, {"instance", "db-1"}, {"severity", "critical"}};
    Event *event = event_new();
    Alert *alert = arena_alloc(event->arena, sizeof *alert);
    Label *labels = arena_array(event->arena, Label, G_N_ELEMENTS(common));

    memcpy(labels, common, sizeof common);
    alert->labels = labels_make(labels, G_N_ELEMENTS(common));
    alert->ends_at = TIMESTAMP_ZERO;
    alert->generator_url = alert->silence_url = alert->dashboard_url = "";
    alert->panel_url = alert->value_string = "";
    assert_true(timestamp_parse("2024-03-09T16:04:05Z", &alert->starts_at));
    event->alerts = alert;
    event->n_alerts = 1;
    event->external_url = event->reason = "";
    event->group_labels = (Labels){labels, 1};
    event_summarize(event);
    return event;
}

static char *render(const char *text)
{
    static const Label route[] = {{"owner", "storage"}};
    g_autoptr(Event) event = make_event();
    Notification notification = {
        .event = event, .receiver = "team", .route_labels = {route, 1}};
    g_autoptr(TemplateSet) set = template_set_new();
    g_autoptr(GError) error = NULL;
    g_autoptr(GString) out = g_string_new(NULL);

    assert_true(timestamp_parse("2024-03-09T17:04:05Z", &notification.now));
    g_autoptr(Template) tmpl = template_compile(set, TEMPLATE_TEXT, "", text, &error);
    if (tmpl == NULL || !template_execute(tmpl, &notification, NULL, out, &error)) {
        return g_strdup(error->message);
    }
    return g_string_free(g_steal_pointer(&out), FALSE);
}

/* The code in a table's cell: `a \| b` is a | b. */
static char *cell_code(const char *cell)
{
    const char *start = strchr(cell, '`'), *end = strrchr(cell, '`');

    assert_non_null(start);
    assert_true(end > start);
    g_autofree char *code = g_strndup(start + 1, (size_t)(end - start) - 1);
    g_auto(GStrv) parts = g_strsplit(code, "\\|", -1);
    return g_strjoinv("|", parts);
}

/* What a row is about: the first code of its first cell, up to a blank. */
static char *cell_usage(const char *cell)
{
    const char *start = strchr(cell, '`');
    assert_non_null(start);
    return g_strndup(start + 1, strcspn(start + 1, "` "));
}

/* The cells of a row with an example; NULL for other lines. */
static char **example_cells(const char *line)
{
    if (!g_str_has_prefix(line, "| `") || strstr(line, "| `{{") == NULL) {
        return NULL;
    }
    return g_strsplit(line, " | ", -1);
}

static void check_member(GHashTable *shown, const char *name)
{
    g_autofree char *member = g_strconcat(".", name, NULL);
    if (!g_hash_table_contains(shown, member)) {
        fail_msg("%s has no example", member);
    }
}

static void every_function_and_member_has_an_example_that_is_true(void **state)
{
    (void)state;
    g_autofree char *manual = NULL;
    assert_true(
        g_file_get_contents(SOURCE_DIR "/rules/README.md", &manual, NULL, NULL));
    g_auto(GStrv) lines = g_strsplit(manual, "\n", -1);
    g_autoptr(GHashTable) shown =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    for (size_t i = 0; lines[i] != NULL; i++) {
        g_auto(GStrv) cells = example_cells(lines[i]);
        if (cells == NULL) {
            continue;
        }
        assert_int_equal(g_strv_length(cells), 3);
        g_autofree char *usage = cell_usage(cells[0]), *example = cell_code(cells[1]);
        g_autofree char *want = cell_code(cells[2]), *got = render(example);
        assert_string_equal(got, want);
        assert_non_null(strstr(example, usage));
        const char *member = strrchr(usage, '.');
        g_hash_table_add(shown, g_strdup(member != NULL ? member : usage));
    }
    for (const Func *func = funcs_alertmanager; func->name != NULL; func++) {
        if (!g_hash_table_contains(shown, func->name)) {
            fail_msg("%s has no example", func->name);
        }
    }
    for (const Field *field = fields; field->name != NULL; field++) {
        check_member(shown, field->name);
    }
    for (const Method *method = methods; method->func.name != NULL; method++) {
        check_member(shown, method->func.name);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_function_and_member_has_an_example_that_is_true),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
