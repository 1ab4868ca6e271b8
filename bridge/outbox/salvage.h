/* SPDX-License-Identifier: MIT */
#ifndef BRIDGE_OUTBOX_SALVAGE_H
#define BRIDGE_OUTBOX_SALVAGE_H

#include <glib.h>
#include <stdbool.h>

#include "bridge/outbox/outbox.h"

/* What can be read of a damaged database: row by row, around the pages that cannot.  It
 * is opened read-only; one thread. */
typedef struct Salvage Salvage;

typedef struct {
    unsigned mails;      /* that were read, and are given */
    unsigned gone;       /* records of mails that were delivered or dropped: not given */
    unsigned unreadable; /* mails of which a part is lost or makes no sense */
    unsigned records;
    unsigned gaps;       /* places where rows could not be read */
} SalvageCounts;

/* NULL with ERROR set: INPUT if PATH is no database of ours (or its head is lost), SYSTEM
 * if it cannot be opened or another process has it. */
Salvage *salvage_open(const char *path, GError **error);
void salvage_close(Salvage *salvage); /* NULL is allowed */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Salvage, salvage_close)

/* The next mail, in order of acceptance; NULL at the end.  Who was in an attempt is in
 * doubt, and due at NOW_MS plus the pause for that. */
Mail *salvage_next_mail(Salvage *salvage, int64_t now_ms);
/* Fills in the next record, with version 0; false at the end. */
bool salvage_next_record(Salvage *salvage, Record *record);

SalvageCounts salvage_counts(const Salvage *salvage);

#endif
