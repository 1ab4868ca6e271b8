# SPDX-License-Identifier: MIT
"""Half an hour without a mail server, in seconds: the real program, its storage and a real
server that is not there.  Only the program's clocks are the test's (clock.c): it moves
them by a second at most, and waits wherever the program has something to do."""

import contextlib
import datetime
import json
import mmap
import os
import re
import re
import struct
import time

import pytest

import harness
from faultserver import FaultServer
from harness import Alertpost, free_port, wait_for

SHIM = os.environ.get("CLOCK", "")
HALF_AN_HOUR, MINUTE, GROUPS = 1800, 60, 5

pytestmark = pytest.mark.skipif(not SHIM, reason="the shim does not go with a sanitizer")


class Clock:
    """What the program takes for the time."""

    def __init__(self, folder):
        path = folder / "clock"
        path.write_bytes(struct.pack("q", 0))
        self.moved_ms = 0
        with open(path, "r+b") as file:
            self.page = mmap.mmap(file.fileno(), 8)
        self.environment = {"LD_PRELOAD": SHIM, "CLOCK_FILE": str(path)}

    def now(self):
        return time.time() + self.moved_ms / 1000

    def move(self, seconds):
        self.moved_ms += round(seconds * 1000)
        self.page[:] = struct.pack("q", self.moved_ms)


class Walk:
    """A program whose mails cannot leave; a mail a minute, of one group after the other."""

    def __init__(self, start, tmp_path, port):
        self.clock = Clock(tmp_path)
        self.ours = start(Alertpost, harness.simple_config(port), "--log.format", "json", env=self.clock.environment)
        self.begun, self.accepted = self.clock.now(), 0

    def relay(self):
        return json.loads(self.ours.get("/api/v1/status")[1])["relays"][0]

    def passed(self):
        return self.clock.now() - self.begun

    def post(self):
        name = f"n{self.accepted}"
        body = harness.payload(harness.alert({"alertname": name}), group=f"g{self.accepted % GROUPS}")
        assert self.ours.post(body)[0] == 202
        self.accepted += 1

    def step(self, seconds):
        """So long that nothing is tried meanwhile."""
        self.clock.move(seconds)
        while self.accepted <= self.passed() / MINUTE:
            self.post()

    def wait_for_a_failure(self):
        """The probe that is due fails: the seconds until the next one."""
        return wait_for(lambda: self.relay().get("next_try_s"), "the probe fails")

    def let_pause_pass(self):
        left = self.wait_for_a_failure()
        while left > 1:
            self.step(1)
            left = self.relay()["next_try_s"]
        self.step(left)

    def failures(self):
        """When each attempt failed, by the program's own clock."""
        lines = [json.loads(line) for line in self.ours.output().splitlines() if '"relay fails"' in line]
        return [datetime.datetime.fromisoformat(line["time"].replace("Z", "+00:00")).timestamp() for line in lines]

    def mails(self):
        return json.loads(self.ours.get("/api/v1/mails?state=delivered&limit=1000")[1])["mails"]


DOWN = {"nobody listens": None, "it hangs up": {"greeting": "drop"}, "it says 421": {"greeting": "421 4.3.2 down"}}


@pytest.mark.parametrize("script", DOWN.values(), ids=DOWN)
def test_mails_leave_within_a_minute_of_the_return_of_a_relay_that_was_down_for_half_an_hour(start, tmp_path, script):
    port = free_port()
    down = FaultServer([script], port=port) if script else contextlib.nullcontext()
    walk = Walk(start, tmp_path, port)
    with down:
        walk.post()
        while walk.passed() < HALF_AN_HOUR:
            walk.let_pause_pass()
        walk.wait_for_a_failure()  # the worst moment for a return: the pause has just begun
    assert walk.accepted > HALF_AN_HOUR / MINUTE
    assert walk.ours.metric("alertpost_queue_mails", state="deferred") == 0
    with FaultServer(port=port) as server:
        returned = walk.clock.now()
        walk.let_pause_pass()
        wait_for(lambda: len(server.mails) == walk.accepted, "all mails")
        took = walk.clock.now() - returned
        walk.ours.drained()
        attempts = [recipient["attempts"] for mail in walk.mails() for recipient in mail["recipients"]]
        times = walk.failures()
        assert walk.ours.stop() == 0
    assert took < MINUTE
    assert attempts == [1] * walk.accepted  # none was counted while the relay was down
    pauses = [after - before for before, after in zip(times, times[1:])]
    assert pauses and min(pauses) >= 5 and max(pauses) <= 60, pauses
    for group in range(GROUPS):
        names = [number_of(mail) for mail in server.mails]
        assert [name for name in names if name % GROUPS == group] == list(range(group, walk.accepted, GROUPS))


def number_of(mail):
    text = harness.parse_mail(mail["data"]).get_body(("plain",)).get_content()
    return int(re.search(r"\bn(\d+)\b", text)[1])


def test_a_mail_in_doubt_goes_out_again_after_a_minute(start, tmp_path):
    with FaultServer([{"dot": ["drop", {}]}, {}]) as server:
        walk = Walk(start, tmp_path, server.port)
        walk.post()
        wait_for(lambda: walk.ours.metric("alertpost_smtp_in_doubt_total") == 1, "the mail is in doubt")
        walk.clock.move(MINUTE - 1 - walk.passed())
        wait_for(lambda: walk.ours.queued() == 1 and len(server.seen) == 1, "it waits")
        walk.clock.move(1)
        walk.ours.drained()
        assert [mail["data"] for mail in server.seen] == [server.seen[0]["data"]] * 2
