/* SPDX-License-Identifier: MIT */
/* The mails of store_sqlite: in, claimed, reported, gone.
 *
 * A mail is in the index of what is ready only while it may be claimed.  A claim marks
 * it and those of its recipients that are to be tried; the report takes the marks off
 * and files the mail by what is left of it: ready again later, removed, or dead.
 * Recipients of one group queue up in a lane: only its head may be tried, and whoever
 * becomes final makes the next one the head. */
#include "bridge/outbox/sql.h"

#include <string.h>

enum { STATE_QUEUED, STATE_DEFERRED, STATE_CLAIMED, STATE_DEAD };

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

/* Lanes. */

/* Mails without a group need no order. */
static SqlValue lane_of(Store *store, const Mail *mail, const Recipient *recipient)
{
    if (*mail->group == '\0') {
        return SQL_NONE;
    }
    GChecksum *checksum = store_checksum(store);
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

static bool advance(Store *store, SqlValue lane, GError **error)
{
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
                                 SQL_TEXT(mail->group), SQL_TEXT(mail->subject)),
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
                              SQL_TEXT(r->last.relay), SQL_TEXT(r->last.text)),
                   error);
}

static unsigned count_state(const Mail *mail, RecipientState state)
{
    unsigned n = 0;
    for (unsigned i = 0; i < mail->n_recipients; i++) {
        n += mail->recipients[i].state == state;
    }
    return n;
}

/* Files the new mail under the state that follows from its recipients. */
static bool file_mail(Store *store, Mail *mail, int64_t now_ms, bool claim, GError **error)
{
    OutboxStats *stats = store_stats(store);
    bool to_try = count_state(mail, RECIPIENT_QUEUED) > 0;
    if (mail_fate(mail) != MAIL_PENDING) {
        stats->dead++;
        return insert_mail(store, mail, STATE_DEAD, SQL_NONE, 0, error);
    }
    stats->bytes += mail->length;
    if (claim && to_try) {
        stats->claimed++;
        mail->attempts = 1;
        return insert_mail(store, mail, STATE_CLAIMED, SQL_NONE, now_ms, error);
    }
    stats->queued++;
    if (to_try) {
        store_wake(store, mail->relay, mail->accepted_ms);
    }
    return insert_mail(store, mail, STATE_QUEUED,
                       to_try ? SQL_NUMBER(mail->accepted_ms) : SQL_NONE, 0, error);
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

/* Claimed. */

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
    }
    return step == SQL_END;
}

static bool load_body(Store *store, Mail *mail, GError **error)
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

/* Appends the mail, with all but its bytes; *MAIL stays the array's. */
static bool load_mail(Store *store, int64_t mail_id, GPtrArray *mails, GError **error)
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
    OutboxStats *stats = store_stats(store);
    stats->claimed++;
    *(candidate->state == STATE_QUEUED ? &stats->queued : &stats->deferred) -= 1;
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
             load_mail(store, candidate->id, mails, error) &&
             load_body(store, mails->pdata[mails->len - 1], error);
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
             load_mail(store, candidate->id, mails, error);
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
        ok = load_mail(store, candidate->id, mails, error);
    }
    return ok;
}

/* Reported. */

static bool remove_mail(Store *store, const Mail *mail, GError **error)
{
    const SqlValue *id = SQL_VALUES(SQL_NUMBER(mail->id));
    OutboxStats *stats = store_stats(store);
    if (!sql_run(store, SQL_MAIL_REMOVE, id, error)) {
        return false;
    }
    if (sql_changes(store) > 0) {
        stats->claimed--;
        stats->bytes -= mail->length;
    }
    return sql_run(store, SQL_RECIPIENT_REMOVE, id, error) &&
           sql_run(store, SQL_BODY_REMOVE, id, error);
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
                                SQL_TEXT(r->last.relay), SQL_TEXT(r->last.text)),
                     error)) {
            return false;
        }
    }
    return true;
}

static bool settle(Store *store, const Mail *mail, GError **error)
{
    const SqlId id = SQL_MAIL_SETTLE;
    unsigned tried = 0;
    for (unsigned i = 0; i < mail->n_recipients; i++) {
        tried += is_pending(&mail->recipients[i]) && mail->recipients[i].attempts > 0;
    }
    int64_t state = tried > 0 ? STATE_DEFERRED : STATE_QUEUED;
    SqlStep step =
        sql_first(store, id, SQL_VALUES(SQL_NUMBER(mail->id), SQL_NUMBER(state)), error);
    if (step == SQL_ROW) {
        OutboxStats *stats = store_stats(store);
        stats->claimed--;
        *(state == STATE_DEFERRED ? &stats->deferred : &stats->queued) += 1;
        if (!sql_is_null(store, id, 1)) {
            store_wake(store, sql_text(store, id, 0), sql_number(store, id, 1));
        }
        sql_end(store, id);
    }
    return step != SQL_FAILED;
}

static bool bury(Store *store, const Mail *mail, GError **error)
{
    const SqlId id = SQL_MAIL_BURY;
    SqlStep step = sql_first(store, id, SQL_VALUES(SQL_NUMBER(mail->id)), error);
    if (step == SQL_ROW) {
        OutboxStats *stats = store_stats(store);
        stats->claimed--;
        stats->dead++;
        stats->bytes -= (uint64_t)sql_number(store, id, 0);
        sql_end(store, id);
    }
    return step != SQL_FAILED;
}

bool store_mails_report(Store *store, const Mail *mail, GError **error)
{
    MailFate fate = mail_fate(mail);
    bool ok = fate == MAIL_DONE ? remove_mail(store, mail, error)
                                : update_recipients(store, mail, error);
    if (ok && fate != MAIL_DONE) {
        ok = fate == MAIL_DEAD ? bury(store, mail, error) : settle(store, mail, error);
    }
    for (unsigned i = 0; ok && i < mail->n_recipients; i++) {
        const Recipient *recipient = &mail->recipients[i];
        ok = is_pending(recipient) ||
             advance(store, lane_of(store, mail, recipient), error);
    }
    return ok;
}
