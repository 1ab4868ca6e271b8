# SPDX-License-Identifier: MIT
"""What was answered with 202 arrives, or is said to be in doubt, whoever is killed or stopped."""

import collections
import random
import re
import signal
import time

import pytest

import harness
from harness import Alertpost, Load, SmtpSink, wait_for

ROUNDS = 10
KILLS = 50
# What is in doubt is kept rather than sent again, so that it can be told apart.
KEEP = """
delivery:
  in_doubt: keep
  retry: {min: 100ms, max: 300ms}
  timeouts: {connect: 2s, greeting: 2s, command: 1s, write: 1s, final_dot: 1s}
"""


def in_doubt(ours):
    """The groups whose mail is kept because nobody knows whether it left."""
    found = set()
    for line in ours.output().splitlines():
        if 'msg="mail is dead"' in line:
            found |= {word for word in re.split(r'[ "]', line) if harness.LOAD.fullmatch(word)}
    return found


def check(accepted, sinks, ours):
    delivered = [name for sink in sinks for name in sink.groups()]
    assert accepted - set(delivered) <= in_doubt(ours)
    assert len(delivered) == len(set(delivered))
    assert accepted & set(delivered)


def doubted(ours):
    """The mails that the log calls in doubt.  A write that was killed may leave half a line before the next."""
    lines = re.split(r"(?=time=\d{4}-)", ours.output())
    return {re.search(r" mail=(\S+)", line)[1] for line in lines
            if 'msg="in doubt after a crash"' in line or "outcome=in_doubt" in line}


def strike(start, folder, config, count, blow):
    """Load, and at random moments a blow to the program, which then starts again where it was.
    What was accepted, and the program as it runs at last."""
    port = harness.free_port()
    listen = ("--web.listen-address", f"127.0.0.1:{port}")
    dice = random.Random(1)
    load = Load(port, 0, 4, 0.005)
    for _ in range(count):
        before = len(load.accepted)
        ours = start(Alertpost, config, *listen, folder=folder)
        wait_for(lambda: len(load.accepted) > before, "the load runs")
        time.sleep(dice.uniform(0, 0.25))
        blow(ours)
    ours = start(Alertpost, config, *listen, folder=folder)
    return load.stop(), ours


def kill(ours):
    ours.child.kill()
    ours.child.wait()


def test_fifty_crashes_lose_nothing_and_repeat_only_what_is_in_doubt(start, tmp_path):
    sink = start(SmtpSink)
    accepted, ours = strike(start, tmp_path / "ours", harness.simple_config(sink.port), KILLS, kill)
    # What is in doubt is sent again a minute later.
    wait_for(lambda: ours.queued() == 0, "the queue is empty", 240)
    assert ours.stop() == 0
    assert accepted and accepted <= set(sink.groups())
    in_doubt_now = doubted(ours)
    for name, copies in sink.copies().items():
        assert len(copies) == 1 or name in in_doubt_now
        assert len(set(copies)) == 1, f"{name} is not the same each time"
    # One mail a group: a notification never gets a second Message-ID.
    names = collections.Counter(mail["Subject"] for mail in
                                {mail["Message-ID"]: mail for _, mail in sink.received()}.values())
    assert set(names.values()) == {1}


def test_restarts_under_load_lose_nothing_and_leave_nothing_in_doubt(start, tmp_path):
    sink = start(SmtpSink)

    def restart(ours):
        assert ours.stop() == 0

    accepted, ours = strike(start, tmp_path / "ours", harness.simple_config(sink.port), 15, restart)
    ours.drained()
    assert ours.stop() == 0
    assert not doubted(ours)
    check(accepted, [sink], ours)


def test_reloads_under_load_lose_nothing_and_leave_nothing_in_doubt(start, tmp_path):
    sink = start(SmtpSink)
    ours = start(Alertpost, harness.simple_config(sink.port), folder=tmp_path / "ours")
    load = Load(ours.port, 0, 4, 0.005)
    for number in range(20):
        ours.config.write_text(harness.simple_config(sink.port, more=f"delivery: {{connections: {number % 3 + 1}}}"))
        before = len(load.accepted)
        ours.child.send_signal(signal.SIGHUP)
        wait_for(lambda: len(load.accepted) > before + 10, "the load runs")
    accepted = load.stop()
    ours.drained()
    assert ours.stop() == 0
    assert not doubted(ours)
    check(accepted, [sink], ours)


def test_a_mail_server_that_is_killed_again_and_again_costs_nothing(start, tmp_path):
    port = harness.free_port()
    ours = start(Alertpost, harness.simple_config(port, more=KEEP))
    load = Load(ours.port, 0, 4, 0.02)
    sinks = []
    for number in range(4):
        sinks.append(start(SmtpSink, folder=tmp_path / f"sink{number}", port=port))
        wait_for(lambda: sinks[-1].groups(), "mails arrive", 60)
        kill(sinks[-1])
    sinks.append(start(SmtpSink, folder=tmp_path / "sink", port=port))
    accepted = load.stop()
    ours.drained()
    assert ours.stop() == 0
    check(accepted, sinks, ours)


def test_ten_crashes_under_load_lose_nothing_and_repeat_nothing(start, tmp_path):
    sink = start(SmtpSink)
    config = harness.simple_config(sink.port, more=KEEP)
    accepted = set()
    for number in range(ROUNDS):
        ours = start(Alertpost, config, folder=tmp_path / "ours")
        load = Load(ours.port, number)
        wait_for(lambda: len(load.accepted) > 20, "the load runs")
        ours.child.kill()
        ours.child.wait()
        accepted |= load.stop()

    ours = start(Alertpost, config, folder=tmp_path / "ours")
    ours.drained()
    assert ours.stop() == 0
    check(accepted, [sink], ours)


@pytest.mark.parametrize("fault", [signal.SIGKILL, signal.SIGSTOP])
def test_a_mail_server_that_goes_under_load_costs_nothing(start, tmp_path, fault):
    port = harness.free_port()
    sinks = [start(SmtpSink, folder=tmp_path / "sink0", port=port)]
    ours = start(Alertpost, harness.simple_config(port, more=KEEP))
    load = Load(ours.port, 0, 4, 0.02)
    wait_for(lambda: len(load.accepted) > 50, "the load runs")
    sinks[0].child.send_signal(fault)
    wait_for(lambda: 'msg="relay fails"' in ours.output(), "the fault is seen")
    if fault == signal.SIGSTOP:
        sinks[0].child.send_signal(signal.SIGCONT)
    else:
        sinks[0].child.wait()
        sinks.append(start(SmtpSink, folder=tmp_path / "sink1", port=port))
    wait_for(lambda: 'msg="relay works again"' in ours.output(), "the relay works again")
    accepted = load.stop()
    ours.drained()
    assert ours.stop() == 0
    check(accepted, sinks, ours)


def test_signals_that_come_while_it_ends_change_nothing(start):
    sink = start(SmtpSink, "-w", "1")
    ours = start(Alertpost, harness.simple_config(sink.port), "--shutdown.timeout", "20s")
    load = Load(ours.port, 0)
    wait_for(lambda: load.accepted, "the load runs")
    for number in (signal.SIGTERM, signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        ours.child.send_signal(number)
        time.sleep(0.02)
    assert ours.stop() == 0
    load.stop()
    assert "msg=stopped" in ours.output()
