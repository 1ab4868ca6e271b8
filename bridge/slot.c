/* SPDX-License-Identifier: MIT */
/* The mails of one relay: claimed from the outbox, offered, given back.
 *
 * A slot claims when something is due and its relay has room.  It looks when the outbox
 * says that a mail is due, when the relay says that it has room, and when the dispatch
 * thread finds that the time has come.  Room that a claim or a commit under way will
 * use is reserved.  Before a commit the outbox asks whether the mail is wanted: yes, if
 * there is room and nothing older waits; then the commit claims it and it is offered
 * right behind.  A relay that gives back mails untried again and again is left alone for
 * a second, so that no fault can make a busy loop. */
#include "bridge/slot.h"

#include "bridge/attempt.h"

enum { UNTRIED_MAX = 100 }; /* mails in a row */

static int64_t unix_ms(const Dispatch *dispatch)
{
    return outbox_now_ms(dispatch->context.outbox);
}

Slot *slot_new(Dispatch *dispatch, const char *key, const char *name)
{
    Slot *slot = g_new0(Slot, 1);
    slot->dispatch = dispatch;
    slot->key = g_strdup(key);
    slot->name = g_strdup(name);
    slot->next_due_ms = NEVER; /* until the mails are routed */
    return slot;
}

void slot_free(Slot *slot)
{
    if (slot->relay != NULL) {
        slot->ops->free(slot->relay);
    }
    g_free(slot->key);
    g_free(slot->name);
    g_free(slot->fault_text);
    g_free(slot);
}

/* Back to the outbox. */

static void report(Slot *slot, Mail *mail, OutcomeKind kind, const char *text)
{
    g_autofree Outcome *outcomes = g_new0(Outcome, mail->n_recipients);
    for (unsigned i = 0; i < mail->n_recipients; i++) {
        outcome_set(&outcomes[i], kind, 0, "", slot->name, text);
    }
    const Attempt attempt = {mail, outcomes, slot->name, unix_ms(slot->dispatch)};
    attempt_tell(&attempt, slot->dispatch->context.log, slot->dispatch->context.metrics);
    outbox_report(slot->dispatch->context.outbox, mail, outcomes);
    for (unsigned i = 0; i < mail->n_recipients; i++) {
        outcome_clear(&outcomes[i]);
    }
}

static void report_untried(Slot *slot, Mail *mail)
{
    report(slot, mail, OUTCOME_UNTRIED, "");
}

static void report_no_relay(Slot *slot, Mail *mail)
{
    g_autofree char *text = g_strdup_printf(
        "the configuration has no mail server for receiver \"%s\" any more", mail->receiver);
    report(slot, mail, OUTCOME_DEFERRED, text);
}

/* Claiming. */

/* Under the lock.  Remembers when it is no use to look again before something changes. */
static unsigned free_room(Slot *slot)
{
    unsigned room = slot->ops != NULL ? slot->ops->room(slot->relay) : CLAIM_MAX;
    slot->full = room <= slot->reserved;
    return slot->full ? 0 : room - slot->reserved;
}

/* Under the lock: when the slot wants to claim, as far as it is not its room that
 * matters. */
int64_t slot_eager_at(const Slot *slot)
{
    if (slot->dispatch->stopping || slot->retired || slot->claiming) {
        return NEVER;
    }
    return MAX(slot->next_due_ms, slot->pause_until_ms);
}

static OutboxClaimDone take_claimed;

/* Claims for the slot if something is due and there is room.  The slot is pinned. */
void slot_consider(Slot *slot)
{
    Dispatch *dispatch = slot->dispatch;
    unsigned max = 0;
    pthread_mutex_lock(&dispatch->lock);
    if (slot_eager_at(slot) <= unix_ms(dispatch)) {
        max = MIN(free_room(slot), (unsigned)CLAIM_MAX);
    }
    if (max > 0) {
        slot->claiming = true;
        slot->asked = max;
        slot->reserved += max;
    } else if (!slot->full && slot_eager_at(slot) < dispatch->until_ms) {
        pthread_cond_broadcast(&dispatch->wake);
    }
    pthread_mutex_unlock(&dispatch->lock);
    if (max > 0) {
        outbox_claim(dispatch->context.outbox, slot->key, max, take_claimed, slot);
    }
}

static Slot *pin(Dispatch *dispatch, const char *key)
{
    pthread_mutex_lock(&dispatch->lock);
    Slot *slot = g_hash_table_lookup(dispatch->slots, key);
    if (slot != NULL) {
        slot->pins++;
    }
    pthread_mutex_unlock(&dispatch->lock);
    return slot;
}

static void unpin(Slot *slot)
{
    pthread_mutex_lock(&slot->dispatch->lock);
    slot->pins--;
    if (slot->retired || slot->dispatch->stopping) {
        pthread_cond_broadcast(&slot->dispatch->wake);
    }
    pthread_mutex_unlock(&slot->dispatch->lock);
}

/* What was promised of the room has been used, or will not be. */
static void release(Slot *slot, unsigned reserved)
{
    pthread_mutex_lock(&slot->dispatch->lock);
    slot->reserved -= MIN(reserved, slot->reserved);
    slot->full = false;
    pthread_mutex_unlock(&slot->dispatch->lock);
    slot_consider(slot);
}

/* Offers the mails, or gives them back if the slot may take none any more.  The slot is
 * pinned. */
static void offer(Slot *slot, Mail **mails, size_t n)
{
    pthread_mutex_lock(&slot->dispatch->lock);
    bool open = !slot->dispatch->stopping && !slot->retired;
    slot->held += open && slot->ops != NULL ? (unsigned)n : 0;
    pthread_mutex_unlock(&slot->dispatch->lock);
    for (size_t i = 0; i < n; i++) {
        if (!open) {
            report_untried(slot, mails[i]);
        } else if (slot->ops == NULL) {
            report_no_relay(slot, mails[i]);
        } else {
            slot->ops->offer(slot->relay, mails[i]);
        }
    }
}

static void take_claimed(void *who, OutboxResult result, Mail **mails, size_t n,
                         int64_t next_due_ms)
{
    Slot *slot = who;
    Dispatch *dispatch = slot->dispatch;
    pthread_mutex_lock(&dispatch->lock);
    slot->pins++;
    slot->next_due_ms = next_due_ms < 0 ? NEVER : next_due_ms;
    if (result != OUTBOX_OK) {
        slot->next_due_ms = unix_ms(dispatch) + AGAIN_MS;
    }
    pthread_mutex_unlock(&dispatch->lock);
    offer(slot, mails, n);
    g_free(mails);
    pthread_mutex_lock(&dispatch->lock);
    slot->claiming = false;
    unsigned asked = slot->asked;
    pthread_mutex_unlock(&dispatch->lock);
    release(slot, asked);
    unpin(slot);
}

/* The outbox's hooks. */

/* Under the lock: the key of the relay for a mail. */
const char *slot_resolve(const Dispatch *dispatch, const char *receiver_name,
                           unsigned integration, const char *relay)
{
    const Config *config = dispatch->config;
    const Receiver *receiver = config_find_receiver(config, receiver_name);
    if (receiver != NULL && integration < receiver->n_emails) {
        return config->relays[receiver->emails[integration].relay].key;
    }
    return g_hash_table_contains(dispatch->slots, relay) ? relay : NO_RELAY;
}

/* Under the lock.  The mail comes from a configuration that is new or just replaced, so
 * its relay is right if there is such a one. */
static Slot *find_slot(Dispatch *dispatch, Mail *mail)
{
    Slot *slot = g_hash_table_lookup(dispatch->slots, mail->relay);
    if (slot == NULL && dispatch->config != NULL) {
        char *key = g_strdup(
            slot_resolve(dispatch, mail->receiver, mail->integration, mail->relay));
        g_free(mail->relay);
        mail->relay = key;
        slot = g_hash_table_lookup(dispatch->slots, key);
    }
    return slot;
}

static bool wants(void *who, Mail *mail)
{
    Dispatch *dispatch = who;
    bool wanted = false;
    pthread_mutex_lock(&dispatch->lock);
    Slot *slot = find_slot(dispatch, mail);
    if (slot != NULL && slot->ops != NULL && !dispatch->stopping) {
        int64_t now_ms = unix_ms(dispatch);
        bool backlog = slot->next_due_ms <= now_ms || slot->pause_until_ms > now_ms;
        wanted = !backlog && free_room(slot) > 0;
        slot->reserved += wanted;
    }
    pthread_mutex_unlock(&dispatch->lock);
    return wanted;
}

static void claimed(void *who, Mail *mail)
{
    Dispatch *dispatch = who;
    Slot *slot = pin(dispatch, mail->relay);
    if (slot == NULL) { /* its relay went in between */
        slot = pin(dispatch, NO_RELAY);
        report_untried(slot, mail);
    } else {
        offer(slot, &mail, 1);
        release(slot, 1);
    }
    unpin(slot);
}

static void unclaimed(void *who, const Mail *mail)
{
    Slot *slot = pin(who, mail->relay);
    if (slot != NULL) {
        release(slot, 1);
        unpin(slot);
    }
}

static void due(void *who, const char *relay, int64_t due_ms)
{
    Dispatch *dispatch = who;
    Slot *slot = pin(dispatch, relay);
    if (slot == NULL) {
        return;
    }
    pthread_mutex_lock(&dispatch->lock);
    slot->next_due_ms = MIN(slot->next_due_ms, due_ms);
    pthread_mutex_unlock(&dispatch->lock);
    slot_consider(slot);
    unpin(slot);
}

const OutboxClaimer slot_claimer = {wants, claimed, unclaimed, due};

/* The relays' events. */

/* Under the lock. */
static void count_untried(Slot *slot, bool said_something, int64_t now_ms)
{
    slot->untried = said_something ? 0 : slot->untried + 1;
    if (slot->untried >= UNTRIED_MAX) {
        slot->untried = 0;
        slot->pause_until_ms = now_ms + AGAIN_MS;
    }
}

/* After the unlocking the slot may be gone, if it is retired. */
static void on_done(void *who, Relay *relay, Mail *mail, const Outcome *outcomes)
{
    (void)relay;
    Slot *slot = who;
    Dispatch *dispatch = slot->dispatch;
    const Attempt attempt = {mail, outcomes, slot->name, unix_ms(dispatch)};
    attempt_tell(&attempt, dispatch->context.log, dispatch->context.metrics);
    bool said_something = attempt_said_something(&attempt);
    pthread_mutex_lock(&dispatch->lock);
    count_untried(slot, said_something, attempt.now_ms);
    slot->held--;
    if (slot->retired) {
        pthread_cond_broadcast(&dispatch->wake);
    }
    pthread_mutex_unlock(&dispatch->lock);
    outbox_report(dispatch->context.outbox, mail, outcomes);
}

static void on_room(void *who, Relay *relay)
{
    (void)relay;
    release(who, 0);
}

/* For those who ask; a fault that goes on began with its first. */
static void note_fault(Slot *slot, RelayFault fault, const char *text)
{
    pthread_mutex_lock(&slot->dispatch->lock);
    if (slot->fault == FAULT_NONE) {
        slot->fault_ms = unix_ms(slot->dispatch);
    }
    slot->fault = fault;
    g_free(slot->fault_text);
    slot->fault_text = g_strdup(text);
    pthread_mutex_unlock(&slot->dispatch->lock);
}

static void on_fault(void *who, Relay *relay, RelayFault fault, const char *text)
{
    (void)relay;
    Slot *slot = who;
    const DispatchContext *context = &slot->dispatch->context;
    note_fault(slot, fault, text);
    delivery_tell_fault(context->log, context->metrics, slot->name, fault, text);
}

const DeliveryEvents slot_events = {on_done, on_room, on_fault};
