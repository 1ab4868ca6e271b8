/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "bridge/json.h"
#include "tests/unit/fake_app.h"
#include "tests/unit/http_client.h"

static int setup(void **state)
{
    App *app = g_new0(App, 1);
    app_init(app);
    app_start(app, &HTTP_LIMITS_DEFAULT);
    *state = app;
    return 0;
}

static int teardown(void **state)
{
    App *app = *state;
    app_stop(app);
    app_clear(app);
    g_free(app);
    return 0;
}

static Reply post(App *app, const char *headers, const char *body)
{
    g_autofree char *request = client_post(APP_HOOK, headers, body);
    return client_request(app->address, request);
}

static void assert_header(const Reply *reply, const char *name, const char *value)
{
    g_autofree char *found = reply_header(reply, name);
    if (value == NULL) {
        assert_null(found);
    } else {
        assert_non_null(found);
        assert_string_equal(found, value);
    }
}

static void a_webhook_that_queues_a_mail_is_answered_with_202(void **state)
{
    App *app = *state;
    g_auto(Reply) reply = post(app, "Content-Type: application/json\r\n", APP_BODY);
    assert_int_equal(reply.code, 202);
    assert_string_equal(reply.body, "{\"results\":[{\"receiver\":\"team \\\"a\\\"\","
                                    "\"result\":\"queued\",\"id\":\"id-1@host\"}]}\n");
    assert_header(&reply, "Content-Type", "application/json");
    assert_int_equal(app->accepted, 1);
    assert_true(metrics_get(app->hooks.metrics, METRIC_WEBHOOK_REQUESTS, "alertmanager",
                            "202") == 1);
}

static void a_webhook_that_says_nothing_new_is_answered_with_200(void **state)
{
    App *app = *state;
    app->kind = ACCEPT_SUPPRESSED;
    app->later = true;
    g_auto(Reply) reply = post(app, "", APP_BODY);
    assert_int_equal(reply.code, 200);
    assert_string_equal(reply.body,
                        "{\"results\":[{\"receiver\":\"team \\\"a\\\"\","
                        "\"result\":\"suppressed\",\"reason\":\"unchanged\"}]}\n");
}

static void a_webhook_without_alerts_ends_at_intake(void **state)
{
    App *app = *state;
    g_auto(Reply) reply = post(app, "", "{\"alerts\":[]}");
    assert_int_equal(reply.code, 200);
    assert_string_equal(reply.body, "{\"results\":[]}\n");
    assert_int_equal(app->accepted, 0);
}

static void a_storage_that_fails_is_answered_with_503(void **state)
{
    App *app = *state;
    app->busy = true;
    g_auto(Reply) reply = post(app, "", APP_BODY);
    assert_int_equal(reply.code, 503);
    assert_string_equal(reply.body, "{\"error\":\"the disk is full\"}\n");
    assert_header(&reply, "Retry-After", "5");
}

static void what_is_refused_is_refused_with_its_reason(void **state)
{
    App *app = *state;
    static const struct {
        const char *request;
        unsigned code;
        const char *body, *header, *value;
    } table[] = {
        {"GET /hooks/alertmanager HTTP/1.1\r\nHost: a\r\n\r\n", 405,
         "{\"error\":\"a webhook is sent with POST\"}\n", "Allow", "POST"},
        {"PUT /hooks/alertmanager HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}",
         405, "{\"error\":\"a webhook is sent with POST\"}\n", "Allow", "POST"},
        {"BREW /hooks/alertmanager HTTP/1.1\r\nHost: a\r\n\r\n", 405,
         "{\"error\":\"a webhook is sent with POST\"}\n", "Allow", "POST"},
        {"POST /hooks/none HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}", 404,
         "{\"error\":\"no source of this name is configured\"}\n", "Allow", NULL},
        {"POST /hooks/ HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}", 404,
         "{\"error\":\"no source of this name is configured\"}\n", "Allow", NULL},
        {"POST /hooks HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}", 404,
         "{\"error\":\"there is nothing here\"}\n", "Allow", NULL},
        {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", 404,
         "{\"error\":\"there is nothing here\"}\n", "Content-Type", "application/json"},
        {"POST /hooks/alertmanager HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\n"
         "Content-Length: 2\r\n\r\n{}",
         415, "{\"error\":\"the content type is not application/json\"}\n", "Allow",
         NULL},
        {"POST /hooks/alertmanager HTTP/1.1\r\nHost: a\r\nContent-Encoding: gzip\r\n"
         "Content-Length: 2\r\n\r\n{}",
         415,
         "{\"error\":\"a body that is encoded (Content-Encoding) is not read\"}\n",
         "Allow", NULL},
        {"POST /hooks/alertmanager HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{]",
         400, "{\"error\":\"byte 2: not a key\"}\n", "Retry-After", NULL},
        {"POST /hooks/alertmanager HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n",
         400, "{\"error\":\"byte 1: the text ends where a value should be\"}\n",
         "Allow", NULL},
        {"POST /hooks/alertmanager HTTP/1.1\r\nHost: a\r\nContent-Length: 25\r\n\r\n"
         "{\"alerts\":[{\"labels\":[]}]}",
         400, "{\"error\":\"byte 26: the text ends where a comma or } should be\"}\n",
         "Allow", NULL},
        {"POST /hooks/alertmanager HTTP/1.1\r\nHost: a\r\nContent-Length: 26\r\n\r\n"
         "{\"alerts\":[{\"labels\":[]}]}",
         400, "{\"error\":\"alerts[0].labels: not an object\"}\n", "Allow", NULL},
        {"POST /metrics HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}", 405,
         "{\"error\":\"this method is not for this path\"}\n", "Allow", "GET, HEAD"},
        {"GET /-/reload HTTP/1.1\r\nHost: a\r\n\r\n", 405,
         "{\"error\":\"this method is not for this path\"}\n", "Allow", "POST, PUT"},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        g_auto(Reply) reply = client_request(app->address, table[i].request);
        assert_int_equal(reply.code, table[i].code);
        assert_string_equal(reply.body, table[i].body);
        assert_header(&reply, table[i].header, table[i].value);
    }
    assert_int_equal(app->accepted, 0);
}

static void every_kind_of_json_content_type_is_taken(void **state)
{
    App *app = *state;
    static const char *const types[] = {
        "application/json", "Application/JSON; charset=utf-8",
        "application/cloudevents+json", " application/json "};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        g_autofree char *header = g_strdup_printf("Content-Type: %s\r\n", types[i]);
        g_auto(Reply) reply = post(app, header, APP_BODY);
        assert_int_equal(reply.code, 202);
    }
}

static void requests_of_one_connection_are_answered_in_their_order(void **state)
{
    App *app = *state;
    app->later = true;
    g_autofree char *good = client_post(APP_HOOK, "", APP_BODY);
    g_autofree char *bad = client_post(APP_HOOK, "", "{}");
    g_autofree char *all = g_strconcat(
        good, bad, "GET /-/healthy HTTP/1.1\r\nHost: a\r\n\r\n", good, NULL);
    static const unsigned codes[] = {202, 400, 200, 202};
    int fd = client_connect(app->address);
    client_send(fd, all); /* pipelined */
    for (size_t i = 0; i < 4; i++) {
        g_auto(Reply) reply = client_reply(fd);
        assert_int_equal(reply.code, codes[i]);
    }
    client_send(fd, good); /* and kept */
    g_auto(Reply) reply = client_reply(fd);
    assert_int_equal(reply.code, 202);
    assert_header(&reply, "Connection", NULL);
    close(fd);
}

static void a_small_refused_body_does_not_cost_the_connection(void **state)
{
    App *app = *state;
    int fd = client_connect(app->address);
    for (int i = 0; i < 3; i++) {
        g_autofree char *request = client_post("/hooks/none", "", APP_BODY);
        client_send(fd, request);
        g_auto(Reply) reply = client_reply(fd);
        assert_int_equal(reply.code, 404);
    }
    close(fd);
}

static void a_chunked_body_is_put_together(void **state)
{
    App *app = *state;
    g_autoptr(GString) request =
        g_string_new("POST /hooks/alertmanager HTTP/1.1\r\nHost: "
                     "a\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (const char *at = APP_BODY; *at != '\0'; at++) {
        g_string_append_printf(request, "1\r\n%c\r\n", *at);
    }
    g_string_append(request, "0\r\n\r\n");
    g_auto(Reply) reply = client_request(app->address, request->str);
    assert_int_equal(reply.code, 202);
}

static char *body_of(size_t length)
{
    g_autofree char *filler =
        g_strnfill(length - strlen("{\"alerts\":[],\"x\":\"\"}"), 'x');
    return g_strdup_printf("{\"alerts\":[],\"x\":\"%s\"}", filler);
}

static void a_body_may_be_as_long_as_its_limit_and_no_longer(void **state)
{
    App *app = *state;
    g_autofree char *longest = body_of(100000);
    g_auto(Reply) passes = post(app, "", longest);
    assert_int_equal(passes.code, 200);
    /* Refused by its length alone: the body is never sent. */
    g_auto(Reply) refused =
        client_request(app->address, "POST /hooks/alertmanager HTTP/1.1\r\nHost: "
                                     "a\r\nContent-Length: 100001\r\n\r\n");
    assert_int_equal(refused.code, 413);
    assert_string_equal(
        refused.body,
        "{\"error\":\"the body is longer than limits.body allows (100000)\"}\n");
    /* Its length not said. */
    g_autofree char *longer = body_of(100001);
    g_autofree char *chunked =
        g_strdup_printf("POST /hooks/alertmanager HTTP/1.1\r\nHost: "
                        "a\r\nTransfer-Encoding: chunked\r\n\r\n"
                        "%zx\r\n%s\r\n0\r\n\r\n",
                        strlen(longer), longer);
    g_auto(Reply) late = client_request(app->address, chunked);
    assert_int_equal(late.code, 413);
}

static void a_body_without_end_is_cut_off(void **state)
{
    App *app = *state;
    int fd = client_connect(app->address);
    client_send(fd, "POST /hooks/alertmanager HTTP/1.1\r\nHost: a\r\n"
                    "Transfer-Encoding: chunked\r\n\r\n");
    g_autofree char *chunk = g_strnfill(0x10000, 'x');
    unsigned n = 0;
    while (n < 1000 && client_send(fd, "10000\r\n") && client_send(fd, chunk) &&
           client_send(fd, "\r\n")) {
        n++;
    }
    assert_true(n < 1000);
    close(fd);
}

static void a_full_queue_is_said_before_the_body_is_read(void **state)
{
    App *app = *state;
    atomic_store(&app->full, true);
    g_auto(Reply) reply =
        client_request(app->address, "POST /hooks/alertmanager HTTP/1.1\r\nHost: "
                                     "a\r\nContent-Length: 90000\r\n\r\n");
    assert_int_equal(reply.code, 503);
    assert_string_equal(reply.body, "{\"error\":\"the queue is full\"}\n");
    assert_header(&reply, "Retry-After", "5");
    g_auto(Reply) ready =
        client_request(app->address, "GET /-/ready HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_int_equal(ready.code, 503);
}

static void the_bodies_of_all_requests_have_one_ceiling(void **state)
{
    App *app = *state;
    static const char busy[] =
        "{\"error\":\"too many bytes are being received (limits.inflight_bytes)\"}\n";
    app->config.limits.inflight_bytes = 70000;
    g_autofree char *fits = body_of(70000), *body = body_of(70001);
    g_auto(Reply) passes = post(app, "", fits);
    assert_int_equal(passes.code, 200);
    g_auto(Reply) announced =
        client_request(app->address, "POST /hooks/alertmanager HTTP/1.1\r\nHost: "
                                     "a\r\nContent-Length: 70001\r\n\r\n");
    assert_int_equal(announced.code, 503);
    assert_string_equal(announced.body, busy);
    g_autofree char *chunked =
        g_strdup_printf("POST /hooks/alertmanager HTTP/1.1\r\nHost: "
                        "a\r\nTransfer-Encoding: chunked\r\n\r\n"
                        "%zx\r\n%s\r\n0\r\n\r\n",
                        strlen(body), body);
    g_auto(Reply) found_out = client_request(app->address, chunked);
    assert_int_equal(found_out.code, 503);
    assert_string_equal(found_out.body, busy);
    g_auto(Reply) again = post(app, "", fits); /* all was given back */
    assert_int_equal(again.code, 200);
}

static void so_many_may_wait_and_no_more(void **state)
{
    App *app = *state;
    app->config.limits.waiting = 2;
    atomic_store(&app->holding, true);
    g_autofree char *other = g_strdup(APP_BODY);
    strstr(other, "a=")[0] = 'b'; /* another group: not behind the first in its lane */
    const char *const bodies[] = {APP_BODY, other};
    int fds[2];
    for (unsigned i = 0; i < 2; i++) {
        g_autofree char *request = client_post(APP_HOOK, "", bodies[i]);
        fds[i] = client_connect(app->address);
        client_send(fds[i], request);
        app_wait_held(app, i + 1);
    }
    g_auto(Reply) refused = post(app, "", APP_BODY);
    assert_int_equal(refused.code, 503);
    atomic_store(&app->holding, false);
    app_release(app);
    for (unsigned i = 0; i < 2; i++) {
        g_auto(Reply) reply = client_reply(fds[i]);
        assert_int_equal(reply.code, 202);
        close(fds[i]);
    }
    g_auto(Reply) reply = post(app, "", APP_BODY);
    assert_int_equal(reply.code, 202);
}

static void webhooks_of_one_group_do_not_overlap(void **state)
{
    App *app = *state;
    app->later = true;
    g_autofree char *request = client_post(APP_HOOK, "", APP_BODY);
    int fds[20];
    for (size_t i = 0; i < 20; i++) {
        fds[i] = client_connect(app->address);
        client_send(fds[i], request);
    }
    for (size_t i = 0; i < 20; i++) {
        g_auto(Reply) reply = client_reply(fds[i]);
        assert_int_equal(reply.code, 202);
        close(fds[i]);
    }
    assert_int_equal(app->accepted, 20);
    assert_int_equal(app->overlaps, 0);
}

static void a_client_that_leaves_harms_nobody(void **state)
{
    App *app = *state;
    atomic_store(&app->holding, true);
    g_autofree char *request = client_post(APP_HOOK, "", APP_BODY);
    int waiting = client_connect(app->address);
    client_send(waiting, request);
    app_wait_held(app, 1);
    close(waiting);
    int sending = client_connect(app->address);
    client_send_bytes(sending, request, strlen(request) - 10);
    close(sending);
    atomic_store(&app->holding, false);
    app_release(app);
    g_auto(Reply) reply = post(app, "", APP_BODY);
    assert_int_equal(reply.code, 202);
}

static void a_client_may_close_its_half_after_the_request(void **state)
{
    App *app = *state;
    app->later = true;
    g_autofree char *request = client_post(APP_HOOK, "", APP_BODY);
    int fd = client_connect(app->address);
    client_send(fd, request);
    shutdown(fd, SHUT_WR);
    g_auto(Reply) reply = client_reply(fd);
    assert_int_equal(reply.code, 202);
    close(fd);
}

static void headers_without_end_are_refused(void **state)
{
    App *app = *state;
    g_autofree char *filler = g_strnfill(100000, 'x');
    g_autofree char *request = g_strdup_printf(
        "POST /hooks/alertmanager HTTP/1.1\r\nHost: a\r\nX: %s\r\n\r\n", filler);
    g_auto(Reply) reply = client_request(app->address, request);
    assert_int_equal(reply.code, 431);
    g_auto(Reply) garbage = client_request(app->address, "\x16\x03\x01 what\r\n\r\n");
    assert_int_not_equal(garbage.code, 202);
    g_auto(Reply) next = post(app, "", APP_BODY);
    assert_int_equal(next.code, 202);
}

static void it_is_healthy_and_ready_until_it_drains(void **state)
{
    App *app = *state;
    static const char *const paths[] = {"/-/healthy", "/healthz", "/livez", "/-/ready",
                                        "/readyz"};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        g_autofree char *get =
            g_strdup_printf("GET %s HTTP/1.1\r\nHost: a\r\n\r\n", paths[i]);
        g_auto(Reply) reply = client_request(app->address, get);
        assert_int_equal(reply.code, 200);
        assert_string_equal(reply.body, i < 3 ? "healthy\n" : "ready\n");
        g_autofree char *head =
            g_strdup_printf("HEAD %s HTTP/1.1\r\nHost: a\r\n\r\n", paths[i]);
        g_auto(Reply) empty = client_request(app->address, head);
        assert_int_equal(empty.code, 200);
    }
    atomic_store(&app->failing, true);
    g_auto(Reply) failing =
        client_request(app->address, "GET /readyz HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_int_equal(failing.code, 503);
    assert_string_equal(failing.body, "{\"error\":\"the storage fails\"}\n");
    atomic_store(&app->failing, false);

    intake_drain(app->intake);
    g_auto(Reply) draining =
        client_request(app->address, "GET /-/ready HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_int_equal(draining.code, 503);
    assert_header(&draining, "Connection", "close");
    g_auto(Reply) alive =
        client_request(app->address, "GET /-/healthy HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_int_equal(alive.code, 200);
    g_auto(Reply) accepted = post(app, "", APP_BODY);
    assert_int_equal(accepted.code, 202);
    assert_header(&accepted, "Connection", "close");
}

static void metrics_and_status_tell_what_happens(void **state)
{
    App *app = *state;
    g_auto(Reply) webhook = post(app, "", APP_BODY);
    assert_int_equal(webhook.code, 202);
    g_auto(Reply) metrics =
        client_request(app->address, "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_int_equal(metrics.code, 200);
    assert_header(&metrics, "Content-Type", "text/plain; version=0.0.4; charset=utf-8");
    assert_non_null(strstr(metrics.body, "\nalertpost_webhook_requests_total"
                                         "{source=\"alertmanager\",code=\"202\"} 1\n"));
    assert_true(
        metrics_get(app->hooks.metrics, METRIC_QUEUE_OLDEST_S, NULL, NULL) > 1e9);
    assert_non_null(strstr(metrics.body, "\nalertpost_webhook_waiting 0\n"));

    g_auto(Reply) status =
        client_request(app->address, "GET /api/v1/status HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_int_equal(status.code, 200);
    g_autoptr(Json) json =
        json_parse(status.body, strlen(status.body), &JSON_LIMITS_DEFAULT, NULL);
    assert_string_equal(json_text(json_get(json, "version")), ALERTPOST_VERSION);
    assert_string_equal(json_text(json_get(json, "config")), "/etc/alertpost.yml");
    assert_true(json_number(json_get(json_get(json, "queue"), "queued")) == 3);
    const Json *source = json_first(json_get(json, "sources"));
    assert_string_equal(json_text(json_get(source, "name")), "alertmanager");
}

static void a_reload_says_what_is_wrong(void **state)
{
    App *app = *state;
    static const char request[] =
        "POST /-/reload HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n";
    g_auto(Reply) good = client_request(app->address, request);
    assert_int_equal(good.code, 200);
    assert_string_equal(good.body, "{\"result\":\"reloaded\"}\n");
    atomic_store(&app->reload_fails, true);
    g_auto(Reply) bad = client_request(app->address, request);
    assert_int_equal(bad.code, 500);
    assert_string_equal(
        bad.body, "{\"error\":\"a.yml:1:2: x: unknown key\\na.yml:3:4: y: bad\"}\n");
}

static void only_the_right_credentials_pass(void **state)
{
    App *app = *state;
    char token[] = "t0ken", user[] = "user", password[] = "pa:ss", name[] = "X-Token",
         value[] = "v";
    app->sources[0].auth = (AuthConfig){.required = true,
                                        .bearer_token.text = token,
                                        .basic_username = user,
                                        .basic_password.text = password,
                                        .header_name = name,
                                        .header_value.text = value};
    static const struct {
        const char *headers;
        unsigned code;
    } table[] = {
        {"", 401},
        {"Authorization: Bearer t0ken\r\n", 202},
        {"authorization: bearer   t0ken\r\n", 202},
        {"Authorization: Bearer t0kenx\r\n", 401},
        {"Authorization: Bearer\r\n", 401},
        {"Authorization: Bearer \r\n", 401},
        {"Authorization: t0ken\r\n", 401},
        {"Authorization: Basic dXNlcjpwYTpzcw==\r\n", 202}, /* user:pa:ss */
        {"Authorization: Basic dXNlcjpwYQ==\r\n", 401},     /* user:pa */
        {"Authorization: Basic dXNlcnM6cGE6c3M=\r\n", 401}, /* users:pa:ss */
        {"Authorization: Basic dXNlcg==\r\n", 401},         /* user */
        {"Authorization: Basic ====\r\n", 401},
        {"X-Token: v\r\n", 202},
        {"x-token: v\r\n", 202},
        {"X-Token: w\r\n", 401},
        {"Authorization: Bearer wrong\r\nX-Token: v\r\n", 202},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        g_auto(Reply) reply = post(app, table[i].headers, APP_BODY);
        assert_int_equal(reply.code, table[i].code);
        assert_header(&reply, "WWW-Authenticate",
                      table[i].code != 401
                          ? NULL
                          : "Bearer realm=\"alertpost\", Basic realm=\"alertpost\"");
    }
    assert_true(metrics_get(app->hooks.metrics, METRIC_WEBHOOK_AUTH_FAILURES,
                            "alertmanager", NULL) == 10);
}

static void a_secret_that_cannot_be_read_lets_nobody_in(void **state)
{
    App *app = *state;
    char none[] = "/nonexistent/token", empty[] = "/dev/null", value[] = "",
         name[] = "X-Token";
    AuthConfig auth = {.required = true, .basic_username = value, .header_name = value};
    auth.bearer_token.file = none;
    app->sources[0].auth = auth;
    g_auto(Reply) broken = post(app, "Authorization: Bearer x\r\n", APP_BODY);
    assert_int_equal(broken.code, 503);
    assert_string_equal(broken.body,
                        "{\"error\":\"the credentials cannot be checked now\"}\n");
    auth.bearer_token.file = empty;
    auth.header_name = name;
    auth.header_value.text = value;
    app->sources[0].auth = auth;
    g_auto(Reply) bearer = post(app, "Authorization: Bearer \r\n", APP_BODY);
    assert_int_equal(bearer.code, 401);
    g_auto(Reply) header = post(app, "X-Token: \r\n", APP_BODY);
    assert_int_equal(header.code, 401);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_webhook_that_queues_a_mail_is_answered_with_202),
        TEST(a_webhook_that_says_nothing_new_is_answered_with_200),
        TEST(a_webhook_without_alerts_ends_at_intake),
        TEST(a_storage_that_fails_is_answered_with_503),
        TEST(what_is_refused_is_refused_with_its_reason),
        TEST(every_kind_of_json_content_type_is_taken),
        TEST(requests_of_one_connection_are_answered_in_their_order),
        TEST(a_small_refused_body_does_not_cost_the_connection),
        TEST(a_chunked_body_is_put_together),
        TEST(a_body_may_be_as_long_as_its_limit_and_no_longer),
        TEST(a_body_without_end_is_cut_off),
        TEST(a_full_queue_is_said_before_the_body_is_read),
        TEST(the_bodies_of_all_requests_have_one_ceiling),
        TEST(so_many_may_wait_and_no_more),
        TEST(webhooks_of_one_group_do_not_overlap),
        TEST(a_client_that_leaves_harms_nobody),
        TEST(a_client_may_close_its_half_after_the_request),
        TEST(headers_without_end_are_refused),
        TEST(it_is_healthy_and_ready_until_it_drains),
        TEST(metrics_and_status_tell_what_happens),
        TEST(a_reload_says_what_is_wrong),
        TEST(only_the_right_credentials_pass),
        TEST(a_secret_that_cannot_be_read_lets_nobody_in),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
