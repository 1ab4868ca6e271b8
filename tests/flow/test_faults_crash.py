# SPDX-License-Identifier: MIT
"""What was answered with 202 arrives, or is said to be in doubt, whoever is killed or stopped."""

import re
import signal
import time

import pytest

import harness
from harness import Alertpost, Load, SmtpSink, wait_for

ROUNDS = 10
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
