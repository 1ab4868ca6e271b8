# SPDX-License-Identifier: MIT
"""What happens to mails when mail servers defer, vanish, dawdle or hang."""

import asyncio
import threading

import pytest
from aiosmtpd.controller import Controller

import harness
from faultserver import FaultServer
from harness import Alertpost, SmtpSink, free_port, wait_for

FAST = "delivery: {retry: {min: 50ms, max: 200ms}}"


def post(ours, name, status="firing", **labels):
    one = harness.alert({"alertname": name, **labels}, status=status)
    assert ours.post(harness.payload(one, group=name))[0] == 202


def states(server):
    """FIRING or RESOLVED, of each mail in the order in which they came."""
    with server.lock:
        return ["RESOLVED" if "RESOLVED" in harness.parse_mail(mail["data"])["Subject"] else "FIRING"
                for mail in server.mails]


def test_resolved_does_not_overtake_a_firing_that_is_greylisted(start):
    """The server takes nothing of us for the first two times, as greylisting does; it would take the RESOLVED
    at once."""
    grey = {"reply": "450 4.2.0 greylisted, come back later"}
    with FaultServer([{"rcpt": [grey, grey, {}]}]) as server:
        ours = start(Alertpost, harness.simple_config(server.port, more="delivery: {retry: {min: 1500ms, max: 1500ms}}"))
        post(ours, "A")
        wait_for(lambda: ours.metric("alertpost_deliveries_total", outcome="deferred") == 1, "the FIRING is deferred")
        post(ours, "A", "resolved")
        ours.drained()
        assert ours.stop() == 0
        assert states(server) == ["FIRING", "RESOLVED"]


def test_mails_leave_soon_after_the_server_is_back(start):
    port = free_port()
    ours = start(Alertpost, harness.simple_config(port, more=FAST))
    for number in range(50):
        post(ours, f"g{number}")
    wait_for(lambda: ours.metric("alertpost_relay_paused") == 1, "the relay is paused")
    wait_for(lambda: ours.output().count('msg="relay fails"') >= 2, "a probe fails", 60)
    assert ours.queued() == 50 and ours.metric("alertpost_queue_mails", state="deferred") == 0
    with FaultServer(port=port) as server:
        wait_for(lambda: len(server.mails) == 50, "the mails", 90)
        assert ours.metric("alertpost_deliveries_total", outcome="delivered") == 50
        assert ours.metric("alertpost_deliveries_total", outcome="deferred") == 0
        assert ours.stop() == 0


def test_a_mail_without_a_recipient_goes_to_the_postmaster(start):
    with FaultServer() as server:
        more = "delivery: {postmaster: postmaster@example.org}"
        ours = start(Alertpost, harness.simple_config(server.port, to="'{{ .CommonLabels.owner }}'", more=more))
        post(ours, "A")
        ours.drained()
        assert ours.stop() == 0
        assert [mail["recipients"] for mail in server.mails] == [["postmaster@example.org"]]


@pytest.mark.parametrize("mode", [("-q", "mail"), ("-q", "rcpt"), ("-q", "data"), ("-Q", "mail"), ("-Q", "rcpt"),
                                  ("-Q", "data"), ("-Q", "."), ("-q", "ehlo"), ("-q", "connect"), ("-Q", "connect")],
                         ids=" ".join)
def test_a_sink_that_hangs_up_gets_the_mails_when_it_does_not_any_more(start, mode):
    bad = start(SmtpSink, *mode)
    ours = start(Alertpost, harness.simple_config(bad.port, more=FAST))
    for number in range(3):
        post(ours, f"g{number}")
    ours.tells('outcome=deferred|msg="relay fails"')
    assert ours.metric("alertpost_smtp_in_doubt_total") == 0
    bad.child.kill()
    bad.child.wait()
    assert not [mail for _, mail in bad.received() if mode[1] != "." and mail.get_payload()]
    good = start(SmtpSink, port=bad.port)
    assert harness.request(ours.port, "POST", "/-/reload")[0] == 200  # ends the pause
    ours.drained()
    assert ours.stop() == 0
    assert sorted(mail["Subject"].split()[-1] for _, mail in good.received()) == ["g0", "g1", "g2"]


@pytest.mark.parametrize("mode", [("-p", "-W", "mail:1:50"), ("-T", "1024"), ("-p",), ("-p", "-W", "data:1"), ("-W", ".:1"),
                                  ("-p", "-W", "rcpt:1"), ("-8", "-E"), ("-e",)], ids=" ".join)
def test_a_sink_that_dawdles_gets_every_mail_once(start, mode):
    """With each way of pipelining, at the same time."""
    played = []
    for pipelining in ("grouped", "deep"):
        sink = start(SmtpSink, *mode)
        more = f"delivery: {{connections: 3, pipelining: {pipelining}}}"
        ours = start(Alertpost, harness.simple_config(sink.port, more=more))
        for number in range(6):
            post(ours, f"g{number}", long="x" * 50000)
        played.append((sink, ours))
    for sink, ours in played:
        ours.drained()
        assert ours.stop() == 0
        assert ours.output().count("outcome=delivered") == 6 and "relay fails" not in ours.output()
        assert sorted(mail["Subject"].split()[-1] for _, mail in sink.received()) == [f"g{n}" for n in range(6)]


class Reader:
    """aiosmtpd's handler: remembers envelopes; refuses one address."""

    def __init__(self):
        self.envelopes, self.lock = [], threading.Lock()

    async def handle_RCPT(self, _server, _session, envelope, address, _options):  # noqa: N802
        if address.startswith("nobody@"):
            return "550 5.1.1 no such user"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 ok"

    async def handle_DATA(self, _server, _session, envelope):  # noqa: N802
        await asyncio.sleep(0)
        with self.lock:
            self.envelopes.append(envelope)
        return "250 2.0.0 taken"


@pytest.mark.parametrize("pipelining", ["off", "grouped", "deep"])
def test_aiosmtpd_reads_what_we_say(start, pipelining):
    reader = Reader()
    controller = Controller(reader, hostname="127.0.0.1", port=free_port())
    controller.start()
    try:
        more = f"delivery: {{connections: 2, pipelining: {pipelining}}}"
        ours = start(Alertpost, harness.simple_config(controller.port, to="a@example.org, nobody@example.org, b@example.org",
                                                      more=more))
        for number in range(20):
            post(ours, f"g{number}", note="\n.\n..\n" + "ü" * 2000)
        ours.drained()
        assert ours.stop() == 0
    finally:
        controller.stop()
    assert sorted(harness.parse_mail(one.original_content)["Subject"].split()[-1] for one in reader.envelopes) == \
        sorted(f"g{number}" for number in range(20))
    assert {tuple(one.rcpt_tos) for one in reader.envelopes} == {("a@example.org", "b@example.org")}
    assert ours.output().count("outcome=refused") == 20


THREE = """
global: {{smtp_from: alerts@example.org, smtp_require_tls: false}}
delivery: {{timeouts: {{greeting: 10m, command: 10m}}}}
route:
  receiver: r0
  routes: [{{receiver: r0, matchers: [to="0"]}}, {{receiver: r1, matchers: [to="1"]}}, {{receiver: r2, matchers: [to="2"]}}]
receivers:
  - {{name: r0, email_configs: [{{to: a@example.org, smarthost: "127.0.0.1:{0}"}}]}}
  - {{name: r1, email_configs: [{{to: a@example.org, smarthost: "127.0.0.1:{1}"}}]}}
  - {{name: r2, email_configs: [{{to: a@example.org, smarthost: "127.0.0.1:{2}"}}]}}
"""


@pytest.mark.parametrize("phase", ["greeting", "ehlo", "mail", "data", "dot"])
def test_a_silent_server_does_not_slow_down_the_others(start, phase):
    """It holds its first mails for as long as it likes; all mails of the other two leave meanwhile."""
    with FaultServer([{phase: "silent"}]) as silent, FaultServer() as one, FaultServer() as two:
        ours = start(Alertpost, THREE.format(silent.port, one.port, two.port), "--shutdown.timeout", "1s")
        for number in range(300):
            post(ours, f"g{number}", to=str(number % 3))
        wait_for(lambda: len(one.mails) == len(two.mails) == 100, "all mails of the others")
        assert not silent.mails and "outcome=deferred" not in ours.output() and "relay fails" not in ours.output()
        wait_for(lambda: ours.queued() == 100, "only the mails of the silent one are left")
        assert silent.open >= 1
        assert ours.stop(seconds=90) == 0
