/* SPDX-License-Identifier: MIT */
/* The mails of store_sqlite as people see them: listed, found by name, with what the
 * attempts said; and what is left of those that are gone, until it is forgotten.
 *
 * Whatever may look at many rows takes one slice and says where the next begins. */
#include "bridge/outbox/sql.h"

#include <string.h>

enum {
    LIST_SLICE = 1000, /* numbers looked at, … */
    LOAD_SLICE = 200,  /* … of which so many are loaded */
    NAMES_SLICE = 2000,
    ATTEMPTS_MAX = 200, /* of a mail: the first half and the last */
};

/* Attempts. */

static bool next_number(Store *store, const Mail *mail, int64_t *number, GError **error)
{
    const SqlId id = SQL_ATTEMPT_NEXT;
    SqlStep step = sql_first(store, id, SQL_VALUES(SQL_NUMBER(mail->id)), error);
    *number = step == SQL_ROW ? sql_number(store, id, 0) : 0;
    if (step == SQL_ROW) {
        sql_end(store, id);
    }
    return step != SQL_FAILED;
}

bool store_attempt_insert(Store *store, int64_t mail, int64_t number,
                          const PastAttempt *attempt, GError **error)
{
    const Outcome *said = &attempt->outcome;
    bool ok = sql_run(store, SQL_ATTEMPT_INSERT,
                      SQL_VALUES(SQL_NUMBER(mail), SQL_NUMBER(number),
                                 SQL_NUMBER(attempt->recipient), SQL_NUMBER(attempt->at_ms),
                                 SQL_NUMBER(said->kind), SQL_NUMBER(said->code),
                                 SQL_TEXT(said->enhanced), SQL_TEXT(said->relay),
                                 SQL_TEXT(said->text)),
                      error);
    if (ok && number >= ATTEMPTS_MAX) {
        int64_t middle = number - ATTEMPTS_MAX / 2;
        ok = sql_run(store, SQL_ATTEMPT_FORGET,
                     SQL_VALUES(SQL_NUMBER(mail), SQL_NUMBER(middle)), error);
    }
    return ok;
}

bool store_attempts_add(Store *store, const Mail *mail, GError **error)
{
    int64_t number = -1;
    bool ok = true;
    for (unsigned i = 0; ok && i < mail->n_recipients; i++) {
        const Recipient *r = &mail->recipients[i];
        if (!r->tried || r->last.kind == OUTCOME_DELIVERED) {
            continue;
        }
        const PastAttempt attempt = {i, r->last_ms, r->last};
        ok = (number >= 0 || next_number(store, mail, &number, error)) &&
             store_attempt_insert(store, mail->id, number++, &attempt, error);
    }
    return ok;
}

static bool load_attempts(Store *store, int64_t mail, GArray *attempts, GError **error)
{
    const SqlId id = SQL_ATTEMPT_LOAD;
    SqlStep step = sql_first(store, id, SQL_VALUES(SQL_NUMBER(mail)), error);
    for (; step == SQL_ROW; step = sql_next(store, id, error)) {
        PastAttempt attempt = {(unsigned)sql_number(store, id, 0),
                               sql_number(store, id, 1), {0}};
        outcome_set(&attempt.outcome, (OutcomeKind)sql_number(store, id, 2),
                    (int)sql_number(store, id, 3), sql_text(store, id, 4),
                    sql_text(store, id, 5), sql_text(store, id, 6));
        g_array_append_val(attempts, attempt);
    }
    return step == SQL_END;
}

/* Mails. */

bool store_history_load(Store *store, int64_t number, bool whole, StoredMail **found,
                        GError **error)
{
    g_autoptr(GPtrArray) mails = g_ptr_array_new();
    g_autoptr(StoredMail) stored = g_new0(StoredMail, 1);
    *found = NULL;
    bool ok = store_mails_load(store, number, mails, stored, error);
    stored->mail = mails->len > 0 ? mails->pdata[0] : NULL;
    if (!ok || stored->mail == NULL) {
        return ok;
    }
    if (whole) {
        stored->attempts = g_array_new(FALSE, FALSE, sizeof(PastAttempt));
        g_array_set_clear_func(stored->attempts, past_attempt_clear);
        ok = load_attempts(store, number, stored->attempts, error) &&
             store_mails_load_body(store, stored->mail, error);
    }
    *found = ok ? g_steal_pointer(&stored) : NULL;
    return ok;
}

/* The numbers of the next slice of mails in one of the states. */
static bool next_numbers(Store *store, const MailQuery *query, int64_t before,
                         GArray *numbers, GError **error)
{
    const SqlId id = SQL_MAIL_LIST;
    SqlStep step = sql_first(
        store, id,
        SQL_VALUES(SQL_NUMBER(before), SQL_NUMBER(LIST_SLICE), SQL_NUMBER(query->states)),
        error);
    for (; step == SQL_ROW; step = sql_next(store, id, error)) {
        int64_t number = sql_number(store, id, 0);
        g_array_append_val(numbers, number);
    }
    return step == SQL_END;
}

static bool matches(Store *store, const MailQuery *query, int64_t number, bool *match,
                    GError **error)
{
    const SqlId id = SQL_MAIL_MATCHES;
    SqlStep step = sql_first(store, id,
                             SQL_VALUES(SQL_NUMBER(number),
                                        SQL_NUMBER(query->accepted_from_ms),
                                        SQL_NUMBER(query->accepted_to_ms),
                                        SQL_TEXT(query->receiver),
                                        SQL_TEXT(query->recipient)),
                             error);
    *match = step == SQL_ROW;
    if (step == SQL_ROW) {
        sql_end(store, id);
    }
    return step != SQL_FAILED;
}

bool store_history_list(Store *store, const MailQuery *query, int64_t *before,
                        GPtrArray *mails, GError **error)
{
    g_autoptr(GArray) numbers = g_array_new(FALSE, FALSE, sizeof(int64_t));
    bool ok = next_numbers(store, query, *before, numbers, error);
    unsigned enough = MIN(query->max, mails->len + LOAD_SLICE), i = 0;
    for (; ok && i < numbers->len && mails->len < enough; i++) {
        bool match;
        StoredMail *found = NULL;
        *before = g_array_index(numbers, int64_t, i);
        ok = matches(store, query, *before, &match, error) &&
             (!match || store_history_load(store, *before, false, &found, error));
        if (found != NULL) {
            g_ptr_array_add(mails, found);
        }
    }
    if (ok && i == numbers->len && numbers->len < LIST_SLICE) {
        *before = 0;
    }
    return ok;
}

bool store_history_seek(Store *store, const char *message_id, int64_t *before,
                        int64_t *number, GError **error)
{
    const SqlId id = SQL_MAIL_NAMES;
    unsigned n = 0;
    *number = 0;
    SqlStep step = sql_first(
        store, id, SQL_VALUES(SQL_NUMBER(*before), SQL_NUMBER(NAMES_SLICE)), error);
    for (; step == SQL_ROW; step = sql_next(store, id, error), n++) {
        *before = sql_number(store, id, 0);
        if (strcmp(sql_text(store, id, 1), message_id) == 0) {
            *number = *before;
            sql_end(store, id);
            return true;
        }
    }
    if (n < NAMES_SLICE) {
        *before = 0;
    }
    return step == SQL_END;
}

/* Forgetting. */

static bool remove_record(Store *store, int64_t number, GError **error)
{
    const SqlValue *id = SQL_VALUES(SQL_NUMBER(number));
    store_shared(store)->stats.history--;
    return sql_run(store, SQL_MAIL_REMOVE, id, error) &&
           sql_run(store, SQL_RECIPIENT_REMOVE, id, error) &&
           sql_run(store, SQL_ATTEMPT_REMOVE, id, error);
}

/* Appends the oldest of STATE that may go: the first TOO_MANY, and what is too old. */
static bool list_gone(Store *store, MailState state, int64_t before_ms, uint64_t too_many,
                      unsigned max, GArray *numbers, GError **error)
{
    const SqlId id = SQL_MAIL_GONE;
    SqlStep step = sql_first(store, id, SQL_VALUES(SQL_NUMBER(state), SQL_NUMBER(max)), error);
    for (; step == SQL_ROW; step = sql_next(store, id, error)) {
        int64_t number = sql_number(store, id, 0);
        if (numbers->len >= too_many && sql_number(store, id, 1) >= before_ms) {
            sql_end(store, id);
            return true;
        }
        g_array_append_val(numbers, number);
    }
    return step == SQL_END;
}

bool store_history_forget(Store *store, int64_t before_ms, size_t keep, unsigned max,
                          unsigned *forgotten, GError **error)
{
    static const MailState states[] = {MAIL_DELIVERED, MAIL_DROPPED};
    g_autoptr(GArray) numbers = g_array_new(FALSE, FALSE, sizeof(int64_t));
    uint64_t kept = store_shared(store)->stats.history;
    bool ok = true;
    for (unsigned i = 0; ok && i < G_N_ELEMENTS(states) && numbers->len < max; i++) {
        ok = list_gone(store, states[i], before_ms, kept > keep ? kept - keep : 0,
                       max - numbers->len, numbers, error);
    }
    for (unsigned i = 0; ok && i < numbers->len; i++) {
        ok = remove_record(store, g_array_index(numbers, int64_t, i), error);
    }
    *forgotten = numbers->len;
    return ok;
}
