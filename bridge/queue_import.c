/* SPDX-License-Identifier: MIT */
#include "bridge/queue_import.h"

#include <semaphore.h>
#include <stdatomic.h>

#include "bridge/outbox/salvage.h"
#include "rules/fault.h"

enum { WAITING_MAX = 64 }; /* commits under way: they share the disk's flush */

typedef struct {
    Outbox *outbox;
    GHashTable *known; /* Message-IDs that the outbox has */
    sem_t room;
    sem_t listed;
    int64_t before;    /* where the list of its mails goes on */
    atomic_uint failed, there_already;
} Import;

static void wait_for(sem_t *semaphore)
{
    while (sem_wait(semaphore) != 0) {
    }
}

/* What is there. */

static void on_list(void *who, OutboxResult result, GPtrArray *take_mails, int64_t before)
{
    Import *import = who;
    import->before = before;
    if (result != OUTBOX_OK) {
        atomic_fetch_add(&import->failed, 1);
    }
    for (unsigned i = 0; result == OUTBOX_OK && i < take_mails->len; i++) {
        const StoredMail *stored = take_mails->pdata[i];
        g_hash_table_add(import->known, g_strdup(stored->mail->message_id));
    }
    g_clear_pointer(&take_mails, g_ptr_array_unref);
    sem_post(&import->listed);
}

static void list_known(Import *import)
{
    MailQuery query = MAIL_QUERY_ALL;
    query.max = 1000;
    while (query.before > 0 && atomic_load(&import->failed) == 0) {
        outbox_list(import->outbox, &query, on_list, import);
        wait_for(&import->listed);
        query.before = import->before;
    }
}

/* What comes in. */

typedef struct {
    Import *import;
    Change change;
} Step;

static void on_commit(void *who, OutboxResult result, Change *change)
{
    Step *step = who;
    Import *import = step->import;
    atomic_fetch_add(result == OUTBOX_CONFLICT ? &import->there_already : &import->failed,
                     result != OUTBOX_OK);
    change_clear(change);
    g_free(step);
    sem_post(&import->room);
}

static void store(Import *import, Change change)
{
    Step *step = g_new(Step, 1);
    *step = (Step){import, change};
    wait_for(&import->room);
    outbox_commit(import->outbox, &step->change, on_commit, step);
}

static unsigned import_mails(Import *import, Salvage *salvage)
{
    unsigned stored = 0;
    Mail *mail;
    while (atomic_load(&import->failed) == 0 &&
           (mail = salvage_next_mail(salvage, outbox_now_ms(import->outbox))) != NULL) {
        if (!g_hash_table_add(import->known, g_strdup(mail->message_id))) {
            mail_free(mail);
            continue;
        }
        Change change = {.mails = g_new(Mail *, 1), .n_mails = 1};
        change.mails[0] = mail;
        store(import, change);
        stored++;
    }
    return stored;
}

static void import_records(Import *import, Salvage *salvage)
{
    Record record;
    while (atomic_load(&import->failed) == 0 && salvage_next_record(salvage, &record)) {
        Change change = {.records = g_new(Record, 1), .n_records = 1};
        change.records[0] = record;
        store(import, change);
    }
}

static void tell(const SalvageCounts *counts, unsigned mails, unsigned records_known, GString *out)
{
    g_string_append_printf(
        out, "mails: %u read, %u imported, %u known already, %u unreadable, %u had gone before\n",
        counts->mails, mails, counts->mails - mails, counts->unreadable, counts->gone);
    g_string_append_printf(out, "records of groups: %u read, %u imported, %u known already\n",
                           counts->records, counts->records - records_known, records_known);
    g_string_append_printf(out, "places that could not be read: %u%s\n", counts->gaps,
                           counts->gaps > 0 ? " (sqlite3's .recover may find more; what it "
                                              "makes can be imported, too)"
                                            : "");
}

bool queue_import(Outbox *outbox, const char *path, GString *out, GError **error)
{
    g_autoptr(Salvage) salvage = salvage_open(path, error);
    if (salvage == NULL) {
        return false;
    }
    Import import = {.outbox = outbox};
    import.known = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    sem_init(&import.room, 0, WAITING_MAX);
    sem_init(&import.listed, 0, 0);
    list_known(&import);
    unsigned mails = import_mails(&import, salvage);
    import_records(&import, salvage);
    for (unsigned i = 0; i < WAITING_MAX; i++) {
        wait_for(&import.room);
    }
    sem_destroy(&import.room);
    sem_destroy(&import.listed);
    g_hash_table_unref(import.known);
    if (atomic_load(&import.failed) > 0) {
        g_set_error(error, FAULT, FAULT_SYSTEM, "the storage fails: not everything is imported; "
                                                "it can be done again");
        return false;
    }
    SalvageCounts counts = salvage_counts(salvage);
    tell(&counts, mails, atomic_load(&import.there_already), out);
    return true;
}
