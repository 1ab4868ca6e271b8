# SPDX-License-Identifier: MIT
"""Two instances behind a balancer, each with a storage of its own, restarted in turns under load
as Kubernetes or a careful administrator does: nothing that senders who try again want to have
mailed is lost."""

import collections
import http.client
import json
import threading

import pytest

import harness
from balancer import Balancer
from harness import Alertmanager, Alertpost, SmtpSink, wait_for
from test_alertmanager import alertmanager_config

SENDERS = 4


@pytest.fixture
def balancer():
    made = Balancer()
    yield made
    made.close()


class Senders:
    """Each posts a notification until it is acknowledged, as Alertmanager does: again after a 503
    and after a connection that broke. Then the next one. Half of them keep their connection."""

    def __init__(self, port):
        self.port, self.lock, self.ended = port, threading.Lock(), threading.Event()
        self.acknowledged, self.failures = set(), collections.defaultdict(list)
        self.threads = [threading.Thread(target=self.send, args=(n,), daemon=True) for n in range(SENDERS)]
        for thread in self.threads:
            thread.start()

    def send(self, sender):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        count = 0
        while not self.ended.wait(0.01):
            count += 1
            name = f"r0s{sender}n{count}"
            while not self.post(connection, name):
                self.ended.wait(0.05)
            if sender % 2 == 0:
                connection.close()
        connection.close()

    def post(self, connection, name):
        body = json.dumps(harness.payload(harness.alert({"alertname": name}), group=name))
        try:
            connection.request("POST", "/hooks/alertmanager", body, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            answer.read()
            failure = None if answer.status in (200, 202) else answer.status
        except (OSError, http.client.HTTPException):
            connection.close()
            failure = "broken"
        with self.lock:
            if failure is None:
                self.acknowledged.add(name)
            else:
                self.failures[name].append(failure)
        return failure is None

    def progress(self, n=20):
        """Waits until N more are acknowledged."""
        wanted = len(self.acknowledged) + n
        wait_for(lambda: len(self.acknowledged) >= wanted, "senders get on")

    def stop(self):
        self.ended.set()
        for thread in self.threads:
            thread.join(90)
            assert not thread.is_alive()
        assert {one for some in self.failures.values() for one in some} <= {503, "broken"}


class Pair:
    """Two instances, a sink, the balancer in front."""

    def __init__(self, start, folder, balancer, *arguments):
        self.start, self.folder, self.balancer, self.arguments = start, folder, balancer, arguments
        self.sink = start(SmtpSink)
        self.instances = [self.begin(name) for name in ("a", "b")]

    def begin(self, name):
        """In its own folder, with the storage of its last life; gets work once it is ready."""
        one = self.start(Alertpost, harness.simple_config(self.sink.port), *self.arguments,
                         folder=self.folder / name)
        wait_for(lambda: one.get("/-/ready")[0] == 200, "ready")
        self.balancer.add(one.port)
        return one

    def restart(self, index, end):
        one = self.instances[index]
        end(one)
        self.instances[index] = self.begin(one.folder.name)

    def drained(self):
        for one in self.instances:
            one.drained()

    def delivered(self):
        return collections.Counter(self.sink.groups())


def accepted_by(one):
    return one.metric("alertpost_webhook_requests_total", code="202")


def test_with_a_delay_no_sender_notices_a_rolling_restart_and_every_notification_is_one_mail(
        start, tmp_path, balancer):
    pair = Pair(start, tmp_path, balancer, "--shutdown.delay", "10m")
    senders = Senders(balancer.port)

    def end(one):
        one.child.send_signal(harness.signal.SIGTERM)
        wait_for(lambda: one.get("/-/ready")[0] == 503, "ready turns 503")
        before = accepted_by(one)  # the balancer is slow to notice
        wait_for(lambda: accepted_by(one) >= before + 10, "work goes on being accepted")
        balancer.remove(one.port)
        wait_for(lambda: balancer.connections(one.port) == 0, "answers close the connections")
        assert one.stop() == 0  # a second signal ends the delay

    for turn in range(4):
        senders.progress()
        pair.restart(turn % 2, end)
    senders.progress()
    senders.stop()
    pair.drained()

    assert not senders.failures and not balancer.refused
    wait_for(lambda: len(pair.sink.groups()) >= len(senders.acknowledged), "all mails")
    assert pair.delivered() == dict.fromkeys(senders.acknowledged, 1)


def test_without_a_delay_senders_that_try_again_lose_nothing(start, tmp_path, balancer):
    pair = Pair(start, tmp_path, balancer)
    senders = Senders(balancer.port)

    def end(one):
        assert one.stop() == 0
        senders.progress()  # the balancer still offers connections to nobody
        balancer.remove(one.port)

    for turn in range(2):
        senders.progress()
        pair.restart(turn % 2, end)
    senders.progress()
    senders.stop()
    pair.drained()

    assert balancer.refused  # it was rough
    wait_for(lambda: set(pair.sink.groups()) >= senders.acknowledged, "all mails")
    # Twice only what was stored by the one, whose answer was lost, and sent again to the other.
    twice = {name for name, n in pair.delivered().items() if n > 1}
    assert twice <= {name for name, some in senders.failures.items() if "broken" in some}


def test_alertmanager_loses_nothing_in_a_rolling_restart(start, tmp_path, balancer):
    pair = Pair(start, tmp_path, balancer)
    theirs = start(Alertmanager, alertmanager_config(balancer.port))
    posted = []

    def post(n=10):
        names = [f"r{len(posted) + i}" for i in range(n)]
        theirs.post([{"labels": {"alertname": name}} for name in names])
        posted.extend(names)

    def end(one):
        one.child.send_signal(harness.signal.SIGTERM)
        post()
        assert one.stop() == 0
        post()
        balancer.remove(one.port)

    for index in (0, 1):
        post()
        pair.restart(index, end)
    post()
    wait_for(lambda: set(pair.sink.groups()) >= set(posted), "all mails", 60)


def test_two_instances_do_not_share_what_they_have_mailed(start, tmp_path, balancer):
    pair = Pair(start, tmp_path, balancer)
    one, other = pair.instances
    firing = harness.payload(harness.alert({"alertname": "r1"}), group="r1")
    resolved = harness.payload(harness.alert({"alertname": "r1"}, "resolved"), group="r1")

    def post(instance, what):
        return instance.post(what)[1]["results"][0]["result"]

    assert [post(one, firing), post(one, firing), post(other, firing)] == ["queued", "suppressed", "queued"]
    alone = harness.payload(harness.alert({"alertname": "r2"}, "resolved"), group="r2")
    assert [post(one, resolved), post(one, resolved), post(other, alone)] == ["queued", "suppressed", "queued"]
    wait_for(lambda: len(pair.sink.received()) == 4, "four mails")
