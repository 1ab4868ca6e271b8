/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <pthread.h>
#include <string.h>

#include "bridge/fetch.h"
#include "rules/fault.h"
#include "tests/unit/certificates.h"
#include "tests/unit/web_server.h"

enum { LONG_MS = 60000 };

static void assert_fails(const FetchRequest *request, FaultKind kind, const char *text)
{
    g_autoptr(GError) error = NULL;
    FetchAnswer answer = {.status = 7, .body = (char *)(uintptr_t) "poison"};
    assert_false(fetch(request, &answer, &error));
    assert_int_equal(error->code, kind);
    if (strstr(error->message, text) == NULL) {
        assert_string_equal(error->message, text);
    }
}

static FetchAnswer must_fetch(const FetchRequest *request)
{
    g_autoptr(GError) error = NULL;
    FetchAnswer answer;
    if (!fetch(request, &answer, &error)) {
        fail_msg("%s", error->message);
    }
    return answer;
}

static char *url_of(const WebServer *server, const char *scheme, const char *path)
{
    return g_strdup_printf("%s://127.0.0.1:%u%s", scheme, server->port, path);
}

static void a_request_says_what_it_is_told_and_gives_the_whole_answer(void **state)
{
    (void)state;
    static const struct {
        const char *method, *body;
        const char *said[3];
    } cases[] = {
        {NULL, NULL, {"\"method\": \"GET\"", "\"path\": \"/a?b=c%20d\"", "\"body\": \"\""}},
        {NULL, "x=1&y", {"\"method\": \"POST\"", "\"body\": \"x=1&y\"", "\"X-Kind\": \"k 1\""}},
        {"DELETE", NULL, {"\"method\": \"DELETE\"", "\"X-Kind\": \"k 1\"", ""}},
        {"POST", "", {"\"method\": \"POST\"", "\"body\": \"\"", "\"Content-Length\": \"0\""}},
    };
    static const char *const headers[] = {"X-Kind: k 1", NULL};
    WebServer server = web_start("[{\"status\": 418, \"body\": \"short and stout\"}]", NULL);
    g_autofree char *url = url_of(&server, "http", "/a?b=c%20d");
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        FetchAnswer answer = must_fetch(&(FetchRequest){
            .method = cases[i].method, .url = url, .headers = headers, .body = cases[i].body,
            .length = cases[i].body != NULL ? strlen(cases[i].body) : 0, .timeout_ms = LONG_MS,
            .answer_max = 15});
        assert_int_equal(answer.status, 418);
        assert_int_equal(answer.length, 15);
        assert_string_equal(answer.body, "short and stout");
        fetch_answer_clear(&answer);
        assert_null(answer.body);
        g_autofree char *said = web_take_line(&server);
        for (size_t part = 0; part < 3; part++) {
            assert_non_null(strstr(said, cases[i].said[part]));
        }
        assert_null(strstr(said, "Authorization"));
    }
    web_stop(&server);
}

static void credentials_are_basic_authentication(void **state)
{
    (void)state;
    WebServer server = web_start("[{}]", NULL);
    g_autofree char *url = url_of(&server, "http", "/");
    FetchAnswer answer = must_fetch(&(FetchRequest){.url = url, .timeout_ms = LONG_MS,
                                                    .username = "u", .password = "p:w"});
    fetch_answer_clear(&answer);
    g_autofree char *said = web_take_line(&server);
    assert_non_null(strstr(said, "\"Authorization\": \"Basic dTpwOnc=\""));
    web_stop(&server);
}

static void an_answer_beyond_the_ceiling_is_refused(void **state)
{
    (void)state;
    WebServer server = web_start("[{\"body\": \"0123456789\"}]", NULL);
    g_autofree char *url = url_of(&server, "http", "/");
    assert_fails(&(FetchRequest){.url = url, .timeout_ms = LONG_MS, .answer_max = 9}, FAULT_LIMIT,
                 "the answer is larger than 9 bytes");
    web_stop(&server);
}

static void a_redirection_is_an_answer_and_not_followed(void **state)
{
    (void)state;
    WebServer server =
        web_start("[{\"status\": 302, \"headers\": {\"Location\": \"/elsewhere\"}}]", NULL);
    g_autofree char *url = url_of(&server, "http", "/");
    FetchAnswer answer = must_fetch(&(FetchRequest){.url = url, .timeout_ms = LONG_MS});
    assert_int_equal(answer.status, 302);
    fetch_answer_clear(&answer);
    g_autofree char *said = web_take_line(&server);
    assert_null(strstr(said, "elsewhere"));
    web_stop(&server);
}

static void proxies_of_the_environment_are_not_used(void **state)
{
    (void)state;
    WebServer server = web_start("[{\"status\": 204}]", NULL);
    g_autofree char *url = url_of(&server, "http", "/");
    g_setenv("http_proxy", "http://127.0.0.1:1", TRUE);
    FetchAnswer answer = must_fetch(&(FetchRequest){.url = url, .timeout_ms = LONG_MS});
    g_unsetenv("http_proxy");
    assert_int_equal(answer.status, 204);
    fetch_answer_clear(&answer);
    web_stop(&server);
}

static void a_proxy_that_is_named_gets_the_request(void **state)
{
    (void)state;
    WebServer server = web_start("[{\"status\": 203}]", NULL);
    g_autofree char *proxy = url_of(&server, "http", "");
    FetchAnswer answer = must_fetch(&(FetchRequest){
        .url = "http://idp.invalid/token", .proxy = proxy, .timeout_ms = LONG_MS});
    assert_int_equal(answer.status, 203);
    fetch_answer_clear(&answer);
    g_autofree char *said = web_take_line(&server);
    assert_non_null(strstr(said, "\"path\": \"http://idp.invalid/token\""));
    web_stop(&server);
}

static void what_cannot_be_asked_is_refused_before_anything_is_sent(void **state)
{
    (void)state;
    static const char *const split[] = {"X: a\r\nY: b", NULL};
    static const struct {
        const char *url, *text;
    } urls[] = {
        {"", "not a URL: "},
        {"127.0.0.1:80", "not a URL: "},
        {"/token", "not a URL: "},
        {"ftp://127.0.0.1/", "not an http or https URL"},
        {"file:///etc/passwd", "not an http or https URL"},
        {"http:///x", "the URL names no host"},
        {"http://127.0.0.1:99999/", "not a URL: "},
        {"http://u:secret@127.0.0.1:1/", "the URL must not hold a user or password"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(urls); i++) {
        assert_fails(&(FetchRequest){.url = urls[i].url, .timeout_ms = LONG_MS}, FAULT_INPUT,
                     urls[i].text);
    }
    assert_fails(&(FetchRequest){.url = "http://127.0.0.1:1/", .headers = split}, FAULT_INPUT,
                 "a header has control characters");
}

static void failures_of_the_network_say_what_happened(void **state)
{
    (void)state;
    static const struct {
        const char *script, *text;
        int64_t timeout_ms;
    } cases[] = {
        {"[{\"then\": \"silent\"}]", "timed out", 300},
        {"[{\"then\": \"drop\"}]", "Empty reply from server", LONG_MS},
        {"[{\"raw\": \"220 mail.example ESMTP\\r\\n\"}]", "HTTP/0.9", LONG_MS},
        {"[{\"length\": 100, \"body\": \"cut\"}]", "bytes remaining to read", LONG_MS},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        WebServer server = web_start(cases[i].script, NULL);
        g_autofree char *url = url_of(&server, "http", "/");
        assert_fails(&(FetchRequest){.url = url, .timeout_ms = cases[i].timeout_ms,
                                     .answer_max = 1000},
                     FAULT_REMOTE, cases[i].text);
        web_stop(&server);
    }
    assert_fails(&(FetchRequest){.url = "http://127.0.0.1:1/", .timeout_ms = LONG_MS},
                 FAULT_REMOTE, "Failed to connect to 127.0.0.1 port 1");
    assert_fails(&(FetchRequest){.url = "http://host.invalid/", .timeout_ms = LONG_MS},
                 FAULT_REMOTE, "Could not resolve host: host.invalid");
}

static void *fetch_until_stopped(void *data)
{
    assert_fails(data, FAULT_REMOTE, "stopped while waiting for the answer");
    return NULL;
}

static void a_request_can_be_stopped(void **state)
{
    (void)state;
    WebServer server = web_start("[{\"then\": \"silent\"}]", NULL);
    g_autofree char *url = url_of(&server, "http", "/");
    atomic_bool stop = false;
    FetchRequest request = {.url = url, .timeout_ms = LONG_MS, .stop = &stop};
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, fetch_until_stopped, &request), 0);
    g_autofree char *said = web_take_line(&server);
    assert_non_null(said);
    atomic_store(&stop, true);
    pthread_join(thread, NULL);
    web_stop(&server);
}

/* The certificate is for localhost and 127.0.0.1. */
static void certificates_are_checked_as_the_settings_say(void **state)
{
    (void)state;
    WebServer server = web_start("[{\"status\": 200}]", tls_folder);
    g_autofree char *authority = g_build_filename(tls_folder, "ca.pem", NULL);
    g_autofree char *url = url_of(&server, "https", "/");
    char none[] = "", local[] = "localhost", other[] = "idp.example";
    TlsConfig trusting = {none, authority, none, none, .server_name = none};
    TlsConfig blind = {none, none, none, none, .server_name = none, .insecure_skip_verify = true};
    TlsConfig strict = {none, none, none, none, .server_name = none};
    TlsConfig named = trusting, misnamed = trusting;
    named.server_name = local;
    misnamed.server_name = other;
    FetchRequest request = {.url = url, .timeout_ms = LONG_MS};
    assert_fails(&request, FAULT_REMOTE, "SSL certificate problem");
    request.tls = &strict;
    assert_fails(&request, FAULT_REMOTE, "SSL certificate problem");
    request.tls = &misnamed;
    assert_fails(&request, FAULT_REMOTE, "target host name 'idp.example'");
    const TlsConfig *const good[] = {&trusting, &blind, &named};
    for (size_t i = 0; i < G_N_ELEMENTS(good); i++) {
        request.tls = good[i];
        FetchAnswer answer = must_fetch(&request);
        assert_int_equal(answer.status, 200);
        fetch_answer_clear(&answer);
        g_autofree char *said = web_take_line(&server);
        g_autofree char *host = g_strdup_printf("\"Host\": \"127.0.0.1:%u\"", server.port);
        assert_non_null(strstr(said, host));
    }
    web_stop(&server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_says_what_it_is_told_and_gives_the_whole_answer),
        cmocka_unit_test(credentials_are_basic_authentication),
        cmocka_unit_test(an_answer_beyond_the_ceiling_is_refused),
        cmocka_unit_test(a_redirection_is_an_answer_and_not_followed),
        cmocka_unit_test(proxies_of_the_environment_are_not_used),
        cmocka_unit_test(a_proxy_that_is_named_gets_the_request),
        cmocka_unit_test(what_cannot_be_asked_is_refused_before_anything_is_sent),
        cmocka_unit_test(failures_of_the_network_say_what_happened),
        cmocka_unit_test(a_request_can_be_stopped),
        cmocka_unit_test(certificates_are_checked_as_the_settings_say),
    };
    return cmocka_run_group_tests(tests, make_certificates, remove_certificates);
}
