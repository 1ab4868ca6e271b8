/* SPDX-License-Identifier: MIT */
/* The mails of store_sqlite as people change them: tried again, dropped; and what the
 * postmaster is to know.
 *
 * A recipient that comes back from the dead leaves its lane: later mails of its group
 * have gone out meanwhile, and one may be on its way at this moment. */
#include "bridge/outbox/sql.h"

static bool requeue(Store *store, const StoredMail *stored, MailState to, int64_t now_ms,
                    GError **error)
{
    const SqlId id = SQL_MAIL_REQUEUE;
    OutboxStats *stats = &store_shared(store)->stats;
    --*store_count_of(stats, stored->state);
    ++*store_count_of(stats, to);
    stats->bytes += stored->state == MAIL_BURIED ? stored->mail->length : 0;
    SqlStep step = sql_first(
        store, id,
        SQL_VALUES(SQL_NUMBER(stored->mail->id), SQL_NUMBER(to), SQL_NUMBER(now_ms)), error);
    if (step == SQL_ROW) {
        if (!sql_is_null(store, id, 1)) {
            store_wake(store, sql_text(store, id, 0), sql_number(store, id, 1));
        }
        sql_end(store, id);
    }
    return step != SQL_FAILED;
}

bool store_manage_revive(Store *store, const StoredMail *stored, const bool *revive,
                         int64_t now_ms, GError **error)
{
    bool ok = true;
    for (unsigned i = 0; ok && i < stored->mail->n_recipients; i++) {
        ok = !revive[i] ||
             sql_run(store, SQL_RECIPIENT_REVIVE,
                     SQL_VALUES(SQL_NUMBER(stored->mail->id), SQL_NUMBER(i)), error);
    }
    MailState to = stored->state == MAIL_BURIED ? MAIL_QUEUED : stored->state;
    return ok &&
           sql_run(store, SQL_RECIPIENT_NOW,
                   SQL_VALUES(SQL_NUMBER(stored->mail->id), SQL_NUMBER(now_ms)), error) &&
           requeue(store, stored, to, now_ms, error);
}

bool store_manage_drop(Store *store, const StoredMail *stored, int64_t now_ms,
                       GError **error)
{
    const Mail *mail = stored->mail;
    const SqlValue *id = SQL_VALUES(SQL_NUMBER(mail->id));
    OutboxStats *stats = &store_shared(store)->stats;
    --*store_count_of(stats, stored->state);
    stats->history++;
    stats->bytes -= stored->state == MAIL_BURIED ? 0 : mail->length;
    bool ok = sql_run(store, SQL_MAIL_DROP,
                      SQL_VALUES(SQL_NUMBER(mail->id), SQL_NUMBER(now_ms)), error) &&
              sql_run(store, SQL_RECIPIENT_DROP, id, error) &&
              sql_run(store, SQL_BODY_REMOVE, id, error);
    for (unsigned i = 0; ok && i < mail->n_recipients; i++) {
        ok = store_mails_advance(store, mail, i, error);
    }
    return ok;
}

bool store_manage_untold(Store *store, unsigned max, GPtrArray *mails, GError **error)
{
    g_autoptr(GArray) numbers = g_array_new(FALSE, FALSE, sizeof(int64_t));
    SqlStep step = sql_first(store, SQL_MAIL_UNTOLD, SQL_VALUES(SQL_NUMBER(max)), error);
    for (; step == SQL_ROW; step = sql_next(store, SQL_MAIL_UNTOLD, error)) {
        int64_t number = sql_number(store, SQL_MAIL_UNTOLD, 0);
        g_array_append_val(numbers, number);
    }
    bool ok = step == SQL_END;
    for (unsigned i = 0; ok && i < numbers->len; i++) {
        int64_t number = g_array_index(numbers, int64_t, i);
        ok = store_mails_load(store, number, mails, NULL, error);
    }
    return ok;
}

bool store_manage_told(Store *store, const Mail *mail, GError **error)
{
    return sql_run(store, SQL_MAIL_TELL, SQL_VALUES(SQL_NUMBER(mail->id)), error);
}
