/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/certificates.h"
#include "tests/unit/fault_server.h"

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
        cmocka_unit_test(a_dead_server_pauses_the_relay),
        cmocka_unit_test(new_settings_end_the_pause),
        cmocka_unit_test(a_mail_refused_twice_running_makes_way),
        cmocka_unit_test(new_settings_retire_the_sessions),
        cmocka_unit_test(too_many_connections_are_not_tried_again_soon),
        cmocka_unit_test(a_throttled_session_costs_no_mail_anything),
        cmocka_unit_test(the_session_that_works_stays_when_others_are_throttled),
        cmocka_unit_test(our_own_rate_limit_holds_mails_back_until_it_is_lifted),
        cmocka_unit_test(a_silent_session_does_not_hold_up_the_others),
        cmocka_unit_test(stopping_gives_everything_back),
        cmocka_unit_test(stopping_lets_a_transaction_finish),
        cmocka_unit_test(room_is_announced_once_half_is_gone),
    };
    return cmocka_run_group_tests(tests, make_certificates, remove_certificates);
}
