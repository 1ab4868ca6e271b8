/* SPDX-License-Identifier: MIT */
/* Functions of ours that a mail needs: what to count, where to link, when to stop. */
#include <string.h>

#include "rules/template/escapers.h"
#include "rules/template/exec.h"
#include "rules/template/funcs_alertmanager.h"

/* A longer link is left out: mail clients and servers cut it anyway. */
#define LINK_MAX 2000
/* More different values than this tell a reader nothing. */
#define TELLING_MAX 8
/* Labels of an alert that are looked at for it. */
#define TELLING_LABELS 32

/* {{ plus $i 1 }} */
bool func_plus(Exec *exec, const Value *args, size_t n, Value *result, GError **error)
{
    (void)exec, (void)n, (void)error;
    *result =
        value_int((int64_t)((uint64_t)args[0].integer + (uint64_t)args[1].integer));
    return true;
}

bool func_minus(Exec *exec, const Value *args, size_t n, Value *result, GError **error)
{
    (void)exec, (void)n, (void)error;
    *result =
        value_int((int64_t)((uint64_t)args[0].integer - (uint64_t)args[1].integer));
    return true;
}

/* Bytes that the template has written so far. */
bool func_written(Exec *exec, const Value *args, size_t n, Value *result,
                  GError **error)
{
    (void)args, (void)n, (void)error;
    *result = value_int((int64_t)(exec->out->len - exec->out_start));
    return true;
}

typedef struct {
    int64_t seconds;
    const char *name;
} Unit;

static const Unit units[] = {{86400, "d"}, {3600, "h"}, {60, "min"}, {1, "s"}};

/* The largest unit and, of days and hours, the next one: 2 d 4 h, 3 h 5 min, 28 min. */
static void append_duration(GString *out, int64_t seconds)
{
    size_t i = 0;
    while (units[i].seconds > 1 && seconds < units[i].seconds) {
        i++;
    }
    int64_t rest = seconds % units[i].seconds;
    g_string_append_printf(out, "%" G_GINT64_FORMAT " %s", seconds / units[i].seconds,
                           units[i].name);
    bool has_next = units[i].seconds >= 3600 && rest >= units[i + 1].seconds;
    if (has_next && seconds < 100 * units[0].seconds) {
        g_string_append_printf(out, " %" G_GINT64_FORMAT " %s",
                               rest / units[i + 1].seconds, units[i + 1].name);
    }
}

/* {{ since .StartsAt | shortDuration }}; what lies in the future is no time at all. */
bool func_short_duration(Exec *exec, const Value *args, size_t n, Value *result,
                         GError **error)
{
    GString *out = arena_text_begin(exec_arena(exec));
    (void)n;
    append_duration(out, MAX(args[0].integer, 0) / 1000000000);
    return func_give_text(exec, out, result, error);
}

/* Bytes of the scheme, 0 if it is neither http nor https. */
static size_t scheme_length(const char *url, size_t n)
{
    static const char *const schemes[] = {"http://", "https://"};
    for (size_t i = 0; i < G_N_ELEMENTS(schemes); i++) {
        size_t length = strlen(schemes[i]);
        if (n > length && g_ascii_strncasecmp(url, schemes[i], length) == 0) {
            return length;
        }
    }
    return 0;
}

static bool is_web_url(const char *url, size_t n)
{
    size_t host = scheme_length(url, n);
    return host > 0 && n <= LINK_MAX && strchr("/?#", url[host]) == NULL;
}

/* A link that may stand in a mail, with what no URL may hold percent-encoded; "" for
 * anything else. */
bool func_web_url(Exec *exec, const Value *args, size_t n, Value *result,
                  GError **error)
{
    GString *out = arena_text_begin(exec_arena(exec));
    (void)n;
    if (is_web_url(args[0].text, args[0].n)) {
        normalize_url(args[0].text, args[0].n, out);
    }
    if (out->len > LINK_MAX) {
        g_string_truncate(out, 0);
    }
    return func_give_text(exec, out, result, error);
}

/* Whether matchers for the labels can fit in a link. */
static bool is_linkable(const Labels *labels)
{
    size_t length = 0;
    for (size_t i = 0; i < labels->n && length <= LINK_MAX; i++) {
        length +=
            strlen(labels->items[i].name) + strnlen(labels->items[i].value, LINK_MAX);
    }
    return labels->n > 0 && length <= LINK_MAX;
}

/* BASE without slashes at its end, PATH, MATCHERS; a blank is %20, because
 * Alertmanager's pages take + for a plus. */
static GString *join_url(Arena *arena, Value base, Value path, Value matchers)
{
    GString *out = arena_text_begin(arena);
    while (base.n > 0 && base.text[base.n - 1] == '/') {
        base.n--;
    }
    normalize_url(base.text, base.n, out);
    normalize_url(path.text, path.n, out);
    escape_url(matchers.text, matchers.n, out);
    if (out->len > LINK_MAX) {
        g_string_truncate(out, 0);
    }
    return out;
}

/* {{ filterURL .ExternalURL "/#/silences/new?filter=" .Labels }}; "" without a base,
 * without labels, or where it would be too long. */
bool func_filter_url(Exec *exec, const Value *args, size_t n, Value *result,
                     GError **error)
{
    Value matchers;
    (void)n;
    *result = value_text_n("", 0);
    if (!is_web_url(args[0].text, args[0].n) || !is_linkable(args[2].labels)) {
        return true;
    }
    return func_silence_filter(exec, &args[2], 1, &matchers, error) &&
           func_give_text(exec, join_url(exec_arena(exec), args[0], args[1], matchers), result,
                          error);
}

static const char *label_of(const Alert *alert, const char *name)
{
    const char *value = labels_get(&alert->labels, name);
    return value != NULL ? value : "";
}

typedef struct {
    const char *value;
    uint64_t alerts;
} Tally;

/* Counts VALUE, known by PLACES or new at the end of TALLIES. */
static void tally_add(GArray *tallies, GHashTable *places, const char *value)
{
    gsize place = GPOINTER_TO_SIZE(g_hash_table_lookup(places, value));
    if (place == 0) {
        Tally tally = {.value = value};
        g_array_append_val(tallies, tally);
        place = tallies->len;
        g_hash_table_insert(places, (gpointer)(guintptr)value, GSIZE_TO_POINTER(place));
    }
    g_array_index(tallies, Tally, place - 1).alerts++;
}

/* {{ range countBy "severity" .Alerts }}{{ .Value }} {{ .Name }}{{ end }}: how many
 * alerts have each value of a label, in the order in which the values first appear. */
bool func_count_by(Exec *exec, const Value *args, size_t n, Value *result,
                   GError **error)
{
    g_autoptr(GHashTable) places = g_hash_table_new(g_str_hash, g_str_equal);
    g_autoptr(GArray) tallies = g_array_new(FALSE, FALSE, sizeof(Tally));
    Arena *arena = exec_arena(exec);
    const char *name = arena_strndup(arena, args[0].text, args[0].n);
    (void)n;
    if (!exec_charge(exec, args[1].n, error)) {
        return false;
    }
    for (size_t i = 0; i < args[1].n; i++) {
        tally_add(tallies, places, label_of(args[1].alerts[i], name));
    }
    Label *pairs = arena_array(arena, Label, tallies->len + 1);
    for (size_t i = 0; i < tallies->len; i++) {
        const Tally *tally = &g_array_index(tallies, Tally, i);
        pairs[i] = (Label){tally->value,
                           arena_printf(arena, "%" G_GUINT64_FORMAT, tally->alerts)};
    }
    *result = value_pairs(pairs, tallies->len);
    return true;
}

/* The number of the label's values, as far as it is telling, else 0. */
static size_t count_values(Value alerts, const char *name)
{
    const char *seen[TELLING_MAX];
    size_t n_seen = 0;
    for (size_t i = 0; i < alerts.n; i++) {
        const char *value = label_of(alerts.alerts[i], name);
        size_t at = 0;
        while (at < n_seen && strcmp(seen[at], value) != 0) {
            at++;
        }
        if (at == TELLING_MAX) {
            return 0;
        }
        if (at == n_seen) {
            seen[n_seen++] = value;
        }
    }
    return n_seen;
}

/* The label that divides the alerts best, without severity: the one with the most
 * values that a reader can still take in.  "" if there is none. */
bool func_telling(Exec *exec, const Value *args, size_t n, Value *result,
                  GError **error)
{
    const Labels none = {NULL, 0};
    const Labels *labels = args[0].n > 0 ? &args[0].alerts[0]->labels : &none;
    size_t n_labels = MIN(labels->n, TELLING_LABELS), most = 1;
    (void)n;
    *result = value_text_n("", 0);
    if (!exec_charge(exec, n_labels * args[0].n, error)) {
        return false;
    }
    for (size_t i = 0; i < n_labels; i++) {
        const char *name = labels->items[i].name;
        size_t values = strcmp(name, "severity") == 0 ? 0 : count_values(args[0], name);
        if (values > most) {
            most = values;
            *result = value_text(name);
        }
    }
    return true;
}
