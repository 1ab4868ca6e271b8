/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <glib.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "bridge/intake/listener.h"

enum { PATIENCE_S = 30 };

typedef struct {
    Listener *listener;
    atomic_bool over;
    atomic_uint ticks, accepted[2]; /* by door */
} Flood;

/* The connection waits in the kernel, though its client has left. */
static void connect_to(const char *address)
{
    struct sockaddr_in in = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)g_ascii_strtoull(strrchr(address, ':') + 1, NULL, 10)),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&in, sizeof in), 0);
    close(fd);
}

/* For each that is accepted for webhooks another one comes: there is always more. */
static void on_accepted(void *who, int take_fd, HttpDoor door, const struct sockaddr *address,
                        socklen_t length)
{
    (void)address, (void)length;
    Flood *flood = who;
    close(take_fd);
    atomic_fetch_add(&flood->accepted[door == HTTP_MANAGEMENT], 1);
    if (door == HTTP_WEB && !atomic_load(&flood->over)) {
        connect_to(listener_address(flood->listener, 0));
    }
}

static void on_tick(void *who)
{
    atomic_fetch_add(&((Flood *)who)->ticks, 1);
}

static bool came(atomic_uint *count, unsigned n)
{
    int64_t end_us = g_get_monotonic_time() + PATIENCE_S * G_USEC_PER_SEC;
    while (atomic_load(count) < n && g_get_monotonic_time() < end_us) {
        g_usleep(1000);
    }
    return atomic_load(count) >= n;
}

static void a_flood_at_one_socket_leaves_the_others_and_the_tick_their_turn(void **state)
{
    (void)state;
    static const ListenerEvents events = {
        .accepted = on_accepted, .tick = on_tick, .tick_ms = 1};
    Flood flood = {0};
    g_autoptr(GError) error = NULL;
    flood.listener = listener_new(&events, &flood, NULL, NULL);
    assert_true(listener_bind(flood.listener, HTTP_WEB, "127.0.0.1:0", &error));
    assert_true(listener_bind(flood.listener, HTTP_MANAGEMENT, "127.0.0.1:0", &error));
    assert_true(listener_start(flood.listener, &error));
    connect_to(listener_address(flood.listener, 0));
    assert_true(came(&flood.accepted[0], 10));
    unsigned ticks = atomic_load(&flood.ticks);
    connect_to(listener_address(flood.listener, 1));
    bool managed = came(&flood.accepted[1], 1);
    bool ticked = came(&flood.ticks, ticks + 3);
    atomic_store(&flood.over, true);
    listener_stop(flood.listener);
    listener_join(flood.listener);
    listener_free(flood.listener);
    assert_true(managed);
    assert_true(ticked);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_flood_at_one_socket_leaves_the_others_and_the_tick_their_turn),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
