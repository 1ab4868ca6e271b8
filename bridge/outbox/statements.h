/* SPDX-License-Identifier: MIT */
#ifndef BRIDGE_OUTBOX_STATEMENTS_H
#define BRIDGE_OUTBOX_STATEMENTS_H

/* The database of store_sqlite.
 *
 * mails.state: 0 queued, 1 deferred, 2 claimed, 3 dead.  ready_ms: when the next of its
 * recipients may be tried; NULL while claimed, dead, or when all of them wait.
 * recipients.state: RecipientState; below 2 it is pending.  lane: a hash of group and
 * address; only the earliest pending recipient of a lane is QUEUED, the others are
 * WAITING.  claimed: it is in the attempt that goes on. */
#define SCHEMA_VERSION 1
#define APPLICATION_ID 0x616c7074 /* "alpt" */

#define SCHEMA                                                                          \
    "CREATE TABLE records(key TEXT PRIMARY KEY, version INTEGER NOT NULL,"              \
    " expires_ms INTEGER NOT NULL, value BLOB NOT NULL) WITHOUT ROWID;"                 \
    "CREATE TABLE mails(id INTEGER PRIMARY KEY, state INTEGER NOT NULL,"                \
    " ready_ms INTEGER, claimed_ms INTEGER NOT NULL, attempts INTEGER NOT NULL,"        \
    " accepted_ms INTEGER NOT NULL, length INTEGER NOT NULL, relay TEXT NOT NULL,"      \
    " receiver TEXT NOT NULL, integration INTEGER NOT NULL, message_id TEXT NOT NULL,"  \
    " sender TEXT NOT NULL, grp TEXT NOT NULL, subject TEXT NOT NULL);"                 \
    "CREATE INDEX mails_ready ON mails(relay, ready_ms) WHERE ready_ms IS NOT NULL;"    \
    "CREATE INDEX mails_unclaimed ON mails(accepted_ms) WHERE state < 2;"               \
    "CREATE TABLE recipients(mail INTEGER NOT NULL, position INTEGER NOT NULL,"         \
    " address TEXT NOT NULL, lane INTEGER, state INTEGER NOT NULL,"                     \
    " claimed INTEGER NOT NULL, attempts INTEGER NOT NULL, due_ms INTEGER NOT NULL,"    \
    " in_doubt INTEGER NOT NULL, kind INTEGER NOT NULL, code INTEGER NOT NULL,"         \
    " enhanced TEXT NOT NULL, relay TEXT NOT NULL, text TEXT NOT NULL,"                 \
    " PRIMARY KEY(mail, position)) WITHOUT ROWID;"                                      \
    "CREATE INDEX recipients_lane ON recipients(lane)"                                  \
    " WHERE lane IS NOT NULL AND state < 2;"                                            \
    "CREATE TABLE bodies(mail INTEGER PRIMARY KEY, bytes BLOB NOT NULL);"

/* Every statement: a name and its text.  X(name, text) */
#define STATEMENTS(X)                                                                   \
    X(BEGIN, "BEGIN IMMEDIATE")                                                         \
    X(COMMIT, "COMMIT")                                                                 \
    X(RECORD_GET, "SELECT version, expires_ms, value FROM records WHERE key = ?1")      \
    X(RECORD_VERSION, "SELECT version FROM records WHERE key = ?1")                     \
    X(RECORD_PUT, "INSERT INTO records(key, value, version, expires_ms)"                \
                  " VALUES(?1, ?2, ?3, ?4) ON CONFLICT(key) DO UPDATE SET"              \
                  " value = ?2, version = ?3, expires_ms = ?4")                         \
    X(RECORD_REMOVE, "DELETE FROM records WHERE key = ?1")                              \
    X(RECORD_SCAN, "SELECT key, expires_ms FROM records WHERE key > ?1"                 \
                   " ORDER BY key LIMIT ?2")                                            \
    X(MAIL_INSERT, "INSERT INTO mails(state, ready_ms, claimed_ms, attempts,"           \
                   " accepted_ms, length, relay, receiver, integration, message_id,"    \
                   " sender, grp, subject)"                                             \
                   " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)")   \
    X(MAIL_LOAD, "SELECT attempts, accepted_ms, length, relay, receiver, integration,"  \
                 " message_id, sender, grp, subject, claimed_ms"                        \
                 " FROM mails WHERE id = ?1")                                           \
    X(MAIL_READY, "SELECT id, state, length FROM mails WHERE relay = ?1"                \
                  " AND ready_ms <= ?2 ORDER BY ready_ms, id LIMIT ?3")                 \
    X(MAIL_OVERDUE, "SELECT id, state, length FROM mails WHERE state < 2"               \
                    " AND accepted_ms < ?1 ORDER BY accepted_ms LIMIT ?2")              \
    X(MAIL_CLAIMED, "SELECT id, claimed_ms FROM mails WHERE state = 2")                 \
    X(MAIL_QUEUED, "SELECT 1 FROM mails WHERE state < 2 AND accepted_ms = ?1"           \
                   " AND grp = ?2 LIMIT 1")                                             \
    X(MAIL_NEXT_DUE, "SELECT ready_ms FROM mails WHERE relay = ?1"                      \
                     " AND ready_ms IS NOT NULL ORDER BY ready_ms LIMIT 1")             \
    X(MAIL_CLAIM, "UPDATE mails SET state = 2, ready_ms = NULL, claimed_ms = ?2,"       \
                  " attempts = attempts + 1 WHERE id = ?1")                             \
    X(MAIL_HURRY, "UPDATE mails SET ready_ms ="                                         \
                  " max(accepted_ms, min(ifnull(ready_ms, ?2), ?2))"                    \
                  " WHERE id = ?1 AND state < 2 RETURNING relay, ready_ms")             \
    X(MAIL_SETTLE, "UPDATE mails SET state = ?2, ready_ms ="                            \
                   " (SELECT min(max(due_ms, accepted_ms)) FROM recipients"             \
                   "  WHERE mail = ?1 AND recipients.state = 0)"                        \
                   " WHERE id = ?1 AND state = 2 RETURNING relay, ready_ms, length")    \
    X(MAIL_BURY, "UPDATE mails SET state = 3, ready_ms = NULL"                          \
                 " WHERE id = ?1 AND state = 2 RETURNING length")                       \
    X(MAIL_REMOVE, "DELETE FROM mails WHERE id = ?1 AND state = 2")                     \
    X(MAIL_ROUTE, "UPDATE mails SET relay = route(receiver, integration, relay)"        \
                  " WHERE state < 3"                                                    \
                  " AND relay IS NOT route(receiver, integration, relay)")              \
    X(MAIL_COUNT, "SELECT state, count(*), sum(length) FROM mails GROUP BY state")      \
    X(MAIL_OLDEST, "SELECT accepted_ms FROM mails WHERE state < 2"                      \
                   " ORDER BY accepted_ms LIMIT 1")                                     \
    X(RECIPIENT_INSERT, "INSERT INTO recipients(mail, position, address, lane, state,"  \
                        " claimed, attempts, due_ms, in_doubt, kind, code, enhanced,"   \
                        " relay, text) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10," \
                        " ?11, ?12, ?13, ?14)")                                         \
    X(RECIPIENT_LOAD, "SELECT address, state, claimed, attempts, due_ms, in_doubt,"     \
                      " kind, code, enhanced, relay, text FROM recipients"              \
                      " WHERE mail = ?1 ORDER BY position")                             \
    X(RECIPIENT_CLAIM, "UPDATE recipients SET claimed = 1"                              \
                       " WHERE mail = ?1 AND state = 0 AND due_ms <= ?2")               \
    X(RECIPIENT_HEAD, "SELECT mail, position, state, claimed, due_ms, kind"             \
                      " FROM recipients WHERE lane = ?1 AND state < 2"                  \
                      " ORDER BY mail, position LIMIT 1")                               \
    X(RECIPIENT_HURRY, "UPDATE recipients SET state = 0, due_ms = ?3"                   \
                       " WHERE mail = ?1 AND position = ?2")                            \
    X(RECIPIENT_UPDATE, "UPDATE recipients SET state = ?3, claimed = 0, attempts = ?4," \
                        " due_ms = ?5, in_doubt = ?6, kind = ?7, code = ?8,"            \
                        " enhanced = ?9, relay = ?10, text = ?11"                       \
                        " WHERE mail = ?1 AND position = ?2")                           \
    X(RECIPIENT_REMOVE, "DELETE FROM recipients WHERE mail = ?1")                       \
    X(BODY_INSERT, "INSERT INTO bodies(mail, bytes) VALUES(?1, ?2)")                    \
    X(BODY_LOAD, "SELECT bytes FROM bodies WHERE mail = ?1")                            \
    X(BODY_REMOVE, "DELETE FROM bodies WHERE mail = ?1")                                \
    X(CHECK_RECORDS, "PRAGMA quick_check(records)")                                     \
    X(CHECK_MAILS, "PRAGMA quick_check(mails)")                                         \
    X(CHECK_RECIPIENTS, "PRAGMA quick_check(recipients)")                               \
    X(CHECK_ALL, "PRAGMA quick_check(1)")                                               \
    X(SPACE, "PRAGMA freelist_count")                                                   \
    X(VACUUM, "PRAGMA incremental_vacuum(256)")

#endif
