/* SPDX-License-Identifier: MIT */
#ifndef BRIDGE_OUTBOX_SQL_H
#define BRIDGE_OUTBOX_SQL_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bridge/outbox/statements.h"
#include "bridge/outbox/store.h"

/* What sql.c gives to the other store_*.c: prepared
 * statements by number, typed arguments, rows. */
typedef enum {
#define X(name, text) SQL_##name,
    STATEMENTS(X)
#undef X
    SQL_STATEMENTS
} SqlId;

/* The bytes are bound as they are, not copied: they must live until sql_end(). */
typedef struct {
    enum { SQL_TYPE_NULL, SQL_TYPE_NUMBER, SQL_TYPE_TEXT, SQL_TYPE_BLOB } type;
    int64_t number;
    const void *bytes;
    size_t length;
} SqlValue;
#define SQL_NONE         ((SqlValue){.type = SQL_TYPE_NULL})
#define SQL_NUMBER(n)    ((SqlValue){.type = SQL_TYPE_NUMBER, .number = (int64_t)(n)})
#define SQL_TEXT(t)      ((SqlValue){.type = SQL_TYPE_TEXT, .bytes = (t)}) /* NULL: "" */
#define SQL_BLOB(b, len) ((SqlValue){.type = SQL_TYPE_BLOB, .bytes = (b), .length = (len)})
#define SQL_VALUES(...)  (const SqlValue[]){__VA_ARGS__}

typedef enum { SQL_FAILED, SQL_ROW, SQL_END } SqlStep;

/* Starts a statement with as many VALUES as it has parameters and takes the first step.
 * After SQL_ROW: sql_next() or sql_end(); otherwise the statement has ended. */
SqlStep sql_first(Store *store, SqlId id, const SqlValue *values, GError **error);
SqlStep sql_next(Store *store, SqlId id, GError **error);
void sql_end(Store *store, SqlId id);
/* A statement whose rows, if any, do not matter. */
bool sql_run(Store *store, SqlId id, const SqlValue *values, GError **error);
unsigned sql_changes(Store *store); /* rows the last statement changed */
int64_t sql_last_id(Store *store);  /* of the last row inserted */

/* Columns of the current row; texts and blobs are valid until the next step. */
int64_t sql_number(Store *store, SqlId id, int column);
bool sql_is_null(Store *store, SqlId id, int column);
const char *sql_text(Store *store, SqlId id, int column);
const void *sql_blob(Store *store, SqlId id, int column, size_t *length);

/* What the store's files share. */
typedef struct {
    OutboxStats stats;    /* kept up to date by whoever changes a mail */
    StoreWatcher watcher;
    GChecksum *checksum;  /* for lanes */
    bool tight;           /* the disk is full, the reserve given away */
    char *scanned;        /* the record that the last store_tidy() ended at */
} StoreShared;
StoreShared *store_shared(Store *store);

/* The database at PATH, of ours but perhaps damaged, only to be read and closed.  NULL with
 * ERROR set: INPUT if it is none of ours as far as can be seen, SYSTEM if it cannot be
 * opened or is in use. */
Store *store_sqlite_salvage(const char *path, GError **error);

/* All but its bytes, appended; nothing if there is no such mail.  STORED (may be NULL)
 * gets all but its mail.  Then its bytes, if they are there. */
bool store_mails_load(Store *store, int64_t id, GPtrArray *mails, StoredMail *stored,
                      GError **error);
bool store_mails_load_body(Store *store, Mail *mail, GError **error);
/* The next pending recipient of a final or dropped recipient's group may go. */
bool store_mails_advance(Store *store, const Mail *mail, unsigned position, GError **error);
/* There is, or will be at DUE_MS, something to claim. */
void store_wake(Store *store, const char *relay, int64_t due_ms);
/* What mails of this state are counted in. */
uint64_t *store_count_of(OutboxStats *stats, MailState state);

/* As in StoreOps. */
bool store_mails_insert(Store *store, Mail *mail, int64_t now_ms, bool claim, GError **error);
bool store_mails_claim(Store *store, const char *relay, int64_t now_ms, unsigned max,
                       GPtrArray *mails, GError **error);
bool store_mails_queued(Store *store, const char *group, int64_t accepted_ms, bool *queued,
                        GError **error);
bool store_mails_next_due(Store *store, const char *relay, int64_t *due_ms, GError **error);
bool store_mails_announce(Store *store, GError **error);
bool store_mails_overdue(Store *store, int64_t before_ms, unsigned max, GPtrArray *mails,
                         GError **error);
bool store_mails_claimed(Store *store, GPtrArray *mails, GArray *claimed_ms, GError **error);
bool store_mails_report(Store *store, const Mail *mail, int64_t now_ms, GError **error);
/* Adds what the attempt just reported said to those it did not deliver to. */
bool store_attempts_add(Store *store, const Mail *mail, GError **error);
bool store_attempt_insert(Store *store, int64_t mail, int64_t number,
                          const PastAttempt *attempt, GError **error);
bool store_history_load(Store *store, int64_t number, bool whole, StoredMail **found,
                        GError **error);
bool store_history_list(Store *store, const MailQuery *query, int64_t *before,
                        GPtrArray *mails, GError **error);
bool store_history_seek(Store *store, const char *message_id, int64_t *before,
                        int64_t *number, GError **error);
bool store_history_forget(Store *store, int64_t before_ms, size_t keep, unsigned max,
                          unsigned *forgotten, GError **error);
bool store_manage_revive(Store *store, const StoredMail *stored, const bool *revive,
                         int64_t now_ms, GError **error);
bool store_manage_drop(Store *store, const StoredMail *stored, int64_t now_ms,
                       GError **error);
bool store_manage_untold(Store *store, unsigned max, GPtrArray *mails, GError **error);
bool store_manage_told(Store *store, const Mail *mail, GError **error);
bool store_mails_count(Store *store, OutboxStats *stats, GError **error);
/* Counts all mails anew. */
bool store_mails_recount(Store *store, GError **error);
bool store_records_get(Store *store, Record *record, GError **error);
bool store_records_version(Store *store, const char *key, uint64_t *version, GError **error);
bool store_records_put(Store *store, const Record *record, GError **error);
bool store_records_keys(Store *store, const char *after, unsigned max, GPtrArray *keys,
                        GError **error);
bool store_tidy(Store *store, int64_t now_ms, GError **error);

/* store_check.c.  *FINDING: what is damaged, to free; NULL if nothing is. */
bool store_check(Store *store, bool thorough, char **finding, GError **error);

#endif
