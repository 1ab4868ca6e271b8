# SPDX-License-Identifier: MIT
"""What happened to a group reaches each recipient in its order, whatever the mail server does."""

import concurrent.futures
import random
import threading

import harness
from faultserver import FaultServer
from harness import Alertpost, SmtpSink

GROUPS = 25
TURNS = ["firing", "resolved"] * 3
FAST = "delivery: {retry: {min: 50ms, max: 200ms}}"


def moods(good, bad, share, dice):
    return [bad if dice.random() < share else good for _ in range(5000)] + [good]


def test_resolved_never_overtakes_a_deferred_firing(start):
    dice = random.Random(7)
    later = {"reply": "451 4.3.0 later"}
    script = {phase: moods({}, later, share, dice)
              for phase, share in (("mail", 0.1), ("rcpt", 0.3), ("data", 0.1), ("dot", 0.2))}
    with FaultServer([script]) as server:
        ours = start(Alertpost, harness.simple_config(server.port, to="a@example.org, b@example.org", more=FAST))
        for turn, status in enumerate(TURNS):
            for group in range(GROUPS):
                one = harness.alert({"alertname": f"g{group}", "episode": str(turn // 2)}, status=status,
                                    starts_at=harness.moment(300 - turn // 2 * 10))
                assert ours.post(harness.payload(one, group=f"g{group}"))[0] == 202
        ours.drained()
        assert ours.metric("alertpost_deliveries_total", outcome="deferred") > GROUPS
        assert ours.stop() == 0
        seen = {}
        for mail in server.mails:
            state, group = harness.parse_mail(mail["data"])["Subject"].split()
            for recipient in mail["recipients"]:
                seen.setdefault((group, recipient), []).append("resolved" if "RESOLVED" in state else "firing")
        assert len(seen) == GROUPS * 2
        assert {group: turns for group, turns in seen.items() if turns != TURNS} == {}


def at_once(clients, post):
    """post(0) … post(clients - 1), started at the same moment: their results."""
    barrier = threading.Barrier(clients)

    def run(number):
        barrier.wait()
        return post(number)

    with concurrent.futures.ThreadPoolExecutor(clients) as pool:
        return list(pool.map(run, range(clients)))


def test_a_webhook_that_comes_from_fifty_senders_at_once_is_one_mail(start):
    sink = start(SmtpSink)
    ours = start(Alertpost, harness.simple_config(sink.port))
    body = harness.payload(harness.alert({"alertname": "A"}))
    answers = at_once(50, lambda _: ours.post(body)[0])
    assert sorted(answers) == [200] * 49 + [202]
    ours.drained()
    assert ours.stop() == 0
    assert len(sink.received()) == 1


def test_fifty_news_of_one_group_at_once_are_fifty_mails_in_the_order_of_acceptance(start):
    with FaultServer() as server:
        ours = start(Alertpost, harness.simple_config(server.port))
        answers = at_once(50, lambda number: ours.post(
            harness.payload(harness.alert({"alertname": "A", "n": str(number)}))))
        assert {status for status, _ in answers} == {202}
        ours.drained()
        assert ours.stop() == 0
        accepted = [line.split(" mail=")[1].split()[0] for line in ours.output().splitlines()
                    if 'msg="mail queued"' in line]
        assert sorted(accepted) == sorted(answer["results"][0]["id"] for _, answer in answers)
        assert [mail["message_id"] for mail in server.mails] == accepted
