/* SPDX-License-Identifier: MIT */
/* Functions that Alertmanager does not have. */
#include <stdlib.h>
#include <string.h>

#include "rules/fault.h"
#include "rules/rune.h"
#include "rules/template/funcs_alertmanager.h"
#include "rules/template/methods.h"

#define ELLIPSIS "\xE2\x80\xA6"

/* Where the first CHARACTERS of TEXT end; a mark stays with what it is put on. */
static size_t cut_at(Value text, int64_t characters)
{
    size_t end = 0, base = 0, length;

    if ((int64_t)text.n <= characters) {
        return text.n; /* at least one byte each */
    }
    for (; end < text.n; end += length, characters--) {
        bool is_mark =
            g_unichar_ismark(rune_decode(text.text + end, text.n - end, &length));
        if (characters == 0) {
            return is_mark ? base : end;
        }
        base = is_mark ? base : end;
    }
    return end;
}

/* {{ truncate 80 .Annotations.summary }} */
bool func_truncate(Exec *exec, const Value *args, size_t n, Value *result,
                   GError **error)
{
    (void)n;
    if (args[0].integer < 0) {
        g_set_error(error, FAULT, FAULT_INPUT, "negative length %" G_GINT64_FORMAT,
                    args[0].integer);
        return false;
    }
    size_t end = cut_at(args[1], args[0].integer);
    if (end == args[1].n) {
        *result = args[1];
        return true;
    }
    GString *out = arena_text_begin(exec_arena(exec));
    g_string_append_len(out, args[1].text, (gssize)end);
    g_string_append(out, ELLIPSIS);
    return func_give_text(exec, out, result, error);
}

static bool is_classic_name(const char *name)
{
    size_t letters = strspn(name, "abcdefghijklmnopqrstuvwxyz"
                                  "ABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789");

    return letters > 0 && name[letters] == '\0' && !g_ascii_isdigit(*name);
}

static void append_quoted(GString *out, const char *text)
{
    g_string_append_c(out, '"');
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
    g_string_append_c(out, '"');
}

/* {a="b",c="d"}: the matchers of a silence for these labels. */
bool func_silence_filter(Exec *exec, const Value *args, size_t n, Value *result,
                         GError **error)
{
    Value pairs = kv_sorted_pairs(exec_arena(exec), args[0].labels);
    GString *out = arena_text_begin(exec_arena(exec));

    (void)n;
    g_string_append_c(out, '{');
    for (size_t i = 0; i < pairs.n; i++) {
        const Label *label = &pairs.pairs[i];
        g_string_append(out, i > 0 ? "," : "");
        if (is_classic_name(label->name)) {
            g_string_append(out, label->name);
        } else {
            append_quoted(out, label->name);
        }
        g_string_append_c(out, '=');
        append_quoted(out, label->value);
    }
    g_string_append_c(out, '}');
    return func_give_text(exec, out, result, error);
}

static const struct {
    const char *word;
    int rank;
} severities[] = {
    {"critical", 4}, {"error", 3}, {"major", 3},
    {"warning", 2},  {"minor", 2}, {"info", 1},
};

/* 0 for other words, -1 without a severity. */
static int severity_rank(const Alert *alert)
{
    const char *severity = labels_get(&alert->labels, "severity");

    if (severity == NULL || *severity == '\0') {
        return -1;
    }
    for (size_t i = 0; i < G_N_ELEMENTS(severities); i++) {
        if (g_ascii_strcasecmp(severity, severities[i].word) == 0) {
            return severities[i].rank;
        }
    }
    return 0;
}

/* The worst severity of the alerts in small letters, "" if none has one. */
bool func_severity(Exec *exec, const Value *args, size_t n, Value *result,
                   GError **error)
{
    const char *worst = "";
    int worst_rank = -1;

    (void)n;
    for (size_t i = 0; i < args[0].n; i++) {
        const Alert *alert = args[0].alerts[i];
        int rank = severity_rank(alert);
        if (rank > worst_rank) {
            worst = labels_get(&alert->labels, "severity");
            worst_rank = rank;
        }
    }
    g_autofree char *lower = g_utf8_strdown(worst, -1);
    return func_give_text(exec, g_string_new(lower), result, error);
}

typedef struct {
    const Alert *alert;
    int rank;
    size_t place;
} Ranked;

/* The worst first, of these the newest. */
static int compare_ranked(const void *a, const void *b)
{
    const Ranked *left = a, *right = b;

    if (left->rank != right->rank) {
        return left->rank > right->rank ? -1 : 1;
    }
    int order = timestamp_compare(right->alert->starts_at, left->alert->starts_at);
    if (order != 0) {
        return order;
    }
    return left->place < right->place ? -1 : 1;
}

bool func_by_severity(Exec *exec, const Value *args, size_t n, Value *result,
                      GError **error)
{
    size_t n_alerts = args[0].n;
    g_autofree Ranked *ranked = g_new(Ranked, n_alerts + 1);
    const Alert **sorted = arena_array(exec_arena(exec), const Alert *, n_alerts + 1);

    (void)n;
    if (!exec_charge(exec, n_alerts, error)) {
        return false;
    }
    for (size_t i = 0; i < n_alerts; i++) {
        const Alert *alert = args[0].alerts[i];
        ranked[i] = (Ranked){alert, severity_rank(alert), i};
    }
    qsort(ranked, n_alerts, sizeof *ranked, compare_ranked);
    for (size_t i = 0; i < n_alerts; i++) {
        sorted[i] = ranked[i].alert;
    }
    *result = args[0];
    result->alerts = sorted;
    return true;
}
