/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bridge/intake/body.h"
#include "bridge/intake/gate.h"
#include "bridge/intake/peer_address.h"
#include "bridge/intake/peers.h"

static void a_body_grows_up_to_its_ceiling(void **state)
{
    (void)state;
    atomic_size_t inflight = 0;
    Body body = {.inflight = &inflight};
    BodyLimits limits = {.length = 20000, .inflight = 1000000};
    char data[10000];
    memset(data, 'a', sizeof data);
    assert_int_equal(body_append(&body, data, sizeof data, &limits), BODY_OK);
    assert_int_equal(body_append(&body, data, sizeof data, &limits), BODY_OK);
    assert_int_equal(body.length, 20000);
    assert_int_equal(body_append(&body, data, 1, &limits), BODY_TOO_LONG);
    assert_int_equal(body_append(&body, data, 0, &limits), BODY_OK);
    assert_int_equal(inflight, body.capacity);
    body_clear(&body);
    assert_int_equal(inflight, 0);
}

static void
an_announced_length_is_judged_at_once_and_reserved_only_as_it_comes(void **state)
{
    (void)state;
    atomic_size_t inflight = 0;
    Body body = {.inflight = &inflight};
    BodyLimits limits = {.length = 100, .inflight = 50};
    assert_int_equal(body_announce(&body, 101, &limits), BODY_TOO_LONG);
    assert_int_equal(body_announce(&body, 51, &limits), BODY_TOO_MANY);
    assert_int_equal(body_announce(&body, 50, &limits), BODY_OK);
    assert_int_equal(inflight, 0);
    char data[50] = {0};
    assert_int_equal(body_append(&body, data, 1, &limits), BODY_OK);
    assert_int_equal(inflight, 50); /* not the usual first piece */
    assert_int_equal(body_append(&body, data, 49, &limits), BODY_OK);
    body_clear(&body);
}

static void bodies_share_one_ceiling(void **state)
{
    (void)state;
    atomic_size_t inflight = 0;
    Body first = {.inflight = &inflight}, second = {.inflight = &inflight};
    BodyLimits limits = {.length = 100000, .inflight = 20000};
    char data[12000] = {0};
    assert_int_equal(body_append(&first, data, sizeof data, &limits), BODY_OK);
    assert_int_equal(body_announce(&second, 8001, &limits), BODY_TOO_MANY);
    assert_int_equal(body_announce(&second, 8000, &limits), BODY_OK);
    assert_int_equal(body_append(&second, data, 8000, &limits), BODY_OK);
    assert_int_equal(body_append(&second, data, 1, &limits), BODY_TOO_MANY);
    assert_int_equal(second.length, 8000);
    Body none = {.inflight = &inflight};
    assert_int_equal(body_announce(&none, 0, &limits), BODY_OK); /* takes nothing */
    body_clear(&first);
    assert_int_equal(body_append(&second, data, 1, &limits), BODY_OK);
    body_clear(&second);
    assert_int_equal(inflight, 0);
}

static void the_last_quarter_is_for_small_bodies(void **state)
{
    (void)state;
    atomic_size_t inflight = 0;
    enum { KB = 1024 };
    BodyLimits limits = {.length = 200 * KB, .inflight = 400 * KB};
    char data[64 * KB] = {0};
    Body large = {.inflight = &inflight}, other = large, small = large;
    assert_int_equal(body_announce(&large, 200 * KB, &limits), BODY_OK);
    assert_int_equal(body_append(&large, data, 1, &limits), BODY_OK);
    assert_int_equal(body_append(&large, data, sizeof data, &limits), BODY_OK);
    atomic_store(&inflight, 300 * KB);
    assert_int_equal(body_announce(&other, 64 * KB + 1, &limits), BODY_TOO_MANY);
    assert_int_equal(body_announce(&small, 64 * KB, &limits), BODY_OK);
    assert_int_equal(body_append(&small, data, sizeof data, &limits), BODY_OK);
    assert_int_equal(body_append(&other, data, 40 * KB, &limits), BODY_TOO_MANY);
    assert_int_equal(body_append(&other, data, 36 * KB, &limits), BODY_OK);
    assert_int_equal(body_append(&other, data, sizeof data, &limits), BODY_TOO_MANY);
    /* With one body's worth of room the largest still comes in. */
    atomic_store(&inflight, 0);
    limits.inflight = 200 * KB;
    Body only = {.inflight = &inflight};
    assert_int_equal(body_announce(&only, 200 * KB, &limits), BODY_OK);
    g_free(large.bytes);
    g_free(other.bytes);
    g_free(small.bytes);
}

static void a_gate_lets_so_many_in_until_it_is_closed(void **state)
{
    (void)state;
    Gate gate;
    gate_init(&gate);
    assert_true(gate_enter(&gate, 2));
    assert_true(gate_enter(&gate, 2));
    assert_false(gate_enter(&gate, 2));
    gate_exit(&gate);
    assert_true(gate_enter(&gate, 2));
    gate_close(&gate);
    gate_exit(&gate);
    assert_false(gate_enter(&gate, 2));
    gate_exit(&gate);
    gate_wait(&gate, 0);
    gate_clear(&gate);
}

static void *leave_gate(void *data)
{
    Gate *gate = data;
    gate_answered(gate);
    gate_exit(gate);
    gate_sent(gate);
    return NULL;
}

static void a_closed_gate_waits_for_those_inside_and_their_answers(void **state)
{
    (void)state;
    Gate gate;
    gate_init(&gate);
    pthread_t thread;
    assert_true(gate_enter(&gate, 1));
    gate_close(&gate);
    pthread_create(&thread, NULL, leave_gate, &gate);
    gate_wait(&gate, 60000);
    assert_int_equal(gate.inside, 0);
    assert_int_equal(gate.leaving, 0);
    pthread_join(thread, NULL);
    gate_answered(&gate); /* one that never leaves does not hold it for ever */
    gate_wait(&gate, 1);
    gate_clear(&gate);
}

static struct sockaddr_in ipv4(const char *text, unsigned port)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    assert_int_equal(inet_pton(AF_INET, text, &in.sin_addr), 1);
    return in;
}

static struct sockaddr_in6 ipv6(const char *text, unsigned port)
{
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6,
                               .sin6_port = htons((uint16_t)port)};
    assert_int_equal(inet_pton(AF_INET6, text, &in6.sin6_addr), 1);
    return in6;
}

static void addresses_are_written_as_they_are_typed(void **state)
{
    (void)state;
    struct sockaddr_in in = ipv4("10.1.2.3", 80);
    struct sockaddr_in6 in6 = ipv6("2001:db8::1", 65535),
                        mapped = ipv6("::ffff:127.0.0.1", 1), loopback = ipv6("::1", 2);
    g_autofree char *a = peer_address_text((struct sockaddr *)&in);
    g_autofree char *b = peer_address_text((struct sockaddr *)&in6);
    g_autofree char *c = peer_address_text((struct sockaddr *)&mapped);
    assert_string_equal(a, "10.1.2.3:80");
    assert_string_equal(b, "[2001:db8::1]:65535");
    assert_string_equal(c, "127.0.0.1:1");
    assert_false(peer_address_is_loopback((struct sockaddr *)&in));
    assert_false(peer_address_is_loopback((struct sockaddr *)&in6));
    assert_true(peer_address_is_loopback((struct sockaddr *)&mapped));
    assert_true(peer_address_is_loopback((struct sockaddr *)&loopback));
}

static Peer *add(Peers *peers, int fd, const void *address, PeersVerdict wanted)
{
    Peer *peer = NULL;
    assert_int_equal(peers_add(peers, fd, address, &peer), wanted);
    return peer;
}

static void the_ceilings_count_connections_and_networks(void **state)
{
    (void)state;
    Peers *peers = peers_new(4, 2);
    struct sockaddr_in first = ipv4("10.0.0.1", 1), second = ipv4("10.0.0.2", 1);
    struct sockaddr_in6 a = ipv6("2001:db8:0:1::1", 1),
                        b = ipv6("2001:db8:0:1:ffff::9", 1);
    Peer *one = add(peers, 1001, &first, PEERS_OK);
    add(peers, 1002, &first, PEERS_OK);
    add(peers, 1003, &first, PEERS_FULL_OF_ADDRESS);
    peers_remove(peers, one);
    add(peers, 1001, &a, PEERS_OK);
    add(peers, 1004, &b, PEERS_OK); /* of the same /64 */
    add(peers, 1005, &a, PEERS_FULL_OF_ADDRESS);
    add(peers, 1006, &second, PEERS_OK);
    add(peers, 1007, &second, PEERS_FULL);
    assert_int_equal(peers_count(peers), 4);
    peers_free(peers);
}

static bool is_shut_down(int fd)
{
    char byte;
    return recv(fd, &byte, 1, MSG_DONTWAIT) == 0;
}

/* A connection that is awaited; OTHER is the far end. */
static Peer *add_silent(Peers *peers, const void *address, PeersVerdict wanted, int *other)
{
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    Peer *peer = add(peers, pair[0], address, wanted);
    assert_ptr_equal(peers_open(peers, pair[0]), peer);
    peers_await(peers, peer, 1000);
    *other = pair[1];
    return peer;
}

static void remove_and_close(Peers *peers, Peer *peer, int other)
{
    int fd = peer->fd;
    peers_remove(peers, peer);
    close(fd);
    close(other);
}

/* In all, and of an address: one more takes its place. */
static void whoever_is_silent_for_longest_gives_way(void **state)
{
    (void)state;
    Peers *peers = peers_new(4, 3);
    struct sockaddr_in first = ipv4("10.0.0.1", 1), second = ipv4("10.0.0.2", 1);
    enum { BUSY, TALKED, OLD, OTHER, LATER, LAST, COUNT };
    Peer *peer[COUNT];
    int far[COUNT];
    peer[BUSY] = add_silent(peers, &second, PEERS_OK, &far[BUSY]);
    peers_set_deadline(peers, peer[BUSY], 0);
    peer[TALKED] = add_silent(peers, &first, PEERS_OK, &far[TALKED]);
    peer[OLD] = add_silent(peers, &second, PEERS_OK, &far[OLD]);
    peer[OTHER] = add_silent(peers, &first, PEERS_OK, &far[OTHER]);
    peers_await(peers, peer[TALKED], 1000);
    peer[LATER] = add_silent(peers, &first, PEERS_DISPLACED, &far[LATER]); /* full */
    assert_true(is_shut_down(far[OLD]));
    assert_int_equal(peers_count(peers), 5);
    remove_and_close(peers, peer[OLD], far[OLD]);
    peer[LAST] = add_silent(peers, &first, PEERS_DISPLACED, &far[LAST]); /* of an address */
    assert_true(is_shut_down(far[OTHER]));
    peers_await(peers, peer[OTHER], 1000); /* it had just sent something: too late */
    peers_set_deadline(peers, peer[LATER], 0);
    peers_set_deadline(peers, peer[LAST], 0);
    peers_set_deadline(peers, peer[TALKED], 0);
    add(peers, 2000, &first, PEERS_FULL_OF_ADDRESS);
    add(peers, 2000, &second, PEERS_FULL);
    assert_int_equal(peers_sweep(peers, 5000), 0);
    for (size_t i = 0; i < COUNT; i++) {
        if (i != OLD) {
            assert_int_equal(is_shut_down(far[i]), i == OTHER);
            remove_and_close(peers, peer[i], far[i]);
        }
    }
    assert_int_equal(peers_count(peers), 0);
    peers_free(peers);
}

/* Those that were cut are not closed yet. */
static void sockets_have_a_ceiling_of_their_own(void **state)
{
    (void)state;
    Peers *peers = peers_new(1, 1);
    struct sockaddr_in address = ipv4("10.0.0.1", 1);
    unsigned max = peers_sockets_max(1);
    g_autofree Peer **peer = g_new0(Peer *, max);
    g_autofree int *far = g_new0(int, max);
    for (unsigned i = 0; i < max; i++) {
        peer[i] = add_silent(peers, &address, i == 0 ? PEERS_OK : PEERS_DISPLACED, &far[i]);
    }
    add(peers, 2000, &address, PEERS_FULL);
    for (unsigned i = 0; i < max; i++) {
        remove_and_close(peers, peer[i], far[i]);
    }
    add(peers, 2000, &address, PEERS_OK);
    peers_free(peers);
}

static void
a_peer_that_was_never_opened_makes_room_for_the_next_of_its_number(void **state)
{
    (void)state;
    Peers *peers = peers_new(1, 1);
    struct sockaddr_in address = ipv4("10.0.0.1", 1);
    add(peers, 1001, &address, PEERS_OK);
    Peer *peer = add(peers, 1001, &address, PEERS_OK);
    assert_int_equal(peers_count(peers), 1);
    assert_ptr_equal(peers_open(peers, 1001), peer);
    add(peers, 1001, &address, PEERS_FULL_OF_ADDRESS);
    peers_remove(peers, peer);
    assert_int_equal(peers_count(peers), 0);
    peers_free(peers);
}

static void a_sweep_shuts_down_those_whose_time_is_over(void **state)
{
    (void)state;
    int pairs[3][2];
    Peer *peer[3];
    Peers *peers = peers_new(10, 10);
    struct sockaddr_in address = ipv4("10.0.0.1", 1);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pairs[i]), 0);
        peer[i] = add(peers, pairs[i][0], &address, PEERS_OK);
        peers_set_deadline(peers, peer[i], i == 2 ? 0 : 1000);
    }
    peers_open(peers, pairs[0][0]); /* the second is not open yet: not touched */
    peers_open(peers, pairs[2][0]); /* the third has no deadline */
    assert_int_equal(peers_sweep(peers, 999), 0);
    assert_false(is_shut_down(pairs[0][1]));
    assert_int_equal(peers_sweep(peers, 1000), 1);
    assert_true(is_shut_down(pairs[0][1]));
    assert_false(is_shut_down(pairs[1][1]));
    assert_false(is_shut_down(pairs[2][1]));
    assert_int_equal(peers_sweep(peers, 1001), 0); /* once only */
    for (size_t i = 0; i < 3; i++) {
        peers_remove(peers, peer[i]);
        close(pairs[i][0]);
        close(pairs[i][1]);
    }
    peers_free(peers);
}

/* At the second sweep, and only while it is its turn. */
static void a_sweep_shuts_down_those_who_left(void **state)
{
    (void)state;
    enum { STAYS, LEFT, UNREAD, WORKED, ANSWERED, COUNT };
    int pairs[COUNT][2];
    Peer *peer[COUNT];
    Peers *peers = peers_new(10, 10);
    struct sockaddr_in address = ipv4("10.0.0.1", 1);
    for (size_t i = 0; i < COUNT; i++) {
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pairs[i]), 0);
        peer[i] = add(peers, pairs[i][0], &address, PEERS_OK);
        peers_open(peers, pairs[i][0]);
        peers_await(peers, peer[i], 1000);
        if (i == UNREAD) {
            assert_int_equal(write(pairs[i][1], "x", 1), 1);
        }
        if (i != STAYS) {
            shutdown(pairs[i][1], SHUT_WR);
        }
    }
    peers_set_deadline(peers, peer[ANSWERED], 1000);
    assert_int_equal(peers_sweep(peers, 1), 0);
    peers_await(peers, peer[WORKED], 1000);
    assert_int_equal(peers_sweep(peers, 2), 0);
    for (size_t i = 0; i < COUNT; i++) {
        assert_int_equal(is_shut_down(pairs[i][1]), i == LEFT);
    }
    assert_int_equal(peers_sweep(peers, 3), 0);
    assert_true(is_shut_down(pairs[WORKED][1]));
    assert_int_equal(peers_sweep(peers, 1000), 3); /* as ever */
    for (size_t i = 0; i < COUNT; i++) {
        peers_remove(peers, peer[i]);
        close(pairs[i][0]);
        close(pairs[i][1]);
    }
    peers_free(peers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_body_grows_up_to_its_ceiling),
        cmocka_unit_test(
            an_announced_length_is_judged_at_once_and_reserved_only_as_it_comes),
        cmocka_unit_test(bodies_share_one_ceiling),
        cmocka_unit_test(the_last_quarter_is_for_small_bodies),
        cmocka_unit_test(a_gate_lets_so_many_in_until_it_is_closed),
        cmocka_unit_test(a_closed_gate_waits_for_those_inside_and_their_answers),
        cmocka_unit_test(addresses_are_written_as_they_are_typed),
        cmocka_unit_test(the_ceilings_count_connections_and_networks),
        cmocka_unit_test(whoever_is_silent_for_longest_gives_way),
        cmocka_unit_test(sockets_have_a_ceiling_of_their_own),
        cmocka_unit_test(
            a_peer_that_was_never_opened_makes_room_for_the_next_of_its_number),
        cmocka_unit_test(a_sweep_shuts_down_those_whose_time_is_over),
        cmocka_unit_test(a_sweep_shuts_down_those_who_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
