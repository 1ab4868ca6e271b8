/* SPDX-License-Identifier: MIT */
/* CONNECTING -> IDLE -> BUSY -> IDLE … -> QUITTING.  While busy, the deadline is that
 * of the reply (or write) waited for, and starts anew with each of them.  An idle
 * session is still listened to: whatever comes (421, the end) makes it gone before a
 * mail is entrusted to it.  With `deep`, the commands for a second mail stand behind the
 * dot of the first; if the session goes before their turn comes, that mail is given back
 * as if it had never been taken.  QUIT is a courtesy with its own short deadline. */
#include "bridge/delivery/smtp/courier.h"

#include <string.h>

struct Courier {
    Loop *loop;
    const CourierEvents *events;
    void *who;
    const char *relay;
    DeliveryConfig delivery;
    Session *session;
    CourierState state;
    Timer deadline, nudge; /* the second: there is something to write */
    int64_t opened_ms;
    unsigned mails;
    bool reset, retired;
    bool lockstep, deep;
    Job *job, *next_job;
    unsigned seen_progress;
    TransactionWait seen_wait;
    Outgoing *out; /* this and the next two are made with the first mail */
    Transaction *now, *other; /* OTHER: the next one, or the one that was over last */
};

static void set_deadline(Courier *courier, int64_t after_ms)
{
    loop_set_timer(courier->loop, &courier->deadline, loop_now_ms(courier->loop) + after_ms);
}

/* --- a transaction --- */

static int64_t patience_ms(const Courier *courier, TransactionWait wait)
{
    const DeliveryConfig *delivery = &courier->delivery;
    switch (wait) {
    case WAIT_WRITE:
        return delivery->write_ms;
    case WAIT_DOT:
        return delivery->final_dot_ms;
    default:
        return delivery->command_ms;
    }
}

static void swap_transactions(Courier *courier)
{
    Transaction *now = courier->now;
    courier->now = courier->other;
    courier->other = now;
}

/* The mail behind has its turn. */
static void go_on(Courier *courier, Job *job)
{
    courier->job = job;
    courier->seen_progress = G_MAXUINT;
    set_deadline(courier, 0);
}

static void finish(Courier *courier)
{
    TransactionEnd end = courier->now->end;
    bool usable = end == END_KEEP || end == END_RESET;
    Job *job = g_steal_pointer(&courier->job), *next = g_steal_pointer(&courier->next_job);
    loop_unset_timer(courier->loop, &courier->deadline);
    courier->mails++;
    courier->reset = end == END_RESET;
    if (next != NULL && !usable) {
        courier->events->returned(courier->who, courier, next);
    }
    swap_transactions(courier);
    if (next != NULL && usable) {
        go_on(courier, next);
    } else {
        courier->state = usable ? COURIER_IDLE : COURIER_SPENT;
    }
    if (courier->state == COURIER_IDLE) {
        session_want_write(courier->session, false);
    }
    courier->events->finished(courier->who, courier, job);
}

static void start_transaction(Courier *courier, Transaction *transaction, Job *job, bool behind)
{
    TransactionPlan plan = {
        .transport = {&session_transport, courier->session,
                      .drained = !session_is_encrypted(courier->session)},
        .job = job,
        .capabilities = session_capabilities(courier->session),
        .relay = courier->relay,
        .reset = courier->reset && !behind,
        .out = courier->out,
        .lockstep = courier->lockstep,
        .behind = behind,
    };
    transaction_start(transaction, &plan);
}

static void start_next(Courier *courier, Job *job)
{
    courier->next_job = job;
    start_transaction(courier, courier->other, job, true);
    transaction_queue(courier->now, courier->other);
}

static void ask_for_next(Courier *courier)
{
    Job *job = courier_takes_next(courier) ? courier->events->wanted(courier->who, courier) : NULL;
    if (job != NULL) {
        start_next(courier, job);
    }
}

static void step(Courier *courier, bool readable)
{
    Transaction *t = courier->now;
    if (readable) {
        transaction_read(t);
    }
    ask_for_next(courier);
    TransactionNeed need = transaction_write(t);
    if (need == NEED_NOTHING) {
        finish(courier);
        return;
    }
    session_want_write(courier->session, need == NEED_WRITE);
    TransactionWait wait = transaction_wait(t);
    if (t->progress != courier->seen_progress || wait != courier->seen_wait) {
        courier->seen_progress = t->progress;
        courier->seen_wait = wait;
        set_deadline(courier, patience_ms(courier, wait));
    }
}

/* The first step waits for the loop's next round, so that its end never comes while its
 * owner is still handing out mails. */
void courier_carry(Courier *courier, Job *take_job)
{
    if (courier->now == NULL) {
        courier->out = g_malloc(sizeof *courier->out);
        courier->now = g_malloc0(sizeof *courier->now);
        courier->other = g_malloc0(sizeof *courier->other);
    }
    courier->job = take_job;
    courier->state = COURIER_BUSY;
    start_transaction(courier, courier->now, take_job, false);
    courier->seen_progress = G_MAXUINT;
    set_deadline(courier, 0);
}

bool courier_takes_next(const Courier *courier)
{
    return courier->deep && courier->state == COURIER_BUSY && courier->next_job == NULL &&
           courier->job != NULL && transaction_takes_next(courier->now);
}

void courier_queue(Courier *courier, Job *take_job)
{
    start_next(courier, take_job);
    loop_set_timer(courier->loop, &courier->nudge, loop_now_ms(courier->loop));
}

void courier_cut(Courier *courier, const char *why)
{
    transaction_cut(courier->now, why);
    finish(courier);
}

/* --- events of the session --- */

static void on_opened(void *who)
{
    Courier *courier = who;
    courier->state = COURIER_IDLE;
    courier->opened_ms = loop_now_ms(courier->loop);
    courier->events->opened(courier->who, courier);
}

static void on_failed(void *who, RelayFault reason, const char *text)
{
    Courier *courier = who;
    courier->state = COURIER_SPENT;
    courier->events->failed(courier->who, courier, reason, text);
}

static void gone(Courier *courier)
{
    loop_unset_timer(courier->loop, &courier->deadline);
    courier->state = COURIER_SPENT;
    courier->events->gone(courier->who, courier);
}

/* TLS may have something to read that is not for us. */
static bool says_something(Courier *courier)
{
    char byte;
    return session_transport.receive(courier->session, &byte, 1) != TRANSPORT_AGAIN;
}

static void on_ready(void *who, bool readable)
{
    Courier *courier = who;
    if (courier->state == COURIER_BUSY) {
        step(courier, readable);
    } else if (says_something(courier)) {
        gone(courier);
    }
}

static const SessionEvents session_events = {on_opened, on_failed, on_ready};

static void on_deadline(void *who)
{
    Courier *courier = who;
    if (courier->state == COURIER_IDLE) {
        courier_quit(courier, courier->delivery.quit_ms);
    } else if (courier->state != COURIER_BUSY) {
        gone(courier);
    } else if (courier->seen_progress == G_MAXUINT) {
        step(courier, session_is_encrypted(courier->session)); /* TLS may hold more already */
    } else {
        char why[64];
        double seconds = (double)patience_ms(courier, courier->seen_wait) / 1000;
        bool writing = courier->seen_wait == WAIT_WRITE;
        g_snprintf(why, sizeof why, "%s %g s",
                   writing ? "the server took nothing for" : "no answer within", seconds);
        courier_cut(courier, why);
    }
}

static void on_nudge(void *who)
{
    Courier *courier = who;
    if (courier->state == COURIER_BUSY) {
        step(courier, false);
    }
}

/* --- life --- */

Courier *courier_new(const CourierPlan *plan, GError **error)
{
    Courier *courier = g_new0(Courier, 1);
    courier->loop = plan->loop;
    courier->events = plan->events;
    courier->who = plan->who;
    courier->relay = plan->relay;
    courier->delivery = *plan->session.delivery;
    courier->state = COURIER_CONNECTING;
    courier->lockstep = plan->lockstep;
    courier->deep = plan->deep;
    courier->nudge = (Timer){.fire = on_nudge, .who = courier};
    courier->deadline = (Timer){.fire = on_deadline, .who = courier};
    courier->session =
        session_open(plan->connector, &plan->session, &session_events, courier, error);
    if (courier->session == NULL) {
        g_free(courier);
        return NULL;
    }
    return courier;
}

void courier_free(Courier *courier)
{
    g_assert(courier->job == NULL && courier->next_job == NULL);
    loop_unset_timer(courier->loop, &courier->deadline);
    loop_unset_timer(courier->loop, &courier->nudge);
    session_close(courier->session);
    g_free(courier->out);
    g_free(courier->now);
    g_free(courier->other);
    g_free(courier);
}

void courier_rest(Courier *courier, int64_t idle_ms)
{
    /* What TLS has already taken from the socket would not wake us. */
    bool spoken = session_is_encrypted(courier->session) && says_something(courier);
    set_deadline(courier, spoken ? 0 : idle_ms);
}

void courier_quit(Courier *courier, int64_t quit_ms)
{
    static const char quit[] = "QUIT\r\n";
    ssize_t sent = session_transport.send(courier->session, quit, strlen(quit));
    courier->state = COURIER_QUITTING;
    set_deadline(courier, sent == (ssize_t)strlen(quit) ? quit_ms : 0);
}

CourierState courier_state(const Courier *courier)
{
    return courier->state;
}

unsigned courier_mails(const Courier *courier)
{
    return courier->mails;
}

bool courier_is_encrypted(const Courier *courier)
{
    return session_is_encrypted(courier->session);
}

Transaction *courier_transaction(Courier *courier)
{
    return courier->other;
}

bool courier_was_reused(const Courier *courier)
{
    return courier->mails > 1;
}

void courier_retire(Courier *courier)
{
    courier->retired = true;
}

bool courier_is_worn(const Courier *courier, unsigned mails, int64_t lifetime_ms)
{
    int64_t age_ms = loop_now_ms(courier->loop) - courier->opened_ms;
    return courier->retired || courier->mails + (courier->job != NULL) >= mails || age_ms >= lifetime_ms;
}
