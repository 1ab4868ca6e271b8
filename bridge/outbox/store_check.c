/* SPDX-License-Identifier: MIT */
/* Whether the database of store_sqlite is in order.  The bodies are most of it, and are
 * read only where damage is known: 100,000 mails must not make a start slow. */
#include "bridge/outbox/sql.h"

static bool check(Store *store, SqlId id, char **finding, GError **error)
{
    SqlStep step = sql_first(store, id, NULL, error);
    if (step != SQL_ROW) {
        return step == SQL_END;
    }
    const char *said = sql_text(store, id, 0);
    if (g_strcmp0(said, "ok") != 0) {
        *finding = g_strdelimit(g_strdup(said), "\n", ' ');
    }
    sql_end(store, id);
    return true;
}

bool store_check(Store *store, bool thorough, char **finding, GError **error)
{
    static const SqlId quick[] = {SQL_CHECK_RECORDS, SQL_CHECK_MAILS, SQL_CHECK_RECIPIENTS};
    bool ok = true;
    *finding = NULL;
    if (thorough) {
        return check(store, SQL_CHECK_ALL, finding, error);
    }
    for (size_t i = 0; ok && *finding == NULL && i < G_N_ELEMENTS(quick); i++) {
        ok = check(store, quick[i], finding, error);
    }
    return ok;
}
