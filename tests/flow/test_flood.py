# SPDX-License-Identifier: MIT
"""Slow, idle, endless and broken clients: others keep being served, the memory stays bounded,
and nothing of them is left."""

import contextlib
import signal
import socket
import ssl
import struct
import threading
import time

import pytest

import faultserver
import harness
from flood import HEAD, MIB, SANITIZED, Watch, allow_files, client_hello, connect, drain, dribble, handshake
from harness import Alertpost, SmtpSink, wait_for

KB = 1024


@pytest.fixture
def serve(start, tmp_path):
    """serve(limits, tls=False) -> (server, context of a client or None)"""
    sink = start(SmtpSink)

    def begin(limits, tls=False):
        arguments, context = [], None
        if tls:
            ca, certificate, key = faultserver.make_certificate(tmp_path / "tls")
            (tmp_path / "web.yml").write_text(
                f"tls_server_config:\n  cert_file: {certificate}\n  key_file: {key}\n")
            arguments = ["--web.config.file", str(tmp_path / "web.yml")]
            context = ssl.create_default_context(cafile=str(ca))
        server = start(Alertpost, harness.simple_config(sink.port, f"delivery: {{connections: 1}}\nlimits: {{{limits}}}"), *arguments)
        if tls:
            # Alertpost's own helpers ask in the clear; these tests need two of them.
            server.metric = lambda name, **labels: metric(server, context, name)
            server.drained = lambda: wait_for(
                lambda: metric(server, context, "alertpost_queue_mails") == 0, "the queue is empty", 150)
        return server, context
    return begin


def metric(server, context, name):
    with handshake(connect(server.port), context) as sock:
        sock.sendall(b"GET /metrics HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        text = b"".join(iter(lambda: sock.recv(65536), b"")).decode()
    return sum(float(line.split()[-1]) for line in text.splitlines() if line.startswith((name + " ", name + "{")))


def close(socks):
    for sock in socks:
        sock.close()


# --- idle

def keep_pace(server, number):
    """Now and then waits until all that connected before were accepted: where more wait than a listening
    socket holds, the kernel lets everybody wait, for up to a minute."""
    if number % 500 == 499:
        assert server.get("/-/healthy")[0] == 200


def test_ten_thousand_idle_connections_keep_nobody_from_being_served(serve):
    count = 10_000
    if not allow_files(count + 6000):
        pytest.skip("the system lets a process open too few files")
    server, _ = serve("connections: 11000, connections_per_address: 4000")
    with Watch(server, grown=count * 16 * KB) as others:
        idle = []
        for number in range(count):
            sock = connect(server.port, f"127.0.0.{2 + number % 5}")
            sock.sendall((b"", HEAD, HEAD + b"Content-Length: 9\r\n\r\n{")[number % 3])
            idle.append(sock)
            keep_pace(server, number)
        assert server.metric("alertpost_http_connections") >= count
        others.serves(20)
        assert server.metric("alertpost_http_connections_displaced_total") == 0
        close(idle)


def test_those_who_hold_all_connections_make_room_for_those_who_use_them(serve):
    server, _ = serve("connections: 300, connections_per_address: 100")
    # On a busy machine a request may come so late that its connection has made room, too.
    with Watch(server, grown=16 * MIB, tries=20) as others:
        idle = []
        for number in range(3000):
            sock = connect(server.port, f"127.0.0.{1 + number % 5}")
            if number % 2:
                sock.sendall(HEAD)
            idle.append(sock)
            keep_pace(server, number)
        others.serves(20)
        assert server.metric("alertpost_http_connections") <= 300 + 300 / 8 + 64
        assert server.metric("alertpost_http_connections_displaced_total") > 2000
        assert server.metric("alertpost_http_connections_refused_total") < 300
        close(idle)


@pytest.mark.parametrize("burst", [128, 256, 384, 512])
def test_a_burst_is_answered_at_once_however_many_there_are_in_it(serve, burst):
    # libmicrohttpd takes 128 events at a time; what comes while the program stands still comes at once.
    server, _ = serve("request_time: 60s, connections: 2000, connections_per_address: 1000")
    socks = [connect(server.port) for _ in range(burst)]
    wait_for(lambda: server.metric("alertpost_http_connections") > burst, "all are accepted")
    time.sleep(0.2)  # nothing is left to be heard of but the burst
    server.child.send_signal(signal.SIGSTOP)
    for sock in socks:
        sock.sendall(b"GET /-/healthy HTTP/1.1\r\nHost: a\r\n\r\n")
    server.child.send_signal(signal.SIGCONT)
    for sock in socks:
        sock.settimeout(20)
        assert sock.recv(64).startswith(b"HTTP/1.1 200 ")
    close(socks)


def test_too_few_files_are_said_and_leave_room_for_the_mail_servers(start, tmp_path):
    sink = start(SmtpSink)
    limited = tmp_path / "limited"
    limited.write_text(f'#!/bin/sh\nulimit -n 300 && exec {harness.ALERTPOST} "$@"\n')
    limited.chmod(0o755)
    program, harness.ALERTPOST = harness.ALERTPOST, str(limited)
    try:
        server = start(Alertpost, harness.simple_config(sink.port, "delivery: {connections: 1}"))
    finally:
        harness.ALERTPOST = program
    server.tells(r"too few files: fewer HTTP connections are served\" limit=300 wanted=4802 connections=\d+ help=")
    with Watch(server, grown=16 * MIB, tries=20) as others:
        idle = [connect(server.port) for _ in range(400)]
        others.serves(20)
        close(idle)
    assert "cannot accept" not in server.output()


def test_a_reload_says_which_limits_want_a_restart(serve):
    server, _ = serve("connections: 300")
    server.config.write_text(server.config.read_text().replace("connections: 300", "connections: 301"))
    assert harness.request(server.port, "POST", "/-/reload")[0] == 200
    server.tells('note="limits: connections, connections_per_address and request_time act after a restart"')


# --- slow

SLOW = [b"X-Header: value\r\n", b"x", b" "]
STARTS = [HEAD, HEAD + b"X: ", HEAD + b"Expect: 100-continue\r\nContent-Length: 100000\r\n\r\n",
          HEAD + b"Content-Length: 100000\r\n\r\n", HEAD + b"Transfer-Encoding: chunked\r\n\r\nfffff\r\n"]


@pytest.mark.parametrize("tls", [False, True], ids=["in the clear", "over TLS"])
def test_headers_and_bodies_that_trickle_in_are_cut_and_cost_nobody_else_anything(serve, tls):
    server, context = serve("request_time: 4s", tls)
    with Watch(server, context, grown=64 * MIB) as others:
        socks = []
        for number in range(100 if tls else 400):
            sock = connect(server.port)
            socks.append(handshake(sock, context) if tls else sock)
            socks[-1].sendall(STARTS[number % len(STARTS)])
        others.serves()
        dribble(socks, SLOW)
        others.serves()
        wait_for(lambda: server.metric("alertpost_http_deadlines_total") >= len(socks), "all were cut for their time")
        close(socks)


def test_broken_and_half_handshakes_are_cut_and_cost_nobody_else_anything(serve):
    server, context = serve("request_time: 3s", tls=True)
    hello = client_hello(context)
    record = b"\x16\x03\x03\x40\x00"  # that announces 16 KiB
    starts = [b"", hello[:1], hello[:len(hello) // 2], hello[:-1], hello, record, record + bytes(100),
              b"\x17\x03\x03\x00\x05hello", hello + b"\x15\x03\x03\x00\x02\x02\x28", hello + bytes(5000)]
    with Watch(server, context, grown=96 * MIB) as others:
        socks = [connect(server.port) for _ in range(400)]
        for number, sock in enumerate(socks):
            with contextlib.suppress(OSError):
                sock.sendall(starts[number % len(starts)])
        others.serves()
        drain(socks)
        close(socks)


def test_tls_that_ends_without_a_word_leaves_nothing(serve):
    server, context = serve("request_time: 60s", tls=True)
    with Watch(server, context, grown=96 * MIB) as others:
        for number in range(200):
            sock = handshake(connect(server.port), context)
            sock.sendall((b"", HEAD, b"GET /-/healthy HTTP/1.1\r\nHost: a\r\n\r\n")[number % 3])
            raw = socket.socket(fileno=sock.detach())  # so that no close_notify is sent
            if number % 2:
                raw.sendall(b"\x17\x03\x03\x01\x00cut")  # a record that does not come
            if number % 5 == 0:
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            raw.close()
        others.serves()


# --- too much

def test_bodies_beyond_the_limits_take_no_memory(serve):
    server, _ = serve("body: 1MiB, inflight_bytes: 8MiB")
    # Announced; in chunks; and as many that are allowed as there is no room for.
    announced = HEAD + b"Content-Length: 1048577\r\n\r\n"
    chunk = b"10000\r\n" + bytes(65536) + b"\r\n"
    held = HEAD + b"Content-Length: 1000000\r\n\r\n" + b" " * 990_000

    def send(sock, data, times):
        with contextlib.suppress(OSError):
            for _ in range(times):
                sock.sendall(data)

    with Watch(server, grown=64 * MIB) as others:
        socks = [connect(server.port) for _ in range(60)]
        work = [(announced, 1), (HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + chunk * 64, 100), (held, 1)]
        threads = [threading.Thread(target=send, args=(sock, *work[number % 3]), daemon=True)
                   for number, sock in enumerate(socks)]
        for thread in threads:
            thread.start()
        others.serves()
        for thread in threads:
            thread.join(60)
            assert not thread.is_alive()
        for sock in socks:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_WR)
        codes = drain(socks)
        assert codes.get(413, 0) >= 20 and set(codes) <= {0, 413, 503}, codes
        close(socks)


def test_requests_without_end_whose_answers_nobody_reads_fill_nothing(serve):
    server, _ = serve("request_time: 60s")
    asked = b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n" * 50_000
    with Watch(server, grown=32 * MIB) as others:
        deaf = [connect(server.port) for _ in range(20)]
        for sock in deaf:
            sock.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                while True:
                    sock.send(asked)
        others.serves(20)
        close(deaf)


def test_a_hundred_requests_in_one_breath_are_answered_in_their_order(serve):
    server, _ = serve("request_time: 60s")
    bodies = [b'{"alerts":[]}', b'{"alerts":1}', b"{"]
    with Watch(server, grown=16 * MIB) as others:
        with connect(server.port) as sock:
            requests = [HEAD + b"Content-Length: %d\r\n\r\n%s" % (len(bodies[n % 3]), bodies[n % 3]) for n in range(100)]
            sender = threading.Thread(target=sock.sendall, args=(b"".join(requests),), daemon=True)
            sender.start()
            with sock.makefile("rb") as reader:
                for number in range(100):
                    lines = list(iter(reader.readline, b"\r\n"))
                    assert int(lines[0][9:12]) == (200 if number % 3 == 0 else 400)
                    length = next(int(line[16:]) for line in lines if line.startswith(b"Content-Length: "))
                    answer = reader.read(length)
                    assert (b"not an array" in answer, b"results" in answer) == (number % 3 == 1, number % 3 == 0)
            sender.join(60)
        others.serves()


N = 1_000_000 // (20 if SANITIZED else 1)  # a sanitizer takes its time
def test_large_bodies_that_never_end_leave_room_for_small_ones(serve):
    server, _ = serve("body: 1MiB, inflight_bytes: 4MiB")
    with Watch(server, grown=32 * MIB) as others:
        held = [connect(server.port) for _ in range(8)]
        for sock in held:
            with contextlib.suppress(OSError):
                sock.sendall(HEAD + b"Content-Length: 1048576\r\n\r\n" + b" " * 1_048_575)
        others.serves(20)
        close(held)


BOMBS = {
    "levels": b"[" * (5 * N),
    "levels of objects": b'{"a":' * N,
    "values": b'{"alerts":[],"x":[' + b"0," * (6 * N) + b"0]}",
    "alerts": b'{"alerts":[' + b"{}," * (2 * N) + b"{}]}",
    "a text": b'{"alerts":[],"groupKey":"' + b"x" * (20 * N) + b'"}',
    "a text of escapes": b'{"alerts":[],"groupKey":"' + b"\\u0000" * (3 * N) + b'"}',
    "a number": b'{"alerts":[],"truncatedAlerts":' + b"9" * (10 * N) + b"}",
    "exponents": b'{"alerts":[],"x":[' + b"1e9999," * (21 * N // 5) + b"1]}",
    "keys": b'{"alerts":[],' + b",".join(b'"%d":0' % n for n in range(N // 2)) + b"}",
    "a key again and again": b'{"alerts":[],' + b",".join([b'"a":0'] * N) + b"}",
    "labels": b'{"alerts":[{"labels":{' + b",".join(b'"%d":""' % n for n in range(N // 5)) + b"}}]}",
    "spaces": b" " * (20 * N),
}


def test_json_bombs_are_refused_or_read_within_bounds(serve):
    server, _ = serve(f"alerts: {N // 100}")
    with Watch(server, grown=400 * MIB) as others:
        answers = {}
        for name, bomb in BOMBS.items():
            status, answer = server.post(bomb)
            assert status in (200, 202, 400, 413), (name, answer)
            answers[name] = status
        others.serves()
    refused = {name for name, status in answers.items() if status in (400, 413)}
    assert refused >= set(BOMBS) - {"a text", "a text of escapes", "keys", "a key again and again"}, answers
