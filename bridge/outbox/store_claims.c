/* SPDX-License-Identifier: MIT */
/* The mails of store_sqlite: found, claimed, loaded, counted. */
#include "bridge/outbox/sql.h"

#include <string.h>

static bool load_recipients(Store *store, Mail *mail, GError **error)
{
    const SqlId id = SQL_RECIPIENT_LOAD;
    SqlStep step = sql_first(store, id, SQL_VALUES(SQL_NUMBER(mail->id)), error);
    for (; step == SQL_ROW; step = sql_next(store, id, error)) {
        mail_add_recipient(mail, sql_text(store, id, 0));
        Recipient *r = &mail->recipients[mail->n_recipients - 1];
        r->state = (RecipientState)sql_number(store, id, 1);
        if (r->state == RECIPIENT_QUEUED && sql_number(store, id, 2) == 0) {
            r->state = RECIPIENT_WAITING;
        }
        r->attempts = (unsigned)sql_number(store, id, 3);
        r->due_ms = sql_number(store, id, 4);
        r->in_doubt = sql_number(store, id, 5) != 0;
        r->last.kind = (OutcomeKind)sql_number(store, id, 6);
        r->last.code = (int)sql_number(store, id, 7);
        g_strlcpy(r->last.enhanced, sql_text(store, id, 8), sizeof r->last.enhanced);
        r->last.relay = g_strdup(sql_text(store, id, 9));
        r->last.text = g_strdup(sql_text(store, id, 10));
        r->last_ms = sql_number(store, id, 11);
    }
    return step == SQL_END;
}

bool store_mails_load_body(Store *store, Mail *mail, GError **error)
{
    const SqlId id = SQL_BODY_LOAD;
    SqlStep step = sql_first(store, id, SQL_VALUES(SQL_NUMBER(mail->id)), error);
    if (step == SQL_ROW) {
        const void *bytes = sql_blob(store, id, 0, &mail->length);
        mail->bytes = g_malloc(mail->length + 1);
        if (mail->length > 0) {
            memcpy(mail->bytes, bytes, mail->length);
        }
        mail->bytes[mail->length] = '\0';
        sql_end(store, id);
    }
    return step != SQL_FAILED;
}

/* Reads a column's text in place of the "" that mail_new() put there. */
static void take_text(Store *store, int column, char **text)
{
    g_free(*text);
    *text = g_strdup(sql_text(store, SQL_MAIL_LOAD, column));
}

static void take_stored(Store *store, StoredMail *stored)
{
    const SqlId id = SQL_MAIL_LOAD;
    stored->state = (MailState)sql_number(store, id, 11);
    stored->changed_ms = sql_number(store, id, 12);
    stored->next_ms = sql_is_null(store, id, 13) ? -1 : sql_number(store, id, 13);
}

bool store_mails_load(Store *store, int64_t mail_id, GPtrArray *mails, StoredMail *stored,
                      GError **error)
{
    const SqlId id = SQL_MAIL_LOAD;
    SqlStep step = sql_first(store, id, SQL_VALUES(SQL_NUMBER(mail_id)), error);
    if (step != SQL_ROW) {
        return step == SQL_END;
    }
    Mail *mail = mail_new();
    g_ptr_array_add(mails, mail);
    mail->id = mail_id;
    mail->attempts = (unsigned)sql_number(store, id, 0);
    mail->accepted_ms = sql_number(store, id, 1);
    mail->length = (size_t)sql_number(store, id, 2);
    mail->integration = (unsigned)sql_number(store, id, 5);
    take_text(store, 3, &mail->relay);
    take_text(store, 4, &mail->receiver);
    take_text(store, 6, &mail->message_id);
    take_text(store, 7, &mail->sender);
    take_text(store, 8, &mail->group);
    take_text(store, 9, &mail->subject);
    mail->since_ms = sql_number(store, id, 10);
    if (stored != NULL) {
        take_stored(store, stored);
    }
    sql_end(store, id);
    return load_recipients(store, mail, error);
}

typedef struct {
    int64_t id, state;
} Candidate;

static bool list_candidates(Store *store, SqlId id, const SqlValue *values,
                            GArray *candidates, GError **error)
{
    SqlStep step = sql_first(store, id, values, error);
    for (; step == SQL_ROW; step = sql_next(store, id, error)) {
        Candidate found = {sql_number(store, id, 0), sql_number(store, id, 1)};
        g_array_append_val(candidates, found);
    }
    return step == SQL_END;
}

/* Marks the mail and its recipients that are due at DUE_MS. */
static bool claim_mail(Store *store, const Candidate *candidate, int64_t due_ms,
                       int64_t now_ms, GError **error)
{
    OutboxStats *stats = &store_shared(store)->stats;
    stats->claimed++;
    --*store_count_of(stats, (MailState)candidate->state);
    return sql_run(store, SQL_MAIL_CLAIM,
                   SQL_VALUES(SQL_NUMBER(candidate->id), SQL_NUMBER(now_ms)), error) &&
           sql_run(store, SQL_RECIPIENT_CLAIM,
                   SQL_VALUES(SQL_NUMBER(candidate->id), SQL_NUMBER(due_ms)), error);
}

bool store_mails_claim(Store *store, const char *relay, int64_t now_ms, unsigned max,
                       GPtrArray *mails, GError **error)
{
    g_autoptr(GArray) candidates = g_array_new(FALSE, FALSE, sizeof(Candidate));
    bool ok = list_candidates(
        store, SQL_MAIL_READY,
        SQL_VALUES(SQL_TEXT(relay), SQL_NUMBER(now_ms), SQL_NUMBER(max)), candidates, error);
    for (unsigned i = 0; ok && i < candidates->len; i++) {
        const Candidate *candidate = &g_array_index(candidates, Candidate, i);
        ok = claim_mail(store, candidate, now_ms, now_ms, error) &&
             store_mails_load(store, candidate->id, mails, NULL, error) &&
             store_mails_load_body(store, mails->pdata[mails->len - 1], error);
    }
    return ok;
}

bool store_mails_queued(Store *store, const char *group, int64_t accepted_ms, bool *queued,
                        GError **error)
{
    SqlStep step = sql_first(store, SQL_MAIL_QUEUED,
                             SQL_VALUES(SQL_NUMBER(accepted_ms), SQL_TEXT(group)), error);
    *queued = step == SQL_ROW;
    if (step == SQL_ROW) {
        sql_end(store, SQL_MAIL_QUEUED);
    }
    return step != SQL_FAILED;
}

bool store_mails_next_due(Store *store, const char *relay, int64_t *due_ms, GError **error)
{
    const SqlId id = SQL_MAIL_NEXT_DUE;
    SqlStep step = sql_first(store, id, SQL_VALUES(SQL_TEXT(relay)), error);
    *due_ms = -1;
    if (step == SQL_ROW) {
        *due_ms = sql_number(store, id, 0);
        sql_end(store, id);
    }
    return step != SQL_FAILED;
}

bool store_mails_announce(Store *store, GError **error)
{
    const SqlId id = SQL_MAIL_DUES;
    SqlStep step = sql_first(store, id, NULL, error);
    for (; step == SQL_ROW; step = sql_next(store, id, error)) {
        store_wake(store, sql_text(store, id, 0), sql_number(store, id, 1));
    }
    return step == SQL_END;
}

bool store_mails_overdue(Store *store, int64_t before_ms, unsigned max, GPtrArray *mails,
                         GError **error)
{
    g_autoptr(GArray) candidates = g_array_new(FALSE, FALSE, sizeof(Candidate));
    bool ok = list_candidates(store, SQL_MAIL_OVERDUE,
                              SQL_VALUES(SQL_NUMBER(before_ms), SQL_NUMBER(max)),
                              candidates, error);
    for (unsigned i = 0; ok && i < candidates->len; i++) {
        const Candidate *candidate = &g_array_index(candidates, Candidate, i);
        ok = claim_mail(store, candidate, INT64_MAX, before_ms, error) &&
             store_mails_load(store, candidate->id, mails, NULL, error);
    }
    return ok;
}

bool store_mails_claimed(Store *store, GPtrArray *mails, GArray *claimed_ms, GError **error)
{
    g_autoptr(GArray) candidates = g_array_new(FALSE, FALSE, sizeof(Candidate));
    bool ok = list_candidates(store, SQL_MAIL_CLAIMED, NULL, candidates, error);
    for (unsigned i = 0; ok && i < candidates->len; i++) {
        const Candidate *candidate = &g_array_index(candidates, Candidate, i);
        g_array_append_val(claimed_ms, candidate->state); /* the second column here */
        ok = store_mails_load(store, candidate->id, mails, NULL, error);
    }
    return ok;
}

bool store_mails_count(Store *store, OutboxStats *stats, GError **error)
{
    SqlStep step = sql_first(store, SQL_MAIL_OLDEST, NULL, error);
    OutboxStats *now = &store_shared(store)->stats;
    now->oldest_ms = step == SQL_ROW ? sql_number(store, SQL_MAIL_OLDEST, 0) : 0;
    if (step == SQL_ROW) {
        sql_end(store, SQL_MAIL_OLDEST);
    }
    *stats = *now;
    return step != SQL_FAILED;
}

uint64_t *store_count_of(OutboxStats *stats, MailState state)
{
    uint64_t *const counts[] = {
        [MAIL_QUEUED] = &stats->queued,     [MAIL_DEFERRED] = &stats->deferred,
        [MAIL_CLAIMED] = &stats->claimed,   [MAIL_BURIED] = &stats->dead,
        [MAIL_DELIVERED] = &stats->history, [MAIL_DROPPED] = &stats->history,
    };
    return counts[state];
}

bool store_mails_recount(Store *store, GError **error)
{
    OutboxStats *stats = &store_shared(store)->stats;
    *stats = (OutboxStats){0};
    SqlStep step = sql_first(store, SQL_MAIL_COUNT, NULL, error);
    for (; step == SQL_ROW; step = sql_next(store, SQL_MAIL_COUNT, error)) {
        size_t state = (size_t)sql_number(store, SQL_MAIL_COUNT, 0);
        if (state < MAIL_STATES) {
            *store_count_of(stats, (MailState)state) +=
                (uint64_t)sql_number(store, SQL_MAIL_COUNT, 1);
        }
    }
    if (step == SQL_END && (step = sql_first(store, SQL_MAIL_BYTES, NULL, error)) == SQL_ROW) {
        stats->bytes = (uint64_t)sql_number(store, SQL_MAIL_BYTES, 0);
        sql_end(store, SQL_MAIL_BYTES);
    }
    return step != SQL_FAILED;
}
