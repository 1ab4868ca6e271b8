/* SPDX-License-Identifier: MIT */
#ifndef BRIDGE_OUTBOX_STORE_H
#define BRIDGE_OUTBOX_STORE_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "bridge/outbox/manage.h"
#include "bridge/outbox/outbox.h"

/* Where the outbox's records and mails are kept: synchronous, for one thread at a time.
 * A backend implements StoreOps; outbox.c is its only caller.  Nothing here assumes
 * that it is alone with its database.  Above it these do, and have to learn otherwise
 * before a database is shared:
 * - jobs.c believes records in memory, and the filter of known keys, where a decision
 *   changes nothing and so is not checked by a commit: look into the storage instead;
 * - recover() and reclaim() take every claim that is not theirs for one that is left
 *   over: claimed() should give those whose owner is gone;
 * - await.c knows only what is at this process's relays: queued() should tell of mails
 *   that another has claimed;
 * - wake() tells of this process's mails: others' have to be asked for or announced;
 * - next_version() and accepted times are of this machine's clock.
 *
 * Functions that return bool return false with ERROR (SYSTEM) set when the storage
 * fails; then the caller rolls back. */
typedef struct Store Store; /* each backend defines its own */

typedef struct {
    /* Inside a transaction: there is, or will be at DUE_MS, something to claim. */
    void (*wake)(void *who, const char *relay, int64_t due_ms);
    /* In open(): what was there is damaged, for this REASON, and is now called TO. */
    void (*moved)(void *who, const char *to, const char *reason);
    void *who;
} StoreWatcher;

typedef struct {
    const char *scheme; /* "sqlite:" */
    size_t history_max; /* records of mails that are gone, whatever is configured */
    /* WHERE is what follows the scheme.  A database of another program, or written by a
     * later version, is never moved. */
    Store *(*open)(const char *where, OnDamage on_damage, const StoreWatcher *watcher,
                   GError **error);
    void (*close)(Store *store);

    /* All that follows happens between begin and commit.  After a failure begin heals
     * what it can (reopens the database). */
    bool (*begin)(Store *store, GError **error);
    bool (*commit)(Store *store, GError **error);
    void (*rollback)(Store *store);
    /* There is no room but for what lets the queue drain: nothing new is to be stored. */
    bool (*tight)(Store *store);

    /* Fills in the record of record->key; version 0 and no value if there is none. */
    bool (*get)(Store *store, Record *record, GError **error);
    bool (*version)(Store *store, const char *key, uint64_t *version, GError **error);
    /* Writes the record with the version it states; without a value, removes it. */
    bool (*put)(Store *store, const Record *record, GError **error);
    /* Appends the next MAX keys of records behind AFTER, in their order. */
    bool (*keys)(Store *store, const char *after, unsigned max, GPtrArray *keys, GError **error);

    /* Stores the mail, gives it its id, and marks recipients that have to wait for an
     * earlier mail of the group WAITING; the earlier one becomes due.  CLAIM: claims it,
     * if there is anybody to try; then mail->attempts is 1. */
    bool (*insert)(Store *store, Mail *mail, int64_t now_ms, bool claim, GError **error);
    /* Claims up to MAX mails that are due for RELAY, longest due first: appends them. */
    bool (*claim)(Store *store, const char *relay, int64_t now_ms, unsigned max,
                  GPtrArray *mails, GError **error);
    /* Whether a mail of GROUP accepted at ACCEPTED_MS is pending and unclaimed. */
    bool (*queued)(Store *store, const char *group, int64_t accepted_ms, bool *queued,
                   GError **error);
    /* When the next mail for RELAY falls due; -1: none is queued. */
    bool (*next_due)(Store *store, const char *relay, int64_t *due_ms, GError **error);
    /* Says by wake() of every relay when its next mail falls due. */
    bool (*announce)(Store *store, GError **error);
    /* Claims up to MAX unclaimed mails accepted before BEFORE_MS, all their pending
     * recipients; appends them without their bytes. */
    bool (*overdue)(Store *store, int64_t before_ms, unsigned max, GPtrArray *mails,
                    GError **error);
    /* Appends the claimed mails, without their bytes, and to CLAIMED_MS (of int64_t)
     * when they were claimed. */
    bool (*claimed)(Store *store, GPtrArray *mails, GArray *claimed_ms, GError **error);
    /* Ends a claim: keeps the states the mail's recipients have now, and what was said.
     * Of what is done only the record is left, what is dead is kept; a recipient's next
     * mail of the group may go. */
    bool (*report)(Store *store, const Mail *mail, int64_t now_ms, GError **error);
    bool (*route)(Store *store, OutboxRouter *router, void *who, GError **error);

    /* The mail of this number, NULL if there is none; WHOLE: with attempts and bytes. */
    bool (*load)(Store *store, int64_t number, bool whole, StoredMail **found, GError **error);
    /* Appends StoredMails with numbers below *BEFORE, looking at a bounded number of them
     * and taking no more than the query's max in all.  *BEFORE: where to go on, 0: end. */
    bool (*list)(Store *store, const MailQuery *query, int64_t *before, GPtrArray *mails,
                 GError **error);
    /* Looks for a Message-ID, likewise.  *NUMBER is 0 if it was not among those. */
    bool (*seek)(Store *store, const char *message_id, int64_t *before, int64_t *number,
                 GError **error);
    /* Queues an unclaimed mail: its pending recipients and those of REVIVE (one a
     * recipient) are due now, the latter as if never tried. */
    bool (*revive)(Store *store, const StoredMail *stored, const bool *revive,
                   int64_t now_ms, GError **error);
    /* Leaves only the record of an unclaimed mail that has not gone. */
    bool (*drop)(Store *store, const StoredMail *stored, int64_t now_ms, GError **error);
    /* Removes up to MAX records of mails gone before BEFORE_MS or, oldest first, beyond
     * KEEP records. */
    bool (*forget)(Store *store, int64_t before_ms, size_t keep, unsigned max,
                   unsigned *forgotten, GError **error);
    /* Appends up to MAX dead mails, without their bytes, that the postmaster does not know
     * of; and from now on he does of this one. */
    bool (*untold)(Store *store, unsigned max, GPtrArray *mails, GError **error);
    bool (*told)(Store *store, const Mail *mail, GError **error);

    /* One slice of housekeeping: expired records, unused space. */
    bool (*tidy)(Store *store, int64_t now_ms, GError **error);
    /* As the transaction has left it. */
    bool (*count)(Store *store, OutboxStats *stats, GError **error);
} StoreOps;

extern const StoreOps store_sqlite; /* "sqlite:PATH" */
extern const StoreOps store_memory; /* "memory:", the same code */

#endif
