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

static void many_mails_go_over_few_sessions(void **state)
{
    (void)state;
    FaultServer *server = server_start("[{}]", NULL, NULL);
    Post *post = post_open_smtp(server, "smtp_require_tls: false",
                                "connections: 4, mails_per_connection: 1000");
    enum { MAILS = 300 };
    for (unsigned i = 0; i < MAILS; i++) {
        ops->offer(post->relay, make_mail(i, 1));
    }
    wait_done(post, MAILS);
    assert_int_equal(count_text(post->outcomes->str, "delivered 250"), MAILS);
    g_autofree char *name = g_strdup_printf("127.0.0.1:%u", server->port);
    double opened = metrics_get(post->metrics, METRIC_SMTP_SESSIONS_OPENED, name, NULL);
    double reused = metrics_get(post->metrics, METRIC_SMTP_SESSIONS_REUSED, name, NULL);
    assert_true(opened >= 1 && opened <= 4 && reused >= MAILS - opened && reused < MAILS);
    post_close(post, ops, 2000);
    server_stop(server);
    assert_int_equal(server_count(server, "\"event\": \"mail\""), MAILS);
    for (unsigned i = 0; i < MAILS; i++) {
        g_autofree char *id = g_strdup_printf("\"message_id\": \"m%u@b.example\"", i);
        assert_int_equal(server_count(server, id), 1);
    }
    assert_in_range(server_count(server, "\"event\": \"connection\""), 1, 4);
    assert_int_equal(server_count(server, "\"open\": 5"), 0);
    assert_int_equal(server_count(server, "QUIT"), server_count(server, "\"event\": \"connection\""));
    server_free(server);
}

static void a_session_ends_after_its_share_of_mails(void **state)
{
    (void)state;
    FaultServer *server = server_start("[{}]", NULL, NULL);
    Post *post = post_open_smtp(server, "smtp_require_tls: false",
                                "connections: 2, mails_per_connection: 7");
    for (unsigned i = 0; i < 70; i++) {
        ops->offer(post->relay, make_mail(i, 1));
    }
    wait_done(post, 70);
    post_close(post, ops, 2000);
    server_stop(server);
    assert_int_equal(server_count(server, "\"event\": \"mail\""), 70);
    assert_true(server_count(server, "\"event\": \"connection\"") >= 10);
    assert_int_equal(server_count(server, "\"open\": 3"), 0);
    server_free(server);
}

static void an_idle_session_says_goodbye(void **state)
{
    (void)state;
    FaultServer *server = server_start("[{}]", NULL, NULL);
    Post *post = post_open_smtp(server, "smtp_require_tls: false", "idle_close: 50ms");
    send_one(post, ops);
    server_wait(server, "\"event\": \"end\"");
    assert_int_equal(server_count(server, "QUIT"), 1);
    send_one(post, ops);
    assert_string_equal(post->outcomes->str,
                        "delivered 250 queued as 1\ndelivered 250 queued as 2\n");
    post_close(post, ops, 2000);
    server_stop(server);
    server_free(server);
}

/* --- TLS and authentication --- */

typedef struct {
    const char *name, *script, *settings; /* %s: the folder with the certificates */
    bool certificate;
    const char *option;
    const char *outcome, *fault;
} Door;

#define AUTH     "smtp_auth_username: alerts, smtp_auth_password: correct horse"
#define WRONG    "smtp_auth_username: alerts, smtp_auth_password: tr0ub4dor"
#define SECRET   "smtp_auth_username: alerts, smtp_auth_secret: correct horse"
#define CA       "smtp_tls_config: {ca_file: '%s/ca.pem'}"
#define INSECURE "smtp_tls_config: {insecure_skip_verify: true}"
#define OK       "delivered 250 queued as 1\n"

static const Door doors[] = {
    {"plain", "[{}]", "smtp_require_tls: false", false, NULL, OK, ""},
    {"STARTTLS", "[{}]", CA, true, NULL, OK, ""},
    {"STARTTLS and PLAIN", "[{}]", CA ", " AUTH, true, NULL, OK, ""},
    {"STARTTLS and LOGIN", "[{\"auth_line\": \"AUTH LOGIN\"}]", CA ", " AUTH, true, NULL, OK, ""},
    {"capabilities in small letters",
     "[{\"ehlo\": \"250-fault\\n250-pipelining\\n250 size 1000000\"}]", "smtp_require_tls: false",
     false, NULL, OK, ""},
    {"STARTTLS and CRAM-MD5", "[{\"auth_line\": \"AUTH PLAIN LOGIN CRAM-MD5\"}]", CA ", " SECRET, true, NULL, OK, ""},
    {"a secret, and only PLAIN offered", "[{}]", CA ", " SECRET, true, NULL, NULL,
     "auth: smtp HOST: AUTH: no mechanism in common; the server offers PLAIN LOGIN"},
    {"a secret and a password: the password, in TLS", "[{}]", CA ", " AUTH ", smtp_auth_secret: x", true, NULL, OK,
     ""},
    {"implicit TLS and PLAIN", "[{}]", CA ", smtp_force_implicit_tls: true, " AUTH, true, "--implicit-tls",
     OK, ""},
    {"not verified", "[{}]", INSECURE, true, NULL, OK, ""},
    {"an expected name that is in the certificate", "[{}]",
     "smtp_tls_config: {ca_file: '%s/ca.pem', server_name: localhost}", true, NULL, OK, ""},
    {"an expected name that is not in the certificate", "[{}]",
     "smtp_tls_config: {ca_file: '%s/ca.pem', server_name: mail.example.org}", true, NULL, NULL,
     "connect: smtp HOST: TLS handshake: SSL: no alternative certificate subject name matches target host "
     "name 'mail.example.org'"},
    {"an unknown issuer", "[{}]", "smtp_require_tls: true", true, NULL, NULL,
     "connect: smtp HOST: TLS handshake: SSL certificate problem: unable to get local issuer certificate"},
    {"an unknown issuer with credentials", "[{}]", AUTH, true, NULL, NULL,
     "connect: smtp HOST: TLS handshake: SSL certificate problem: unable to get local issuer certificate"},
    {"no CA file", "[{}]", "smtp_tls_config: {ca_file: '%s/none.pem'}", true, NULL, NULL,
     "connect: smtp HOST: TLS handshake: error setting certificate file: "},
    {"STARTTLS not offered", "[{}]", AUTH, false, NULL, NULL,
     "connect: smtp HOST: the server does not offer STARTTLS; `require_tls: false` would send mail to it "
     "unencrypted"},
    {"STARTTLS in small letters", "[{\"ehlo\": [\"250-fault\\n250 starttls\", null]}]", CA ", " AUTH, true, NULL,
     OK, ""},
    {"STARTTLS in capitals and small letters", "[{\"ehlo\": [\"250-fault\\n250-SIZE\\n250 StartTLS \", null]}]",
     CA, true, NULL, OK, ""},
    {"STARTTLS in the server's name", "[{\"ehlo\": \"250-STARTTLS\\n250 SIZE\"}]", AUTH, true, NULL, NULL,
     "connect: smtp HOST: the server does not offer STARTTLS"},
    {"more than an answer to STARTTLS", "[{\"starttls\": \"220 go\\n250 2.1.0 sender ok\"}]", CA ", " AUTH, true,
     NULL, NULL, "connect: smtp HOST: STARTTLS: the server said more than it was asked"},
    {"more than a greeting", "[{\"greeting\": \"220 fault\\n250 fault\"}]", "smtp_require_tls: false", false, NULL,
     NULL, "connect: smtp HOST: greeting: the server said more than it was asked"},
    {"garbage for a greeting", "[{\"greeting\": \"hello\"}]", "smtp_require_tls: false", false, NULL, NULL,
     "connect: smtp HOST: greeting: not an SMTP reply"},
    {"another 3xx for a greeting", "[{\"greeting\": \"354 go on\"}]", "smtp_require_tls: false", false, NULL, NULL,
     "connect: smtp HOST: greeting: 354 go on"},
    {"AUTH in small letters", "[{\"auth_line\": \"auth plain\"}]", CA ", " AUTH, true, NULL, OK, ""},
    {"AUTH in the old way", "[{\"auth_line\": \"AUTH=LOGIN PLAIN\"}]", CA ", " AUTH, true, NULL, OK, ""},
    {"AUTH in the old way only", "[{\"auth_line\": \"AUTH=LOGIN\"}]", CA ", " AUTH, true, NULL, OK, ""},
    {"only CRAM-MD5 offered, and a password", "[{\"auth_line\": \"AUTH CRAM-MD5\"}]", CA ", " AUTH, true, NULL,
     OK, ""},
    {"no 235", "[{\"auth\": \"250 2.7.0 sort of\"}]", CA ", " AUTH, true, NULL, NULL,
     "auth: smtp HOST: AUTH: not an answer to AUTH"},
    {"garbage for an answer to AUTH", "[{\"auth\": \"welcome\"}]", CA ", " AUTH, true, NULL, NULL,
     "auth: smtp HOST: AUTH: not an SMTP reply"},
    {"more than an answer to AUTH", "[{\"auth\": \"235 2.7.0 welcome\\n250 2.1.0 sender ok\"}]", CA ", " AUTH,
     true, NULL, NULL, "auth: smtp HOST: AUTH: the server said more than it was asked"},
    {"closed at AUTH", "[{\"auth\": \"drop\"}]", CA ", " AUTH, true, NULL, NULL,
     "auth: smtp HOST: AUTH: the server closed the connection"},
    {"a password that is repeated", "[{\"auth\": \"535-5.7.8 no \\\"correct horse\\\" here,\\n"
     "535 AGFsZXJ0cwBjb3JyZWN0IGhvcnNl or Y29ycmVjdCBob3JzZQ==\"}]", CA ", " AUTH, true, NULL, NULL,
     "auth: smtp HOST: AUTH: 535 5.7.8 no \"***\" here, *** or ***\n"},
    {"STARTTLS refused", "[{\"starttls\": \"454 4.7.0 TLS not available\"}]", AUTH, true, NULL, NULL,
     "connect: smtp HOST: STARTTLS: 454 4.7.0 TLS not available"},
    {"closed in the TLS handshake", "[{\"tls_close\": true}]", AUTH, true, NULL, NULL,
     "connect: smtp HOST: TLS handshake: "},
    {"TLS expected, plain text spoken", "[{}]", "smtp_force_implicit_tls: true", false, NULL, NULL,
     "connect: smtp HOST: TLS handshake: "},
    {"the wrong password", "[{}]", CA ", " WRONG, true, NULL, NULL,
     "auth: smtp HOST: AUTH: 535 5.7.8 wrong user or password"},
    {"AUTH deferred", "[{\"auth_clear\": true, \"auth\": \"454 4.7.0 not now\"}]",
     "smtp_require_tls: false, " AUTH, false, NULL, NULL, "auth: smtp HOST: AUTH: 454 4.7.0 not now"},
    {"AUTH not offered", "[{}]", "smtp_require_tls: false, " AUTH, false, NULL, NULL,
     "auth: smtp HOST: AUTH: the server does not offer authentication"},
    {"AUTH not offered after TLS", "[{\"ehlo\": [null, \"250 fault\"]}]", CA ", " AUTH, true, NULL, NULL,
     "auth: smtp HOST: AUTH: the server does not offer authentication"},
    {"nothing in common", "[{\"auth_line\": \"AUTH GSSAPI\"}]", CA ", " AUTH, true, NULL, NULL,
     "auth: smtp HOST: AUTH: no mechanism in common; the server offers GSSAPI"},
    {"EHLO refused, credentials set", "[{\"ehlo\": \"502 5.5.1 no EHLO\"}]",
     "smtp_require_tls: false, " AUTH, false, NULL, NULL, "auth: smtp HOST: AUTH: the server does not offer"},
    {"EHLO refused, no credentials", "[{\"ehlo\": \"502 5.5.1 no EHLO\"}]", "smtp_require_tls: false",
     false, NULL, OK, ""},
    {"EHLO refused, TLS required", "[{\"ehlo\": \"502 5.5.1 no EHLO\"}]", AUTH, true, NULL, NULL,
     "connect: smtp HOST: EHLO: 502 5.5.1 no EHLO"},
    {"a secret that cannot be read", "[{}]",
     CA ", smtp_auth_username: alerts, smtp_auth_password_file: '%s/none'", true, NULL, NULL,
     "auth: smtp HOST: AUTH: "},
    {"greeting 554", "[{\"greeting\": \"554 5.3.0 no service\"}]", "smtp_require_tls: false", false, NULL,
     NULL, "connect: smtp HOST: greeting: 554 5.3.0 no service"},
    {"greeting 421", "[{\"greeting\": \"421 4.7.0 too many connections\"}]", "smtp_require_tls: false", false,
     NULL, NULL, "throttle: smtp HOST: greeting: 421 4.7.0 too many connections"},
    {"closed at the greeting", "[{\"greeting\": \"drop\"}]", "smtp_require_tls: false", false, NULL, NULL,
     "connect: smtp HOST: greeting: the server closed the connection"},
    {"silent at the greeting", "[{\"greeting\": \"silent\"}]", "smtp_require_tls: false", false, NULL, NULL,
     "connect: smtp HOST: greeting: no answer within 2 s"},
    {"silent at EHLO", "[{\"ehlo\": \"silent\"}]", "smtp_require_tls: false", false, NULL, NULL,
     "connect: smtp HOST: EHLO: no answer within 2 s"},
    {"AUTH and implicit TLS", "[{\"auth_line\": \"AUTH LOGIN\"}]", CA ", smtp_force_implicit_tls: true, " AUTH,
     true, "--implicit-tls", OK, ""},
    {"silent at STARTTLS", "[{\"starttls\": \"silent\"}]", AUTH, true, NULL, NULL,
     "connect: smtp HOST: STARTTLS: no answer within 2 s"},
    {"silent at AUTH", "[{\"auth_clear\": true, \"auth\": \"silent\"}]", "smtp_require_tls: false, " AUTH,
     false, NULL, NULL, "auth: smtp HOST: AUTH: no answer within 2 s"},
    {"AUTH to this host, in clear", "[{\"auth_clear\": true}]", "smtp_require_tls: false, " AUTH, false, NULL,
     OK, ""},
    {"greeting in pieces", "[{\"pieces\": 1}]", "smtp_require_tls: false", false, NULL, OK, ""},
    {"a greeting that takes its time", "[{\"greeting\": {\"delay\": 0.2}, \"ehlo\": {\"delay\": 0.3}}]",
     "smtp_require_tls: false", false, NULL, OK, ""},
};

static void try_door(const Door *door)
{
    FaultServer *server =
        server_start(door->script, door->certificate ? tls_folder : NULL, door->option);
    GString *settings = g_string_new(door->settings);
    g_string_replace(settings, "%s", tls_folder, 0);
    Post *post = post_open_smtp(server, settings->str, FAST);
    g_string_free(settings, TRUE);
    send_one(post, ops);
    g_autofree char *host = g_strdup_printf("127.0.0.1:%u", server->port);
    GString *faults = g_string_new(post->faults->str);
    g_string_replace(faults, host, "HOST", 0);
    bool fault = g_str_has_prefix(faults->str, door->fault) &&
                 (door->fault[0] != '\0' || faults->len == 0);
    bool outcome = door->outcome != NULL ? strcmp(post->outcomes->str, door->outcome) == 0
                                         : g_str_has_prefix(post->outcomes->str, "untried");
    if (!fault || !outcome) {
        fail_msg("%s:\n%s%s", door->name, post->outcomes->str, faults->str);
    }
    g_string_free(faults, TRUE);
    post_close(post, ops, 1000);
    server_stop(server);
    bool login = strstr(door->settings, "auth_") != NULL;
    if (login && door->certificate) { /* nothing of ours in clear */
        assert_int_equal(server_count(server, "\"tls\": false, \"line\": \"AUTH"), 0);
        assert_int_equal(server_count(server, "\"tls\": false, \"line\": \"MAIL"), 0);
    }
    assert_int_equal(server_count(server, "\"event\": \"mail\""), door->outcome != NULL);
    assert_int_equal(server_count(server, "broken"), 0);
    server_free(server);
}

static void a_door_opens_or_says_why_not(void **state)
{
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(doors); i++) {
        try_door(&doors[i]);
    }
}

/* 0.0.0.0 leads to this host, too, but is not known to. */
static void a_password_is_held_back_where_anybody_could_listen(void **state)
{
    (void)state;
    static const struct {
        const char *line, *settings;
        bool sent;
        const char *fault;
    } table[] = {
        {"AUTH PLAIN LOGIN", AUTH, false,
         "AUTH: no mechanism in common; the server offers PLAIN LOGIN, and a password is not sent "
         "unencrypted (`require_tls: true` encrypts)"},
        {"AUTH PLAIN LOGIN CRAM-MD5", AUTH, true, ""}, /* shows nothing */
        {"AUTH PLAIN CRAM-MD5", SECRET, true, ""},
        {"AUTH PLAIN CRAM-MD5", AUTH ", smtp_auth_secret: correct horse", true, ""},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(table); i++) {
        g_autofree char *script =
            g_strdup_printf("[{\"auth_clear\": true, \"auth_line\": \"%s\"}]", table[i].line);
        FaultServer *server = server_start(script, NULL, NULL);
        g_autofree char *smarthost = g_strdup_printf("0.0.0.0:%u", server->port);
        g_autofree char *settings =
            g_strconcat("smtp_require_tls: false, ", table[i].settings, NULL);
        Post *post = post_open(ops, smarthost, settings, "");
        send_one(post, ops);
        assert_non_null(strstr(post->faults->str, table[i].fault));
        post_close(post, ops, 1000);
        server_stop(server);
        assert_int_equal(server_count(server, "\"event\": \"mail\""), table[i].sent);
        assert_int_equal(server_count(server, "AUTH PLAIN"), 0);
        assert_int_equal(server_count(server, "AUTH LOGIN"), 0);
        server_free(server);
    }
}

/* --- what a server does to mails --- */

typedef struct {
    const char *name, *script, *delivery;
    enum { CLEAR, TLS } security;
    unsigned mails, recipients;
    const char *outcomes, *faults;
    unsigned connections, arrived; /* as the server has it */
} Conduct;

#define REFUSAL "550 5.1.1 no such user"
#define D(n)    "delivered 250 queued as " #n "\n"

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

/* --- the relay as a whole --- */

static void a_dead_server_pauses_the_relay(void **state)
{
    (void)state;
    FaultServer *server = server_start("[{}]", NULL, NULL);
    unsigned port = server->port;
    server_stop(server); /* nobody listens there now */
    Post *post = post_open_smtp(server, "smtp_require_tls: false", "connections: 4");
    assert_int_equal(ops->room(post->relay), 32);
    for (unsigned i = 0; i < 20; i++) {
        ops->offer(post->relay, make_mail(i, 1));
    }
    wait_done(post, 20);
    assert_int_equal(count_text(post->outcomes->str, "untried 0 "), 20);
    g_autofree char *fault =
        g_strdup_printf("connect: smtp 127.0.0.1:%u: connect: Connection refused\n", port);
    wait_fault(post, fault);
    assert_string_equal(post->faults->str, fault); /* once */
    assert_int_equal(ops->room(post->relay), 0);
    send_one(post, ops); /* beyond its room: back at once */
    assert_true(g_str_has_suffix(post->outcomes->str, "untried 0 the relay is paused\n"));
    post_close(post, ops, 1000);
    server_free(server);
}

static void new_settings_end_the_pause(void **state)
{
    (void)state;
    FaultServer *server = server_start("[{}]", tls_folder, NULL);
    g_autofree char *good = g_strdup_printf(CA ", " AUTH, tls_folder);
    g_autofree char *bad = g_strdup_printf(CA ", " WRONG, tls_folder);
    g_autofree char *smarthost = g_strdup_printf("127.0.0.1:%u", server->port);
    Post *post = post_open(ops, smarthost, bad, "");
    send_one(post, ops);
    wait_fault(post, "auth: ");
    assert_int_equal(ops->room(post->relay), 0);
    Config *old = post->config;
    post->config = write_config(post, smarthost, good, "");
    ops->configure(post->relay, post->config, 0);
    config_unref(old);
    pthread_mutex_lock(&post->lock);
    while (post->rooms == 0) {
        wait_changed(&post->changed, &post->lock);
    }
    pthread_mutex_unlock(&post->lock);
    assert_int_equal(ops->room(post->relay), 1); /* the probe */
    send_one(post, ops);
    wait_fault(post, "none: ");
    assert_true(g_str_has_suffix(post->outcomes->str, D(1)));
    assert_true(ops->room(post->relay) > 1);
    post_close(post, ops, 1000);
    server_stop(server);
    server_free(server);
}

/* Else one mail that the relay never takes would be every probe, and block all others. */
static void a_mail_refused_twice_running_makes_way(void **state)
{
    (void)state;
    FaultServer *server =
        server_start("[{\"mail\": [\"554 5.7.1 not you\", null]}, {\"mail\": [\"554 5.7.1 not you\", null]}]",
                     NULL, NULL);
    Post *post = post_open_smtp(server, "smtp_require_tls: false", "");
    ops->offer(post->relay, make_mail(7, 1));
    wait_done(post, 1);
    ops->configure(post->relay, post->config, 0); /* ends the pause */
    ops->offer(post->relay, make_mail(7, 1));
    wait_done(post, 2);
    assert_string_equal(post->outcomes->str, "untried 554 not you\ndeferred 554 not you\n");
    post_close(post, ops, 1000);
    server_stop(server);
    server_free(server);
}

static void new_settings_retire_the_sessions(void **state)
{
    (void)state;
    FaultServer *server = server_start("[{}]", NULL, NULL);
    Post *post = post_open_smtp(server, "smtp_require_tls: false", "");
    send_one(post, ops);
    ops->configure(post->relay, post->config, 0);
    send_one(post, ops);
    send_one(post, ops);
    post_close(post, ops, 1000);
    server_stop(server);
    assert_int_equal(server_count(server, "\"event\": \"connection\""), 2);
    assert_int_equal(server_count(server, "\"event\": \"mail\""), 3);
    server_free(server);
}

/* Connections beyond the second are turned away: it goes on with those two. */
static void too_many_connections_are_not_tried_again_soon(void **state)
{
    (void)state;
    FaultServer *server = server_start(
        "[{\"dot\": {\"delay\": 0.02}}, {\"dot\": {\"delay\": 0.02}}, "
        "{\"greeting\": {\"reply\": \"421 4.7.0 too many connections\", \"then\": \"drop\"}}]",
        NULL, NULL);
    Post *post = post_open_smtp(server, "smtp_require_tls: false", "connections: 8");
    send_one(post, ops);
    for (unsigned i = 1; i < 40; i++) {
        ops->offer(post->relay, make_mail(i, 1));
    }
    wait_done(post, 40);
    assert_int_equal(count_text(post->outcomes->str, "delivered 250"), 40);
    assert_string_equal(post->faults->str, "");
    post_close(post, ops, 1000);
    server_stop(server);
    assert_in_range(server_count(server, "\"event\": \"connection\""), 3, 8);
    assert_int_equal(server_count(server, "\"event\": \"mail\""), 40);
    server_free(server);
}

static void a_throttled_session_costs_no_mail_anything(void **state)
{
    (void)state;
    FaultServer *server = server_start(
        "[{\"dot\": {\"delay\": 0.01}}, {\"mail\": \"432 4.3.2 concurrent connections\"}]", NULL, NULL);
    Post *post = post_open_smtp(server, "smtp_require_tls: false", "connections: 4");
    for (unsigned i = 0; i < 40; i++) {
        ops->offer(post->relay, make_mail(i, 1));
    }
    wait_done(post, 40);
    assert_int_equal(count_text(post->outcomes->str, "delivered 250"), 40);
    assert_string_equal(post->faults->str, "");
    g_autofree char *name = g_strdup_printf("127.0.0.1:%u", server->port);
    assert_true(metrics_get(post->metrics, METRIC_SMTP_THROTTLES, name, NULL) >= 1);
    post_close(post, ops, 1000);
    server_stop(server);
    assert_int_equal(server_count(server, "\"event\": \"mail\""), 40);
    server_free(server);
}

/* It is told to use fewer sessions while the last of them, which gets nothing either, has
 * not been told yet: the one that works stays. */
static void the_session_that_works_stays_when_others_are_throttled(void **state)
{
    (void)state;
    FaultServer *server = server_start(
        "[{\"dot\": {\"delay\": 0.1}}, {\"mail\": \"432 4.3.2 concurrent connections\"}, "
        "{\"mail\": \"432 4.3.2 concurrent connections\"}, "
        "{\"mail\": {\"delay\": 1.5, \"reply\": \"432 4.3.2 concurrent connections\"}}]", NULL, NULL);
    Post *post = post_open_smtp(server, "smtp_require_tls: false", "connections: 4");
    for (unsigned i = 0; i < 30; i++) {
        ops->offer(post->relay, make_mail(i, 1));
    }
    wait_done(post, 30);
    assert_int_equal(count_text(post->outcomes->str, "delivered 250"), 30);
    assert_string_equal(post->faults->str, "");
    post_close(post, ops, 1000);
    server_stop(server);
    server_free(server);
}

static void our_own_rate_limit_holds_mails_back_until_it_is_lifted(void **state)
{
    (void)state;
    FaultServer *server = server_start("[{}]", NULL, NULL);
    g_autofree char *smarthost = g_strdup_printf("127.0.0.1:%u", server->port);
    Post *post = post_open(ops, smarthost, "smtp_require_tls: false",
                           "connections: 4, rate_limit: {mails: 2, per: 24h, burst: 3}");
    assert_int_equal(ops->room(post->relay), 3);
    for (unsigned i = 0; i < 6; i++) {
        ops->offer(post->relay, make_mail(i, 1));
    }
    wait_done(post, 3);
    while (metrics_get(post->metrics, METRIC_RELAY_RATE_LIMITED, smarthost, NULL) != 1) {
        g_usleep(1000);
    }
    assert_int_equal(post->done, 3);
    Config *old = post->config;
    post->config = write_config(post, smarthost, "smtp_require_tls: false", "connections: 4");
    ops->configure(post->relay, post->config, 0);
    config_unref(old);
    wait_done(post, 6);
    assert_int_equal(count_text(post->outcomes->str, "delivered 250"), 6);
    assert_string_equal(post->faults->str, "");
    assert_true(metrics_get(post->metrics, METRIC_RELAY_RATE_LIMITED, smarthost, NULL) == 0);
    post_close(post, ops, 1000);
    server_stop(server);
    assert_int_equal(server_count(server, "\"event\": \"mail\""), 6);
    server_free(server);
}

static void a_silent_session_does_not_hold_up_the_others(void **state)
{
    (void)state;
    FaultServer *server = server_start("[{\"dot\": [null, \"silent\"]}, {}]", NULL, NULL);
    Post *post = post_open_smtp(server, "smtp_require_tls: false", "connections: 2");
    send_one(post, ops);
    for (unsigned i = 1; i < 50; i++) {
        ops->offer(post->relay, make_mail(i, 1));
    }
    wait_done(post, 49); /* all but the one that waits for ten minutes */
    assert_int_equal(count_text(post->outcomes->str, "delivered 250"), 49);
    post_close(post, ops, 0);
    server_stop(server);
    server_free(server);
}

static void stopping_gives_everything_back(void **state)
{
    (void)state;
    FaultServer *server = server_start("[{\"dot\": \"silent\"}]", NULL, NULL);
    Post *post = post_open_smtp(server, "smtp_require_tls: false", "connections: 1");
    for (unsigned i = 0; i < 10; i++) {
        ops->offer(post->relay, make_mail(i, 1));
    }
    server_wait(server, "DATA");
    ops->stop(post->relay, clock_ms() + 300);
    wait_done(post, 9);
    ops->join(post->relay);
    assert_int_equal(post->done, 10);
    assert_int_equal(count_text(post->outcomes->str, "untried 0 stopping\n"), 9);
    assert_int_equal(count_text(post->outcomes->str, "stopping waiting for the reply to the final dot"), 1);
    assert_int_equal(count_text(post->outcomes->str, "in_doubt"), 1);
    assert_int_equal(ops->room(post->relay), 0);
    ops->offer(post->relay, make_mail(10, 1)); /* after the end: back on this thread */
    assert_int_equal(post->done, 11);
    post_close(post, ops, 0);
    server_stop(server);
    server_free(server);
}

static void stopping_lets_a_transaction_finish(void **state)
{
    (void)state;
    FaultServer *server = server_start("[{\"dot\": {\"delay\": 0.3}}]", NULL, NULL);
    Post *post = post_open_smtp(server, "smtp_require_tls: false", "connections: 1");
    ops->offer(post->relay, make_mail(0, 1));
    server_wait(server, "DATA");
    ops->stop(post->relay, clock_ms() + 30000);
    ops->join(post->relay);
    assert_string_equal(post->outcomes->str, D(1));
    post_close(post, ops, 0);
    server_stop(server);
    assert_int_equal(server_count(server, "QUIT"), 1);
    server_free(server);
}

static void room_is_announced_once_half_is_gone(void **state)
{
    (void)state;
    FaultServer *server = server_start("[{\"greeting\": {\"delay\": 0.3}}]", NULL, NULL);
    Post *post = post_open_smtp(server, "smtp_require_tls: false", "connections: 1");
    unsigned room = ops->room(post->relay);
    assert_int_equal(room, 8);
    for (unsigned i = 0; i < room; i++) {
        ops->offer(post->relay, make_mail(i, 1));
    }
    /* On a machine so slow that some have left already nothing is announced. */
    bool used_up = ops->room(post->relay) == 0;
    wait_done(post, room);
    pthread_mutex_lock(&post->lock);
    while (used_up && post->rooms == 0) {
        wait_changed(&post->changed, &post->lock);
    }
    pthread_mutex_unlock(&post->lock);
    assert_int_equal(ops->room(post->relay), 8);
    post_close(post, ops, 1000);
    server_stop(server);
    server_free(server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_mails_go_over_few_sessions),
        cmocka_unit_test(a_session_ends_after_its_share_of_mails),
        cmocka_unit_test(an_idle_session_says_goodbye),
        cmocka_unit_test(a_door_opens_or_says_why_not),
        cmocka_unit_test(a_password_is_held_back_where_anybody_could_listen),
        cmocka_unit_test(a_server_gets_what_it_deserves),
        cmocka_unit_test(hundreds_of_recipients_go_in_several_transactions),
        cmocka_unit_test(a_dead_server_pauses_the_relay),
        cmocka_unit_test(new_settings_end_the_pause),
        cmocka_unit_test(a_mail_refused_twice_running_makes_way),
        cmocka_unit_test(new_settings_retire_the_sessions),
        cmocka_unit_test(too_many_connections_are_not_tried_again_soon),
        cmocka_unit_test(a_throttled_session_costs_no_mail_anything),
        cmocka_unit_test(the_session_that_works_stays_when_others_are_throttled),
        cmocka_unit_test(a_mail_behind_the_dot_of_another_is_never_in_doubt),
        cmocka_unit_test(commands_go_one_by_one_where_pipelining_is_off),
        cmocka_unit_test(our_own_rate_limit_holds_mails_back_until_it_is_lifted),
        cmocka_unit_test(a_silent_session_does_not_hold_up_the_others),
        cmocka_unit_test(stopping_gives_everything_back),
        cmocka_unit_test(stopping_lets_a_transaction_finish),
        cmocka_unit_test(room_is_announced_once_half_is_gone),
    };
    return cmocka_run_group_tests(tests, make_certificates, remove_certificates);
}
