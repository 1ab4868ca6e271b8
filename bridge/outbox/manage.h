/* SPDX-License-Identifier: MIT */
#ifndef BRIDGE_OUTBOX_MANAGE_H
#define BRIDGE_OUTBOX_MANAGE_H

#include "bridge/outbox/outbox.h"

/* The outbox as people see and change it.  A mail is named by its number (Mail.id) or
 * its Message-ID; finding the latter takes longer where much is kept.  All calls queue
 * jobs, as in outbox.h, each looking at a bounded number of mails. */

/* These numbers are stored: append only. */
typedef enum {
    MAIL_QUEUED,    /* never tried, or tried without a word */
    MAIL_DEFERRED,  /* waits for another attempt */
    MAIL_CLAIMED,   /* at a relay */
    MAIL_BURIED,    /* dead: kept until it is dropped or tried again */
    MAIL_DELIVERED, /* gone: only the record is left */
    MAIL_DROPPED,   /* taken out by hand; likewise */
    MAIL_STATES,
} MailState;
#define MAIL_STATES_ALL   ((1u << MAIL_STATES) - 1)
#define MAIL_STATES_QUEUE ((1u << MAIL_DELIVERED) - 1) /* all but what is gone */

const char *mail_state_text(MailState state); /* "queued", …; BURIED is "dead" */
/* False if it is none of the texts. */
bool mail_state_parse(const char *text, MailState *state);

/* What an attempt that did not deliver said about one recipient. */
typedef struct {
    unsigned recipient; /* index */
    int64_t at_ms;      /* when it ended */
    Outcome outcome;
} PastAttempt;
void past_attempt_clear(void *attempt); /* for arrays */

typedef struct {
    Mail *mail; /* without its bytes, unless asked for */
    MailState state;
    int64_t changed_ms; /* when it came to this state */
    int64_t next_ms;    /* when it may be tried; -1: not before something else happens */
    GArray *attempts;   /* of PastAttempt, oldest first; NULL in lists */
} StoredMail;
void stored_mail_free(StoredMail *stored); /* NULL is allowed */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(StoredMail, stored_mail_free)

/* Which mails: all of the conditions. */
typedef struct {
    unsigned states;       /* bits of MailState */
    const char *receiver;  /* exactly; "": any */
    const char *recipient; /* a part of some recipient's address, in any case; "": any */
    int64_t accepted_from_ms, accepted_to_ms; /* both included */
    int64_t before;        /* only numbers below: how a list goes on; INT64_MAX: all */
    unsigned max;          /* at most so many */
} MailQuery;
#define MAIL_QUERY_ALL ((MailQuery){.states = MAIL_STATES_ALL, .receiver = "", .recipient = "", \
                                    .accepted_to_ms = INT64_MAX, .before = INT64_MAX, .max = 100})

typedef void OutboxListDone(void *who, OutboxResult result, GPtrArray *take_mails, int64_t before);
/* The newest first.  done() gets StoredMails (the array frees them; NULL unless OK) and
 * where the list goes on, 0 at its end. */
void outbox_list(Outbox *outbox, const MailQuery *query, OutboxListDone *done, void *who);

typedef void OutboxFindDone(void *who, OutboxResult result, StoredMail *take_mail);
/* The mail with its attempts and, if it has not gone, its bytes.  NULL with OK: there is
 * none of this name. */
void outbox_find(Outbox *outbox, const char *name, OutboxFindDone *done, void *who);

typedef enum {
    MANAGE_DONE,
    MANAGE_UNKNOWN,   /* there is no such mail */
    MANAGE_CLAIMED,   /* it is at a relay at this moment */
    MANAGE_DELIVERED, /* too late: everybody has it */
    MANAGE_DROPPED,   /* too late: somebody has dropped it */
    MANAGE_HOPELESS,  /* none of its recipients has an address that can be tried */
} ManageResult;

typedef void OutboxManageDone(void *who, OutboxResult result, ManageResult managed);
/* Every recipient that is not delivered is due now, also those refused or given up; the
 * time to give up begins anew.  FULL: the queue has no room for a dead mail's return. */
void outbox_retry(Outbox *outbox, const char *name, OutboxManageDone *done, void *who);
/* Takes it out of the queue for good: only the record is left. */
void outbox_drop(Outbox *outbox, const char *name, OutboxManageDone *done, void *who);

#endif
