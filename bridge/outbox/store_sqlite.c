/* SPDX-License-Identifier: MIT */
/* The outbox's storage in one SQLite database: connection, transactions.  The
 * statements are used in the other store_*.c.
 *
 * The file is ours alone (PATH.lock, and SQLite's exclusive mode, which also does
 * without shared memory).  Write-ahead log, synchronous=FULL: what a commit has
 * confirmed survives a power loss.  After an error that a mere rollback does not heal
 * the next begin opens the database anew; a full disk heals by itself.  "memory:" is
 * SQLite's own :memory: and is never reopened, because it would be empty.
 *
 * When the disk is full the reserve (reserve.h) is given away: claims and outcomes can
 * still be stored, and the store is tight, so that nothing new is, until there is room
 * again.  Lest bringing the log into the database need more room than the reserve has,
 * the log is kept short.
 *
 * A damaged database (damage.h) is moved aside when the program starts, never later:
 * met while it runs, it fails until the next start, for which a mark is left. */
#include "bridge/outbox/store_sqlite.h"

#include <fcntl.h>
#include <unistd.h>

#include "bridge/outbox/damage.h"
#include "bridge/outbox/lock.h"
#include "bridge/outbox/reserve.h"
#include "rules/fault.h"

enum { PAGE_SIZE = 4096, LOG_PAGES = 1000, LOOK_MS = 1000 };

StoreShared *store_shared(Store *store)
{
    return &store->shared;
}

/* Opening. */

static bool execute(Store *store, const char *text, GError **error)
{
    return sqlite3_exec(store->db, text, NULL, NULL, NULL) == SQLITE_OK ||
           sql_fail(store, "open", error);
}

static int64_t ask(Store *store, const char *text)
{
    sqlite3_stmt *statement = NULL;
    int64_t answer = -1;
    if (sqlite3_prepare_v2(store->db, text, -1, &statement, NULL) == SQLITE_OK &&
        sqlite3_step(statement) == SQLITE_ROW) {
        answer = sqlite3_column_int64(statement, 0);
    }
    sqlite3_finalize(statement);
    return answer;
}

static bool fail_foreign(const Store *store, GError **error)
{
    g_set_error(error, FAULT, FAULT_SYSTEM, "%s: is another program's database",
                store->path);
    return false;
}

static bool create(Store *store, GError **error)
{
    if (ask(store, "SELECT count(*) FROM sqlite_schema") > 0) {
        return fail_foreign(store, error);
    }
    g_autofree char *marks =
        g_strdup_printf("BEGIN; %s; PRAGMA application_id = %d; PRAGMA user_version = %d;"
                        " COMMIT",
                        SCHEMA, APPLICATION_ID, SCHEMA_VERSION);
    /* The mark belongs into the file's head, where it tells whose a damaged one is. */
    return execute(store, marks, error) &&
           execute(store, "PRAGMA wal_checkpoint(PASSIVE)", error);
}

/* From the older VERSION to ours, all or nothing. */
static bool migrate(Store *store, int64_t version, GError **error)
{
    static const char *const steps[] = MIGRATIONS;
    g_autoptr(GString) text = g_string_new("BEGIN;");
    for (; version < SCHEMA_VERSION; version++) {
        g_string_append(text, steps[version - 1]);
    }
    g_string_append_printf(text, "PRAGMA user_version = %d; COMMIT", SCHEMA_VERSION);
    return execute(store, text->str, error);
}

static bool check_version(Store *store, GError **error)
{
    int64_t application = ask(store, "PRAGMA application_id");
    int64_t version = ask(store, "PRAGMA user_version");
    if (application < 0 || version < 0) {
        return sql_fail(store, "read the version", error);
    }
    if (application != APPLICATION_ID) {
        return create(store, error);
    }
    if (version > 0 && version < SCHEMA_VERSION) {
        return migrate(store, version, error);
    }
    if (version != SCHEMA_VERSION) {
        g_set_error(error, FAULT, FAULT_SYSTEM,
                    "%s: was written by another version (its schema is %d, ours %d)",
                    store->path, (int)version, SCHEMA_VERSION);
        return false;
    }
    return true;
}

/* The function route() of the statement MAIL_ROUTE. */
static void answer_route(sqlite3_context *context, int n, sqlite3_value **arguments)
{
    (void)n;
    const Store *store = sqlite3_user_data(context);
    const char *relay = store->router(store->router_who,
                                      (const char *)sqlite3_value_text(arguments[0]),
                                      (unsigned)sqlite3_value_int64(arguments[1]),
                                      (const char *)sqlite3_value_text(arguments[2]));
    sqlite3_result_text(context, relay, -1, SQLITE_TRANSIENT);
}

/* Brings the log into the database; what is over its end needs room. */
static void take_in_log(Store *store)
{
    int code = sqlite3_wal_checkpoint_v2(store->db, "main", SQLITE_CHECKPOINT_PASSIVE, NULL,
                                         NULL);
    if (sql_is_full(store, code) && !store->shared.tight) {
        sql_note_full(store);
        sqlite3_wal_checkpoint_v2(store->db, "main", SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
    }
}

/* After each commit, with the log PAGES long. */
static int on_logged(void *who, sqlite3 *db, const char *name, int pages)
{
    (void)db, (void)name;
    Store *store = who;
    if (pages >= store->log_pages || store->shared.tight) {
        take_in_log(store);
    }
    return SQLITE_OK;
}

static bool set_up(Store *store, GError **error)
{
    sqlite3_wal_hook(store->db, on_logged, store);
    sqlite3_extended_result_codes(store->db, 0);
    sqlite3_busy_timeout(store->db, 1000);
    sqlite3_create_function(store->db, "route", 3, SQLITE_UTF8, store, answer_route, NULL,
                            NULL);
    /* Exclusive before anything is read, or there is shared memory after all. */
    return execute(store, "PRAGMA locking_mode = EXCLUSIVE", error) &&
           execute(store, "PRAGMA auto_vacuum = INCREMENTAL", error) &&
           execute(store, "PRAGMA journal_mode = WAL", error) &&
           execute(store, "PRAGMA synchronous = FULL", error) &&
           execute(store, "PRAGMA journal_size_limit = 16777216", error) &&
           execute(store, "PRAGMA temp_store = MEMORY", error) &&
           check_version(store, error);
}

static void disconnect(Store *store)
{
    sql_finalize_all(store);
    if (store->db != NULL) { /* a damaged database stays as it is, with its log */
        sqlite3_db_config(store->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, store->damaged, NULL);
    }
    sqlite3_close(store->db);
    store->db = NULL;
}

/* SQLite would make it readable for everybody. */
static bool make_private(const char *path, GError **error)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) {
        g_set_error(error, FAULT, FAULT_SYSTEM, "open %s: %s", path, g_strerror(errno));
        return false;
    }
    close(fd);
    return true;
}

static bool connect(Store *store, GError **error)
{
    const char *path = store->path != NULL ? store->path : ":memory:";
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    if (store->path != NULL && !make_private(path, error)) {
        return false;
    }
    if (sqlite3_open_v2(path, &store->db, flags, NULL) != SQLITE_OK) {
        sql_fail(store, "open", error);
    } else if (set_up(store, error) && store_mails_recount(store, error)) {
        store->broken = false;
        return true;
    }
    disconnect(store);
    return false;
}

static void sqlite_close(Store *store)
{
    disconnect(store);
    if (store->lock >= 0) {
        close(store->lock);
    }
    g_checksum_free(store->shared.checksum);
    g_free(store->shared.scanned);
    g_free(store->path);
    g_free(store);
}

/* What SQLite meets while it opens the database, and what it would not meet so soon. */
static bool connect_checked(Store *store, GError **error)
{
    g_autofree char *finding = NULL;
    if (store->path != NULL && damage_is_foreign(store->path, APPLICATION_ID)) {
        return fail_foreign(store, error);
    }
    if (store->path != NULL && damage_is_headless(store->path)) {
        finding = g_strdup("the file is empty, its log is not");
    } else if (!connect(store, error) ||
               !store_check(store, store->path != NULL && damage_is_marked(store->path),
                            &finding, error)) {
        return false;
    }
    if (finding != NULL) {
        sql_note_damage(store, finding);
        g_set_error(error, FAULT, FAULT_SYSTEM, "%s: damaged: %s", store->path, finding);
    } else if (store->path != NULL) {
        damage_unmark(store->path);
    }
    return finding == NULL;
}

/* Opens a new database in place of the damaged one, of which ERROR tells. */
static bool replace(Store *store, GError **error)
{
    g_autoptr(GError) reason = g_steal_pointer(error);
    disconnect(store);
    g_autofree char *to =
        damage_move_aside(store->path, g_get_real_time() / G_USEC_PER_SEC, error);
    if (to == NULL) {
        g_prefix_error(error, "%s: ", reason->message);
        return false;
    }
    store->damaged = false;
    store->shared.watcher.moved(store->shared.watcher.who, to, reason->message);
    return connect(store, error);
}

static bool open_or_replace(Store *store, OnDamage on_damage, GError **error)
{
    g_autoptr(GError) reason = NULL;
    if (connect_checked(store, &reason)) {
        return true;
    }
    if (store->damaged && store->path != NULL && on_damage == DAMAGE_MOVES &&
        replace(store, &reason)) {
        return true;
    }
    g_propagate_error(error, g_steal_pointer(&reason));
    return false;
}

/* At the start, and from time to time while the store is tight. */
static void look_for_room(Store *store)
{
    int64_t now_ms = g_get_monotonic_time() / 1000;
    if (now_ms >= store->look_ms) {
        store->look_ms = now_ms + LOOK_MS;
        store->shared.tight = !reserve_make(store->path);
    }
}

static Store *open_at(char *take_path, OnDamage on_damage, const StoreWatcher *watcher,
                      GError **error)
{
    Store *store = g_new0(Store, 1);
    store->path = take_path;
    store->log_pages = LOG_PAGES;
    if (take_path != NULL) {
        store->log_pages = (int)MIN(LOG_PAGES, reserve_size(take_path) / PAGE_SIZE / 2);
    }
    store->shared.watcher = *watcher;
    store->shared.checksum = g_checksum_new(G_CHECKSUM_SHA256);
    store->shared.scanned = g_strdup("");
    store->lock = take_path != NULL ? database_lock(take_path, error) : -1;
    if ((take_path == NULL || store->lock >= 0) &&
        open_or_replace(store, on_damage, error)) {
        store->opened = true;
        if (store->path != NULL && !store->shared.tight) {
            look_for_room(store);
        }
        return store;
    }
    sqlite_close(store);
    return NULL;
}

/* Views and triggers are nothing of ours, and may compute without end. */
static bool has_strangers(Store *store, GError **error)
{
    SqlStep step = sql_first(store, SQL_OLD_STRANGER, NULL, NULL);
    if (step == SQL_ROW) {
        g_set_error(error, FAULT, FAULT_INPUT, "%s: alertpost makes no %s", store->path,
                    sql_text(store, SQL_OLD_STRANGER, 0));
        sql_end(store, SQL_OLD_STRANGER);
    }
    return step == SQL_ROW;
}

/* No lock of ours, and no log is written back: the file stays as it is. */
Store *store_sqlite_salvage(const char *path, GError **error)
{
    Store *store = g_new0(Store, 1);
    store->path = g_strdup(path);
    store->lock = -1;
    int code = sqlite3_open_v2(path, &store->db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL);
    if (code != SQLITE_OK || !execute(store, "PRAGMA cell_size_check = ON", error) ||
        !execute(store, "PRAGMA trusted_schema = OFF", error)) {
        g_clear_error(error);
        sql_fail(store, "open", error);
    } else if (ask(store, "PRAGMA application_id") == APPLICATION_ID) {
        if (!has_strangers(store, error)) {
            return store;
        }
    } else if (sqlite3_errcode(store->db) == SQLITE_BUSY) {
        sql_fail(store, "read", error);
    } else {
        g_set_error(error, FAULT, FAULT_INPUT,
                    "%s: is no database of alertpost, or its head is damaged: sqlite3's "
                    ".recover may make one of it that can be imported",
                    path);
    }
    sqlite_close(store);
    return NULL;
}

static Store *sqlite_open(const char *where, OnDamage on_damage,
                          const StoreWatcher *watcher, GError **error)
{
    return open_at(g_strdup(where), on_damage, watcher, error);
}

static Store *memory_open(const char *where, OnDamage on_damage,
                          const StoreWatcher *watcher, GError **error)
{
    (void)where;
    return open_at(NULL, on_damage, watcher, error);
}

/* Transactions. */

static bool sqlite_begin(Store *store, GError **error)
{
    if (store->damaged) {
        g_set_error(error, FAULT, FAULT_SYSTEM, "%s: is damaged" AT_NEXT_START,
                    store->path != NULL ? store->path : "memory:");
        return false;
    }
    if (store->path != NULL && (store->broken || store->db == NULL)) {
        disconnect(store);
        if (!connect(store, error)) {
            return false;
        }
    }
    if (store->shared.tight) {
        take_in_log(store);
        look_for_room(store);
    }
    store->before = store->shared.stats;
    return sql_run(store, SQL_BEGIN, NULL, error);
}

static bool sqlite_commit(Store *store, GError **error)
{
    return sql_run(store, SQL_COMMIT, NULL, error);
}

static void sqlite_rollback(Store *store)
{
    sql_reset_all(store);
    /* No transaction is left: perhaps the commit was stored after all. */
    store->broken |= store->db == NULL || sqlite3_get_autocommit(store->db) ||
                     sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL) != SQLITE_OK;
    store->shared.stats = store->before;
}

static bool sqlite_tight(Store *store)
{
    return store->shared.tight;
}

static bool sqlite_route(Store *store, OutboxRouter *router, void *who, GError **error)
{
    store->router = router;
    store->router_who = who;
    return sql_run(store, SQL_MAIL_ROUTE, NULL, error);
}

#define SAME_IN_FILE_AND_MEMORY                                                        \
    .close = sqlite_close, .begin = sqlite_begin, .commit = sqlite_commit,             \
    .rollback = sqlite_rollback, .tight = sqlite_tight, .get = store_records_get,                             \
    .version = store_records_version, .put = store_records_put,                        \
    .keys = store_records_keys,                                                        \
    .insert = store_mails_insert, .claim = store_mails_claim,                          \
    .queued = store_mails_queued, .next_due = store_mails_next_due,                    \
    .announce = store_mails_announce, .overdue = store_mails_overdue,                  \
    .claimed = store_mails_claimed, .report = store_mails_report,                      \
    .route = sqlite_route, .tidy = store_tidy,                                         \
    .count = store_mails_count, .load = store_history_load,                            \
    .list = store_history_list, .seek = store_history_seek,                            \
    .revive = store_manage_revive, .drop = store_manage_drop,                          \
    .forget = store_history_forget, .untold = store_manage_untold,           \
    .told = store_manage_told

const StoreOps store_sqlite = {
    .scheme = "sqlite:", .history_max = SIZE_MAX, .open = sqlite_open, SAME_IN_FILE_AND_MEMORY};
const StoreOps store_memory = {
    .scheme = "memory:", .history_max = 10000, .open = memory_open, SAME_IN_FILE_AND_MEMORY};
