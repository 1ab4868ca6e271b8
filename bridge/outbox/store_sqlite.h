/* SPDX-License-Identifier: MIT */
#ifndef BRIDGE_OUTBOX_STORE_SQLITE_H
#define BRIDGE_OUTBOX_STORE_SQLITE_H

#include <sqlite3.h>

#include "bridge/outbox/sql.h"

/* The connection, for sql.c (statements, errors) and store_sqlite.c (opening,
 * transactions), which are all that knows SQLite. */
struct Store {
    sqlite3 *db;
    sqlite3_stmt *statements[SQL_STATEMENTS];
    char *path; /* NULL: in memory */
    int lock;
    bool opened;   /* the start is over */
    bool broken;   /* to be reopened */
    bool damaged;  /* what is stored, not how it is reached */
    int log_pages;   /* from so many on the log is brought into the database */
    int64_t look_ms; /* monotonic: when to look for room again */
    StoreShared shared;
    OutboxStats before;   /* the counts at the begin */
    OutboxRouter *router; /* during route() */
    void *router_who;
};

#define AT_NEXT_START "; the next start sees to it (--storage.on-corruption)"

/* TEXT is what is wrong with the database itself. */
void sql_note_damage(Store *store, const char *text);
/* Sets ERROR to what SQLite says went wrong while DOING, and notes what follows from it:
 * the database is to be reopened, is damaged, or the disk is full.  Returns false. */
bool sql_fail(Store *store, const char *doing, GError **error);
bool sql_is_full(Store *store, int code);
/* The disk is full: gives the reserve away. */
void sql_note_full(Store *store);
void sql_reset_all(Store *store);
void sql_finalize_all(Store *store);

#endif
