/* SPDX-License-Identifier: MIT */
#include "bridge/queue_print.h"

#include <string.h>

#include "bridge/compose/clean.h"
#include "rules/timestamp.h"

enum { COLUMNS = 7 };

static const char *text_of(const Json *object, const char *key)
{
    const Json *value = object != NULL ? json_get(object, key) : NULL;
    const char *text = value != NULL ? json_text(value) : NULL;
    return text != NULL ? text : "";
}

static int64_t number_of(const Json *object, const char *key)
{
    const Json *value = object != NULL ? json_get(object, key) : NULL;
    return value != NULL ? (int64_t)json_number(value) : 0;
}

static const Json *first_of(const Json *object, const char *key)
{
    const Json *array = json_get(object, key);
    return array != NULL ? json_first(array) : NULL;
}

/* "450 4.2.0 try later" */
static char *words_of(const Json *outcome)
{
    GString *words = g_string_new("");
    if (number_of(outcome, "code") > 0) {
        g_string_append_printf(words, "%d ", (int)number_of(outcome, "code"));
    }
    if (*text_of(outcome, "enhanced") != '\0') {
        g_string_append_printf(words, "%s ", text_of(outcome, "enhanced"));
    }
    g_string_append(words, text_of(outcome, "text"));
    char *clean = clean_line(words->str);
    g_string_free(words, TRUE);
    return clean;
}

/* The recipient that says most: the first that is not delivered. */
static const Json *find_cause(const Json *mail)
{
    const Json *first = first_of(mail, "recipients"), *at = first;
    while (at != NULL && strcmp(text_of(at, "state"), "delivered") == 0) {
        at = json_next(at);
    }
    return at != NULL ? at : first;
}

static char *age_of(const Json *mail, int64_t now_ms)
{
    static const struct {
        int64_t seconds;
        char name;
    } units[] = {{86400, 'd'}, {3600, 'h'}, {60, 'm'}, {1, 's'}};
    Timestamp accepted;
    if (!timestamp_parse(text_of(mail, "accepted"), &accepted)) {
        return g_strdup("?");
    }
    int64_t age_s = MAX(now_ms - timestamp_ms(accepted), 0) / 1000;
    unsigned i = 0;
    while (i + 1 < G_N_ELEMENTS(units) && age_s < units[i].seconds) {
        i++;
    }
    GString *age = g_string_new(NULL);
    g_string_printf(age, "%d%c", (int)(age_s / units[i].seconds), units[i].name);
    if (i + 1 < G_N_ELEMENTS(units) && age_s % units[i].seconds >= units[i + 1].seconds) {
        g_string_append_printf(age, "%d%c",
                               (int)(age_s % units[i].seconds / units[i + 1].seconds),
                               units[i + 1].name);
    }
    return g_string_free(age, FALSE);
}

static char *recipient_of(const Json *mail)
{
    g_autofree char *address = clean_line(text_of(find_cause(mail), "address"));
    int64_t others = number_of(mail, "recipients_total") - 1;
    return others > 0 ? g_strdup_printf("%s +%d", address, (int)others)
                      : g_steal_pointer(&address);
}

/* What is wrong with this mail server, "" if nothing is known to be. */
static const char *trouble_of(const Json *relay)
{
    const Json *paused = json_get(relay, "paused");
    return paused != NULL && json_is_true(paused) ? text_of(relay, "text") : "";
}

/* A mail that is done with has no next attempt. */
static bool is_waiting_for(const Json *mail, const Json *relay)
{
    return *text_of(mail, "next_attempt") != '\0' &&
           strcmp(text_of(mail, "relay"), text_of(relay, "key")) == 0;
}

static const Json *first_relay(const Json *status)
{
    return status != NULL ? first_of(status, "relays") : NULL;
}

typedef struct {
    char *cells[COLUMNS];
} Row;

static void row_clear(void *data)
{
    for (unsigned i = 0; i < COLUMNS; i++) {
        g_free(((Row *)data)->cells[i]);
    }
}

static Row make_row(const Json *mail, int64_t now_ms)
{
    const Json *cause = find_cause(mail);
    return (Row){{g_strdup_printf("%" G_GINT64_FORMAT, number_of(mail, "number")),
                  age_of(mail, now_ms), clean_line(text_of(mail, "state")),
                  clean_line(text_of(mail, "receiver")), recipient_of(mail),
                  clean_line(text_of(mail, "subject")),
                  words_of(cause != NULL ? json_get(cause, "last") : NULL)}};
}

static Row make_head(void)
{
    static const char *const names[COLUMNS] = {
        "NUMBER", "AGE", "STATE", "RECEIVER", "RECIPIENT", "SUBJECT", "LAST"};
    Row head;
    for (unsigned i = 0; i < COLUMNS; i++) {
        head.cells[i] = g_strdup(names[i]);
    }
    return head;
}

/* The last cell is as long as it is; blanks at the end are left out. */
static void print_row(const Row *row, const glong widths[COLUMNS], GString *out)
{
    size_t start = out->len;
    for (unsigned i = 0; i < COLUMNS; i++) {
        g_string_append(out, row->cells[i]);
        glong missing = widths[i] + 2 - g_utf8_strlen(row->cells[i], -1);
        for (; i + 1 < COLUMNS && missing > 0; missing--) {
            g_string_append_c(out, ' ');
        }
    }
    while (out->len > start && out->str[out->len - 1] == ' ') {
        g_string_truncate(out, out->len - 1);
    }
    g_string_append_c(out, '\n');
}

static void print_rows(const GArray *rows, GString *out)
{
    glong widths[COLUMNS] = {0};
    for (unsigned r = 0; r < rows->len; r++) {
        for (unsigned i = 0; i < COLUMNS; i++) {
            const char *cell = g_array_index(rows, Row, r).cells[i];
            widths[i] = MAX(widths[i], g_utf8_strlen(cell, -1));
        }
    }
    for (unsigned r = 0; r < rows->len; r++) {
        print_row(&g_array_index(rows, Row, r), widths, out);
    }
}

static void print_troubles(const GPtrArray *mails, const Json *status, GString *out)
{
    for (const Json *relay = first_relay(status); relay != NULL; relay = json_next(relay)) {
        unsigned i = 0;
        while (i < mails->len && !is_waiting_for(mails->pdata[i], relay)) {
            i++;
        }
        if (i < mails->len && *trouble_of(relay) != '\0') {
            g_autofree char *clean = clean_line(trouble_of(relay));
            g_string_append_printf(out, "relay fails: %s\n", clean);
        }
    }
}

void queue_print_list(const GPtrArray *mails, const Json *status, int64_t now_ms,
                      GString *out)
{
    g_autoptr(GArray) rows = g_array_new(FALSE, FALSE, sizeof(Row));
    g_array_set_clear_func(rows, row_clear);
    Row row = make_head();
    g_array_append_val(rows, row);
    for (unsigned i = 0; i < mails->len; i++) {
        row = make_row(mails->pdata[i], now_ms);
        g_array_append_val(rows, row);
    }
    if (mails->len > 0) {
        print_rows(rows, out);
    }
    g_string_append_printf(out, "%u mail%s\n", mails->len, mails->len == 1 ? "" : "s");
    print_troubles(mails, status, out);
}

/* One mail. */

static void print_field(GString *out, const char *name, const char *value)
{
    g_autofree char *clean = clean_line(value);
    g_string_append_printf(out, "%-13s %s\n", name, clean);
}

static void print_relay(const Json *mail, const Json *status, GString *out)
{
    print_field(out, "Relay:", text_of(mail, "relay"));
    for (const Json *relay = first_relay(status); relay != NULL; relay = json_next(relay)) {
        if (is_waiting_for(mail, relay) && *trouble_of(relay) != '\0') {
            print_field(out, "Relay fails:", trouble_of(relay));
        }
    }
}

static void print_recipients(const Json *mail, GString *out)
{
    g_string_append(out, "\nRecipients:\n");
    for (const Json *r = first_of(mail, "recipients"); r != NULL; r = json_next(r)) {
        g_autofree char *address = clean_line(text_of(r, "address"));
        const Json *doubt = json_get(r, "in_doubt");
        g_string_append_printf(out, "  %s: %s", address, text_of(r, "state"));
        if (*text_of(r, "deferred_until") != '\0') {
            g_string_append_printf(out, ", deferred until %s", text_of(r, "deferred_until"));
        }
        int attempts = (int)number_of(r, "attempts");
        g_string_append_printf(out, ", %d attempt%s%s\n", attempts, attempts == 1 ? "" : "s",
                               doubt != NULL && json_is_true(doubt)
                                   ? ", in doubt: it may have arrived"
                                   : "");
    }
}

static void print_attempts(const Json *mail, GString *out)
{
    g_string_append(out, "\nAttempts:\n");
    for (const Json *a = first_of(mail, "attempts"); a != NULL; a = json_next(a)) {
        g_autofree char *address = clean_line(text_of(a, "recipient"));
        g_autofree char *relay = clean_line(text_of(a, "relay"));
        g_autofree char *words = words_of(a);
        const char *at = text_of(a, "at");
        g_string_append_printf(out, "  %s  %s  %s  %s  %s\n", *at != '\0' ? at : "-", address,
                               text_of(a, "outcome"), relay, words);
    }
}

void queue_print_mail(const Json *mail, const Json *status, GString *out)
{
    g_autofree char *number = g_strdup_printf("%" G_GINT64_FORMAT, number_of(mail, "number"));
    g_autofree char *size = g_strdup_printf("%" G_GINT64_FORMAT " bytes", number_of(mail, "size"));
    g_autofree char *state =
        g_strdup_printf("%s since %s", text_of(mail, "state"), text_of(mail, "changed"));
    print_field(out, "Number:", number);
    print_field(out, "Message-ID:", text_of(mail, "id"));
    print_field(out, "State:", state);
    print_field(out, "Accepted:", text_of(mail, "accepted"));
    if (*text_of(mail, "next_attempt") != '\0') {
        print_field(out, "Next attempt:", text_of(mail, "next_attempt"));
    }
    print_field(out, "Receiver:", text_of(mail, "receiver"));
    print_relay(mail, status, out);
    print_field(out, "Sender:", text_of(mail, "sender"));
    print_field(out, "Subject:", text_of(mail, "subject"));
    print_field(out, "Size:", size);
    print_recipients(mail, out);
    print_attempts(mail, out);
}
