/* SPDX-License-Identifier: MIT */
/* The mails of store_sqlite, in and out.  In between they are claimed: store_claims.c.
 *
 * A mail is in the index of what is ready only while it may be claimed.  A claim marks
 * it and those of its recipients that are to be tried; the report takes the marks off
 * and files the mail by what is left of it: ready again later, gone, or dead.
 * Recipients of one group queue up in a lane: only its head may be tried, and whoever
 * becomes final makes the next one the head. */
#include "bridge/outbox/sql.h"

#include <string.h>

typedef struct {
    int64_t mail, position, due_ms;
    RecipientState state;
    bool claimed;
    OutcomeKind kind;
} Head;

static bool is_pending(const Recipient *recipient)
{
    return recipient->state == RECIPIENT_QUEUED || recipient->state == RECIPIENT_WAITING;
}

void store_wake(Store *store, const char *relay, int64_t due_ms)
{
    const StoreWatcher *watcher = &store_shared(store)->watcher;
    watcher->wake(watcher->who, relay, due_ms);
}

/* Lanes. */

/* Mails without a group need no order. */
static SqlValue lane_of(Store *store, const Mail *mail, const Recipient *recipient)
{
    if (*mail->group == '\0') {
        return SQL_NONE;
    }
    GChecksum *checksum = store_shared(store)->checksum;
    guint8 digest[32];
    gsize length = sizeof digest;
    int64_t lane;
    g_checksum_reset(checksum);
    g_checksum_update(checksum, (const guchar *)mail->group,
                      (gssize)strlen(mail->group) + 1);
    g_checksum_update(checksum, (const guchar *)recipient->address, -1);
    g_checksum_get_digest(checksum, digest, &length);
    memcpy(&lane, digest, sizeof lane);
    return SQL_NUMBER(lane);
}

static SqlStep find_head(Store *store, SqlValue lane, Head *head, GError **error)
{
    const SqlId id = SQL_RECIPIENT_HEAD;
    SqlStep step =
        lane.type == SQL_TYPE_NULL ? SQL_END : sql_first(store, id, &lane, error);
    if (step == SQL_ROW) {
        *head = (Head){
            .mail = sql_number(store, id, 0),
            .position = sql_number(store, id, 1),
            .state = (RecipientState)sql_number(store, id, 2),
            .claimed = sql_number(store, id, 3) != 0,
            .due_ms = sql_number(store, id, 4),
            .kind = (OutcomeKind)sql_number(store, id, 5),
        };
        sql_end(store, id);
    }
    return step;
}

/* The head of a lane may be tried at DUE_MS. */
static bool release(Store *store, const Head *head, int64_t due_ms, GError **error)
{
    const SqlId id = SQL_MAIL_HURRY;
    if (!sql_run(store, SQL_RECIPIENT_HURRY,
                 SQL_VALUES(SQL_NUMBER(head->mail), SQL_NUMBER(head->position),
                            SQL_NUMBER(due_ms)),
                 error)) {
        return false;
    }
    SqlStep step = sql_first(store, id,
                             SQL_VALUES(SQL_NUMBER(head->mail), SQL_NUMBER(due_ms)), error);
    if (step == SQL_ROW) {
        store_wake(store, sql_text(store, id, 0), sql_number(store, id, 1));
        sql_end(store, id);
    }
    return step != SQL_FAILED;
}

/* A recipient of a new mail: behind somebody, or free to go.  The one in front is made
 * due, unless it is on its way or in doubt. */
static bool line_up(Store *store, SqlValue lane, Recipient *recipient, int64_t now_ms,
                    GError **error)
{
    Head head;
    SqlStep step = find_head(store, lane, &head, error);
    if (step != SQL_ROW) {
        return step == SQL_END;
    }
    recipient->state = RECIPIENT_WAITING;
    bool hurry = !head.claimed && head.due_ms > now_ms && head.kind != OUTCOME_IN_DOUBT;
    return !hurry || release(store, &head, now_ms, error);
}

bool store_mails_advance(Store *store, const Mail *mail, unsigned position, GError **error)
{
    SqlValue lane = lane_of(store, mail, &mail->recipients[position]);
    Head head;
    SqlStep step = find_head(store, lane, &head, error);
    if (step != SQL_ROW || head.state != RECIPIENT_WAITING) {
        return step != SQL_FAILED;
    }
    return release(store, &head, head.due_ms, error);
}

/* In. */

static bool insert_mail(Store *store, Mail *mail, int64_t state, SqlValue ready_ms,
                        int64_t now_ms, GError **error)
{
    bool ok = sql_run(store, SQL_MAIL_INSERT,
                      SQL_VALUES(SQL_NUMBER(state), ready_ms, SQL_NUMBER(now_ms),
                                 SQL_NUMBER(mail->attempts), SQL_NUMBER(mail->accepted_ms),
                                 SQL_NUMBER(mail->length), SQL_TEXT(mail->relay),
                                 SQL_TEXT(mail->receiver), SQL_NUMBER(mail->integration),
                                 SQL_TEXT(mail->message_id), SQL_TEXT(mail->sender),
                                 SQL_TEXT(mail->group), SQL_TEXT(mail->subject),
                                 SQL_NUMBER(MAX(mail->accepted_ms, mail->since_ms)),
                                 SQL_NUMBER(state == MAIL_BURIED && *mail->receiver != '\0')),
                      error);
    mail->id = ok ? sql_last_id(store) : 0;
    return ok && sql_run(store, SQL_BODY_INSERT,
                         SQL_VALUES(SQL_NUMBER(mail->id),
                                    SQL_BLOB(mail->bytes, mail->length)),
                         error);
}

static bool insert_recipient(Store *store, const Mail *mail, unsigned position,
                             SqlValue lane, bool claim, GError **error)
{
    const Recipient *r = &mail->recipients[position];
    return sql_run(store, SQL_RECIPIENT_INSERT,
                   SQL_VALUES(SQL_NUMBER(mail->id), SQL_NUMBER(position),
                              SQL_TEXT(r->address), lane, SQL_NUMBER(r->state),
                              SQL_NUMBER(claim && r->state == RECIPIENT_QUEUED),
                              SQL_NUMBER(r->attempts), SQL_NUMBER(r->due_ms),
                              SQL_NUMBER(r->in_doubt), SQL_NUMBER(r->last.kind),
                              SQL_NUMBER(r->last.code), SQL_TEXT(r->last.enhanced),
                              SQL_TEXT(r->last.relay), SQL_TEXT(r->last.text),
                              SQL_NUMBER(r->last_ms)),
                   error);
}

/* Some of those who are still to get it were tried before: in what is brought back from
 * another database. */
static bool was_tried(const Mail *mail)
{
    for (unsigned i = 0; i < mail->n_recipients; i++) {
        if (is_pending(&mail->recipients[i]) && mail->recipients[i].attempts > 0) {
            return true;
        }
    }
    return false;
}

/* When the first of those to be tried may be; none: INT64_MAX. */
static int64_t ready_ms(const Mail *mail)
{
    int64_t ready = INT64_MAX;
    for (unsigned i = 0; i < mail->n_recipients; i++) {
        const Recipient *r = &mail->recipients[i];
        if (r->state == RECIPIENT_QUEUED) {
            ready = MIN(ready, MAX(r->due_ms, mail->accepted_ms));
        }
    }
    return ready;
}

/* Files the new mail under the state that follows from its recipients. */
static bool file_mail(Store *store, Mail *mail, int64_t now_ms, bool claim, GError **error)
{
    OutboxStats *stats = &store_shared(store)->stats;
    int64_t ready = ready_ms(mail);
    bool to_try = ready < INT64_MAX;
    if (mail_fate(mail) != MAIL_PENDING) {
        stats->dead++;
        return insert_mail(store, mail, MAIL_BURIED, SQL_NONE, now_ms, error);
    }
    stats->bytes += mail->length;
    if (claim && to_try) {
        stats->claimed++;
        mail->attempts = 1;
        return insert_mail(store, mail, MAIL_CLAIMED, SQL_NONE, now_ms, error);
    }
    MailState state = was_tried(mail) ? MAIL_DEFERRED : MAIL_QUEUED;
    ++*store_count_of(stats, state);
    if (to_try) {
        store_wake(store, mail->relay, ready);
    }
    return insert_mail(store, mail, state, to_try ? SQL_NUMBER(ready) : SQL_NONE, now_ms,
                       error);
}

bool store_mails_insert(Store *store, Mail *mail, int64_t now_ms, bool claim,
                        GError **error)
{
    g_autofree SqlValue *lanes = g_new(SqlValue, mail->n_recipients);
    bool ok = true;
    mail->attempts = 0;
    for (unsigned i = 0; ok && i < mail->n_recipients; i++) {
        Recipient *recipient = &mail->recipients[i];
        lanes[i] = lane_of(store, mail, recipient);
        ok = recipient->state != RECIPIENT_QUEUED ||
             line_up(store, lanes[i], recipient, now_ms, error);
    }
    ok = ok && file_mail(store, mail, now_ms, claim, error);
    for (unsigned i = 0; ok && i < mail->n_recipients; i++) {
        ok = insert_recipient(store, mail, i, lanes[i], claim, error);
    }
    return ok;
}

/* Reported. */

/* Only the record is left. */
static bool let_go(Store *store, const Mail *mail, int64_t now_ms, GError **error)
{
    OutboxStats *stats = &store_shared(store)->stats;
    if (!sql_run(store, SQL_MAIL_DELIVERED,
                 SQL_VALUES(SQL_NUMBER(mail->id), SQL_NUMBER(now_ms)), error)) {
        return false;
    }
    if (sql_changes(store) > 0) {
        stats->claimed--;
        stats->history++;
        stats->bytes -= mail->length;
    }
    return sql_run(store, SQL_BODY_REMOVE, SQL_VALUES(SQL_NUMBER(mail->id)), error);
}

static bool update_recipients(Store *store, const Mail *mail, GError **error)
{
    for (unsigned i = 0; i < mail->n_recipients; i++) {
        const Recipient *r = &mail->recipients[i];
        if (r->state != RECIPIENT_WAITING &&
            !sql_run(store, SQL_RECIPIENT_UPDATE,
                     SQL_VALUES(SQL_NUMBER(mail->id), SQL_NUMBER(i), SQL_NUMBER(r->state),
                                SQL_NUMBER(r->attempts), SQL_NUMBER(r->due_ms),
                                SQL_NUMBER(r->in_doubt), SQL_NUMBER(r->last.kind),
                                SQL_NUMBER(r->last.code), SQL_TEXT(r->last.enhanced),
                                SQL_TEXT(r->last.relay), SQL_TEXT(r->last.text),
                                SQL_NUMBER(r->last_ms)),
                     error)) {
            return false;
        }
    }
    return true;
}

static bool settle(Store *store, const Mail *mail, int64_t now_ms, GError **error)
{
    const SqlId id = SQL_MAIL_SETTLE;
    MailState state = was_tried(mail) ? MAIL_DEFERRED : MAIL_QUEUED;
    SqlStep step = sql_first(
        store, id,
        SQL_VALUES(SQL_NUMBER(mail->id), SQL_NUMBER(state), SQL_NUMBER(now_ms)), error);
    if (step == SQL_ROW) {
        OutboxStats *stats = &store_shared(store)->stats;
        stats->claimed--;
        ++*store_count_of(stats, state);
        if (!sql_is_null(store, id, 1)) {
            store_wake(store, sql_text(store, id, 0), sql_number(store, id, 1));
        }
        sql_end(store, id);
    }
    return step != SQL_FAILED;
}

static bool bury(Store *store, const Mail *mail, int64_t now_ms, GError **error)
{
    const SqlId id = SQL_MAIL_BURY;
    SqlStep step = sql_first(store, id,
                             SQL_VALUES(SQL_NUMBER(mail->id), SQL_NUMBER(now_ms)), error);
    if (step == SQL_ROW) {
        OutboxStats *stats = &store_shared(store)->stats;
        stats->claimed--;
        stats->dead++;
        stats->bytes -= (uint64_t)sql_number(store, id, 0);
        sql_end(store, id);
    }
    return step != SQL_FAILED;
}

static bool file_reported(Store *store, const Mail *mail, int64_t now_ms, GError **error)
{
    switch (mail_fate(mail)) {
    case MAIL_DONE:
        return let_go(store, mail, now_ms, error);
    case MAIL_DEAD:
        return bury(store, mail, now_ms, error);
    default:
        return settle(store, mail, now_ms, error);
    }
}

bool store_mails_report(Store *store, const Mail *mail, int64_t now_ms, GError **error)
{
    bool ok = update_recipients(store, mail, error) &&
              store_attempts_add(store, mail, error) &&
              file_reported(store, mail, now_ms, error);
    for (unsigned i = 0; ok && i < mail->n_recipients; i++) {
        ok = is_pending(&mail->recipients[i]) ||
             store_mails_advance(store, mail, i, error);
    }
    return ok;
}
