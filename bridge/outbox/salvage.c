/* SPDX-License-Identifier: MIT */
/* Reading around damage.  A row is asked for by what it is ordered by: the first one
 * behind the last.  If that fails, a page on the way to it is damaged; then the next
 * places are tried until one can be read, or there is nothing more, or too many have
 * failed.  Whatever is read is looked at before it is believed, since a page may hold
 * anything. */
#include "bridge/outbox/salvage.h"

#include <string.h>

#include "bridge/delivery/address.h"
#include "bridge/outbox/sql.h"

enum {
    FAILURES_MAX = 1000000, /* numbers in a row that cannot be read: no more behind them */
    RECIPIENTS_MAX = 1000000,
    DUE_MAX_MS = 24 * 3600 * 1000, /* the retry.max of few is longer */
};

struct Salvage {
    Store *store;
    int64_t number; /* of the mail looked at last */
    char *key;      /* of the record looked at last; NULL: at the end */
    SalvageCounts counts;
};

Salvage *salvage_open(const char *path, GError **error)
{
    Store *store = store_sqlite_salvage(path, error);
    if (store == NULL) {
        return NULL;
    }
    Salvage *salvage = g_new0(Salvage, 1);
    salvage->store = store;
    salvage->key = g_strdup("");
    return salvage;
}

void salvage_close(Salvage *salvage)
{
    if (salvage != NULL) {
        store_sqlite.close(salvage->store);
        g_free(salvage->key);
        g_free(salvage);
    }
}

SalvageCounts salvage_counts(const Salvage *salvage)
{
    return salvage->counts;
}

/* Mails. */

static bool is_text(const char *text)
{
    return text != NULL && g_utf8_validate(text, -1, NULL);
}

static bool take_text(Store *store, SqlId id, int column, char **text)
{
    const char *found = sql_text(store, id, column);
    g_free(*text);
    *text = g_strdup(is_text(found) ? found : "");
    return is_text(found);
}

/* Of the current row.  False if it makes no sense. */
static bool read_mail(Store *store, Mail *mail, int64_t *state, int64_t now_ms)
{
    const SqlId id = SQL_OLD_MAIL;
    mail->id = sql_number(store, id, 0);
    *state = sql_number(store, id, 1);
    mail->accepted_ms = MIN(sql_number(store, id, 2), now_ms); /* nothing waits for ever */
    mail->length = (size_t)sql_number(store, id, 3);
    mail->integration = (unsigned)sql_number(store, id, 6);
    return take_text(store, id, 4, &mail->relay) && take_text(store, id, 5, &mail->receiver) &&
           take_text(store, id, 7, &mail->message_id) && *mail->message_id != '\0' &&
           take_text(store, id, 8, &mail->sender) && take_text(store, id, 9, &mail->group) &&
           take_text(store, id, 10, &mail->subject) && *state >= 0 && *state < MAIL_STATES &&
           mail->accepted_ms > 0;
}

/* What was in an attempt when the end came may have arrived. */
static void call_in_doubt(Recipient *recipient, int64_t now_ms)
{
    outcome_set(&recipient->last, OUTCOME_IN_DOUBT, 0, "", "",
                "the program ended during the attempt");
    recipient->in_doubt = true;
    recipient->attempts++;
    recipient->due_ms = now_ms + RETRY_IN_DOUBT_MS;
}

static bool read_recipient(Store *store, Mail *mail, int64_t now_ms)
{
    const SqlId id = SQL_OLD_RECIPIENTS;
    const char *address = sql_text(store, id, 0);
    int64_t state = sql_number(store, id, 1), kind = sql_number(store, id, 6);
    if (!is_text(address) || state < 0 || state > RECIPIENT_DROPPED || kind < 0 ||
        kind > OUTCOME_IN_DOUBT || mail->n_recipients == RECIPIENTS_MAX) {
        return false;
    }
    mail_add_recipient(mail, address);
    Recipient *r = &mail->recipients[mail->n_recipients - 1];
    r->state = state == RECIPIENT_WAITING ? RECIPIENT_QUEUED : (RecipientState)state;
    r->attempts = (unsigned)sql_number(store, id, 3);
    r->due_ms = MIN(sql_number(store, id, 4), now_ms + DUE_MAX_MS);
    r->in_doubt = sql_number(store, id, 5) != 0;
    const char *enhanced = sql_text(store, id, 8), *relay = sql_text(store, id, 9),
               *text = sql_text(store, id, 10);
    outcome_set(&r->last, (OutcomeKind)kind, (int)sql_number(store, id, 7),
                is_text(enhanced) ? enhanced : "", is_text(relay) ? relay : "",
                text != NULL ? text : "");
    if (r->state == RECIPIENT_QUEUED && sql_number(store, id, 2) != 0) {
        call_in_doubt(r, now_ms);
    }
    return r->state != RECIPIENT_QUEUED || address_fault(address) == NULL;
}

static bool read_recipients(Store *store, Mail *mail, int64_t now_ms)
{
    const SqlId id = SQL_OLD_RECIPIENTS;
    SqlStep step = sql_first(store, id, SQL_VALUES(SQL_NUMBER(mail->id)), NULL);
    for (; step == SQL_ROW; step = sql_next(store, id, NULL)) {
        if (!read_recipient(store, mail, now_ms)) {
            sql_end(store, id);
            return false;
        }
    }
    return step == SQL_END && mail->n_recipients > 0;
}

/* The bytes are those of this mail, and whole. */
static bool read_body(Store *store, Mail *mail)
{
    size_t length = mail->length;
    return store_mails_load_body(store, mail, NULL) && mail->bytes != NULL &&
           mail->length == length && strlen(mail->bytes) == length &&
           strstr(mail->bytes, mail->message_id) != NULL;
}

/* Goes to the next row, over what cannot be read.  False at the end. */
static bool find_mail(Salvage *salvage)
{
    bool failed = false;
    for (unsigned failures = 0; failures < FAILURES_MAX; failures++) {
        if (salvage->number == INT64_MAX) {
            return false;
        }
        salvage->number++;
        SqlStep step = sql_first(salvage->store, SQL_OLD_MAIL,
                                 SQL_VALUES(SQL_NUMBER(salvage->number)), NULL);
        if (step != SQL_FAILED) {
            salvage->counts.gaps += failed;
            return step == SQL_ROW;
        }
        failed = true;
    }
    salvage->counts.gaps++;
    return false;
}

Mail *salvage_next_mail(Salvage *salvage, int64_t now_ms)
{
    Store *store = salvage->store;
    while (find_mail(salvage)) {
        g_autoptr(Mail) mail = mail_new();
        int64_t state;
        bool sane = read_mail(store, mail, &state, now_ms);
        salvage->number = MAX(salvage->number, mail->id);
        sql_end(store, SQL_OLD_MAIL);
        if (sane && state >= MAIL_DELIVERED) {
            salvage->counts.gone++;
        } else if (sane && read_recipients(store, mail, now_ms) && read_body(store, mail)) {
            salvage->counts.mails++;
            mail->since_ms = now_ms;
            return g_steal_pointer(&mail);
        } else {
            salvage->counts.unreadable++;
        }
    }
    return NULL;
}

/* Records. */

/* The first N bytes of KEY with the last one raised: a key behind all that begin with
 * them.  NULL if it cannot be raised. */
static char *skip_key(const char *key, size_t n)
{
    char *next = g_strndup(key, n);
    if ((guchar)next[n - 1] == 0xff) {
        g_free(next);
        return NULL;
    }
    next[n - 1] = (char)((guchar)next[n - 1] + 1);
    return next;
}

/* The row behind KEY. */
static SqlStep ask_record(Salvage *salvage, const char *key)
{
    return sql_first(salvage->store, SQL_OLD_RECORD, SQL_VALUES(SQL_TEXT(key)), NULL);
}

/* Behind a place that cannot be read, in ever larger steps. */
static SqlStep leap(Salvage *salvage)
{
    SqlStep step = SQL_FAILED;
    salvage->counts.gaps++;
    for (size_t n = strlen(salvage->key); step == SQL_FAILED && n > 0; n--) {
        g_autofree char *next = skip_key(salvage->key, n);
        step = next != NULL ? ask_record(salvage, next) : SQL_FAILED;
    }
    return step;
}

/* Where even the first row cannot be read: by every first byte that a key may have. */
static SqlStep leap_from_start(Salvage *salvage)
{
    SqlStep step = SQL_FAILED;
    salvage->counts.gaps++;
    for (unsigned byte = 1; step == SQL_FAILED && byte < 0x100; byte++) {
        const char key[] = {(char)byte, '\0'};
        step = ask_record(salvage, key);
    }
    return step;
}

bool salvage_next_record(Salvage *salvage, Record *record)
{
    const SqlId id = SQL_OLD_RECORD;
    *record = (Record){0};
    if (salvage->key == NULL) {
        return false;
    }
    SqlStep step = ask_record(salvage, salvage->key);
    if (step == SQL_FAILED) {
        step = *salvage->key != '\0' ? leap(salvage) : leap_from_start(salvage);
    }
    if (step != SQL_ROW) {
        g_clear_pointer(&salvage->key, g_free);
        return false;
    }
    const void *value = sql_blob(salvage->store, id, 2, &record->length);
    record->key = g_strdup(sql_text(salvage->store, id, 0));
    record->expires_ms = sql_number(salvage->store, id, 1);
    record->value = g_malloc(record->length + 1);
    if (record->length > 0) {
        memcpy(record->value, value, record->length);
    }
    sql_end(salvage->store, id);
    g_free(salvage->key);
    salvage->key = g_strdup(record->key);
    salvage->counts.records++;
    return true;
}
