/* SPDX-License-Identifier: MIT */
/* The group of commands is a row of steps: RSET, MAIL, RCPT…, DATA.  Replies come in
 * the order of the commands, so the n-th reply belongs to the n-th step.  With
 * PIPELINING all steps leave in one write, else each waits for the reply to the one
 * before.  Then the mail and its dot go out and the last reply is waited for.
 *
 * Each recipient is settled in the job by the reply that decides about it.  If the
 * stream breaks before a byte of the final dot left, nobody got anything (LOST);
 * after that the accepted ones are in doubt.  A session is offered for reuse only if
 * every reply came and nothing else did. */
#include "bridge/delivery/smtp/transaction.h"

#include <string.h>

#include "bridge/delivery/smtp/envelope.h"
#include "bridge/delivery/smtp/steps.h"

static const Reply no_reply;

/* The verb that the next reply answers. */
static Verb next_verb(const Transaction *t)
{
    return t->phase == PHASE_GROUP ? steps_verb(t, t->answered) : VERB_DOT;
}

/* --- what a recipient or the whole comes to --- */

static void end_with(Transaction *t, TransactionEnd end)
{
    t->phase = PHASE_OVER;
    t->end = end;
}

static void settle_accepted(Transaction *t, OutcomeKind kind, const Reply *reply)
{
    for (unsigned i = 0; i < t->n; i++) {
        if (t->accepted[i]) {
            job_settle_reply(t->plan.job, t->which[i], kind, t->plan.relay, reply);
        }
    }
}

static void settle_all(Transaction *t, OutcomeKind kind, const Reply *reply)
{
    for (unsigned i = 0; i < t->n; i++) {
        job_settle_reply(t->plan.job, t->which[i], kind, t->plan.relay, reply);
    }
}

static bool has_pending(const Transaction *t)
{
    for (unsigned i = 0; i < t->n; i++) {
        if (t->plan.job->pending[t->which[i]]) {
            return true;
        }
    }
    return false;
}

/* The session is of no more use; WHY says what happened, in the server's words or
 * ours. */
static void break_off(Transaction *t, const Reply *why)
{
    t->why = *why;
    t->why_verb = next_verb(t);
    if (t->phase == PHASE_BODY && outgoing_dot_left(t->plan.out)) {
        settle_accepted(t, OUTCOME_IN_DOUBT, why);
        end_with(t, END_CLOSE);
        return;
    }
    end_with(t, has_pending(t) ? END_LOST : END_CLOSE);
}

static void break_off_text(Transaction *t, const char *what, const char *detail)
{
    Reply why = {0};
    bool writing = t->phase == PHASE_BODY && !outgoing_dot_left(t->plan.out);
    g_snprintf(why.text, sizeof why.text, "%s%s%s %s%s", what, *detail != '\0' ? ": " : "", detail,
               writing ? "while the mail was being written" : "waiting for the reply to ",
               writing ? "" : transaction_waits_for(t));
    break_off(t, &why);
}

static void relay_failed(Transaction *t, RelayFault fault, Verb verb, const Reply *reply)
{
    t->fault = fault;
    t->why = *reply;
    t->why_verb = verb;
}

/* --- the start --- */

void transaction_start(Transaction *t, const TransactionPlan *plan)
{
    t->plan = *plan;
    t->end = plan->reset ? END_RESET : END_KEEP;
    t->fault = FAULT_NONE;
    t->why = no_reply;
    t->why_verb = VERB_MAIL;
    t->phase = PHASE_GROUP;
    t->mail_failed = false;
    t->n = t->n_accepted = t->n_policy = t->progress = 0;
    memset(t->replies, 0, sizeof t->replies);
    memset(t->accepted, 0, sizeof t->accepted);
    memset(t->again, 0, sizeof t->again);
    t->sent = t->answered = plan->reset ? 0 : 1;
    t->next = NULL;
    reply_init(&t->parser);
    if (!plan->behind) {
        outgoing_init(plan->out);
    }
    t->n = envelope_choose(plan->job, plan->capabilities, plan->relay, t->which);
    if (t->n == 0) {
        t->phase = PHASE_OVER;
    }
}

/* --- replies --- */

/* Everything in the group is answered, and nothing will be sent. */
static void end_group(Transaction *t)
{
    if (!t->mail_failed && t->n_policy == t->n) {
        t->fault = FAULT_REFUSED;
    }
    end_with(t, END_RESET);
}

static void on_mail(Transaction *t, const Reply *reply, Verdict verdict)
{
    t->mail_failed = verdict.kind != VERDICT_OK;
    if (verdict.kind == VERDICT_RELAY) {
        relay_failed(t, verdict.fault, VERB_MAIL, reply);
    } else if (t->mail_failed) {
        bool never = verdict.kind == VERDICT_REFUSE;
        settle_all(t, never ? OUTCOME_REFUSED : OUTCOME_DEFERRED, reply);
    }
}

static void on_rcpt(Transaction *t, unsigned i, const Reply *reply, Verdict verdict)
{
    if (t->mail_failed) {
        return;
    }
    if (verdict.kind == VERDICT_OK) {
        t->accepted[i] = true;
        t->n_accepted++;
        return;
    }
    if (verdict_is_policy(reply)) {
        t->n_policy++;
        t->why = *reply;
        t->why_verb = VERB_RCPT;
    }
    t->again[i] = verdict.kind == VERDICT_AGAIN;
    bool never = verdict.kind == VERDICT_REFUSE;
    job_settle_reply(t->plan.job, t->which[i], never ? OUTCOME_REFUSED : OUTCOME_DEFERRED,
                     t->plan.relay, reply);
}

static void on_data(Transaction *t, const Reply *reply, Verdict verdict)
{
    bool go = verdict.kind == VERDICT_OK;
    if (go && t->n_accepted > 0) {
        t->phase = PHASE_BODY;
        outgoing_add_body(t->plan.out, t->plan.job->mail->bytes, t->plan.job->mail->length);
    } else if (go && t->mail_failed) {
        end_with(t, END_CLOSE); /* it refused the sender: what would it take now? */
    } else if (go) {
        t->phase = PHASE_LONE_DOT;
        outgoing_add(t->plan.out, ".\r\n");
    } else {
        if (t->n_accepted > 0 && verdict.kind == VERDICT_RELAY) {
            relay_failed(t, verdict.fault, VERB_DATA, reply);
        } else if (t->n_accepted > 0) {
            bool never = verdict.kind == VERDICT_REFUSE;
            settle_accepted(t, never ? OUTCOME_REFUSED : OUTCOME_DEFERRED, reply);
        }
        end_group(t);
    }
}

/* Those the server had no room for get a transaction of their own. */
static void reopen_again(Transaction *t)
{
    for (unsigned i = 0; i < t->n; i++) {
        if (t->again[i]) {
            job_reopen(t->plan.job, t->which[i]);
        }
    }
}

/* The reply to the dot; or to the mail, before we have sent all of it. */
static void on_dot(Transaction *t, const Reply *reply, Verdict verdict)
{
    bool whole = outgoing_dot_sent(t->plan.out);
    if (verdict.kind == VERDICT_SURPRISE || (verdict.kind == VERDICT_OK && !whole)) {
        break_off_text(t, "unexpected reply", reply->text);
        return;
    }
    if (verdict.kind == VERDICT_OK) {
        settle_accepted(t, OUTCOME_DELIVERED, reply);
        reopen_again(t);
    } else if (verdict.kind == VERDICT_RELAY) {
        relay_failed(t, verdict.fault, VERB_DOT, reply);
    } else {
        bool never = verdict.kind == VERDICT_REFUSE;
        settle_accepted(t, never ? OUTCOME_REFUSED : OUTCOME_DEFERRED, reply);
    }
    bool close = !whole || verdict.kind == VERDICT_CLOSING;
    bool fine = verdict.kind == VERDICT_OK;
    end_with(t, close ? END_CLOSE : fine ? END_KEEP : END_RESET);
}

static void on_group_reply(Transaction *t, Verb verb, const Reply *reply, Verdict verdict)
{
    unsigned step = t->answered++;
    if (verb == VERB_MAIL) {
        on_mail(t, reply, verdict);
    } else if (verb == VERB_RCPT) {
        on_rcpt(t, step - 2, reply, verdict);
    } else if (verb == VERB_DATA) {
        on_data(t, reply, verdict);
    }
    bool lockstep = !steps_are_grouped(t);
    bool hopeless = t->mail_failed || (t->answered == t->n + 2 && t->n_accepted == 0);
    if (lockstep && hopeless && t->phase == PHASE_GROUP) {
        end_group(t);
    }
}

/* A reply to a command that has not left yet. */
static bool is_too_early(const Transaction *t, Verb verb)
{
    return t->answered == t->sent || (verb == VERB_DATA && !outgoing_is_empty(t->plan.out));
}

static void on_reply(Transaction *t, const Reply *reply)
{
    Verb verb = next_verb(t);
    Verdict verdict = verdict_of(verb, reply);
    t->replies[verb][reply_class(reply)]++;
    t->progress++;
    if (t->phase == PHASE_BODY) {
        on_dot(t, reply, verdict);
    } else if (t->phase == PHASE_LONE_DOT) {
        end_group(t); /* whatever it says: nobody was to get anything */
        t->end = verdict.kind == VERDICT_CLOSING ? END_CLOSE : END_RESET;
    } else if (verdict.kind == VERDICT_CLOSING) {
        t->fault = verdict.fault;
        break_off(t, reply);
    } else if (verdict.kind == VERDICT_SURPRISE || is_too_early(t, verb)) {
        break_off_text(t, "unexpected reply", reply->text);
    } else {
        on_group_reply(t, verb, reply, verdict);
    }
}

/* A reply is owed to us. */
static bool is_owed(const Transaction *t)
{
    return t->phase != PHASE_OVER && (t->phase != PHASE_GROUP || t->answered < t->sent);
}

static void eat(Transaction *t, const char *bytes, size_t length)
{
    while (length > 0 && t->phase != PHASE_OVER) {
        ReplyStatus status = reply_feed(&t->parser, &bytes, &length);
        if (status == REPLY_GARBAGE) {
            break_off_text(t, "not an SMTP reply", "");
        } else if (status == REPLY_COMPLETE) {
            t->plan.transport.ops->mask(t->plan.transport.who, t->parser.reply.text);
            on_reply(t, &t->parser.reply);
        }
    }
    if (length == 0 || t->end == END_LOST) {
        return;
    }
    if (t->next != NULL && transaction_leaves_session(t)) {
        eat(t->next, bytes, length);
    } else {
        t->end = END_CLOSE; /* it said more than it was asked */
    }
}

void transaction_read(Transaction *t)
{
    char buffer[4096];
    const Transport *transport = &t->plan.transport;
    while (is_owed(t)) {
        ssize_t length = transport->ops->receive(transport->who, buffer, sizeof buffer);
        if (length == TRANSPORT_AGAIN) {
            return;
        }
        if (length == TRANSPORT_LOST) {
            break_off_text(t, "connection lost", transport->ops->error(transport->who));
        } else if (length == 0) {
            break_off_text(t, "the server closed the connection", "");
        } else {
            eat(t, buffer, (size_t)length);
            if (transport->drained && (size_t)length < sizeof buffer) {
                return;
            }
        }
    }
}

static bool flush_failed(Transaction *t, OutgoingStatus status)
{
    if (status == OUTGOING_LOST) {
        transaction_read(t); /* it may have said why */
        if (t->phase != PHASE_OVER) {
            const Transport *transport = &t->plan.transport;
            break_off_text(t, "connection lost", transport->ops->error(transport->who));
        }
    }
    return status != OUTGOING_SENT;
}

/* The next one's commands, where the whole dot of this one is on its way. */
static void add_next(Transaction *t)
{
    bool dot = t->phase == PHASE_BODY && outgoing_gather(t->plan.out);
    bool waits = t->next != NULL && t->next->phase == PHASE_GROUP;
    if (dot && waits && outgoing_room(t->plan.out) >= steps_size(t->next)) {
        steps_add(t->next);
    }
}

TransactionNeed transaction_write(Transaction *t)
{
    while (t->phase != PHASE_OVER) {
        if (t->phase == PHASE_GROUP && outgoing_is_empty(t->plan.out)) {
            steps_add(t);
        }
        add_next(t);
        if (outgoing_is_empty(t->plan.out)) {
            return NEED_READ;
        }
        bool moved;
        OutgoingStatus status = outgoing_flush(t->plan.out, &t->plan.transport, &moved);
        t->progress += moved;
        if (flush_failed(t, status) && t->phase != PHASE_OVER) {
            return NEED_WRITE;
        }
    }
    return NEED_NOTHING;
}

TransactionNeed transaction_step(Transaction *t, bool readable)
{
    if (readable) {
        transaction_read(t);
    }
    return transaction_write(t);
}

bool transaction_takes_next(const Transaction *t)
{
    return t->phase == PHASE_BODY && t->next == NULL && steps_are_grouped(t);
}

void transaction_queue(Transaction *t, Transaction *next)
{
    t->next = next;
}

bool transaction_leaves_session(const Transaction *t)
{
    return t->phase == PHASE_OVER && (t->end == END_KEEP || t->end == END_RESET);
}

bool transaction_is_unheard(const Transaction *t)
{
    return t->answered == (t->plan.reset ? 0 : 1);
}

void transaction_cut(Transaction *t, const char *why)
{
    if (t->phase != PHASE_OVER) {
        break_off_text(t, why, "");
    }
}

void transaction_take_back(Transaction *t)
{
    for (unsigned i = 0; i < t->n; i++) {
        job_reopen(t->plan.job, t->which[i]);
    }
}

TransactionWait transaction_wait(const Transaction *t)
{
    if (!outgoing_is_empty(t->plan.out)) {
        return WAIT_WRITE;
    }
    return t->phase == PHASE_GROUP ? WAIT_COMMAND : WAIT_DOT;
}

const char *transaction_waits_for(const Transaction *t)
{
    Verb verb = next_verb(t);
    return verb == VERB_DOT ? "the final dot" : verb_text(verb);
}
