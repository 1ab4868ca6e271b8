/* SPDX-License-Identifier: MIT */
#ifndef RULES_DEDUP_STATE_H
#define RULES_DEDUP_STATE_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rules/alert.h"

/* What dedup remembers, and how it is stored.  Times are Unix time in ms unless the name
 * says otherwise. */

typedef struct {
    uint64_t fingerprint;
    int64_t starts_ns; /* Unix time in ns, clamped to what fits */
} DedupAlert;

#define DEDUP_IDS_MAX    16
#define DEDUP_COMMIT_MAX 64 /* bytes */

/* Of CI: the runs of one workflow. */
typedef struct {
    bool red;
    unsigned streak;        /* red runs in a row */
    int64_t red_since_ms;   /* the first of them ended; 0: never was red */
    char since_commit[DEDUP_COMMIT_MAX + 1]; /* its commit; "" if unknown or too long */
    uint64_t sequence[2];   /* of the latest run that counted */
    uint64_t ids[DEDUP_IDS_MAX]; /* hashes of the last deliveries, the oldest first */
    size_t n_ids;
} DedupRuns;

/* What is remembered of one (receiver, email_config, source, group key). */
typedef struct {
    Family family;
    DedupRuns runs;       /* of CI */
    int64_t last_mail_ms; /* 0: none */
    int64_t resolved_ms;  /* when `resolved` last gained an alert; 0: never */
    /* The last webhook seen: its firing alerts with the truncated count, and its
     * resolved ones. */
    uint64_t seen_firing, seen_resolved;
    /* Last accepted, by fingerprint, each once. Resolved ones that a webhook does not
     * repeat are kept for one window more. */
    DedupAlert *firing, *resolved;
    size_t n_firing, n_resolved;
    char *thread_root;    /* Message-ID without <>; "": no thread is open */
    unsigned thread_mails; /* since the root, which counts */
} DedupState;

#define DEDUP_THREAD_MAX 90    /* mails of one thread; Gmail breaks it at 100 */
#define DEDUP_CARRY_MAX  10000 /* alerts kept that the webhook itself does not list */

DedupState *dedup_state_new(void);
void dedup_state_free(DedupState *state); /* NULL is allowed */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DedupState, dedup_state_free)

/* The state as bytes, versioned, 16 for an alert; *LENGTH gets their number. */
guint8 *dedup_encode(const DedupState *state, size_t *length);
/* NULL with ERROR (SYSTEM) set if BYTES are not what dedup_encode makes. */
DedupState *dedup_decode(const guint8 *bytes, size_t length, GError **error);

#endif
