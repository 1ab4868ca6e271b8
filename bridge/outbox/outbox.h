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
 * storage thread, after the job's commit (or failure), and must not block.  All
 * functions may be called from any thread, done() included, unless they say else. */
typedef struct Outbox Outbox;

typedef struct {
    char *key;
    guint8 *value;     /* NULL: absent */
    size_t length;
    uint64_t version;  /* 0: never written; a commit states the version it was read at */
    int64_t expires_ms; /* Unix time after which the record may go; 0: never */
} Record;
void record_clear(Record *record);

typedef enum {
    OUTBOX_OK,
    OUTBOX_CONFLICT, /* a record has another version by now: read and decide again */
    OUTBOX_FULL,     /* queue_mails or queue_bytes is reached: 503 */
    OUTBOX_FAILED,   /* the storage fails: 503 */
    OUTBOX_LATE,     /* what was awaited has not come about in time: 503 */
} OutboxResult;

typedef struct {
    Record *records;
    size_t n_records;
    Mail **mails;
    size_t n_mails;
} Change;
void change_clear(Change *change);

/* Time (Unix, ms) and dice (0 <= random < 1); for tests. */
typedef struct {
    int64_t (*now_ms)(void *who);
    double (*random)(void *who);
    void *who;
} OutboxClock;

/* What to do at the start with a damaged database. */
typedef enum {
    DAMAGE_MOVES, /* it gets another name, and a new one begins */
    DAMAGE_STOPS, /* it is an error */
} OnDamage;

/* STORAGE is "sqlite:PATH" or "memory:"; of CONFIG the limits and the retry policy are
 * copied.  What a crash left claimed is queued again, in doubt.  NULL with ERROR set
 * (SYSTEM, also when another process has it open; INPUT for a STORAGE that is neither). */
Outbox *outbox_open(const char *storage, OnDamage on_damage, const Config *config, Log *log,
                    Metrics *metrics, GError **error);
/* The same for a look at the STORAGE of a daemon that does not run, and for changing its
 * mails by hand.  Its damage is an error, and what its crash left claimed stays so: how
 * that is taken up, and said, is for the daemon's start. */
Outbox *outbox_visit(const char *storage, const Config *config, GError **error);
void outbox_set_clock(Outbox *outbox, const OutboxClock *clock); /* before the start */
bool outbox_start(Outbox *outbox, GError **error);
void outbox_configure(Outbox *outbox, const Config *config); /* reload */
void outbox_stop(Outbox *outbox);  /* jobs queued before are still done, later ones fail */
void outbox_join(Outbox *outbox);
void outbox_free(Outbox *outbox);  /* NULL is allowed */

bool outbox_ready(Outbox *outbox);               /* the last commit worked */
/* The queue would take a mail of so many BYTES: to be asked before a body is read. */
bool outbox_room(Outbox *outbox, size_t bytes);

typedef void OutboxReadDone(void *who, OutboxResult result, Record *records, size_t n);
/* Looks up the records of KEYS; those never written come back with version 0. The
 * RECORDS given to done() (NULL unless OK) are its to keep (record_clear, g_free).
 * Calls done() before it returns, on the caller's thread, when all are in memory. */
void outbox_read(Outbox *outbox, const char *const *keys, size_t n, OutboxReadDone *done, void *who);

typedef void OutboxCommitDone(void *who, OutboxResult result, Change *change);
/* All or nothing. The change is the outbox's until done(), which gets it back with ids
 * and versions filled in; a mail whose pointer is still in `mails` after OUTBOX_OK has
 * not been claimed (done() frees it by change_clear). Mails for which the claimer (see
 * outbox_set_claimer) answered true are stored claimed and handed to it; their place in
 * `mails` is NULL.  A record without a value is removed.  A recipient whose state is
 * not QUEUED is only remembered; a mail with nobody to try is stored dead. */
void outbox_commit(Outbox *outbox, Change *take_change, OutboxCommitDone *done, void *who);

typedef void OutboxQueuedDone(void *who, OutboxResult result, bool queued);
/* Whether a mail of GROUP that was accepted at ACCEPTED_MS waits for an attempt, its
 * first or another; one that a relay has at the moment does not.  Calls done() before it
 * returns, on the caller's thread, while nothing waits at all. */
void outbox_queued(Outbox *outbox, const char *group, int64_t accepted_ms,
                   OutboxQueuedDone *done, void *who);

/* The mail of GROUP that was accepted at ACCEPTED_MS. */
typedef struct {
    char *group;
    int64_t accepted_ms;
} MailName;
typedef void OutboxAwaitDone(void *who, OutboxResult result);
/* Waits until the MAILS (copied) are settled: no recipient is to be tried any more.  OK,
 * also for mails that are unknown; LATE after TIMEOUT_MS or outbox_dismiss(); FAILED if
 * the storage cannot be asked.  Mails are settled either way, sooner or later. */
void outbox_await(Outbox *outbox, const MailName *mails, size_t n, int64_t timeout_ms,
                  OutboxAwaitDone *done, void *who);
/* The end: whoever waits is answered LATE at once, and whoever comes later and would. */
void outbox_dismiss(Outbox *outbox);

/* Dispatch's side.  All hooks run on the storage thread and must not block. */
typedef struct {
    /* Before an accepting commit: true to have the mail claimed by it.  May correct the
     * mail's relay. */
    bool (*wants)(void *who, Mail *mail);
    void (*claimed)(void *who, Mail *take_mail);    /* wanted, and the commit worked */
    void (*unclaimed)(void *who, const Mail *mail); /* wanted, and nothing came of it */
    /* There is, or will be at DUE_MS, something to claim for RELAY. */
    void (*due)(void *who, const char *relay, int64_t due_ms);
} OutboxClaimer;
/* Before the start. */
void outbox_set_claimer(Outbox *outbox, const OutboxClaimer *claimer, void *who);

/* On the storage thread: the mail that tells the postmaster of the N DEAD mails, which have
 * their numbers; NULL: he is not told now.  With an empty receiver it is never the subject
 * of a notice itself. */
typedef Mail *OutboxNotice(void *who, const Mail *const *dead, size_t n, int64_t now_ms);
/* Before the start.  The postmaster is told within seconds, then not for five minutes. */
void outbox_set_notice(Outbox *outbox, OutboxNotice *notice, void *who);

typedef void OutboxClaimDone(void *who, OutboxResult result, Mail **mails, size_t n, int64_t next_due_ms);
/* Claims up to MAX due mails of RELAY (a key), longest due first.  Recipients that are
 * not to be tried this time are WAITING.  NEXT_DUE_MS: when the next one falls due, -1
 * if there is none.  done() owns the mails and the array. */
void outbox_claim(Outbox *outbox, const char *relay, unsigned max, OutboxClaimDone *done, void *who);

/* What came of an attempt, one outcome a recipient; the mail is given back. Applies
 * rules/retry.  While the storage fails it is kept and tried again. */
void outbox_report(Outbox *outbox, Mail *take_mail, const Outcome *outcomes);

typedef const char *OutboxRouter(void *who, const char *receiver, unsigned integration,
                                 const char *relay);
typedef void OutboxRouteDone(void *who, OutboxResult result);
/* Gives every queued mail the relay that ROUTER (on the storage thread) answers: the
 * key of a relay, valid until its next call. */
void outbox_route(Outbox *outbox, OutboxRouter *router, OutboxRouteDone *done, void *who);

int64_t outbox_now_ms(Outbox *outbox); /* its clock */

/* A sign of life: answer() is called on the storage thread, in its turn, whether the storage
 * works or not. */
void outbox_ask(Outbox *outbox, void (*answer)(void *who), void *who);

typedef struct {
    /* Mails by state: never tried or tried without a word; waiting for another attempt;
     * at a relay; kept; gone, with their record left.  bytes: of the first three. */
    uint64_t queued, deferred, claimed, dead, history, bytes;
    int64_t oldest_ms; /* acceptance of the oldest queued or deferred mail, 0 if none */
} OutboxStats;
void outbox_stats(Outbox *outbox, OutboxStats *stats);

#endif
