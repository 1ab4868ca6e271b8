/* SPDX-License-Identifier: MIT */
#ifndef BRIDGE_OUTBOX_OUTBOX_H
#define BRIDGE_OUTBOX_OUTBOX_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bridge/log.h"
#include "bridge/mail.h"
#include "bridge/metrics.h"
#include "config/config.h"

/* What must survive: records (small versioned values by key: the dedup state of a
 * group) and mails.  One storage thread owns the database; whatever waits shares a
 * commit.  Every call with a done() queues a job; done() runs exactly once, on the
 * storage thread, after the job's commit (or failure), and must not block. */
typedef struct Outbox Outbox;

typedef struct {
    char *key;
    guint8 *value;     /* NULL: absent */
    size_t length;
    uint64_t version;  /* 0: never written; a commit states the version it was read at */
    int64_t expires_ms; /* Unix time after which the record may go */
} Record;
void record_clear(Record *record);

typedef enum {
    OUTBOX_OK,
    OUTBOX_CONFLICT, /* a record has another version by now: read and decide again */
    OUTBOX_FULL,     /* queue_mails or queue_bytes is reached: 503 */
    OUTBOX_FAILED,   /* the storage fails: 503 */
} OutboxResult;

typedef struct {
    Record *records;
    size_t n_records;
    Mail **mails;
    size_t n_mails;
} Change;
void change_clear(Change *change);

/* STORAGE is "sqlite:PATH" or "memory:".  NULL with ERROR set (SYSTEM; INPUT for a
 * STORAGE that is neither). */
Outbox *outbox_open(const char *storage, const LimitsConfig *limits, Log *log,
                    Metrics *metrics, GError **error);
bool outbox_start(Outbox *outbox, GError **error);
void outbox_configure(Outbox *outbox, const LimitsConfig *limits); /* reload */
void outbox_stop(Outbox *outbox);  /* jobs queued before are still done */
void outbox_join(Outbox *outbox);
void outbox_free(Outbox *outbox);  /* NULL is allowed */

bool outbox_ready(Outbox *outbox);               /* the last commit worked */
bool outbox_room(Outbox *outbox, size_t bytes);  /* any thread, before a body is read */

typedef void OutboxReadDone(void *who, OutboxResult result, Record *records, size_t n);
/* Looks up the records of KEYS; those never written come back with version 0. The
 * RECORDS given to done() are its to keep (record_clear, g_free). May call done()
 * before it returns, on the caller's thread, when all are in memory. */
void outbox_read(Outbox *outbox, const char *const *keys, size_t n, OutboxReadDone *done, void *who);

typedef void OutboxCommitDone(void *who, OutboxResult result, Change *change);
/* All or nothing. The change is the outbox's until done(), which gets it back with ids
 * and versions filled in; a mail whose pointer is still in `mails` after OUTBOX_OK has
 * not been claimed (done() frees it by change_clear). Mails for which the claimer (see
 * outbox_set_claimer) answered true are stored claimed and handed to it; their place in
 * `mails` is NULL. */
void outbox_commit(Outbox *outbox, Change *take_change, OutboxCommitDone *done, void *who);

/* Dispatch. CLAIMER runs on the storage thread before an accepting commit: true to have
 * the mail claimed by that commit; then CLAIMED gets it after the commit. */
typedef struct {
    bool (*wants)(void *who, const Mail *mail);
    void (*claimed)(void *who, Mail *take_mail);
    void (*unclaimed)(void *who, const Mail *mail); /* wants() said true, the commit failed */
    void (*due)(void *who);                         /* there is something to claim now */
} OutboxClaimer;
void outbox_set_claimer(Outbox *outbox, const OutboxClaimer *claimer, void *who);

typedef void OutboxClaimDone(void *who, OutboxResult result, Mail **mails, size_t n, int64_t next_due_ms);
/* Claims up to MAX due mails, oldest first, of relays not in the NULL-terminated list
 * EXCEPT (may be NULL); order per group and recipient is kept. NEXT_DUE_MS: when the
 * next one falls due, -1 if none is queued. done() owns the mails and the array. */
void outbox_claim(Outbox *outbox, unsigned max, const char *const *except,
                  OutboxClaimDone *done, void *who);
/* What came of an attempt; the mail is given back. Applies rules/retry. */
void outbox_report(Outbox *outbox, Mail *take_mail, const Outcome *outcomes, const DeliveryConfig *delivery);

typedef struct {
    uint64_t queued, deferred, claimed, dead, bytes;
    int64_t oldest_ms; /* acceptance of the oldest queued mail, 0 if none */
} OutboxStats;
void outbox_stats(Outbox *outbox, OutboxStats *stats);

#endif
