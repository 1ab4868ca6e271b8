/* SPDX-License-Identifier: MIT */
/* template_conformance FILE...
 *
 * Runs case files against the template engine: cases of the language (a set of templates,
 * data, the output or the phase and part of the error) and cases of Alertmanager's data
 * and functions (one text over a webhook's body in data/ beside the file, with the
 * templates of Debian's Alertmanager, where it is installed).  Prints what fails. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "case_run.h"

/* The functions that came after the releases the cases were recorded with. */
static const char *const newer_functions[] = {
    "toDate", "mustToDate", "base64encode", "base64decode", "routeLabels",
};

/* The outcome of the newest release that was asked, where it differs from the oldest. */
static const Json *expectation(const Json *item)
{
    static const char *const releases[][2] = {{"go_newer", "1.27.3"}, {"newer", "0.33.1"}};
    for (size_t i = 0; i < G_N_ELEMENTS(releases); i++) {
        const Json *newer = json_get(item, releases[i][0]);
        const Json *newest = newer == NULL ? NULL : json_get(newer, releases[i][1]);
        if (newest != NULL) {
            return newest;
        }
    }
    return item;
}

static bool has_tag(const Json *item, const char *tag)
{
    const Json *tags = json_get(item, "tags");
    const Json *at = tags == NULL || !json_is_array(tags) ? NULL : json_first(tags);
    for (; at != NULL; at = json_next(at)) {
        if (g_strcmp0(json_text(at), tag) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_newer_function(const char *expected_error)
{
    for (size_t i = 0; i < G_N_ELEMENTS(newer_functions); i++) {
        g_autofree char *text =
            g_strdup_printf("function \"%s\" not defined", newer_functions[i]);
        if (strcmp(text, expected_error) == 0) {
            return true;
        }
    }
    return false;
}

/* Whether an error is the one that was recorded; PHASE is NULL where it was not. */
static bool is_expected_error(const Json *expected, const Outcome *outcome)
{
    const char *contains = case_text_of(expected, "error_contains");
    const char *phase = case_text_of(expected, "phase");
    if (contains == NULL) {
        return false; /* it says neither what to print nor how to fail */
    }
    if (outcome->error == NULL) {
        return is_newer_function(contains);
    }
    return strstr(outcome->error->message, contains) != NULL &&
           (phase == NULL || strcmp(phase, outcome->phase) == 0);
}

static bool is_expected(const Json *item, const Outcome *outcome)
{
    const Json *expected = expectation(item);
    const char *want = case_text_of(expected, "want");
    if (has_tag(item, "js") && outcome->error != NULL) {
        return strcmp(outcome->phase, "exec") != 0; /* refused when loaded */
    }
    if (want == NULL) {
        return is_expected_error(expected, outcome);
    }
    g_autoptr(Arena) arena = arena_new();
    Value text = case_text(arena, want);
    return outcome->error == NULL && outcome->output->len == text.n &&
           memcmp(outcome->output->str, text.text, text.n) == 0;
}

static void report(const Json *item, const Outcome *outcome)
{
    const Json *expected = expectation(item);
    const char *want = case_text_of(expected, "want");
    printf("FAILED %s\n  want %s: %s\n", case_text_or_empty(item, "name"),
           want != NULL ? "text" : "error",
           want != NULL ? want : case_text_or_empty(expected, "error_contains"));
    if (outcome->error != NULL) {
        printf("  got error (%s): %s\n", outcome->phase, outcome->error->message);
    } else {
        printf("  got text: %s\n", outcome->output->str);
    }
}

static bool run_case(const Json *item, const char *folder)
{
    Outcome outcome = case_run(item, folder);
    bool good = is_expected(item, &outcome);
    if (!good) {
        report(item, &outcome);
    }
    outcome_clear(&outcome);
    return good;
}

/* Adds to what passed and failed. False if the file cannot be read. */
static bool run_file(const char *path, unsigned counts[2])
{
    g_autoptr(GError) error = NULL;
    g_autoptr(Json) json = case_parse(path, &error);
    g_autofree char *folder = g_path_get_dirname(path);
    const Json *cases = json == NULL ? NULL : json_get(json, "cases");
    if (cases == NULL || !json_is_array(cases)) {
        fprintf(stderr, "%s: %s\n", path, error != NULL ? error->message : "no cases");
        return false;
    }
    for (const Json *item = json_first(cases); item != NULL; item = json_next(item)) {
        counts[run_case(item, folder) ? 0 : 1]++;
    }
    return true;
}

int main(int argc, char **argv)
{
    unsigned counts[2] = {0, 0};
    bool good = argc > 1;
    if (argc < 2) {
        fprintf(stderr, "usage: template_conformance FILE...\n");
    }
    for (int i = 1; i < argc; i++) {
        good = run_file(argv[i], counts) && good;
    }
    printf("%u passed, %u failed\n", counts[0], counts[1]);
    return good && counts[1] == 0 ? 0 : 1;
}
