/* SPDX-License-Identifier: MIT */
/* The records of store_sqlite, and housekeeping. */
#include "bridge/outbox/sql.h"

#include <string.h>

enum {
    SCAN_SLICE = 500,  /* records looked at by one tidy() */
    SPACE_KEPT = 4096, /* free pages that are not given back: 16 MiB */
};

/* Records. */

bool store_records_get(Store *store, Record *record, GError **error)
{
    const SqlId id = SQL_RECORD_GET;
    SqlStep step = sql_first(store, id, SQL_VALUES(SQL_TEXT(record->key)), error);
    if (step == SQL_ROW) {
        record->version = (uint64_t)sql_number(store, id, 0);
        record->expires_ms = sql_number(store, id, 1);
        const void *value = sql_blob(store, id, 2, &record->length);
        record->value = g_malloc(record->length + 1);
        if (record->length > 0) {
            memcpy(record->value, value, record->length);
        }
        sql_end(store, id);
    }
    return step != SQL_FAILED;
}

bool store_records_version(Store *store, const char *key, uint64_t *version, GError **error)
{
    const SqlId id = SQL_RECORD_VERSION;
    SqlStep step = sql_first(store, id, SQL_VALUES(SQL_TEXT(key)), error);
    *version = 0;
    if (step == SQL_ROW) {
        *version = (uint64_t)sql_number(store, id, 0);
        sql_end(store, id);
    }
    return step != SQL_FAILED;
}

bool store_records_put(Store *store, const Record *record, GError **error)
{
    if (record->value == NULL) {
        return sql_run(store, SQL_RECORD_REMOVE, SQL_VALUES(SQL_TEXT(record->key)), error);
    }
    return sql_run(store, SQL_RECORD_PUT,
                   SQL_VALUES(SQL_TEXT(record->key), SQL_BLOB(record->value, record->length),
                              SQL_NUMBER(record->version), SQL_NUMBER(record->expires_ms)),
                   error);
}

bool store_records_keys(Store *store, const char *after, unsigned max, GPtrArray *keys,
                        GError **error)
{
    const SqlId id = SQL_RECORD_SCAN;
    SqlStep step =
        sql_first(store, id, SQL_VALUES(SQL_TEXT(after), SQL_NUMBER(max)), error);
    for (; step == SQL_ROW; step = sql_next(store, id, error)) {
        g_ptr_array_add(keys, g_strdup(sql_text(store, id, 0)));
    }
    return step == SQL_END;
}

/* Housekeeping. */

/* Looks at the next slice of records: appends the keys of those that have expired. */
static bool scan_records(Store *store, int64_t now_ms, GPtrArray *expired, GError **error)
{
    const SqlId id = SQL_RECORD_SCAN;
    StoreShared *shared = store_shared(store);
    g_autofree char *from = g_steal_pointer(&shared->scanned);
    unsigned n = 0;
    SqlStep step =
        sql_first(store, id, SQL_VALUES(SQL_TEXT(from), SQL_NUMBER(SCAN_SLICE)), error);
    for (; step == SQL_ROW; step = sql_next(store, id, error)) {
        int64_t expires_ms = sql_number(store, id, 1);
        if (expires_ms > 0 && expires_ms <= now_ms) {
            g_ptr_array_add(expired, g_strdup(sql_text(store, id, 0)));
        }
        if (++n == SCAN_SLICE) {
            shared->scanned = g_strdup(sql_text(store, id, 0));
        }
    }
    if (shared->scanned == NULL) {
        shared->scanned = g_strdup("");
    }
    return step == SQL_END;
}

static bool give_back_space(Store *store, GError **error)
{
    SqlStep step = sql_first(store, SQL_SPACE, NULL, error);
    if (step != SQL_ROW) {
        return step == SQL_END;
    }
    int64_t pages = sql_number(store, SQL_SPACE, 0);
    sql_end(store, SQL_SPACE);
    return pages <= (store_shared(store)->tight ? 0 : SPACE_KEPT) || sql_run(store, SQL_VACUUM, NULL, error);
}

bool store_tidy(Store *store, int64_t now_ms, GError **error)
{
    g_autoptr(GPtrArray) expired = g_ptr_array_new_with_free_func(g_free);
    if (!scan_records(store, now_ms, expired, error)) {
        return false;
    }
    for (unsigned i = 0; i < expired->len; i++) {
        const SqlValue *key = SQL_VALUES(SQL_TEXT(expired->pdata[i]));
        if (!sql_run(store, SQL_RECORD_REMOVE, key, error)) {
            return false;
        }
    }
    return give_back_space(store, error);
}
