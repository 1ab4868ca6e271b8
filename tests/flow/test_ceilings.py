# SPDX-License-Identifier: MIT
"""The queue's ceilings: 503 with Retry-After, before the body where its length says so."""

import json
import socket

import harness
from harness import Alertpost, SmtpSink, wait_for

FULL = b'{"error":"the queue is full"}\n'
QUICK = "delivery: {retry: {min: 50ms, max: 100ms}}\n"


def hook(name):
    return json.dumps(harness.payload(harness.alert({"alertname": name}), group=name)).encode()


def post(ours, name):
    status, headers, body = harness.request(ours.port, "POST", "/hooks/alertmanager", hook(name),
                                            {"Content-Type": "application/json"})
    return status, headers["Retry-After"], body if status == 503 else None


def announce(ours, length):
    """Sends no more than the headers; the first line of the answer."""
    with socket.create_connection(("127.0.0.1", ours.port), 30) as client:
        client.sendall(b"POST /hooks/alertmanager HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n"
                       b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n" % length)
        return client.makefile("rb").readline().strip()


def test_at_as_many_mails_as_it_may_hold_the_queue_is_full_until_one_leaves(start):
    port = harness.free_port()
    ours = start(Alertpost, harness.simple_config(port, more=QUICK + "limits: {queue_mails: 3}\n"))
    for name in ("r1", "r2", "r3"):
        assert post(ours, name) == (202, None, None)
    assert post(ours, "r4") == (503, "5", FULL)
    assert announce(ours, 100) == b"HTTP/1.1 503 Service Unavailable"
    assert ours.get("/-/ready")[0] == 503
    sink = start(SmtpSink, port=port)
    ours.drained()
    assert ours.get("/-/ready")[0] == 200
    assert post(ours, "r4") == (202, None, None)
    wait_for(lambda: sorted(sink.groups()) == ["r1", "r2", "r3", "r4"], "all mails")


def test_at_as_many_bytes_as_it_may_hold_the_queue_is_full(start):
    ours = start(Alertpost, harness.simple_config(harness.free_port(), more="limits: {queue_bytes: 100KiB}\n"))
    limit = 100 * 1024
    assert announce(ours, limit) == b"HTTP/1.1 100 Continue"
    assert announce(ours, limit + 1) == b"HTTP/1.1 503 Service Unavailable"
    assert post(ours, "r1") == (202, None, None)
    held = int(ours.metric("alertpost_queue_bytes"))
    assert 0 < held < limit
    assert announce(ours, limit - held) == b"HTTP/1.1 100 Continue"
    assert announce(ours, limit - held + 1) == b"HTTP/1.1 503 Service Unavailable"
    answers = {post(ours, f"r{number}") for number in range(2, 60)}
    assert answers == {(202, None, None), (503, "5", FULL)}
    assert ours.metric("alertpost_queue_bytes") <= limit
