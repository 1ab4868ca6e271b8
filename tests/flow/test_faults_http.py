# SPDX-License-Identifier: MIT
"""Clients that send what no client should, or go away: an answer or an end, never a crash or a leak."""

import gzip
import json
import random
import socket
import struct
import time

import pytest

import harness
from harness import Alertpost, SmtpSink, wait_for

BODY = b'{"alerts": []}'
HOOK = "/hooks/alertmanager"
MIB = 1 << 20


def request(line=f"POST {HOOK} HTTP/1.1", headers="", body=BODY, length=True):
    start = f"{line}\r\nHost: a\r\nConnection: close\r\n{headers}"
    if length:
        start += f"Content-Length: {len(body)}\r\n"
    return start.encode() + b"\r\n" + body


def chunked(*chunks):
    return request(headers="Transfer-Encoding: chunked\r\n", length=False,
                   body=b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks))


# what is sent: (the codes of the answers, a text in them)
CASES = {
    "HTTP/1.0": (request(f"POST {HOOK} HTTP/1.0"), [200], '{"results":[]}'),
    "HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", [505], ""),
    "a byte a chunk": (chunked(*(bytes([byte]) for byte in BODY), b""), [200], '{"results":[]}'),
    "chunks without a size": (request(headers="Transfer-Encoding: chunked\r\n", body=b"ZZ\r\nx\r\n", length=False),
                              [400], ""),
    "a chunk beyond all numbers": (request(headers="Transfer-Encoding: chunked\r\n", length=False,
                                           body=b"f" * 18 + b"\r\nx\r\n"), [413], ""),
    "chunks beyond limits.body": (chunked(*[b" " * MIB] * 33, b""), [413], "longer than limits.body"),
    "more than limits.body": (request(headers="Content-Length: 33554433\r\n", length=False, body=b""),
                              [413], "longer than limits.body allows (33554432)"),
    "nothing": (request(body=b""), [400], "the text ends where a value should be"),
    "no length": (request(body=b"", length=False), [400], "the text ends where a value should be"),
    "Expect": (request(headers="Expect: 100-continue\r\n"), [100, 200], '{"results":[]}'),
    "Expect, and nobody there": (request("POST /none HTTP/1.1", "Expect: 100-continue\r\n"), [404], ""),
    "a form": (request(headers="Content-Type: application/x-www-form-urlencoded\r\n", body=b"a=b"), [415],
               "not application/json"),
    "a form with a file": (request(headers="Content-Type: multipart/form-data; boundary=x\r\n", body=b"--x--"),
                           [415], "not application/json"),
    "gzip": (request(headers="Content-Encoding: gzip\r\n", body=gzip.compress(BODY)), [415], "Content-Encoding"),
    "pipelined": ((b"GET /-/healthy HTTP/1.1\r\nHost: a\r\n\r\n" * 4) + request(), [200] * 5, '{"results":[]}'),
    "an encoded path": (request("POST /hooks/%61lertmanager HTTP/1.1"), [200], '{"results":[]}'),
    "a query": (request(f"POST {HOOK}?a=b&c HTTP/1.1"), [200], '{"results":[]}'),
    "a slash too many": (request(f"POST {HOOK}/ HTTP/1.1"), [404], "no source of this name"),
    "two slashes": (request(f"POST /{HOOK} HTTP/1.1"), [404], "nothing here"),
    "no name": (request("POST /hooks/ HTTP/1.1"), [404], "no source of this name"),
    "a path upwards": (request("POST /hooks/..%2f-/reload HTTP/1.1"), [404], "no source of this name"),
    "40 KB of headers": (request(headers="".join(f"X-{n}: {'y' * 100}\r\n" for n in range(400))), [431], ""),
    "an address of 1 MB": (b"GET /" + b"a" * MIB + b" HTTP/1.1\r\n\r\n", [414], ""),
    "LF only": (request().replace(b"\r\n", b"\n"), [200], '{"results":[]}'),
    "noise": (random.Random(1).randbytes(5000), [400], ""),
}


def connect(port):
    sock = socket.create_connection(("127.0.0.1", port))
    sock.settimeout(60)
    return sock


def say(port, data):
    """All that comes back until the server closes; what it does not read, it need not."""
    said = b""
    with connect(port) as sock:
        try:
            sock.sendall(data)
        except OSError:
            pass
        try:
            while more := sock.recv(65536):
                said += more
        except OSError:
            pass
    return said


def codes(said):
    """Of the answers one behind the other."""
    found = []
    while said.startswith(b"HTTP/1.1 "):
        head, _, said = said.partition(b"\r\n\r\n")
        found.append(int(head[9:12]))
        length = [line.split(b":")[1] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length")]
        said = said[int(length[0]) if length else 0:]
    return found


@pytest.fixture(scope="module")
def ours(tmp_path_factory):
    folder = tmp_path_factory.mktemp("http")
    sink = SmtpSink(folder)
    program = Alertpost(folder / "ours", harness.simple_config(sink.port), "--log.level", "debug")
    try:
        yield program
        assert program.stop() == 0  # also says that nothing leaked, where that is watched
    finally:
        if program.running():
            program.child.kill()
        sink.stop()


@pytest.mark.parametrize("name", CASES)
def test_odd_requests_get_their_answer(ours, name):
    data, expected, text = CASES[name]
    said = say(ours.port, data)
    assert codes(said) == expected, said[:500]
    assert text in said.decode()
    for line in said.splitlines():
        assert not line.startswith(b'{"error"') or json.loads(line)["error"]


HEAD = f"POST {HOOK} HTTP/1.1\r\nHost: a\r\n".encode()
HIDDEN = b"DELETE /-/healthy HTTP/1.1\r\nHost: a\r\n\r\n"
CHUNKS = b"%x\r\n%s\r\n0\r\n\r\n" % (len(BODY), BODY)
LENGTH = b"Content-Length: %d\r\n" % len(BODY)
CHUNKED = b"Transfer-Encoding: chunked\r\n"
# what two readers could take for one request or for two: the reason it is refused for
AMBIGUOUS = {
    "a length and chunks": (LENGTH + CHUNKED + b"\r\n" + CHUNKS, "the length is said twice"),
    "chunks and a length": (CHUNKED + b"Content-Length: 5\r\n\r\n" + CHUNKS, "the length is said twice"),
    "two lengths": (LENGTH + b"Content-Length: 5\r\n\r\n" + BODY, "the length is said twice"),
    "the longer length first": (b"Content-Length: 50\r\n" + LENGTH + b"\r\n" + BODY, "the length is said twice"),
    "the same length twice": (LENGTH * 2 + b"\r\n" + BODY, "the length is said twice"),
    "chunked twice": (CHUNKED * 2 + b"\r\n" + CHUNKS, "the length is said twice"),
    "another coding": (b"Transfer-Encoding: xchunked\r\n\r\n" + CHUNKS, "Transfer-Encoding is not chunked"),
    "two codings": (b"Transfer-Encoding: gzip, chunked\r\n\r\n" + CHUNKS, "Transfer-Encoding is not chunked"),
    "identity": (b"Transfer-Encoding: identity\r\n" + LENGTH + b"\r\n" + BODY, "Transfer-Encoding is not chunked"),
    "a space before the colon": (b"Transfer-Encoding : chunked\r\n" + LENGTH + b"\r\n" + BODY, "name is not a word"),
    "a CR in a header": (b"X: a\rb\r\n" + LENGTH + b"\r\n" + BODY, "value is not one line"),
    "a folded length": (b"Content-Length:\r\n 14\r\n\r\n" + BODY, "is folded"),
    "a length that goes on": (b"Content-Length: 1\r\n 4\r\n\r\n" + BODY, "is folded"),
    "a folded coding": (b"Transfer-Encoding:\r\n\tchunked\r\n\r\n" + CHUNKS, "is folded"),
    "two hosts": (b"Host: b\r\n" + LENGTH + b"\r\n" + BODY, "two Host headers"),
}
# and what is refused by the HTTP library, or reads in one way only: the codes of both answers
CLEAR = {
    "a list of lengths": (b"Content-Length: 13, 13\r\n\r\n" + BODY, [400]),
    "a length with a sign": (b"Content-Length: +14\r\n\r\n" + BODY, [400]),
    "a length below 0": (b"Content-Length: -14\r\n\r\n" + BODY, [400]),
    "a length in hex": (b"Content-Length: 0xe\r\n\r\n" + BODY, [400]),
    "a length beyond all numbers": (b"Content-Length: 99999999999999999999\r\n\r\n" + BODY, [413]),
    "a chunk with a sign": (CHUNKED + b"\r\n-e\r\n" + BODY + b"\r\n0\r\n\r\n", [400]),
    "a chunk longer than it says": (CHUNKED + b"\r\n5\r\n" + BODY + b"\r\n0\r\n\r\n", [400]),
    "a NUL in a header": (b"X: a\0Content-Length: 5\r\n" + LENGTH + b"\r\n" + BODY, [200, 405]),
    "extensions": (CHUNKED + b"\r\ne;a=b;c=\"d\"\r\n" + BODY + b"\r\n0;x\r\n\r\n", [200, 405]),
    "trailers": (CHUNKED + b"\r\ne\r\n" + BODY + b"\r\n0\r\nContent-Length: 5\r\nX: y\r\n\r\n", [200, 405]),
    "zeros before the size": (CHUNKED + b"\r\n0000000E\r\n" + BODY + b"\r\n000\r\n\r\n", [200, 405]),
    "an extension of 1 MB": (CHUNKED + b"\r\ne;" + b"x" * MIB + b"\r\n" + BODY + b"\r\n0\r\n\r\n", [500]),
    "trailers of 1 MB": (CHUNKED + b"\r\ne\r\n" + BODY + b"\r\n0\r\n" + b"X: yz\r\n" * (MIB // 7) + b"\r\n", [431]),
}


@pytest.mark.parametrize("name", AMBIGUOUS)
def test_no_request_can_be_hidden_in_another(ours, name):
    rest, reason = AMBIGUOUS[name]
    said = say(ours.port, HEAD + rest + HIDDEN)
    assert codes(said) == [400], said
    assert reason in said.decode() and b"\r\nConnection: close\r\n" in said


@pytest.mark.parametrize("name", CLEAR)
def test_lengths_and_chunks_are_read_in_one_way(ours, name):
    rest, expected = CLEAR[name]
    assert len(BODY) == 14
    said = say(ours.port, HEAD + rest + HIDDEN.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
    assert codes(said)[:len(expected)] == expected, said
    assert b" 405 " not in said or 405 in expected


@pytest.mark.parametrize("path, code", [(f"{HOOK}%00x", 404), ("/-/healthy%00", 404), ("/api/v1/mails/%00", 404),
                                        ("/api/v1/mails/a%00b/eml", 404), ("/api/v1/mails?receiver=%00x", 200)])
def test_a_nul_in_a_path_ends_nothing(ours, path, code):
    method = "POST" if path.startswith(HOOK) else "GET"
    assert harness.request(ours.port, method, path, BODY if method == "POST" else None)[0] == code


METHODS = ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "BREW", "get"]
ALLOWED = {HOOK: {"POST"}, "/-/healthy": {"GET", "HEAD"}, "/-/ready": {"GET", "HEAD"}, "/healthz": {"GET", "HEAD"},
           "/livez": {"GET", "HEAD"}, "/readyz": {"GET", "HEAD"}, "/metrics": {"GET", "HEAD"},
           "/-/reload": {"POST", "PUT"}, "/api/v1/status": {"GET", "HEAD"}}


@pytest.mark.parametrize("path", ALLOWED)
def test_a_method_that_is_not_for_the_path_is_405_and_names_those_that_are(ours, path):
    for method in METHODS:
        status, headers, body = harness.request(ours.port, method, path, b"")
        assert (status == 405) == (method not in ALLOWED[path]), (method, status)
        assert status != 405 or set(headers["Allow"].split(", ")) == ALLOWED[path]
        assert method != "HEAD" or body == b""


def test_clients_that_vanish_leave_nothing_behind(ours):
    dice = random.Random(3)
    hook = json.dumps(harness.payload(harness.alert({"alertname": "A"}))).encode()
    data = request(body=hook)
    for number in range(200):
        sock = connect(ours.port)
        sock.sendall(data[:dice.randrange(len(data) + 1)])
        if number % 3 == 0:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        sock.close()
    wait_for(lambda: ours.metric("alertpost_http_connections") <= 1, "all connections are gone")
    assert ours.metric("alertpost_webhook_waiting") == 0


def test_too_many_connections_are_turned_away_and_the_others_served(ours):
    held = [connect(ours.port) for _ in range(300)]
    for sock in held:
        sock.sendall(f"POST {HOOK} HTTP/1.1\r\nHost: a\r\n".encode())
    assert ours.get("/-/healthy") == (200, "healthy\n")
    held[7].sendall(b"Connection: close\r\nContent-Length: %d\r\n\r\n%s" % (len(BODY), BODY))
    assert held[7].recv(100).startswith(b"HTTP/1.1 200 ")
    for sock in held:
        sock.close()
    wait_for(lambda: ours.metric("alertpost_http_connections") <= 1, "all connections are gone")


def test_the_end_does_not_wait_for_half_a_request(start):
    ours = start(Alertpost, harness.simple_config(harness.free_port()))
    data = request()
    held = [connect(ours.port) for _ in range(len(data) // 4)]
    for number, sock in enumerate(held):
        sock.sendall(data[:number * 4])
    wait_for(lambda: ours.metric("alertpost_http_connections") >= len(held), "all are connected")
    start_s = time.monotonic()
    assert ours.stop() == 0
    assert time.monotonic() - start_s < 55  # a request has 60 s to arrive
    for sock in held:
        sock.close()
