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

/* --- TLS and authentication --- */

typedef struct {
    const char *name, *script, *settings; /* %s: the folder with the certificates */
    bool certificate;
    const char *option;
    const char *outcome, *fault;
} Door;

#define SECRET   "smtp_auth_username: alerts, smtp_auth_secret: correct horse"
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_door_opens_or_says_why_not),
        cmocka_unit_test(a_password_is_held_back_where_anybody_could_listen),
    };
    return cmocka_run_group_tests(tests, make_certificates, remove_certificates);
}
