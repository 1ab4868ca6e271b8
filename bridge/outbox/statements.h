/* SPDX-License-Identifier: MIT */
#ifndef BRIDGE_OUTBOX_STATEMENTS_H
#define BRIDGE_OUTBOX_STATEMENTS_H

/* The database of store_sqlite.
 *
 * mails.state: MailState; from 4 on only the record is left, without the body.
 * changed_ms: when it came to this state.  since_ms: when the time to give up began,
 * its acceptance or a retry by hand.  ready_ms: when the next of its recipients may be
 * tried; NULL while claimed, dead, gone, or when all of them wait.  untold: it is dead,
 * and the postmaster does not know.
 * recipients.state: RecipientState; below 2 it is pending.  lane: a hash of group and
 * address; only the earliest pending recipient of a lane is QUEUED, the others are
 * WAITING.  claimed: it is in the attempt that goes on.  last_ms: when the last attempt
 * that said something ended.
 * attempts: those that did not deliver; numbered by mail, with a gap in the middle where
 * they became too many.  What delivered is in the recipient's row alone.
 *
 * A mail's number is never given twice: the row with the highest one is not removed. */
#define SCHEMA_VERSION 2
#define APPLICATION_ID 0x616c7074 /* "alpt" */

#define SCHEMA                                                                          \
    "CREATE TABLE records(key TEXT PRIMARY KEY, version INTEGER NOT NULL,"              \
    " expires_ms INTEGER NOT NULL, value BLOB NOT NULL) WITHOUT ROWID;"                 \
    "CREATE TABLE mails(id INTEGER PRIMARY KEY, state INTEGER NOT NULL,"                \
    " ready_ms INTEGER, changed_ms INTEGER NOT NULL, attempts INTEGER NOT NULL,"        \
    " accepted_ms INTEGER NOT NULL, length INTEGER NOT NULL, relay TEXT NOT NULL,"      \
    " receiver TEXT NOT NULL, integration INTEGER NOT NULL, message_id TEXT NOT NULL,"  \
    " sender TEXT NOT NULL, grp TEXT NOT NULL, subject TEXT NOT NULL,"                  \
    " since_ms INTEGER NOT NULL DEFAULT 0, untold INTEGER NOT NULL DEFAULT 0);"         \
    "CREATE INDEX mails_ready ON mails(relay, ready_ms) WHERE ready_ms IS NOT NULL;"    \
    "CREATE INDEX mails_unclaimed ON mails(accepted_ms) WHERE state < 2;"               \
    "CREATE TABLE recipients(mail INTEGER NOT NULL, position INTEGER NOT NULL,"         \
    " address TEXT NOT NULL, lane INTEGER, state INTEGER NOT NULL,"                     \
    " claimed INTEGER NOT NULL, attempts INTEGER NOT NULL, due_ms INTEGER NOT NULL,"    \
    " in_doubt INTEGER NOT NULL, kind INTEGER NOT NULL, code INTEGER NOT NULL,"         \
    " enhanced TEXT NOT NULL, relay TEXT NOT NULL, text TEXT NOT NULL,"                 \
    " last_ms INTEGER NOT NULL DEFAULT 0,"                                              \
    " PRIMARY KEY(mail, position)) WITHOUT ROWID;"                                      \
    "CREATE INDEX recipients_lane ON recipients(lane)"                                  \
    " WHERE lane IS NOT NULL AND state < 2;"                                            \
    "CREATE TABLE bodies(mail INTEGER PRIMARY KEY, bytes BLOB NOT NULL);" SCHEMA_2

/* What version 2 added, apart from columns. */
#define SCHEMA_2                                                                        \
    "CREATE INDEX mails_state ON mails(state);"                                         \
    "CREATE INDEX mails_untold ON mails(id) WHERE untold = 1;"                          \
    "CREATE TABLE attempts(mail INTEGER NOT NULL, number INTEGER NOT NULL,"             \
    " position INTEGER NOT NULL, at_ms INTEGER NOT NULL, kind INTEGER NOT NULL,"        \
    " code INTEGER NOT NULL, enhanced TEXT NOT NULL, relay TEXT NOT NULL,"              \
    " text TEXT NOT NULL, PRIMARY KEY(mail, number)) WITHOUT ROWID;"

/* From the version before each to that version, in order, from 2 on. */
#define MIGRATIONS                                                                      \
    {                                                                                   \
        "ALTER TABLE mails RENAME COLUMN claimed_ms TO changed_ms;"                     \
        "ALTER TABLE mails ADD COLUMN since_ms INTEGER NOT NULL DEFAULT 0;"             \
        "ALTER TABLE mails ADD COLUMN untold INTEGER NOT NULL DEFAULT 0;"               \
        "ALTER TABLE recipients ADD COLUMN last_ms INTEGER NOT NULL DEFAULT 0;"         \
        "UPDATE mails SET since_ms = accepted_ms;" SCHEMA_2                             \
    }

#define LIST_STATE(state)                                                               \
    "SELECT id FROM mails WHERE state = " #state " AND ?3 >> " #state " & 1 AND id < ?1"

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
    X(MAIL_INSERT, "INSERT INTO mails(state, ready_ms, changed_ms, attempts,"           \
                   " accepted_ms, length, relay, receiver, integration, message_id,"    \
                   " sender, grp, subject, since_ms, untold) VALUES(?1, ?2, ?3, ?4,"    \
                   " ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)")                \
    X(MAIL_LOAD, "SELECT attempts, accepted_ms, length, relay, receiver, integration,"  \
                 " message_id, sender, grp, subject, since_ms, state, changed_ms,"      \
                 " ready_ms FROM mails WHERE id = ?1")                                  \
    X(MAIL_READY, "SELECT id, state, length FROM mails WHERE relay = ?1"                \
                  " AND ready_ms <= ?2 ORDER BY ready_ms, id LIMIT ?3")                 \
    X(MAIL_OVERDUE, "SELECT id, state, length FROM mails WHERE state < 2"               \
                    " AND accepted_ms < ?1 AND since_ms < ?1"                           \
                    " ORDER BY accepted_ms LIMIT ?2")                                   \
    X(MAIL_CLAIMED, "SELECT id, changed_ms FROM mails WHERE state = 2")                 \
    X(MAIL_QUEUED, "SELECT 1 FROM mails WHERE state < 2 AND accepted_ms = ?1"           \
                   " AND grp = ?2 LIMIT 1")                                             \
    X(MAIL_NEXT_DUE, "SELECT ready_ms FROM mails WHERE relay = ?1"                      \
                     " AND ready_ms IS NOT NULL ORDER BY ready_ms LIMIT 1")             \
    X(MAIL_DUES, "SELECT relay, min(ready_ms) FROM mails"                               \
                 " WHERE ready_ms IS NOT NULL GROUP BY relay")                          \
    X(MAIL_CLAIM, "UPDATE mails SET state = 2, ready_ms = NULL, changed_ms = ?2,"       \
                  " attempts = attempts + 1 WHERE id = ?1")                             \
    X(MAIL_HURRY, "UPDATE mails SET ready_ms ="                                         \
                  " max(accepted_ms, min(ifnull(ready_ms, ?2), ?2))"                    \
                  " WHERE id = ?1 AND state < 2 RETURNING relay, ready_ms")             \
    X(MAIL_SETTLE, "UPDATE mails SET state = ?2, changed_ms = ?3, ready_ms ="           \
                   " (SELECT min(max(due_ms, accepted_ms)) FROM recipients"             \
                   "  WHERE mail = ?1 AND recipients.state = 0)"                        \
                   " WHERE id = ?1 AND state = 2 RETURNING relay, ready_ms, length")    \
    X(MAIL_BURY, "UPDATE mails SET state = 3, ready_ms = NULL, changed_ms = ?2,"        \
                 " untold = receiver <> '' WHERE id = ?1 AND state = 2"                 \
                 " RETURNING length")                                                   \
    X(MAIL_DELIVERED, "UPDATE mails SET state = 4, changed_ms = ?2"                     \
                      " WHERE id = ?1 AND state = 2")                                   \
    X(MAIL_DROP, "UPDATE mails SET state = 5, ready_ms = NULL, changed_ms = ?2,"        \
                 " untold = 0 WHERE id = ?1")                                           \
    X(MAIL_REQUEUE, "UPDATE mails SET state = ?2, changed_ms = ?3, since_ms = ?3,"      \
                    " untold = 0, ready_ms ="                                           \
                    " (SELECT min(max(due_ms, accepted_ms)) FROM recipients"            \
                    "  WHERE mail = ?1 AND recipients.state = 0)"                       \
                    " WHERE id = ?1 RETURNING relay, ready_ms")                         \
    X(MAIL_REMOVE, "DELETE FROM mails WHERE id = ?1")                                   \
    X(MAIL_GONE, "SELECT id, changed_ms FROM mails WHERE state = ?1"                    \
                 " AND id < (SELECT max(id) FROM mails) ORDER BY id LIMIT ?2")          \
    X(MAIL_UNTOLD, "SELECT id FROM mails WHERE untold = 1 ORDER BY id LIMIT ?1")        \
    X(MAIL_TELL, "UPDATE mails SET untold = 0 WHERE id = ?1")                           \
    X(MAIL_NAMES, "SELECT id, message_id FROM mails WHERE id < ?1"                      \
                  " ORDER BY id DESC LIMIT ?2")                                         \
    X(MAIL_LIST, LIST_STATE(0) " UNION ALL " LIST_STATE(1) " UNION ALL "                \
                 LIST_STATE(2) " UNION ALL " LIST_STATE(3) " UNION ALL "                \
                 LIST_STATE(4) " UNION ALL " LIST_STATE(5)                              \
                 " ORDER BY id DESC LIMIT ?2")                                          \
    X(MAIL_MATCHES, "SELECT 1 FROM mails WHERE id = ?1 AND accepted_ms >= ?2"           \
                    " AND accepted_ms <= ?3 AND (?4 = '' OR receiver = ?4)"             \
                    " AND (?5 = '' OR EXISTS (SELECT 1 FROM recipients WHERE mail = ?1" \
                    "  AND instr(lower(address), lower(?5)) > 0))")                     \
    X(MAIL_ROUTE, "UPDATE mails SET relay = route(receiver, integration, relay)"        \
                  " WHERE state < 4"                                                    \
                  " AND relay IS NOT route(receiver, integration, relay)")              \
    X(MAIL_COUNT, "SELECT state, count(*) FROM mails GROUP BY state")                   \
    X(MAIL_BYTES, "SELECT ifnull(sum(length), 0) FROM mails WHERE state < 3")           \
    X(MAIL_OLDEST, "SELECT accepted_ms FROM mails WHERE state < 2"                      \
                   " ORDER BY accepted_ms LIMIT 1")                                     \
    X(RECIPIENT_INSERT, "INSERT INTO recipients(mail, position, address, lane, state,"  \
                        " claimed, attempts, due_ms, in_doubt, kind, code, enhanced,"   \
                        " relay, text, last_ms) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8," \
                        " ?9, ?10, ?11, ?12, ?13, ?14, ?15)")                           \
    X(RECIPIENT_LOAD, "SELECT address, state, claimed, attempts, due_ms, in_doubt,"     \
                      " kind, code, enhanced, relay, text, last_ms FROM recipients"     \
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
                        " enhanced = ?9, relay = ?10, text = ?11, last_ms = ?12"        \
                        " WHERE mail = ?1 AND position = ?2")                           \
    X(RECIPIENT_REVIVE, "UPDATE recipients SET state = 0, lane = NULL, attempts = 0,"   \
                        " due_ms = 0 WHERE mail = ?1 AND position = ?2")                \
    X(RECIPIENT_NOW, "UPDATE recipients SET due_ms = min(due_ms, ?2)"                   \
                     " WHERE mail = ?1 AND state = 0")                                  \
    X(RECIPIENT_DROP, "UPDATE recipients SET state = 5"                                 \
                      " WHERE mail = ?1 AND state IN (0, 1, 4)")                        \
    X(RECIPIENT_REMOVE, "DELETE FROM recipients WHERE mail = ?1")                       \
    X(ATTEMPT_NEXT, "SELECT max(number) + 1 FROM attempts WHERE mail = ?1")             \
    X(ATTEMPT_INSERT, "INSERT INTO attempts(mail, number, position, at_ms, kind, code," \
                      " enhanced, relay, text)"                                         \
                      " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)")                    \
    X(ATTEMPT_FORGET, "DELETE FROM attempts WHERE mail = ?1 AND number = ?2")           \
    X(ATTEMPT_LOAD, "SELECT position, at_ms, kind, code, enhanced, relay, text"         \
                    " FROM attempts WHERE mail = ?1 ORDER BY number")                   \
    X(ATTEMPT_REMOVE, "DELETE FROM attempts WHERE mail = ?1")                           \
    X(BODY_INSERT, "INSERT INTO bodies(mail, bytes) VALUES(?1, ?2)")                    \
    X(BODY_LOAD, "SELECT bytes FROM bodies WHERE mail = ?1")                            \
    X(BODY_REMOVE, "DELETE FROM bodies WHERE mail = ?1")                                \
    X(CHECK_RECORDS, "PRAGMA quick_check(records)")                                     \
    X(CHECK_MAILS, "PRAGMA quick_check(mails)")                                         \
    X(CHECK_RECIPIENTS, "PRAGMA quick_check(recipients)")                               \
    X(CHECK_ALL, "PRAGMA quick_check(1)")                                               \
    /* Of a damaged database, perhaps of an older version, or of one that somebody made: \
     * keys that are no text, or more than C takes for it, would never be passed by. */  \
    X(OLD_MAIL, "SELECT id, state, accepted_ms, length, relay, receiver, integration,"  \
                " message_id, sender, grp, subject FROM mails WHERE id >= ?1"           \
                " AND typeof(id) = 'integer' ORDER BY id LIMIT 1")                      \
    X(OLD_RECIPIENTS, "SELECT address, state, claimed, attempts, due_ms, in_doubt,"     \
                      " kind, code, enhanced, relay, text FROM recipients"              \
                      " WHERE mail = ?1 ORDER BY position")                             \
    X(OLD_RECORD, "SELECT key, expires_ms, value FROM records WHERE key > ?1"           \
                  " AND typeof(key) = 'text' AND instr(key, char(0)) = 0"               \
                  " ORDER BY key LIMIT 1")                                              \
    X(OLD_STRANGER, "SELECT type || ' ' || name FROM sqlite_schema"                     \
                    " WHERE type NOT IN ('table', 'index') LIMIT 1")                    \
    X(SPACE, "PRAGMA freelist_count")                                                   \
    X(VACUUM, "PRAGMA incremental_vacuum(256)")

#endif
