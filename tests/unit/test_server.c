/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/fake_app.h"
#include "tests/unit/http_client.h"

static int setup(void **state)
{
    App *app = g_new0(App, 1);
    app_init(app);
    *state = app;
    return 0;
}

static int teardown(void **state)
{
    App *app = *state;
    if (app->intake != NULL) {
        app_stop(app);
    }
    app_clear(app);
    g_free(app);
    return 0;
}

static HttpLimits limits_of(int64_t request_ms, int64_t idle_ms)
{
    HttpLimits limits = HTTP_LIMITS_DEFAULT;
    limits.request_ms = request_ms;
    limits.idle_ms = idle_ms;
    return limits;
}

static void send_webhook(int fd)
{
    g_autofree char *request = client_post(APP_HOOK, "", APP_BODY);
    client_send(fd, request);
}

/* Each group is worked on by itself. */
static void send_webhook_of(int fd, unsigned group)
{
    g_autofree char *body = g_strdup_printf(
        "{\"groupKey\":\"%u\",\"alerts\":[{\"status\":\"firing\",\"labels\":{}}]}", group);
    g_autofree char *request = client_post(APP_HOOK, "", body);
    client_send(fd, request);
}

static void a_request_that_takes_too_long_is_cut(void **state)
{
    App *app = *state;
    HttpLimits limits = limits_of(100, 60000);
    app_start(app, &limits);
    static const char *const starts[] = {
        "",
        "POST /hooks/alert",
        "POST /hooks/alertmanager HTTP/1.1\r\nHost: a\r\n",
        ("POST /hooks/alertmanager HTTP/1.1\r\nHost: a\r\nContent-Length: "
         "100\r\n\r\n{\"a"),
    };
    int fds[4];
    for (size_t i = 0; i < 4; i++) {
        fds[i] = client_connect(app->address);
        client_send(fds[i], starts[i]);
    }
    for (size_t i = 0; i < 4; i++) {
        assert_true(client_at_end(fds[i]));
        close(fds[i]);
    }
    while (metrics_get(app->hooks.metrics, METRIC_HTTP_DEADLINES, NULL, NULL) < 4) {
        g_usleep(1000);
    }
}

/* libmicrohttpd has no answer to these; nothing of them may stay. */
static void arguments_that_fit_nowhere_are_cut(void **state)
{
    App *app = *state;
    HttpLimits limits = limits_of(100, 60000);
    app_start(app, &limits);
    g_autoptr(GString) request = g_string_new("GET /metrics?");
    for (int i = 0; i < 1000; i++) {
        g_string_append(request, "a&");
    }
    g_string_append(request, " HTTP/1.1\r\nHost: a\r\n\r\n");
    int fds[10];
    for (size_t i = 0; i < G_N_ELEMENTS(fds); i++) {
        fds[i] = client_connect(app->address);
        client_send(fds[i], request->str);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(fds); i++) {
        assert_true(client_at_end(fds[i]));
        close(fds[i]);
    }
}

/* One byte at a time does not help. */
static void a_trickle_is_cut_as_well(void **state)
{
    App *app = *state;
    HttpLimits limits = limits_of(200, 60000);
    app_start(app, &limits);
    int fd = client_connect(app->address);
    client_send(fd, "POST /hooks/alertmanager HTTP/1.1\r\nHost: a\r\nX: ");
    unsigned sent = 0;
    while (sent < 1000 && client_send(fd, "x")) {
        sent++;
        g_usleep(20000);
    }
    assert_true(sent < 1000);
    close(fd);
}

static void an_idle_connection_is_closed(void **state)
{
    App *app = *state;
    HttpLimits limits = limits_of(60000, 50);
    app_start(app, &limits);
    int fd = client_connect(app->address);
    send_webhook(fd);
    g_auto(Reply) reply = client_reply(fd);
    assert_int_equal(reply.code, 202);
    assert_true(client_at_end(fd));
    close(fd);
}

static void a_webhook_that_waits_for_its_answer_has_no_deadline(void **state)
{
    App *app = *state;
    HttpLimits limits = limits_of(60, 60);
    app_start(app, &limits);
    atomic_store(&app->holding, true);
    int waiting = client_connect(app->address);
    send_webhook(waiting);
    app_wait_held(app, 1);
    for (int i = 0; i < 2; i++) { /* others are cut meanwhile */
        int slow = client_connect(app->address);
        assert_true(client_at_end(slow));
        close(slow);
    }
    atomic_store(&app->holding, false);
    app_release(app);
    g_auto(Reply) reply = client_reply(waiting);
    assert_int_equal(reply.code, 202);
    close(waiting);
}

/* Until the server has noticed that a connection ended. */
static Reply get_until(App *app, unsigned code)
{
    for (;;) {
        Reply reply =
            client_request(app->address, "GET /-/healthy HTTP/1.1\r\nHost: a\r\n\r\n");
        if (reply.code == code) {
            return reply;
        }
        reply_clear(&reply);
    }
}

/* With those that are there busy: nobody can give way. */
static void a_connection_too_many_is_told_so(void **state)
{
    App *app = *state;
    static const struct {
        unsigned total, address;
        const char *reason;
    } table[] = {{3, 100, "total"}, {100, 3, "address"}};
    for (size_t i = 0; i < 2; i++) {
        HttpLimits limits = HTTP_LIMITS_DEFAULT;
        limits.connections_max = table[i].total;
        limits.address_max = table[i].address;
        app_start(app, &limits);
        atomic_store(&app->holding, true);
        int fds[3];
        for (size_t j = 0; j < 3; j++) {
            fds[j] = client_connect(app->address);
            send_webhook_of(fds[j], (unsigned)j);
        }
        app_wait_held(app, 3);
        Reply refused = get_until(app, 503);
        assert_string_equal(refused.body, "{\"error\":\"too many connections\"}\n");
        g_autofree char *retry = reply_header(&refused, "Retry-After");
        assert_string_equal(retry, "5");
        reply_clear(&refused);
        assert_true(metrics_get(app->hooks.metrics, METRIC_HTTP_CONNECTIONS_REFUSED,
                                table[i].reason, NULL) >= 1);
        atomic_store(&app->holding, false);
        app_release(app);
        Reply served = get_until(app, 200);
        reply_clear(&served);
        for (size_t j = 0; j < 3; j++) {
            close(fds[j]);
        }
        app_stop(app);
    }
}

static void a_silent_connection_gives_way_and_a_busy_one_does_not(void **state)
{
    App *app = *state;
    HttpLimits limits = HTTP_LIMITS_DEFAULT;
    limits.connections_max = 4;
    app_start(app, &limits);
    atomic_store(&app->holding, true);
    int busy = client_connect(app->address), idle[3];
    send_webhook(busy);
    app_wait_held(app, 1);
    static const char *const starts[] = {"", "POST /hooks/alertmanager HTTP/1.1\r\nX: ", ""};
    for (size_t i = 0; i < 3; i++) {
        idle[i] = client_connect(app->address);
        client_send(idle[i], starts[i]);
    }
    Reply served = get_until(app, 200);
    reply_clear(&served);
    assert_true(metrics_get(app->hooks.metrics, METRIC_HTTP_CONNECTIONS_DISPLACED, NULL,
                            NULL) >= 1);
    for (size_t i = 0; i < 3; i++) {
        close(idle[i]);
    }
    atomic_store(&app->holding, false);
    app_release(app);
    g_auto(Reply) reply = client_reply(busy);
    assert_int_equal(reply.code, 202);
    close(busy);
}

static void many_idle_connections_keep_nobody_from_being_served(void **state)
{
    App *app = *state;
    app_start(app, &HTTP_LIMITS_DEFAULT);
    int fds[300];
    for (size_t i = 0; i < 300; i++) {
        fds[i] = client_connect(app->address);
        client_send(fds[i], i % 2 == 0 ? "POST /hooks/alertmanager HTTP/1.1\r\n" : "");
    }
    int fd = client_connect(app->address);
    send_webhook(fd);
    g_auto(Reply) reply = client_reply(fd);
    assert_int_equal(reply.code, 202);
    close(fd);
    for (size_t i = 0; i < 300; i++) {
        close(fds[i]);
    }
}

static void what_is_inside_at_the_stop_is_answered(void **state)
{
    App *app = *state;
    app_start(app, &HTTP_LIMITS_DEFAULT);
    int kept = client_connect(app->address);
    send_webhook(kept);
    g_auto(Reply) first = client_reply(kept);
    assert_int_equal(first.code, 202);
    atomic_store(&app->holding, true);
    int waiting = client_connect(app->address);
    send_webhook(waiting);
    app_wait_held(app, 1);
    intake_stop(app->intake);
    send_webhook(kept); /* a later one, over an open connection */
    g_auto(Reply) refused = client_reply(kept);
    assert_int_equal(refused.code, 503);
    assert_true(client_at_end(kept));
    atomic_store(&app->holding, false);
    app_release(app);
    g_auto(Reply) answered = client_reply(waiting);
    assert_int_equal(answered.code, 202);
    close(kept);
    close(waiting);
}

typedef struct {
    App *app;
    char address[32];
    atomic_bool over;
    atomic_uint acknowledged;
} Load;

/* Sends webhooks over kept connections until nobody listens any more. */
static void *send_load(void *data)
{
    Load *load = data;
    int fd = -1;
    while (!atomic_load(&load->over)) {
        if (fd < 0 && (fd = client_connect(load->address)) < 0) {
            break;
        }
        send_webhook(fd);
        Reply reply = client_reply(fd);
        if (reply.code == 202) {
            atomic_fetch_add(&load->acknowledged, 1);
        } else {
            close(fd);
            fd = -1;
        }
        reply_clear(&reply);
    }
    if (fd >= 0) {
        close(fd);
    }
    return NULL;
}

/* Lets go of what is held, again and again: some come in while the stop goes on. */
static void *keep_releasing(void *data)
{
    Load *load = data;
    while (!atomic_load(&load->over)) {
        app_release(load->app);
        g_usleep(500);
    }
    app_release(load->app);
    return NULL;
}

static void a_stop_under_load_loses_no_answer_and_does_not_abort(void **state)
{
    App *app = *state;
    HttpLimits limits = HTTP_LIMITS_DEFAULT;
    limits.farewell_ms = 60000; /* also where everything is slow */
    for (int round = 0; round < 20; round++) {
        atomic_store(&app->accepted, 0);
        atomic_store(&app->holding, false);
        app->later = true;
        app_start(app, &limits);
        Load load = {.app = app};
        g_strlcpy(load.address, app->address, sizeof load.address);
        pthread_t senders[4], releaser;
        for (size_t i = 0; i < 4; i++) {
            pthread_create(&senders[i], NULL, send_load, &load);
        }
        while (atomic_load(&app->accepted) < 20) {
            g_usleep(1000);
        }
        atomic_store(&app->holding, true);
        app_wait_held(app, 1);
        intake_stop(app->intake);
        pthread_create(&releaser, NULL, keep_releasing, &load);
        intake_join(app->intake);
        atomic_store(&load.over, true);
        for (size_t i = 0; i < 4; i++) {
            pthread_join(senders[i], NULL);
        }
        pthread_join(releaser, NULL);
        assert_int_equal(atomic_load(&load.acknowledged), atomic_load(&app->accepted));
        lanes_stop(app->hooks.lanes);
        lanes_join(app->hooks.lanes);
        lanes_free(app->hooks.lanes);
        intake_free(app->intake);
        app->intake = NULL;
    }
}

static unsigned code_of(App *app, const char *request)
{
    g_auto(Reply) reply = client_request(app->address, request);
    return reply.code;
}

static void each_webhook_is_one_line_in_the_log(void **state)
{
    App *app = *state;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    app->hooks.log = log_new(ends[1], LOG_LEVEL_INFO, LOG_LOGFMT);
    app_start(app, &HTTP_LIMITS_DEFAULT);
    g_autofree char *good = client_post(APP_HOOK, "", APP_BODY);
    g_autofree char *bad = client_post(APP_HOOK, "", "{\"alerts\":1}");
    assert_int_equal(code_of(app, good), 202);
    app->kind = ACCEPT_SUPPRESSED;
    assert_int_equal(code_of(app, good), 200);
    assert_int_equal(code_of(app, bad), 400);
    assert_int_equal(code_of(app, "POST /hooks/x%0Ay HTTP/1.1\r\nHost: a\r\n"
                                  "Content-Length: 0\r\n\r\n"),
                     404);
    assert_int_equal(code_of(app, "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n"), 200);
    app_stop(app);
    log_free(app->hooks.log);
    app->hooks.log = NULL;
    close(ends[1]);
    g_autoptr(GString) log = g_string_new(NULL);
    char buffer[4096];
    for (ssize_t n; (n = read(ends[0], buffer, sizeof buffer)) > 0;) {
        g_string_append_len(log, buffer, n);
    }
    close(ends[0]);
    g_auto(GStrv) lines = g_strsplit(log->str, "\n", -1);
    static const char *const wanted[] = {
        " level=info msg=listening address=127\\.0\\.0\\.1:\\d+$",
        " level=info msg=webhook source=alertmanager status=firing alerts=1 "
        "group=\"\\{\\}:\\{a=\\\\\"1\\\\\"\\}\" code=202 result=queued "
        "duration_ms=\\d+\\.\\d "
        "remote=127\\.0\\.0\\.1:\\d+ reason=\"\"$",
        " level=info msg=webhook source=alertmanager status=firing alerts=1 "
        "group=\"\\{\\}:\\{a=\\\\\"1\\\\\"\\}\" code=200 result=suppressed "
        "duration_ms=\\d+\\.\\d "
        "remote=127\\.0\\.0\\.1:\\d+ reason=unchanged$",
        " level=warn msg=webhook source=alertmanager status=\"\" alerts=0 group=\"\" "
        "code=400 "
        "result=refused duration_ms=\\d+\\.\\d remote=127\\.0\\.0\\.1:\\d+ "
        "reason=\"alerts: not an array\"$",
        " level=warn msg=webhook source=\"\" status=\"\" alerts=0 group=\"\" code=404 "
        "result=refused duration_ms=\\d+\\.\\d remote=127\\.0\\.0\\.1:\\d+ "
        "reason=\"no source of this name is configured\"$",
    };
    assert_int_equal(g_strv_length(lines), G_N_ELEMENTS(wanted) + 1);
    for (size_t i = 0; i < G_N_ELEMENTS(wanted); i++) {
        if (!g_regex_match_simple(wanted[i], lines[i], 0, 0)) {
            fail_msg("%s\nis not %s", lines[i], wanted[i]);
        }
    }
}

static Intake *bind_to(App *app, const char *address, GError **error)
{
    return intake_new(&app->hooks, &HTTP_LIMITS_DEFAULT,
                      (const char *const[]){address, NULL}, error);
}

static void what_is_no_address_is_refused(void **state)
{
    static const struct {
        const char *address, *message;
    } table[] = {
        {"", "listen on \"\": not HOST:PORT"},
        {"localhost", "listen on \"localhost\": not HOST:PORT"},
        {"127.0.0.1:", "listen on \"127.0.0.1:\": not HOST:PORT"},
        {"127.0.0.1:65536", "listen on \"127.0.0.1:65536\": not HOST:PORT"},
        {"127.0.0.1:-1", "listen on \"127.0.0.1:-1\": not HOST:PORT"},
        {"127.0.0.1:http", "listen on \"127.0.0.1:http\": not HOST:PORT"},
        {"::1:80", "listen on \"::1:80\": an IPv6 address needs [ ] around it"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(table); i++) {
        g_autoptr(GError) error = NULL;
        assert_null(bind_to(*state, table[i].address, &error));
        assert_string_equal(error->message, table[i].message);
        assert_true(g_error_matches(error, FAULT, FAULT_INPUT));
    }
}

static void a_port_in_use_is_said_at_once(void **state)
{
    App *app = *state;
    app_start(app, &HTTP_LIMITS_DEFAULT);
    g_autoptr(GError) error = NULL;
    assert_null(bind_to(app, app->address, &error));
    assert_true(g_error_matches(error, FAULT, FAULT_SYSTEM));
    g_autofree char *message =
        g_strdup_printf("listen on \"%s\": Address already in use", app->address);
    assert_string_equal(error->message, message);
}

static void every_kind_of_address_can_be_bound(void **state)
{
    App *app = *state;
    static const struct {
        const char *address, *pattern;
    } table[] = {
        {"127.0.0.1:0", "^127\\.0\\.0\\.1:[1-9]"},
        {"127.1.2.3:0", "^127\\.1\\.2\\.3:[1-9]"},
        {"localhost:0", "^(127\\.0\\.0\\.1|\\[::1\\]):[1-9]"},
        {"0.0.0.0:0", "^0\\.0\\.0\\.0:[1-9]"},
        {":0", "^(\\[::\\]|0\\.0\\.0\\.0):[1-9]"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(table); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(Intake) intake = bind_to(app, table[i].address, &error);
        assert_non_null(intake);
        assert_true(
            g_regex_match_simple(table[i].pattern, intake_address(intake, 0), 0, 0));
        assert_null(intake_address(intake, 64));
    }
}

static void several_addresses_are_served_at_once(void **state)
{
    App *app = *state;
    app->hooks.lanes = lanes_new(1, 10);
    app->intake = intake_new(&app->hooks, &HTTP_LIMITS_DEFAULT,
                             (const char *const[]){"127.0.0.1:0", ":0", NULL}, NULL);
    assert_true(lanes_start(app->hooks.lanes, NULL) && intake_start(app->intake, NULL));
    for (unsigned i = 0; i < 2; i++) {
        g_auto(Reply) reply =
            client_request(intake_address(app->intake, i),
                           "GET /api/v1/status HTTP/1.1\r\nHost: a\r\n\r\n");
        assert_int_equal(reply.code, 200); /* both came in on a loopback address */
    }
}

static void an_open_source_is_not_shown_to_other_machines(void **state)
{
    App *app = *state;
    g_autoptr(Intake) local = bind_to(app, "127.0.0.1:0", NULL);
    g_autoptr(Intake) exposed = bind_to(app, "0.0.0.0:0", NULL);
    assert_true(intake_check(local, &app->config, NULL));
    g_autoptr(GError) error = NULL;
    assert_false(intake_check(exposed, &app->config, &error));
    assert_true(g_error_matches(error, FAULT, FAULT_INPUT));
    g_autofree char *message =
        g_strdup_printf("source \"alertmanager\" has no authentication, and %s can be "
                        "reached from other "
                        "machines. Give it credentials:\n"
                        "  sources:\n"
                        "    - name: alertmanager\n"
                        "      type: alertmanager\n"
                        "      auth:\n"
                        "        bearer_token_file: /etc/alertpost/alertmanager.token\n"
                        "or, if everybody may send, put this in place of auth:\n"
                        "      allow_unauthenticated: true",
                        intake_address(exposed, 0));
    assert_string_equal(error->message, message);
    app->sources[0].allow_unauthenticated = true;
    assert_true(intake_check(exposed, &app->config, NULL));
    app->sources[0].allow_unauthenticated = false;
    app->sources[0].auth.required = true;
    assert_true(intake_check(exposed, &app->config, NULL));
    char type[] = "fax";
    app->sources[0].type = type;
    g_clear_error(&error);
    assert_false(intake_check(local, &app->config, &error));
    assert_string_equal(error->message,
                        "source \"alertmanager\": unknown type \"fax\"");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_request_that_takes_too_long_is_cut),
        TEST(a_trickle_is_cut_as_well),
        TEST(an_idle_connection_is_closed),
        TEST(arguments_that_fit_nowhere_are_cut),
        TEST(a_webhook_that_waits_for_its_answer_has_no_deadline),
        TEST(a_connection_too_many_is_told_so),
        TEST(a_silent_connection_gives_way_and_a_busy_one_does_not),
        TEST(many_idle_connections_keep_nobody_from_being_served),
        TEST(what_is_inside_at_the_stop_is_answered),
        TEST(a_stop_under_load_loses_no_answer_and_does_not_abort),
        TEST(each_webhook_is_one_line_in_the_log),
        TEST(what_is_no_address_is_refused),
        TEST(a_port_in_use_is_said_at_once),
        TEST(every_kind_of_address_can_be_bound),
        TEST(several_addresses_are_served_at_once),
        TEST(an_open_source_is_not_shown_to_other_machines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
