/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/certificates.h"
#include "tests/unit/fault_server.h"

#define FAST "timeouts: {connect: 5s, greeting: 2s, command: 2s, write: 2s, final_dot: 2s, quit: 1s}"

static const DeliveryOps *const ops = &delivery_smtp;

/* --- what a server does to mails --- */

typedef struct {
    const char *name, *script, *delivery;
    enum { CLEAR, TLS } security;
    unsigned mails, recipients;
    const char *outcomes, *faults;
    unsigned connections, arrived; /* as the server has it */
} Conduct;

#define REFUSAL "550 5.1.1 no such user"

static const Conduct conducts[] = {
    {"a refused recipient does not cost the others their mail",
     "[{\"rcpt\": [null, \"550 5.1.1 no such user\", null]}]", FAST, CLEAR, 1, 3,
     D(1) "refused 550 no such user\n" D(1), "", 1, 1},
    {"a session goes on after a refusal", "[{\"rcpt\": [\"550 5.1.1 no such user\", null]}]", FAST, CLEAR, 2, 1,
     "refused 550 no such user\n" D(1), "", 1, 1},
    {"a session goes on after a mail is refused", "[{\"dot\": [\"554 5.6.0 spam\", null]}]", FAST, CLEAR, 2, 1,
     "refused 554 spam\n" D(1), "", 1, 1},
    {"a server without PIPELINING", "[{\"capabilities\": []}]", FAST, CLEAR, 2, 2, D(1) D(1) D(2) D(2), "", 1, 2},
    {"replies in pieces of a byte", "[{\"pieces\": 1}]", FAST, CLEAR, 2, 1, D(1) D(2), "", 1, 2},
    {"421 while idle: dropped before use", "[{\"idle\": {\"reply\": \"421 idle too long\", \"then\": \"drop\"}}]",
     FAST, CLEAR, 3, 1, D(1) D(2) D(3), "", 3, 3},
    {"closed while idle", "[{\"idle\": \"drop\"}]", FAST, CLEAR, 3, 1, D(1) D(2) D(3), "", 3, 3},
    {"reset while idle", "[{\"idle\": \"reset\"}]", FAST, CLEAR, 3, 1, D(1) D(2) D(3), "", 3, 3},
    {"421 while idle, in TLS", "[{\"idle\": {\"reply\": \"421 idle too long\", \"then\": \"drop\"}}]",
     FAST, TLS, 3, 1, D(1) D(2) D(3), "", 3, 3},
    {"closed while idle, in TLS", "[{\"idle\": \"drop\"}]", FAST, TLS, 3, 1, D(1) D(2) D(3), "", 3, 3},
    {"replies in pieces of a byte, in TLS", "[{\"pieces\": 1}]", FAST, TLS, 2, 1, D(1) D(2), "", 1, 2},
    {"closed behind the dot, in TLS", "[{\"dot\": \"drop\"}, {}]", FAST, TLS, 2, 1,
     "in_doubt 0 the server closed the connection waiting for the reply to the final dot\n" D(1), "", 2, 1},
    {"421 to the second MAIL is no attempt", "[{\"mail\": [null, {\"reply\": \"421 4.3.0 bye\", \"then\": \"drop\"}]}]",
     FAST, CLEAR, 3, 1, D(1) D(2) D(3), "", 3, 3},
    {"closed at the second RCPT is no attempt", "[{\"rcpt\": [null, \"drop\"]}]", FAST, CLEAR, 3, 1, D(1) D(2) D(3), "", 3, 3},
    {"closed at the second DATA is no attempt", "[{\"data\": [null, \"reset\"]}]", FAST, CLEAR, 3, 1, D(1) D(2) D(3), "", 3, 3},
    {"silent at the second MAIL is no attempt", "[{\"mail\": [null, \"silent\"]}]", FAST, CLEAR, 2, 1, D(1) D(2), "", 2, 2},
    {"a new session that closes at MAIL defers", "[{\"mail\": \"drop\"}, {}]", FAST, CLEAR, 2, 1,
     "deferred 0 the server closed the connection waiting for the reply to MAIL\n" D(1), "", 2, 1},
    {"a new session silent at DATA defers", "[{\"data\": \"silent\"}, {}]", FAST, CLEAR, 2, 1,
     "deferred 0 no answer within 2 s waiting for the reply to DATA\n" D(1), "", 2, 1},
    {"closed behind the dot is in doubt", "[{\"dot\": \"drop\"}, {}]", FAST, CLEAR, 2, 1,
     "in_doubt 0 the server closed the connection waiting for the reply to the final dot\n" D(1), "", 2, 1},
    {"silent behind the dot is in doubt", "[{\"dot\": \"silent\"}, {}]", FAST, CLEAR, 2, 1,
     "in_doubt 0 no answer within 2 s waiting for the reply to the final dot\n" D(1), "", 2, 1},
    {"a reply that comes too late is not the next mail's",
     "[{\"dot\": {\"delay\": 3, \"reply\": \"554 5.6.0 spam\"}}, {}]", FAST, CLEAR, 2, 1,
     "in_doubt 0 no answer within 2 s waiting for the reply to the final dot\n" D(1), "", 2, 1},
    {"garbage is the end of a session", "[{\"mail\": \"hello?\"}, {}]", FAST, CLEAR, 2, 1,
     "deferred 0 not an SMTP reply waiting for the reply to MAIL\n" D(1), "", 2, 1},
    {"421 to the dot defers", "[{\"dot\": {\"reply\": \"421 4.3.0 bye\", \"then\": \"drop\"}}, {}]", FAST, CLEAR, 2, 1,
     "deferred 421 bye\n" D(1), "", 2, 1},
    {"relay access denied is the relay's fault", "[{\"rcpt\": \"554 5.7.1 relay access denied\"}]", FAST, CLEAR, 1, 2,
     "untried 554 relay access denied\nuntried 554 relay access denied\n",
     "refused: smtp HOST: RCPT: 554 5.7.1 relay access denied\n", 1, 0},
    {"a sender refused is the relay's fault", "[{\"mail\": \"550 5.7.60 not as this sender\"}]", FAST, CLEAR, 1, 1,
     "untried 550 not as this sender\n", "refused: smtp HOST: MAIL: 550 5.7.60 not as this sender\n", 1, 0},
    {"unless the relay has just taken another mail", "[{\"mail\": [null, \"550 5.7.60 not as this sender\"]}]",
     FAST, CLEAR, 2, 1, D(1) "deferred 550 not as this sender\n", "", 1, 1},
    {"log in first", "[{\"mail\": \"530 5.7.0 log in\"}]", FAST, CLEAR, 1, 1, "untried 530 log in\n",
     "auth: smtp HOST: MAIL: 530 5.7.0 log in\n", 1, 0},
    {"throttled at the dot costs nothing", "[{\"dot\": \"432 4.3.2 too many\"}]", FAST, CLEAR, 1, 1,
     "untried 432 too many\n", "throttle: smtp HOST: dot: 432 4.3.2 too many\n", 1, 0},
    {"too many recipients for the server", "[{\"rcpt\": [null, \"452 4.5.3 too many\", null]}]",
     FAST, CLEAR, 1, 3, D(1) D(2) D(1), "", 1, 2},
};

static void try_conduct(const Conduct *conduct)
{
    bool tls = conduct->security == TLS;
    FaultServer *server = server_start(conduct->script, tls ? tls_folder : NULL, NULL);
    g_autofree char *settings =
        tls ? g_strdup_printf(CA ", " AUTH, tls_folder) : g_strdup("smtp_require_tls: false");
    Post *post = post_open_smtp(server, settings, conduct->delivery);
    for (unsigned i = 0; i < conduct->mails; i++) {
        ops->offer(post->relay, make_mail(i, conduct->recipients));
        wait_done(post, i + 1);
    }
    g_autofree char *host = g_strdup_printf("127.0.0.1:%u", server->port);
    g_string_replace(post->faults, host, "HOST", 0);
    if (strcmp(post->faults->str, conduct->faults) != 0 ||
        strcmp(post->outcomes->str, conduct->outcomes) != 0) {
        fail_msg("%s:\n%s%s", conduct->name, post->outcomes->str, post->faults->str);
    }
    post_close(post, ops, 1000);
    server_stop(server);
    if (server_count(server, "\"event\": \"mail\"") != conduct->arrived ||
        server_count(server, "\"event\": \"connection\"") != conduct->connections) {
        fail_msg("%s:\n%s", conduct->name, server->events->str);
    }
    server_free(server);
}

static void a_server_gets_what_it_deserves(void **state)
{
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(conducts); i++) {
        try_conduct(&conducts[i]);
    }
}

static void hundreds_of_recipients_go_in_several_transactions(void **state)
{
    (void)state;
    FaultServer *server = server_start("[{}]", NULL, NULL);
    Post *post = post_open_smtp(server, "smtp_require_tls: false", "");
    ops->offer(post->relay, make_mail(0, 250));
    wait_done(post, 1);
    assert_int_equal(count_text(post->outcomes->str, "delivered 250"), 250);
    assert_true(metrics_get(post->metrics, METRIC_SMTP_REPLIES, "RCPT", "2xx") == 250);
    assert_true(metrics_get(post->metrics, METRIC_SMTP_REPLIES, "dot", "2xx") == 3);
    post_close(post, ops, 1000);
    server_stop(server);
    assert_int_equal(server_count(server, "\"event\": \"mail\""), 3);
    assert_int_equal(server_count(server, "\"line\": \"RCPT"), 250);
    assert_int_equal(server_count(server, "\"line\": \"RCPT TO:<r249@y.example>\""), 1);
    server_free(server);
}

/* --- deep pipelining --- */

#define PATIENT "timeouts: {connect: 60s, greeting: 60s, command: 2s, write: 60s, final_dot: 2s, quit: 200ms}"

/* Five mails at once over one session. */
typedef struct {
    const char *name, *script;
    int security;
    unsigned delivered, in_doubt, others, behind; /* at least so many with commands behind */
    const char *other;    /* the outcome of the others */
    unsigned connections; /* at most */
} Depth;

static const Depth depths[] = {
    {"all well", "[{}]", CLEAR, 5, 0, 0, 3, "", 1},
    {"all well, in TLS", "[{}]", TLS, 5, 0, 0, 3, "", 1},
    {"replies in pieces of a byte", "[{\"pieces\": 1}]", CLEAR, 5, 0, 0, 3, "", 1},
    {"replies in pieces of a byte, in TLS", "[{\"pieces\": 1}]", TLS, 5, 0, 0, 3, "", 1},
    {"one is refused at its dot", "[{\"dot\": [null, \"554 5.6.0 spam\", null]}]", CLEAR, 4, 0, 1, 2,
     "refused 554 spam", 1},
    {"one is deferred at its dot", "[{\"dot\": [\"451 4.3.0 later\", null]}]", CLEAR, 4, 0, 1, 2,
     "deferred 451 later", 1},
    {"the recipient of one is refused", "[{\"rcpt\": [null, \"550 5.1.1 no\", null]}]", CLEAR, 4, 0, 1, 1,
     "refused 550 no", 1},
    {"only the mail whose reply is lost is in doubt", "[{\"dot\": [null, \"drop\"]}, {}]", CLEAR, 4, 1, 0, 1,
     "", 2},
    {"silent at a dot", "[{\"dot\": [null, \"silent\"]}, {}]", CLEAR, 4, 1, 0, 1, "", 2},
    {"reset at a dot, in TLS", "[{\"dot\": [null, \"reset\"]}, {}]", TLS, 4, 1, 0, 1, "", 2},
    {"421 to a dot", "[{\"dot\": [null, {\"reply\": \"421 4.3.0 bye\", \"then\": \"drop\"}]}, {}]", CLEAR, 4, 0, 1,
     1, "deferred 421 bye", 2},
    {"closed after a dot", "[{\"idle\": [null, \"drop\"]}, {}]", CLEAR, 5, 0, 0, 1, "", 2},
    {"garbage to MAIL", "[{\"mail\": [null, \"hello?\"]}, {}]", CLEAR, 5, 0, 0, 1, "", 2},
    {"what stands behind a dot is thrown away", "[{\"deaf\": true}]", CLEAR, 5, 0, 0, 1, "", 2},
    {"commands behind a dot are out of sequence", "[{\"mail\": [null, \"503 5.5.1 not now\"]}, {}]", CLEAR, 5, 0,
     0, 1, "", 2},
    {"a server without PIPELINING", "[{\"capabilities\": []}]", CLEAR, 5, 0, 0, 0, "", 1},
};

static void try_depth(const Depth *depth)
{
    bool tls = depth->security == TLS;
    FaultServer *server = server_start(depth->script, tls ? tls_folder : NULL, NULL);
    g_autofree char *settings =
        tls ? g_strdup_printf(CA ", " AUTH, tls_folder) : g_strdup("smtp_require_tls: false");
    Post *post = post_open_smtp(server, settings, "connections: 1, pipelining: deep, " PATIENT);
    for (unsigned i = 0; i < 5; i++) {
        ops->offer(post->relay, make_mail(i, 1));
    }
    wait_done(post, 5);
    unsigned delivered = count_text(post->outcomes->str, "delivered 250");
    unsigned in_doubt = count_text(post->outcomes->str, "in_doubt");
    unsigned others = *depth->other != '\0' ? count_text(post->outcomes->str, depth->other) : 0;
    if (delivered != depth->delivered || in_doubt != depth->in_doubt || others != depth->others ||
        post->faults->len > 0) {
        fail_msg("%s:\n%s%s", depth->name, post->outcomes->str, post->faults->str);
    }
    post_close(post, ops, 1000);
    server_stop(server);
    if (server_count(server, "\"event\": \"mail\"") != depth->delivered ||
        server_count(server, "\"behind\": \"MAIL") < depth->behind ||
        server_count(server, "\"event\": \"connection\"") > depth->connections) {
        fail_msg("%s:\n%s", depth->name, server->events->str);
    }
    for (unsigned i = 0; i < 5; i++) {
        g_autofree char *id = g_strdup_printf("\"message_id\": \"m%u@b.example\"", i);
        assert_in_range(server_count(server, id), 0, 1);
    }
    server_free(server);
}

static void a_mail_behind_the_dot_of_another_is_never_in_doubt(void **state)
{
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(depths); i++) {
        try_depth(&depths[i]);
    }
}

static void commands_go_one_by_one_where_pipelining_is_off(void **state)
{
    (void)state;
    FaultServer *server = server_start("[{\"rcpt\": \"550 5.1.1 no\"}]", NULL, NULL);
    Post *post = post_open_smtp(server, "smtp_require_tls: false", "pipelining: off");
    send_one(post, ops);
    post_close(post, ops, 1000);
    server_stop(server);
    assert_int_equal(server_count(server, "RCPT TO"), 1);
    assert_int_equal(server_count(server, "DATA"), 0);
    server_free(server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_server_gets_what_it_deserves),
        cmocka_unit_test(hundreds_of_recipients_go_in_several_transactions),
        cmocka_unit_test(a_mail_behind_the_dot_of_another_is_never_in_doubt),
        cmocka_unit_test(commands_go_one_by_one_where_pipelining_is_off),
    };
    return cmocka_run_group_tests(tests, make_certificates, remove_certificates);
}
