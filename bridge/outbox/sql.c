/* SPDX-License-Identifier: MIT */
/* Statements of store_sqlite, and what an error of SQLite means. */
#include "bridge/outbox/store_sqlite.h"

#include <errno.h>

#include "bridge/outbox/damage.h"
#include "bridge/outbox/reserve.h"
#include "rules/fault.h"

static const char *const texts[] = {
#define X(name, text) [SQL_##name] = text,
    STATEMENTS(X)
#undef X
};

void sql_note_damage(Store *store, const char *text)
{
    if (store->opened && !store->damaged && store->path != NULL) {
        damage_mark(store->path, text);
    }
    store->damaged = true;
}

bool sql_is_full(Store *store, int code)
{
    int reason = (code & 0xff) == SQLITE_IOERR ? sqlite3_system_errno(store->db) : 0;
    return code == SQLITE_FULL || reason == ENOSPC || reason == EDQUOT;
}

void sql_note_full(Store *store)
{
    if (store->path != NULL) {
        reserve_release(store->path);
        store->shared.tight = true;
    }
}

bool sql_fail(Store *store, const char *doing, GError **error)
{
    int code = sqlite3_errcode(store->db);
    if (code == SQLITE_CORRUPT || code == SQLITE_NOTADB) {
        sql_note_damage(store, sqlite3_errmsg(store->db));
    }
    if (sql_is_full(store, code)) {
        sql_note_full(store);
    }
    store->broken |= code != SQLITE_FULL && code != SQLITE_BUSY && code != SQLITE_NOMEM;
    int reason = code == SQLITE_IOERR || code == SQLITE_CANTOPEN
                     ? sqlite3_system_errno(store->db)
                     : 0;
    g_set_error(error, FAULT, FAULT_SYSTEM, "%s: %s: %s%s%s%s",
                store->path != NULL ? store->path : "memory:", doing,
                sqlite3_errmsg(store->db), reason != 0 ? ": " : "",
                reason != 0 ? g_strerror(reason) : "",
                store->opened && store->damaged ? AT_NEXT_START : "");
    return false;
}

/* Statements. */

static sqlite3_stmt *prepared(Store *store, SqlId id)
{
    if (store->statements[id] == NULL) {
        sqlite3_prepare_v3(store->db, texts[id], -1, SQLITE_PREPARE_PERSISTENT,
                           &store->statements[id], NULL);
    }
    return store->statements[id];
}

static int bind(sqlite3_stmt *statement, int at, const SqlValue *value)
{
    switch (value->type) {
    case SQL_TYPE_NUMBER:
        return sqlite3_bind_int64(statement, at, value->number);
    case SQL_TYPE_TEXT:
        return sqlite3_bind_text(statement, at, value->bytes != NULL ? value->bytes : "",
                                 -1, SQLITE_STATIC);
    case SQL_TYPE_BLOB:
        return sqlite3_bind_blob64(statement, at, value->length > 0 ? value->bytes : "",
                                   value->length, SQLITE_STATIC);
    default:
        return sqlite3_bind_null(statement, at);
    }
}

SqlStep sql_first(Store *store, SqlId id, const SqlValue *values, GError **error)
{
    sqlite3_stmt *statement = prepared(store, id);
    if (statement == NULL) {
        sql_fail(store, texts[id], error);
        return SQL_FAILED;
    }
    int n = sqlite3_bind_parameter_count(statement);
    for (int i = 0; i < n; i++) {
        if (bind(statement, i + 1, &values[i]) != SQLITE_OK) {
            sql_fail(store, texts[id], error);
            sql_end(store, id);
            return SQL_FAILED;
        }
    }
    return sql_next(store, id, error);
}

SqlStep sql_next(Store *store, SqlId id, GError **error)
{
    int code = sqlite3_step(store->statements[id]);
    if (code == SQLITE_ROW) {
        return SQL_ROW;
    }
    if (code != SQLITE_DONE) {
        sql_fail(store, texts[id], error);
    }
    sql_end(store, id);
    return code == SQLITE_DONE ? SQL_END : SQL_FAILED;
}

void sql_end(Store *store, SqlId id)
{
    sqlite3_reset(store->statements[id]);
}

bool sql_run(Store *store, SqlId id, const SqlValue *values, GError **error)
{
    SqlStep step = sql_first(store, id, values, error);
    while (step == SQL_ROW) {
        step = sql_next(store, id, error);
    }
    return step == SQL_END;
}

unsigned sql_changes(Store *store)
{
    return (unsigned)sqlite3_changes(store->db);
}

int64_t sql_last_id(Store *store)
{
    return sqlite3_last_insert_rowid(store->db);
}

int64_t sql_number(Store *store, SqlId id, int column)
{
    return sqlite3_column_int64(store->statements[id], column);
}

bool sql_is_null(Store *store, SqlId id, int column)
{
    return sqlite3_column_type(store->statements[id], column) == SQLITE_NULL;
}

const char *sql_text(Store *store, SqlId id, int column)
{
    return (const char *)sqlite3_column_text(store->statements[id], column);
}

const void *sql_blob(Store *store, SqlId id, int column, size_t *length)
{
    *length = (size_t)sqlite3_column_bytes(store->statements[id], column);
    return sqlite3_column_blob(store->statements[id], column);
}

void sql_reset_all(Store *store)
{
    for (unsigned i = 0; i < SQL_STATEMENTS; i++) {
        sqlite3_reset(store->statements[i]);
    }
}

void sql_finalize_all(Store *store)
{
    for (unsigned i = 0; i < SQL_STATEMENTS; i++) {
        sqlite3_finalize(store->statements[i]);
        store->statements[i] = NULL;
    }
}
