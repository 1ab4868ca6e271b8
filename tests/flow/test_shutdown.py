# SPDX-License-Identifier: MIT
"""SIGTERM under load: exit 0, nothing acknowledged is lost, a restart delivers the rest."""

import time

import harness
from harness import Alertpost, Load, SmtpSink, wait_for

ROUNDS = 20


def test_twenty_ends_under_load_lose_nothing_and_deliver_nothing_twice(start, tmp_path):
    sink = start(SmtpSink)
    accepted = set()
    for number in range(ROUNDS):
        ours = start(Alertpost, harness.simple_config(sink.port), folder=tmp_path / "ours")
        load = Load(ours.port, number)
        wait_for(lambda: len(load.accepted) > 20, "the load runs")
        assert ours.stop() == 0
        accepted |= load.stop()
        assert "msg=stopped" in ours.output()

    ours = start(Alertpost, harness.simple_config(sink.port), folder=tmp_path / "ours")
    ours.drained()
    assert ours.stop() == 0
    wait_for(lambda: len(sink.groups()) >= len(accepted), "all mails")
    delivered = sink.groups()
    assert accepted <= set(delivered)
    assert len(delivered) == len(set(delivered))


def test_mails_that_cannot_leave_are_counted_at_the_end_and_delivered_after_the_restart(start, tmp_path):
    port = harness.free_port()
    ours = start(Alertpost, harness.simple_config(port), folder=tmp_path / "ours")
    for n in range(5):
        assert ours.post(harness.payload(harness.alert({"alertname": f"r{n}"}), group=f"r{n}"))[0] == 202
    assert ours.stop() == 0
    assert "queued=5" in ours.output()
    sink = start(SmtpSink, port=port)
    ours = start(Alertpost, harness.simple_config(port), folder=tmp_path / "ours")
    wait_for(lambda: len(sink.groups()) == 5, "the rest is delivered")
    assert sorted(sink.groups()) == [f"r{n}" for n in range(5)]
    ours.drained()
    assert ours.stop() == 0


def test_ready_turns_503_and_what_is_in_flight_is_finished(start):
    sink = start(SmtpSink, "-w", "1")  # every reply a second late
    ours = start(Alertpost, harness.simple_config(sink.port), "--shutdown.timeout", "30s")
    assert ours.get("/-/ready")[0] == 200
    assert ours.post(harness.payload(harness.alert({"alertname": "r1"}), group="r1"))[0] == 202
    wait_for(lambda: ours.metric("alertpost_smtp_sessions_opened_total") == 1, "the session opens")
    ours.child.send_signal(harness.signal.SIGTERM)
    wait_for(lambda: ours.get("/-/ready")[0] == 503, "ready turns 503")
    assert ours.stop() == 0
    assert len(wait_for(sink.received, "the mail")) == 1


def test_the_delay_is_waited_for_and_ends_by_itself(start):
    ours = start(Alertpost, harness.simple_config(harness.free_port()), "--shutdown.delay", "2s")
    began = time.monotonic()
    assert ours.stop() == 0
    assert time.monotonic() - began >= 2
