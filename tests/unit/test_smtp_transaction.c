/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <glib.h>
#include <string.h>

#include "bridge/delivery/mask.h"
#include "bridge/delivery/smtp/transaction.h"

/* A server that answers one reply of its script for each line it gets, and one for
 * the mail; CLOSE and LOST end the stream there, SILENT answers nothing any more.
 * A reply that starts with '+' comes unasked, behind the one before. */
#define CLOSE  "close"
#define LOST   "lost"
#define SILENT "silent"
enum { REPLIES_MAX = 110 };

typedef struct {
    const char *const *script;
    unsigned at;
    size_t piece;       /* bytes a call moves at most */
    bool often_again;   /* every other call says AGAIN */
    bool flip, in_data, ended, lost;
    const void *offered; /* after AGAIN the same bytes must come */
    size_t offered_length;
    size_t cut_after;   /* sending is LOST after so many bytes, 0: never */
    bool stuck;         /* or AGAIN for ever instead */
    GString *got, *line, *says;
} Server;

static bool says_again(Server *server)
{
    server->flip = !server->flip;
    return server->often_again && server->flip;
}

static void say_next(Server *server)
{
    const char *reply = server->script[server->at];
    if (reply == NULL || strcmp(reply, SILENT) == 0) {
        return;
    }
    server->at++;
    if (strcmp(reply, CLOSE) == 0 || strcmp(reply, LOST) == 0) {
        server->ended = true;
        server->lost = strcmp(reply, LOST) == 0;
        return;
    }
    g_string_append_printf(server->says, "%s\r\n", reply);
    server->in_data = !server->in_data && g_str_has_prefix(reply, "354");
    if (server->script[server->at] != NULL && server->script[server->at][0] == '+') {
        g_string_append_printf(server->says, "%s\r\n", server->script[server->at++] + 1);
    }
}

static void hear(Server *server, char byte)
{
    GString *line = g_string_append_c(server->line, byte);
    bool ends = line->len >= 2 && memcmp(line->str + line->len - 2, "\r\n", 2) == 0;
    if (ends && (!server->in_data || strcmp(line->str, ".\r\n") == 0)) {
        server->in_data = false;
        say_next(server);
    }
    if (ends) {
        g_string_truncate(line, 0);
    }
}

static ssize_t server_send(void *who, const void *bytes, size_t length)
{
    Server *server = who;
    if (server->offered != NULL) {
        assert_ptr_equal(bytes, server->offered);
        assert_int_equal(length, server->offered_length);
    }
    server->offered = NULL;
    if (server->lost || (server->cut_after > 0 && server->got->len >= server->cut_after)) {
        return server->stuck ? TRANSPORT_AGAIN : TRANSPORT_LOST;
    }
    if (says_again(server)) {
        server->offered = bytes;
        server->offered_length = length;
        return TRANSPORT_AGAIN;
    }
    size_t some = MIN(length, server->piece);
    if (server->cut_after > 0) {
        some = MIN(some, server->cut_after - server->got->len);
    }
    g_string_append_len(server->got, bytes, (gssize)some);
    for (size_t i = 0; i < some && !server->ended; i++) {
        hear(server, ((const char *)bytes)[i]);
    }
    return (ssize_t)some;
}

static ssize_t server_receive(void *who, void *buffer, size_t size)
{
    Server *server = who;
    if (server->says->len == 0) {
        return server->lost ? TRANSPORT_LOST : server->ended ? 0 : TRANSPORT_AGAIN;
    }
    if (says_again(server)) {
        return TRANSPORT_AGAIN;
    }
    size_t some = MIN(MIN(size, server->piece), server->says->len);
    memcpy(buffer, server->says->str, some);
    g_string_erase(server->says, 0, (gssize)some);
    return (ssize_t)some;
}

static const char *server_error(void *who)
{
    (void)who;
    return "Connection reset by peer";
}

static void server_mask(void *who, char *text)
{
    (void)who;
    mask_word(text, "s3cret");
}

static const TransportOps server_ops = {server_send, server_receive, server_error, server_mask};

static void server_open(Server *server, const char *const *script)
{
    *server = (Server){.script = script, .piece = 1000000};
    server->got = g_string_new("");
    server->line = g_string_new("");
    server->says = g_string_new("");
}

static void server_close(Server *server)
{
    g_string_free(server->got, TRUE);
    g_string_free(server->line, TRUE);
    g_string_free(server->says, TRUE);
}

static Outgoing outgoing; /* one session at a time */

static Mail *make_mail(unsigned recipients, const char *bytes, size_t length)
{
    Mail *mail = mail_new();
    g_free(mail->sender);
    mail->sender = g_strdup("a@b.example");
    mail->bytes = g_strndup(bytes, length);
    mail->length = length;
    for (unsigned i = 0; i < recipients; i++) {
        g_autofree char *address = g_strdup_printf("r%u@y.example", i + 1);
        mail_add_recipient(mail, address);
    }
    return mail;
}

/* Steps until it is over or the server has nothing more to say. */
static bool run(Transaction *t, Server *server)
{
    bool readable = false;
    for (unsigned i = 0; i < 1000000; i++) {
        TransactionNeed need = transaction_step(t, readable);
        if (need == NEED_NOTHING) {
            return true;
        }
        readable = server->says->len > 0 || server->ended;
        if (need == NEED_READ && !readable) {
            return false;
        }
    }
    fail_msg("it goes in circles");
    return false;
}

static char *print_outcomes(const Job *job)
{
    GString *out = g_string_new("");
    for (unsigned i = 0; i < job->mail->n_recipients; i++) {
        const Outcome *outcome = &job->outcomes[i];
        g_string_append(out, i > 0 ? " | " : "");
        if (job->pending[i]) {
            g_string_append(out, "pending");
            continue;
        }
        g_string_append(out, outcome_kind_text(outcome->kind));
        if (outcome->code != 0) {
            g_string_append_printf(out, " %d", outcome->code);
        }
        if (outcome->enhanced[0] != '\0') {
            g_string_append_printf(out, " %s", outcome->enhanced);
        }
        if (outcome->text[0] != '\0') {
            g_string_append_printf(out, " %s", outcome->text);
        }
    }
    return g_string_free(out, FALSE);
}

static const Capabilities plain = {0};
static const Capabilities pipelining = {.pipelining = true};
static const Capabilities sized = {.pipelining = true, .size = true, .size_max = 100};
static const Capabilities utf8 = {.pipelining = true, .smtputf8 = true, .size = true};

typedef struct {
    const char *name;
    const Capabilities *capabilities;
    unsigned recipients;
    bool reset;
    const char *script[12];
    const char *got;      /* all that went out */
    const char *outcomes;
    TransactionEnd end;
    RelayFault fault;
    const char *why;
} Row;

#define BODY "S: x\r\n\r\n.dot\r\nend\r\n"
#define SENT "S: x\r\n\r\n..dot\r\nend\r\n.\r\n"
#define MAIL "MAIL FROM:<a@b.example>\r\n"
#define R1   "RCPT TO:<r1@y.example>\r\n"
#define R2   "RCPT TO:<r2@y.example>\r\n"
#define R3   "RCPT TO:<r3@y.example>\r\n"
#define DATA "DATA\r\n"

static const Row rows[] = {
    {"all is well", &pipelining, 1, false, {"250 ok", "250 ok", "354 go", "250 2.0.0 queued as 1"},
     MAIL R1 DATA SENT, "delivered 250 2.0.0 queued as 1", END_KEEP, FAULT_NONE, ""},
    {"all is well, a step at a time", &plain, 1, false,
     {"250 ok", "250 ok", "354 go", "250 2.0.0 queued as 1"}, MAIL R1 DATA SENT,
     "delivered 250 2.0.0 queued as 1", END_KEEP, FAULT_NONE, ""},
    {"multi-line replies", &pipelining, 2, false,
     {"250-a\r\n250-b\r\n250 c", "250-x\r\n250 y", "251 z", "354-go\r\n354 on", "250-1\r\n250 2"},
     MAIL R1 R2 DATA SENT, "delivered 250 1 2 | delivered 250 1 2", END_KEEP, FAULT_NONE, ""},
    {"RSET goes in front", &pipelining, 1, true,
     {"250 reset", "250 ok", "250 ok", "354 go", "250 done"}, "RSET\r\n" MAIL R1 DATA SENT,
     "delivered 250 done", END_KEEP, FAULT_NONE, ""},
    {"RSET goes in front, a step at a time", &plain, 1, true,
     {"250 reset", "250 ok", "250 ok", "354 go", "250 done"}, "RSET\r\n" MAIL R1 DATA SENT,
     "delivered 250 done", END_KEEP, FAULT_NONE, ""},
    {"RSET refused", &plain, 1, true, {"500 what"}, "RSET\r\n", "pending", END_LOST, FAULT_NONE,
     "unexpected reply: what waiting for the reply to RSET"},

    {"one of three is refused", &pipelining, 3, false,
     {"250 ok", "250 ok", "550 5.1.1 no such user", "250 ok", "354 go", "250 done"},
     MAIL R1 R2 R3 DATA SENT, "delivered 250 done | refused 550 5.1.1 no such user | delivered 250 done",
     END_KEEP, FAULT_NONE, ""},
    {"one of two is deferred", &plain, 2, false,
     {"250 ok", "450 4.2.0 greylisted", "250 ok", "354 go", "250 done"}, MAIL R1 R2 DATA SENT,
     "deferred 450 4.2.0 greylisted | delivered 250 done", END_KEEP, FAULT_NONE, ""},
    {"all refused, DATA too", &pipelining, 2, false,
     {"250 ok", "550 5.1.1 no", "550 5.1.1 nor you", "503 5.5.1 no recipients"}, MAIL R1 R2 DATA,
     "refused 550 5.1.1 no | refused 550 5.1.1 nor you", END_RESET, FAULT_NONE, ""},
    {"all refused, DATA accepted: a lone dot", &pipelining, 1, false,
     {"250 ok", "450 4.2.0 later", "354 go", "554 5.5.1 no recipients"}, MAIL R1 DATA ".\r\n",
     "deferred 450 4.2.0 later", END_RESET, FAULT_NONE, ""},
    {"all refused, lone dot, 421", &pipelining, 1, false,
     {"250 ok", "450 4.2.0 later", "354 go", "421 bye"}, MAIL R1 DATA ".\r\n",
     "deferred 450 4.2.0 later", END_CLOSE, FAULT_NONE, ""},
    {"all refused, closed behind the lone dot", &pipelining, 1, false,
     {"250 ok", "550 5.1.1 no", "354 go", CLOSE}, MAIL R1 DATA ".\r\n", "refused 550 5.1.1 no",
     END_CLOSE, FAULT_NONE, "the server closed the connection waiting for the reply to the final dot"},
    {"all refused, a step at a time: no DATA", &plain, 2, false,
     {"250 ok", "550 5.1.1 no", "450 4.2.0 later"}, MAIL R1 R2,
     "refused 550 5.1.1 no | deferred 450 4.2.0 later", END_RESET, FAULT_NONE, ""},
    {"all refused for what we are", &pipelining, 2, false,
     {"250 ok", "554 5.7.1 relay access denied", "554 5.7.1 relay access denied", "554 5.5.1 no"},
     MAIL R1 R2 DATA,
     "refused 554 5.7.1 relay access denied | refused 554 5.7.1 relay access denied", END_RESET,
     FAULT_REFUSED, "relay access denied"},
    {"all refused for what we are, lone dot", &pipelining, 1, false,
     {"250 ok", "530 log in", "354 go", "554 no"}, MAIL R1 DATA ".\r\n", "refused 530 log in",
     END_RESET, FAULT_REFUSED, "log in"},
    {"one refused for what we are, one not there", &plain, 2, false,
     {"250 ok", "554 5.7.1 denied", "550 5.1.1 no"}, MAIL R1 R2,
     "refused 554 5.7.1 denied | refused 550 5.1.1 no", END_RESET, FAULT_NONE, "denied"},
    {"too many recipients: the rest comes again", &pipelining, 3, false,
     {"250 ok", "250 ok", "452 4.5.3 too many", "552 too many", "354 go", "250 done"},
     MAIL R1 R2 R3 DATA SENT, "delivered 250 done | pending | pending", END_KEEP, FAULT_NONE, ""},
    {"too many recipients and the mail is not taken", &pipelining, 2, false,
     {"250 ok", "250 ok", "452 4.5.3 too many", "354 go", "451 4.3.0 try later"},
     MAIL R1 R2 DATA SENT, "deferred 451 4.3.0 try later | deferred 452 4.5.3 too many", END_RESET,
     FAULT_NONE, ""},
    {"too many recipients at the first one", &plain, 1, false, {"250 ok", "452 no room"}, MAIL R1,
     "deferred 452 no room", END_RESET, FAULT_NONE, ""},

    {"MAIL deferred", &pipelining, 1, false,
     {"452 4.3.1 disk full", "503 no", "503 no"}, MAIL R1 DATA, "deferred 452 4.3.1 disk full",
     END_RESET, FAULT_NONE, ""},
    {"MAIL deferred, a step at a time", &plain, 1, false, {"452 4.3.1 disk full"}, MAIL,
     "deferred 452 4.3.1 disk full", END_RESET, FAULT_NONE, ""},
    {"MAIL refused for its sender", &pipelining, 2, false,
     {"553 5.1.8 bad sender", "503 no", "503 no", "503 no"}, MAIL R1 R2 DATA,
     "refused 553 5.1.8 bad sender | refused 553 5.1.8 bad sender", END_RESET, FAULT_NONE, ""},
    {"MAIL refused for us", &pipelining, 1, false, {"550 5.7.1 go away", "503 no", "503 no"},
     MAIL R1 DATA, "pending", END_RESET, FAULT_REFUSED, "go away"},
    {"MAIL refused for us, a step at a time", &plain, 1, false, {"550 5.7.1 go away"}, MAIL,
     "pending", END_RESET, FAULT_REFUSED, "go away"},
    {"MAIL wants authentication", &pipelining, 1, false, {"530 5.7.0 log in", "503 no", "503 no"},
     MAIL R1 DATA, "pending", END_RESET, FAULT_AUTH, "log in"},
    {"MAIL refused and DATA accepted", &pipelining, 1, false, {"550 5.7.1 no", "250 ok", "354 go"},
     MAIL R1 DATA, "pending", END_CLOSE, FAULT_REFUSED, "no"},
    {"throttled at MAIL", &plain, 1, false, {"432 4.3.2 concurrent connections"}, MAIL, "pending",
     END_RESET, FAULT_THROTTLE, "concurrent connections"},

    {"DATA deferred", &pipelining, 2, false, {"250 ok", "550 5.1.1 no", "250 ok", "451 4.3.0 later"},
     MAIL R1 R2 DATA, "refused 550 5.1.1 no | deferred 451 4.3.0 later", END_RESET, FAULT_NONE, ""},
    {"DATA refused", &plain, 1, false, {"250 ok", "250 ok", "554 5.5.0 no"}, MAIL R1 DATA,
     "refused 554 5.5.0 no", END_RESET, FAULT_NONE, ""},
    {"throttled at DATA", &plain, 1, false, {"250 ok", "250 ok", "454 4.7.0 slow down"},
     MAIL R1 DATA, "pending", END_RESET, FAULT_THROTTLE, "slow down"},
    {"DATA answered with 250", &pipelining, 1, false, {"250 ok", "250 ok", "250 ok"}, MAIL R1 DATA,
     "pending", END_LOST, FAULT_NONE, "unexpected reply: ok waiting for the reply to DATA"},
    {"deferred at the dot", &pipelining, 1, false, {"250 ok", "250 ok", "354 go", "451 4.3.0 later"},
     MAIL R1 DATA SENT, "deferred 451 4.3.0 later", END_RESET, FAULT_NONE, ""},
    {"refused at the dot", &pipelining, 1, false, {"250 ok", "250 ok", "354 go", "554 5.6.0 spam"},
     MAIL R1 DATA SENT, "refused 554 5.6.0 spam", END_RESET, FAULT_NONE, ""},
    {"throttled at the dot", &pipelining, 1, false,
     {"250 ok", "250 ok", "354 go", "454 Throttling failure"}, MAIL R1 DATA SENT, "pending",
     END_RESET, FAULT_THROTTLE, "Throttling failure"},
    {"a dot answered with 354", &pipelining, 1, false, {"250 ok", "250 ok", "354 go", "354 go"},
     MAIL R1 DATA SENT, "in_doubt unexpected reply: go waiting for the reply to the final dot",
     END_CLOSE, FAULT_NONE, "unexpected reply: go waiting for the reply to the final dot"},

    {"421 to MAIL", &pipelining, 1, false, {"421 4.3.2 closing", CLOSE}, NULL, "pending",
     END_LOST, FAULT_THROTTLE, "closing"},
    {"421 to RCPT", &pipelining, 2, false, {"250 ok", "550 5.1.1 no", "421 bye", CLOSE},
     NULL, "refused 550 5.1.1 no | pending", END_LOST, FAULT_NONE, "bye"},
    {"421 to DATA", &plain, 1, false, {"250 ok", "250 ok", "421 bye", CLOSE}, MAIL R1 DATA,
     "pending", END_LOST, FAULT_NONE, "bye"},
    {"421 to the dot", &plain, 1, false, {"250 ok", "250 ok", "354 go", "421 bye", CLOSE},
     MAIL R1 DATA SENT, "deferred 421 bye", END_CLOSE, FAULT_NONE, ""},

    {"closed at MAIL", &pipelining, 1, false, {CLOSE}, NULL, "pending", END_LOST, FAULT_NONE,
     "the server closed the connection waiting for the reply to MAIL"},
    {"reset at RCPT", &plain, 1, false, {"250 ok", LOST}, NULL, "pending", END_LOST, FAULT_NONE,
     "connection lost: Connection reset by peer waiting for the reply to RCPT"},
    {"closed at DATA", &plain, 1, false, {"250 ok", "250 ok", CLOSE}, NULL, "pending", END_LOST,
     FAULT_NONE, "the server closed the connection waiting for the reply to DATA"},
    {"closed at the dot", &pipelining, 2, false, {"250 ok", "250 ok", "550 5.1.1 no", "354 go", CLOSE},
     MAIL R1 R2 DATA SENT,
     "in_doubt the server closed the connection waiting for the reply to the final dot | "
     "refused 550 5.1.1 no",
     END_CLOSE, FAULT_NONE, "the server closed the connection waiting for the reply to the final dot"},
    {"reset at the dot", &pipelining, 1, false, {"250 ok", "250 ok", "354 go", LOST}, NULL,
     "in_doubt connection lost: Connection reset by peer waiting for the reply to the final dot",
     END_CLOSE, FAULT_NONE,
     "connection lost: Connection reset by peer waiting for the reply to the final dot"},
    {"silent at MAIL", &pipelining, 1, false, {SILENT}, MAIL R1 DATA, "pending", END_LOST,
     FAULT_NONE, "no answer within 2 m waiting for the reply to MAIL"},
    {"silent at RCPT", &plain, 1, false, {"250 ok", SILENT}, MAIL R1, "pending", END_LOST,
     FAULT_NONE, "no answer within 2 m waiting for the reply to RCPT"},
    {"silent at the dot", &pipelining, 1, false, {"250 ok", "250 ok", "354 go", SILENT},
     MAIL R1 DATA SENT, "in_doubt no answer within 2 m waiting for the reply to the final dot",
     END_CLOSE, FAULT_NONE, "no answer within 2 m waiting for the reply to the final dot"},
    {"garbage at MAIL", &plain, 1, false, {"HTTP/1.1 400"}, MAIL, "pending", END_LOST, FAULT_NONE,
     "not an SMTP reply waiting for the reply to MAIL"},
    {"garbage at the dot", &plain, 1, false, {"250 ok", "250 ok", "354 go", "what?"},
     MAIL R1 DATA SENT, "in_doubt not an SMTP reply waiting for the reply to the final dot",
     END_CLOSE, FAULT_NONE, "not an SMTP reply waiting for the reply to the final dot"},
    {"the mail is too large", &sized, 1, false, {NULL},
     "", "refused 5.3.4 the mail has 101 bytes, the server takes 100", END_KEEP, FAULT_NONE, ""},
};

static void assert_row(const Row *row, const Transaction *t, const Job *job, const Server *server)
{
    g_autofree char *outcomes = print_outcomes(job);
    bool same = strcmp(outcomes, row->outcomes) == 0 && t->end == row->end &&
                t->fault == row->fault && strcmp(t->why.text, row->why) == 0 &&
                (row->got == NULL || strcmp(server->got->str, row->got) == 0);
    if (!same) {
        fail_msg("%s (%zu):\n %s\n end %d fault %d why: %s\n%s", row->name, server->piece,
                 outcomes, t->end, t->fault, t->why.text, server->got->str);
    }
}

static void play(const Row *row, size_t piece, bool often_again)
{
    Server server;
    server_open(&server, row->script);
    server.piece = piece;
    server.often_again = often_again;
    char bytes[101] = BODY;
    bool large = row->capabilities == &sized;
    Job *job = job_new(make_mail(row->recipients, bytes, large ? sizeof bytes : strlen(BODY)));
    g_autofree Transaction *t = g_malloc(sizeof *t);
    memset(t, 0x5a, sizeof *t);
    TransactionPlan plan = {{&server_ops, &server}, job, row->capabilities, "mail:25", row->reset, &outgoing, false, false};
    transaction_start(t, &plan);
    if (!run(t, &server)) {
        transaction_cut(t, "no answer within 2 m");
    }
    assert_row(row, t, job, &server);
    mail_free(job->mail);
    job_free(job);
    server_close(&server);
}

static void every_reply_counts_for_its_command(void **state)
{
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        play(&rows[i], 1000000, false);
    }
}

static void pieces_of_one_byte_change_nothing(void **state)
{
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        play(&rows[i], 1, false);
        play(&rows[i], 1, true);
        play(&rows[i], 3, true);
    }
}

typedef struct {
    Server server;
    Job *job;
    Transaction *t;
} Play;

static void play_open(Play *p, Mail *take_mail, const Capabilities *capabilities,
                      const char *const *script)
{
    server_open(&p->server, script);
    p->job = job_new(take_mail);
    p->t = g_malloc(sizeof *p->t);
    TransactionPlan plan = {{&server_ops, &p->server}, p->job, capabilities, "mail:25", false, &outgoing, false, false};
    transaction_start(p->t, &plan);
}

static void play_close(Play *p)
{
    mail_free(p->job->mail);
    job_free(p->job);
    server_close(&p->server);
    g_free(p->t);
}

static void assert_outcomes(const Play *p, const char *expected)
{
    g_autofree char *outcomes = print_outcomes(p->job);
    assert_string_equal(outcomes, expected);
}

static const char *const well[] = {"250 ok", "250 ok", "354 go", "250 done", NULL};

static void a_group_leaves_in_one_write(void **state)
{
    (void)state;
    Play p;
    static const char *const silent[] = {SILENT, NULL};
    play_open(&p, make_mail(1, BODY, strlen(BODY)), &pipelining, silent);
    assert_int_equal(transaction_step(p.t, false), NEED_READ);
    assert_string_equal(p.server.got->str, MAIL R1 DATA);
    assert_int_equal(p.t->progress, 1);
    assert_int_equal(transaction_wait(p.t), WAIT_COMMAND);
    transaction_cut(p.t, "stopping");
    play_close(&p);
}

static void what_is_unasked_for_ends_the_session(void **state)
{
    (void)state;
    static const struct {
        const Capabilities *capabilities;
        const char *script[8];
        const char *outcomes;
        TransactionEnd end;
    } table[] = {
        {&pipelining, {"250 ok", "250 ok", "354 go", "250 done", "+250 more"}, "delivered 250 done",
         END_CLOSE},
        {&pipelining, {"250 ok", "250 ok", "354 go", "451 later", "+421 bye"}, "deferred 451 later",
         END_CLOSE},
        {&plain, {"250 ok", "+250 ok"}, "pending", END_LOST},
        {&plain, {"250 ok", "250 ok", "+354 go"}, "pending", END_LOST},
        {&pipelining, {"250 ok", "250 ok", "354 go", "+250 done"}, "pending", END_LOST},
        {&pipelining, {"250 ok", "250 ok", "354 go", "+552 5.3.4 too big"},
         "refused 552 5.3.4 too big", END_CLOSE},
        {&pipelining, {"250 ok", "250 ok", "354 go", "+421 bye"}, "deferred 421 bye", END_CLOSE},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(table); i++) {
        Play p;
        play_open(&p, make_mail(1, BODY, strlen(BODY)), table[i].capabilities, table[i].script);
        assert_true(run(p.t, &p.server));
        assert_outcomes(&p, table[i].outcomes);
        assert_int_equal(p.t->end, table[i].end);
        play_close(&p);
    }
}

static void the_doubt_begins_with_the_first_byte_of_the_dot(void **state)
{
    (void)state;
    size_t group = strlen(MAIL R1 DATA), dot = group + strlen(SENT) - 3;
    for (size_t cut = group + 1; cut < dot + 3; cut++) {
        Play p;
        play_open(&p, make_mail(1, BODY, strlen(BODY)), &pipelining, well);
        p.server.cut_after = cut;
        assert_true(run(p.t, &p.server));
        bool doubt = cut > dot;
        assert_int_equal(p.t->end, doubt ? END_CLOSE : END_LOST);
        assert_outcomes(&p, doubt ? "in_doubt connection lost: Connection reset by peer waiting "
                                    "for the reply to the final dot"
                                  : "pending");
        play_close(&p);
    }
}

static void a_mail_that_is_not_taken_is_in_doubt_once_its_dot_has_begun(void **state)
{
    (void)state;
    size_t group = strlen(MAIL R1 DATA), dot = group + strlen(SENT) - 3;
    for (size_t cut = group + 1; cut < dot + 3; cut++) {
        Play p;
        play_open(&p, make_mail(1, BODY, strlen(BODY)), &pipelining, well);
        p.server.cut_after = cut;
        p.server.stuck = true;
        for (unsigned i = 0; i < 10; i++) {
            assert_int_not_equal(transaction_step(p.t, p.server.says->len > 0), NEED_NOTHING);
        }
        assert_int_equal(transaction_wait(p.t), WAIT_WRITE);
        transaction_cut(p.t, "the server took nothing for 3 s");
        bool doubt = cut > dot;
        assert_int_equal(p.t->end, doubt ? END_CLOSE : END_LOST);
        assert_string_equal(p.t->why.text,
                            doubt ? "the server took nothing for 3 s waiting for the reply to the final dot"
                                  : "the server took nothing for 3 s while the mail was being written");
        assert_outcomes(&p, doubt ? "in_doubt the server took nothing for 3 s waiting for the reply to "
                                    "the final dot"
                                  : "pending");
        play_close(&p);
    }
}

static void no_outcome_shows_what_a_reply_repeats_of_our_secrets(void **state)
{
    (void)state;
    static const struct {
        const char *script[6], *outcomes, *why;
    } table[] = {
        {{"550 5.7.1 s3cret", "503 no", "503 no"}, "pending", "***"},
        {{"421 for s3cret", CLOSE}, "pending", "for ***"},
        {{"354 s3cret"}, "pending", "unexpected reply: *** waiting for the reply to MAIL"},
        {{"250 ok", "550 5.1.1 no s3cret", "503 no"}, "refused 550 5.1.1 no ***", ""},
        {{"250 ok", "250 ok", "451-4.3.0 s3cret\r\n451 4.3.0 s3cret"}, "deferred 451 4.3.0 *** ***", ""},
        {{"250 ok", "250 ok", "354 go", "250 2.0.0 queued as s3cret"},
         "delivered 250 2.0.0 queued as ***", ""},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(table); i++) {
        Play p;
        play_open(&p, make_mail(1, BODY, strlen(BODY)), &pipelining, table[i].script);
        assert_true(run(p.t, &p.server));
        assert_outcomes(&p, table[i].outcomes);
        assert_string_equal(p.t->why.text, table[i].why);
        play_close(&p);
    }
}

static void a_hundred_recipients_go_in_one_transaction(void **state)
{
    (void)state;
    const char *script[REPLIES_MAX + 1] = {NULL};
    for (unsigned i = 0; i < 101; i++) {
        script[i] = "250 ok";
    }
    script[101] = "354 go";
    script[102] = "250 done";
    g_autofree char *local = g_strnfill(64, 'l');
    g_autofree char *domain = g_strnfill(178, 'd');
    Play p;
    Mail *mail = make_mail(0, BODY, strlen(BODY));
    for (unsigned i = 0; i < 101; i++) {
        g_autofree char *address = g_strdup_printf("%s@%s%03u.example", local, domain, i);
        assert_true(strlen(address) <= 254);
        mail_add_recipient(mail, address);
    }
    play_open(&p, mail, &pipelining, script);
    assert_true(run(p.t, &p.server));
    assert_int_equal(p.job->n_pending, 1);
    assert_true(p.job->pending[100]);
    assert_int_equal(p.job->outcomes[99].kind, OUTCOME_DELIVERED);
    assert_int_equal(p.t->replies[VERB_RCPT][2], 100);
    play_close(&p);
}

static void only_queued_recipients_are_tried(void **state)
{
    (void)state;
    Play p;
    Mail *mail = make_mail(3, BODY, strlen(BODY));
    mail->recipients[0].state = RECIPIENT_DELIVERED;
    mail->recipients[2].state = RECIPIENT_DEAD;
    play_open(&p, mail, &pipelining, well);
    assert_true(run(p.t, &p.server));
    assert_string_equal(p.server.got->str, MAIL R2 DATA SENT);
    assert_outcomes(&p, "untried | delivered 250 done | untried");
    play_close(&p);
}

static void addresses_are_checked_before_they_are_sent(void **state)
{
    (void)state;
    Play p;
    Mail *mail = make_mail(1, BODY, strlen(BODY));
    mail_add_recipient(mail, "x@y>\r\nRCPT TO:<evil@z");
    mail_add_recipient(mail, "gr\xc3\xbc\xc3\x9f@y.example");
    play_open(&p, mail, &pipelining, well);
    assert_true(run(p.t, &p.server));
    assert_string_equal(p.server.got->str, MAIL R1 DATA SENT);
    assert_outcomes(&p, "delivered 250 done | refused 5.1.3 a control character in the address | "
                        "refused 5.6.7 address needs SMTPUTF8, which the server does not offer");
    play_close(&p);
}

static void a_bad_sender_costs_no_command(void **state)
{
    (void)state;
    Play p;
    Mail *mail = make_mail(2, BODY, strlen(BODY));
    g_free(mail->sender);
    mail->sender = g_strdup("a b@c");
    play_open(&p, mail, &pipelining, well);
    assert_int_equal(transaction_step(p.t, false), NEED_NOTHING);
    assert_string_equal(p.server.got->str, "");
    assert_outcomes(&p, "refused 5.1.7 sender: not of the form local@domain | "
                        "refused 5.1.7 sender: not of the form local@domain");
    play_close(&p);
}

static void parameters_are_named_only_where_needed(void **state)
{
    (void)state;
    static const struct {
        const char *sender, *recipient, *line;
    } table[] = {
        {"a@b.example", "c@d.example", "MAIL FROM:<a@b.example> SIZE=19\r\n"},
        {"", "c@d.example", "MAIL FROM:<> SIZE=19\r\n"},
        {"a@b.example", "\xc3\xbc@d.example", "MAIL FROM:<a@b.example> SIZE=19 SMTPUTF8\r\n"},
        {"\xc3\xbc@b.example", "c@d.example", "MAIL FROM:<\xc3\xbc@b.example> SIZE=19 SMTPUTF8\r\n"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(table); i++) {
        Play p;
        Mail *mail = make_mail(0, BODY, strlen(BODY));
        mail_add_recipient(mail, table[i].recipient);
        g_free(mail->sender);
        mail->sender = g_strdup(table[i].sender);
        play_open(&p, mail, &utf8, well);
        assert_true(run(p.t, &p.server));
        assert_true(g_str_has_prefix(p.server.got->str, table[i].line));
        assert_int_equal(p.job->outcomes[0].kind, OUTCOME_DELIVERED);
        play_close(&p);
    }
}

/* What a server keeps of what it got between DATA and the dot. */
static char *unstuff(const char *got)
{
    const char *start = strstr(got, DATA) + strlen(DATA);
    GString *mail = g_string_new("");
    for (const char *line = start; *line != '\0' && !g_str_has_prefix(line, ".\r\n");) {
        const char *next = strchr(line, '\n') + 1; /* strstr() of ASan looks at all the rest */
        line += *line == '.';
        g_string_append_len(mail, line, next - line);
        line = next;
    }
    return g_string_free(mail, FALSE);
}

static void deliver_body(const char *bytes, size_t length, size_t piece)
{
    Play p;
    play_open(&p, make_mail(1, bytes, length), &pipelining, well);
    p.server.piece = piece;
    p.server.often_again = true;
    assert_true(run(p.t, &p.server));
    assert_outcomes(&p, "delivered 250 done");
    assert_true(g_str_has_suffix(p.server.got->str, "\r\n.\r\n"));
    g_autofree char *kept = unstuff(p.server.got->str);
    bool ends = length == 0 || (length > 1 && memcmp(bytes + length - 2, "\r\n", 2) == 0);
    assert_int_equal(strlen(kept), length + (ends ? 0 : 2));
    assert_memory_equal(kept, bytes, length);
    play_close(&p);
}

static void a_mail_arrives_as_it_was_whatever_its_dots(void **state)
{
    (void)state;
    static const char *const table[] = {
        "", ".", ".\r\n", "..\r\n", "a", "a\r", "a\n", "a\r\n", "\r\n.\r\n", ".a\r\n..b\r\n...\r\n.",
        "a.b\r\n. .\r\n\r\n.", "\r\n.\r\n.\r\n.\r\n.\r\n.\r\n.",
    };
    for (size_t i = 0; i < G_N_ELEMENTS(table); i++) {
        deliver_body(table[i], strlen(table[i]), 1000000);
        deliver_body(table[i], strlen(table[i]), 1);
    }
}

static void a_stray_line_feed_hides_no_dot(void **state)
{
    (void)state;
    Play p;
    play_open(&p, make_mail(1, "a\n.\nb\r\n", 7), &pipelining, well);
    assert_true(run(p.t, &p.server));
    assert_string_equal(p.server.got->str, MAIL R1 DATA "a\n..\nb\r\n.\r\n");
    play_close(&p);
}

/* Sizes around those of the buffer and of the largest piece, with and without dots. */
static void large_mails_arrive_as_they_were(void **state)
{
    (void)state;
    static const size_t sizes[] = {32765, 32766, 32767, 32768, 32769, 65535, 65536,
                                   65537, 65538, 98304, 131072, 131073, 300000};
    static const char *const lines[] = {"0123456789012345678901234567890123456789\r\n",
                                        ".1234567890123456789012345678901234567890123456789\r\n",
                                        ".\r\n", "\r\n.", "x"};
    for (size_t l = 0; l < G_N_ELEMENTS(lines); l++) {
        g_autoptr(GString) bytes = g_string_new("");
        while (bytes->len < 300000) {
            g_string_append(bytes, lines[l]);
        }
        for (size_t i = 0; i < G_N_ELEMENTS(sizes); i++) {
            deliver_body(bytes->str, sizes[i], 1000000);
            deliver_body(bytes->str, sizes[i], 4099);
        }
    }
}

static void a_refusal_of_all_can_be_taken_back(void **state)
{
    (void)state;
    static const char *const script[] = {"250 ok", "554 5.7.1 no", "554 5.7.1 no", "554 no", NULL};
    Play p;
    play_open(&p, make_mail(2, BODY, strlen(BODY)), &pipelining, script);
    assert_true(run(p.t, &p.server));
    assert_int_equal(p.job->n_pending, 0);
    transaction_take_back(p.t);
    assert_outcomes(&p, "pending | pending");
    assert_int_equal(p.job->n_pending, 2);
    play_close(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_reply_counts_for_its_command),
        cmocka_unit_test(pieces_of_one_byte_change_nothing),
        cmocka_unit_test(a_group_leaves_in_one_write),
        cmocka_unit_test(what_is_unasked_for_ends_the_session),
        cmocka_unit_test(the_doubt_begins_with_the_first_byte_of_the_dot),
        cmocka_unit_test(a_mail_that_is_not_taken_is_in_doubt_once_its_dot_has_begun),
        cmocka_unit_test(no_outcome_shows_what_a_reply_repeats_of_our_secrets),
        cmocka_unit_test(a_hundred_recipients_go_in_one_transaction),
        cmocka_unit_test(only_queued_recipients_are_tried),
        cmocka_unit_test(addresses_are_checked_before_they_are_sent),
        cmocka_unit_test(a_bad_sender_costs_no_command),
        cmocka_unit_test(parameters_are_named_only_where_needed),
        cmocka_unit_test(a_mail_arrives_as_it_was_whatever_its_dots),
        cmocka_unit_test(a_stray_line_feed_hides_no_dot),
        cmocka_unit_test(large_mails_arrive_as_they_were),
        cmocka_unit_test(a_refusal_of_all_can_be_taken_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
