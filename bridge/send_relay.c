/* SPDX-License-Identifier: MIT */
#include "bridge/send_relay.h"

#include <pthread.h>
#include <time.h>

#include "bridge/delivery/smtp/smtp.h"

/* The mail under way. */
typedef struct {
    pthread_mutex_t lock; /* guards the rest */
    pthread_cond_t changed;
    bool done;
    Outcome *outcomes;
} Wait;

static void on_done(void *who, Relay *relay, Mail *take_mail, const Outcome *outcomes)
{
    (void)relay;
    Wait *wait = who;
    pthread_mutex_lock(&wait->lock);
    for (unsigned i = 0; i < take_mail->n_recipients; i++) {
        const Outcome *from = &outcomes[i];
        outcome_set(&wait->outcomes[i], from->kind, from->code, from->enhanced, from->relay,
                    from->text);
    }
    wait->done = true;
    pthread_cond_signal(&wait->changed);
    pthread_mutex_unlock(&wait->lock);
}

static void on_room(void *who, Relay *relay)
{
    (void)who;
    (void)relay;
}

/* The outcomes say it, too. */
static void on_fault(void *who, Relay *relay, RelayFault fault, const char *text)
{
    (void)who;
    (void)relay;
    (void)fault;
    (void)text;
}

static const DeliveryEvents events = {on_done, on_room, on_fault};

static void wait_init(Wait *wait, unsigned n)
{
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    *wait = (Wait){.outcomes = g_new0(Outcome, n)};
    pthread_mutex_init(&wait->lock, NULL);
    pthread_cond_init(&wait->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
}

static void wait_clear(Wait *wait)
{
    pthread_cond_destroy(&wait->changed);
    pthread_mutex_destroy(&wait->lock);
}

/* Whether it was in time. */
static bool wait_for_done(Wait *wait, int64_t timeout_ms)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    int64_t ns = until.tv_nsec + timeout_ms % 1000 * 1000000;
    until.tv_sec += (time_t)(timeout_ms / 1000 + ns / 1000000000);
    until.tv_nsec = (long)(ns % 1000000000);
    int failed = 0;
    pthread_mutex_lock(&wait->lock);
    while (!wait->done && failed == 0) {
        failed = pthread_cond_timedwait(&wait->changed, &wait->lock, &until);
    }
    bool done = wait->done;
    pthread_mutex_unlock(&wait->lock);
    return done;
}

static int64_t monotonic_ms(void)
{
    return g_get_monotonic_time() / 1000;
}

/* Ends the relay whether the mail is done or not; after it, it is. */
static bool deliver(const SendPlan *plan, const DeliveryOps *ops, Relay *relay, Wait *wait,
                    Mail *mail)
{
    ops->offer(relay, mail);
    bool in_time = wait_for_done(wait, plan->timeout_ms);
    int64_t quit_ms = plan->config->delivery.quit_ms;
    ops->stop(relay, monotonic_ms() + (in_time ? quit_ms : 0));
    ops->join(relay);
    return in_time;
}

static bool run(const SendPlan *plan, Smtp *smtp, Wait *wait, Mail *mail, bool *late,
                GError **error)
{
    bool is_smtp = smtp != NULL;
    const DeliveryOps *ops = is_smtp ? &delivery_smtp : &delivery_maildir;
    DeliveryContext context = {.events = &events, .who = wait, .smtp = smtp, .tap = plan->tap};
    if (is_smtp && !smtp_start(smtp, error)) {
        return false;
    }
    Relay *relay = ops->new(&context, plan->config, plan->relay, error);
    if (relay != NULL) {
        *late = !deliver(plan, ops, relay, wait, mail);
        ops->free(relay);
    }
    if (is_smtp) {
        smtp_stop(smtp);
        smtp_join(smtp);
    }
    return relay != NULL;
}

bool send_to_relay(const SendPlan *plan, Mail *mail, Outcome **outcomes, bool *late,
                   GError **error)
{
    bool is_smtp = plan->config->relays[plan->relay].scheme == RELAY_SMTP;
    Smtp *smtp = is_smtp ? smtp_new(error) : NULL;
    if (is_smtp && smtp == NULL) {
        return false;
    }
    Wait wait;
    wait_init(&wait, mail->n_recipients);
    bool tried = run(plan, smtp, &wait, mail, late, error);
    smtp_free(smtp);
    wait_clear(&wait);
    *outcomes = wait.outcomes;
    if (!tried) {
        g_clear_pointer(outcomes, g_free);
    }
    return tried;
}
