# SPDX-License-Identifier: MIT
"""`ack: delivered`: the webhook is answered when its mail is out, so that without a disk the
sender keeps what is not."""

import concurrent.futures
import signal
import socket

import pytest

import harness
from faultserver import FaultServer
from harness import Alertmanager, Alertpost, SmtpSink, wait_for

QUICK = "delivery: {retry: {min: 50ms, max: 100ms}}\n"


def source(ack="delivered", timeout="60s"):
    return f"sources: [{{name: alertmanager, ack: {ack}, ack_timeout: {timeout}}}]\n"


def hook(name="g"):
    return harness.payload(harness.alert({"alertname": name}), group=name)


def waits(ours, count):
    wait_for(lambda: ours.metric("alertpost_webhook_waiting") == count, f"{count} webhooks wait")


@pytest.fixture(name="pool")
def make_pool():
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        yield pool


@pytest.mark.parametrize("storage, ack", [("memory:", "default"), ("memory:", "delivered"), (None, "delivered")])
def test_the_answer_waits_for_the_delivery_and_so_does_a_repetition(start, pool, storage, ack):
    port = harness.free_port()  # nobody is there yet
    ours = start(Alertpost, harness.simple_config(port, more=QUICK + source(ack)), storage=storage)
    answers = [pool.submit(ours.post, hook()) for _ in range(3)]
    waits(ours, 3)
    assert not any(answer.done() for answer in answers)
    sink = start(SmtpSink, port=port)
    results = [answer.result() for answer in answers]
    assert sorted(status for status, _ in results) == [200, 200, 202]
    assert sorted(answer["results"][0]["result"] for _, answer in results) == ["queued", "suppressed", "suppressed"]
    wait_for(lambda: len(sink.received()) == 1, "one mail")
    assert ours.stop() == 0


def test_after_the_timeout_a_retry_finds_its_mail(start):
    port = harness.free_port()
    ours = start(Alertpost, harness.simple_config(port, more=QUICK + source(timeout="300ms")), storage="memory:")
    late = {"error": "the mail is not delivered yet"}
    assert ours.post(hook()) == (503, late)
    assert ours.post(hook()) == (503, late)
    ours.tells("code=503 result=busy")
    sink = start(SmtpSink, port=port)
    ours.drained()
    status, answer = ours.post(hook())
    assert (status, answer["results"][0]["result"]) == (200, "suppressed")
    wait_for(lambda: len(sink.received()) == 1, "one mail")


def test_a_mail_that_is_refused_for_good_is_answered_with_2xx(start):
    with FaultServer([{"rcpt": "550 5.1.1 nobody of this name"}]) as server:
        ours = start(Alertpost, harness.simple_config(server.port, more=QUICK + source()), storage="memory:")
        assert ours.post(hook())[0] == 202
        wait_for(lambda: 'msg="mail is dead"' in ours.output(), "the log tells")


def test_with_ack_stored_memory_answers_at_once_and_warns(start):
    ours = start(Alertpost, harness.simple_config(harness.free_port(), more=source("stored")), storage="memory:")
    assert ours.post(hook())[0] == 202
    ours.tells("ack: stored with storage memory: a crash or a restart loses mail")


def test_the_end_answers_whoever_waits(start, pool):
    ours = start(Alertpost, harness.simple_config(harness.free_port(), more=source()), storage="memory:")
    answers = [pool.submit(ours.post, hook(name)) for name in "aabc"]
    waits(ours, 4)
    assert ours.stop(signal.SIGTERM) == 0
    assert [answer.result() for answer in answers] == [(503, {"error": "the mail is not delivered yet"})] * 4


def test_clients_that_leave_while_they_wait_harm_nobody(start):
    port = harness.free_port()
    ours = start(Alertpost, harness.simple_config(port, more=QUICK + source()), storage="memory:")
    body = harness.json.dumps(hook()).encode()
    head = f"POST /hooks/alertmanager HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    clients = [socket.create_connection(("127.0.0.1", ours.port)) for _ in range(5)]
    for client in clients:
        client.sendall(head + body)
    waits(ours, 5)
    for client in clients:
        client.close()
    sink = start(SmtpSink, port=port)
    waits(ours, 0)
    assert ours.post(hook("h"))[0] == 202
    wait_for(lambda: len(sink.received()) == 2, "two mails")
    assert ours.stop() == 0


def test_no_more_than_limits_waiting_wait(start, pool):
    ours = start(Alertpost, harness.simple_config(
        harness.free_port(), more=source() + "limits: {waiting: 2}\n"), storage="memory:")
    answers = [pool.submit(ours.post, hook(name)) for name in "ab"]
    waits(ours, 2)
    assert ours.post(hook("c")) == (503, {"error": "too many webhooks are waiting, or alertpost is stopping"})
    assert ours.stop() == 0
    assert [answer.result()[0] for answer in answers] == [503, 503]


def test_without_a_disk_a_crash_loses_no_notification(start, tmp_path):
    """Alertmanager keeps what was not answered with 2xx, and sends it to the next process."""
    smtp, http = harness.free_port(), harness.free_port()
    config = harness.simple_config(smtp, more=QUICK)
    again = ("--web.listen-address", f"127.0.0.1:{http}")
    ours = start(Alertpost, config, *again, storage="memory:", folder=tmp_path / "ours")
    theirs = start(Alertmanager, f"""
route: {{receiver: alertpost, group_by: [alertname], group_wait: 0s, group_interval: 1s, repeat_interval: 4h}}
receivers:
  - name: alertpost
    webhook_configs: [{{url: 'http://127.0.0.1:{http}/hooks/alertmanager'}}]
""")
    names = [f"r{number}" for number in range(5)]
    theirs.post([{"labels": {"alertname": name}, "startsAt": harness.moment(120)} for name in names])
    waits(ours, 5)
    ours.stop(signal.SIGKILL)
    sink = start(SmtpSink, port=smtp)
    ours = start(Alertpost, config, *again, storage="memory:", folder=tmp_path / "ours")
    wait_for(lambda: sorted(sink.groups()) == names, "all mails", 90)
    assert ours.stop() == 0
