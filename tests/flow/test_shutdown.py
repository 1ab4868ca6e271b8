# SPDX-License-Identifier: MIT
"""SIGTERM under load: exit 0, nothing acknowledged is lost, a restart delivers the rest."""

import concurrent.futures
import http.client
import threading
import time

import harness
from harness import Alertpost, SmtpSink, wait_for

ROUNDS = 20


class Load:
    """Senders that post until told to stop and remember every group that got a 2xx."""

    def __init__(self, port, number, senders=8):
        self.port, self.number = port, number
        self.accepted, self.lock = set(), threading.Lock()
        self.ended = threading.Event()
        self.pool = concurrent.futures.ThreadPoolExecutor(senders)
        self.jobs = [self.pool.submit(self.send, n) for n in range(senders)]

    def send(self, sender):
        count = 0
        while not self.ended.is_set():
            count += 1
            name = f"r{self.number}s{sender}n{count}"
            body = harness.payload(harness.alert({"alertname": name}), group=name)
            try:
                status = harness.request(self.port, "POST", "/hooks/alertmanager",
                                         harness.json.dumps(body).encode(),
                                         {"Content-Type": "application/json"})[0]
            except (OSError, http.client.HTTPException):
                time.sleep(0.01)
                continue
            assert status in (202, 503), status
            if status == 202:
                with self.lock:
                    self.accepted.add(name)

    def stop(self):
        self.ended.set()
        for job in self.jobs:
            job.result(60)
        self.pool.shutdown()
        return self.accepted


def names(sink):
    return [name for _, mail in sink.received()
            for name in mail["Subject"].split() if name.startswith("r")]


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
    wait_for(lambda: len(names(sink)) >= len(accepted), "all mails")
    delivered = names(sink)
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
    wait_for(lambda: len(names(sink)) == 5, "the rest is delivered")
    assert sorted(names(sink)) == [f"r{n}" for n in range(5)]
    ours.drained()
    assert ours.stop() == 0


def test_ready_turns_503_and_what_is_in_flight_is_finished(start):
    sink = start(SmtpSink, "-w", "1")  # every reply a second late
    ours = start(Alertpost, harness.simple_config(sink.port), "--shutdown.timeout", "30s")
    assert ours.get("/-/ready")[0] == 200
    assert ours.post(harness.payload(harness.alert({"alertname": "r1"}), group="r1"))[0] == 202
    wait_for(lambda: ours.metric("alertpost_smtp_sessions_opened_total") == 1, "the session opens")
    ours.child.send_signal(harness.signal.SIGTERM)
    wait_for(lambda: ours.get("/-/ready")[0] == 503, "ready turns 503", 2)
    assert ours.stop() == 0
    assert len(wait_for(sink.received, "the mail")) == 1
