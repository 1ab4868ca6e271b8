# SPDX-License-Identifier: MIT
"""Every fault at every step of a session, with TLS and a login required.  What must hold,
whatever goes wrong: each recipient gets exactly one copy, where the server may have taken
the mail although its answer never came at least one, and the same bytes each time; where
TLS or the login cannot be had, nothing leaves at all, and nothing is ever sent in clear.

One program, one relay a row, all at once.  A mail in doubt is tried again by hand, not
after its minute."""

import json

import pytest

import harness
from faultserver import DEFAULT_CAPABILITIES, FaultServer, make_certificate
from harness import Alertpost, wait_for

USER, PASSWORD = "alerts@example.org", "c0rrect-h0rse"
RECIPIENTS = ["a@example.org", "b@example.org"]

FAULTS = {
    "4xx": "451 4.3.0 later", "5xx": "554 5.3.0 no", "421": {"reply": "421 4.3.0 bye", "then": "drop"},
    "closed": "drop", "TLS closed": "unwrap", "reset": "reset", "silent": "silent", "garbage": {"reply": "hello"},
    "5xx of 4 KB": "554 5.3.0 " + "n" * 4096, "4xx in pieces": {"reply": "451 4.3.0 later", "pieces": 1},
}
# The step: the phase of the script, and how often it goes well before.
STEPS = {"greeting": ("greeting", 0), "EHLO": ("ehlo", 0), "STARTTLS": ("starttls", 0), "EHLO in TLS": ("ehlo", 1),
         "AUTH": ("auth", 0), "MAIL": ("mail", 0), "the first RCPT": ("rcpt", 0), "the second RCPT": ("rcpt", 1),
         "DATA": ("data", 0), "the dot": ("dot", 0)}
IN_CLEAR = ("greeting", "EHLO", "STARTTLS")
LOST = ("closed", "TLS closed", "reset", "silent", "garbage")


def refused(step, fault):
    """How many of the recipients are refused for good."""
    if not fault.startswith("5xx"):
        return []
    return {"the first RCPT": RECIPIENTS[:1], "the second RCPT": RECIPIENTS[1:],
            "DATA": RECIPIENTS, "the dot": RECIPIENTS}.get(step, [])


class Row:
    """scripts; who gets no copy; mails; whether one may come twice; a text of the log for a
    row that never gets a mail through."""

    def __init__(self, *scripts, refused=(), mails=1, doubt=False, fault=""):
        self.scripts, self.refused, self.mails, self.doubt, self.fault = scripts, refused, mails, doubt, fault


def make_rows():
    rows = {}
    for step, (phase, before) in STEPS.items():
        for name, fault in FAULTS.items():
            if name == "TLS closed" and step in IN_CLEAR:
                continue
            rows[f"{name} at {step}"] = Row({phase: [{}] * before + [fault, {}]}, {}, refused=refused(step, name),
                                            doubt=step == "the dot" and name in LOST)
    lower = [line.lower() for line in DEFAULT_CAPABILITIES]
    rows |= {
        "replies byte by byte": Row({"pieces": 1}),
        "replies coalesced": Row({"coalesce": True}, mails=2),
        "replies of many lines": Row({"lines": 40}, mails=2),
        "replies of 4 KB": Row({"long": 4096}, mails=2),
        "all of that": Row({"lines": 3, "long": 1000, "coalesce": True}, mails=2),
        "421 between mails": Row({"idle": {"reply": "421 4.4.2 idle", "then": "drop"}}, mails=3),
        "421 between mails, TLS closed": Row({"idle": {"reply": "421 4.4.2 idle", "then": "unwrap"}}, mails=3),
        "closed between mails": Row({"idle": "drop"}, mails=3),
        "TLS closed between mails": Row({"idle": "unwrap"}, mails=3),
        "reset between mails": Row({"idle": "reset"}, mails=3),
        "TLS closed in its handshake": Row({"tls_close": True}, {}),
        "no PIPELINING": Row({"capabilities": ["SIZE 10000000"]}, mails=2),
        "EHLO in small letters": Row({"capabilities": lower, "auth_line": "auth plain login"}, mails=2),
        "AUTH= of old": Row({"auth_line": "AUTH=LOGIN"}),
        "a mechanism that is not ours": Row({"auth_line": "AUTH GSSAPI NTLM"}, mails=2, refused=RECIPIENTS,
                                            fault="AUTH: no mechanism in common; the server offers GSSAPI NTLM"),
        "AUTH not offered": Row({"ehlo": [{}, "250-fault.example\n250 PIPELINING"] * 9}, mails=2, refused=RECIPIENTS,
                                fault="AUTH: the server does not offer authentication"),
        "another 2xx to AUTH": Row({"auth": "250 2.0.0 sure"}, refused=RECIPIENTS, fault="AUTH: not an answer to AUTH"),
        "STARTTLS stripped": Row({"keep_plain": True, "auth_clear": True}, mails=2, refused=RECIPIENTS,
                                 fault="the server does not offer STARTTLS"),
        "STARTTLS in small letters": Row({"ehlo": ["250-fault.example\n250 starttls", {}]}, mails=2),
        "STARTTLS answered with another 2xx": Row({"starttls": "250 2.0.0 sure"}, refused=RECIPIENTS,
                                                  fault="STARTTLS: 250 2.0.0 sure"),
        "a command answered before TLS": Row({"starttls": "220 go\n250 2.1.0 sender ok"}, refused=RECIPIENTS,
                                             fault="STARTTLS: the server said more than it was asked"),
    }
    return rows


ROWS = make_rows()


def config(ports, authority):
    routes = "\n".join(f'    - {{receiver: "{number}", matchers: [row="{number}"]}}' for number in range(len(ROWS)))
    receivers = "\n".join(
        f'  - {{name: "{number}", email_configs: [{{to: "{", ".join(RECIPIENTS)}", '
        f'smarthost: "127.0.0.1:{port}"}}]}}' for number, port in enumerate(ports))
    return f"""
global:
  smtp_from: alerts@example.org
  smtp_auth_username: {USER}
  smtp_auth_password: {PASSWORD}
  smtp_tls_config: {{ca_file: {authority}}}
route:
  receiver: "0"
  routes:
{routes}
receivers:
{receivers}
delivery:
  connections: 1
  retry: {{min: 50ms, max: 100ms}}
  timeouts: {{connect: 30s, greeting: 5s, command: 5s, write: 5s, final_dot: 10s}}
"""


def copies(server, recipient):
    with server.lock:
        return sum(recipient in mail["recipients"] for mail in server.mails)


def is_over(row, server, faults):
    if row.fault:
        return any(row.fault in text for text in faults)
    return all(copies(server, recipient) >= row.mails for recipient in RECIPIENTS if recipient not in row.refused)


@pytest.fixture(scope="module")
def played(tmp_path_factory):
    """Plays all rows: the servers by row, the texts of each relay's faults."""
    folder = tmp_path_factory.mktemp("table")
    authority, certificate, key = make_certificate(folder / "tls")
    servers = {name: FaultServer(row.scripts, certificate, key, {USER: PASSWORD}) for name, row in ROWS.items()}
    ours = Alertpost(folder / "ours", config([server.port for server in servers.values()], authority),
                     "--log.format", "json", "--log.level", "debug")

    def faults_of(server):
        lines = [json.loads(line) for line in ours.output().splitlines() if '"relay fails"' in line and line.endswith("}")]
        return [line["text"] for line in lines if line["relay"] == f"127.0.0.1:{server.port}"]

    retried = set()

    def retry_doubtful():
        """What is in doubt, once each (that also ends the pauses of all relays)."""
        listed = json.loads(ours.get("/api/v1/mails?state=deferred&limit=1000")[1])["mails"]
        for mail in listed:
            if mail["number"] not in retried and any(recipient["in_doubt"] for recipient in mail["recipients"]):
                retried.add(mail["number"])
                harness.request(ours.port, "POST", f"/api/v1/mails/{mail['number']}/retry")

    def rest():
        """The rows that are not over."""
        retry_doubtful()
        output = {name: faults_of(servers[name]) if row.fault else [] for name, row in ROWS.items()}
        return [name for name, row in ROWS.items() if not is_over(row, servers[name], output[name])]

    try:
        for number, row in enumerate(ROWS.values()):
            for mail in range(row.mails):
                body = harness.payload(harness.alert({"alertname": "A", "row": str(number)}), group=f"g{number}.{mail}")
                assert ours.post(body)[0] == 202
        waiting = sum(row.mails for row in ROWS.values() if row.fault)
        try:
            wait_for(lambda: not rest() and ours.queued() == waiting, "all rows are over", 200)
        except AssertionError:
            pass  # the rows that are not will say what they lack
        yield servers, {name: faults_of(server) for name, server in servers.items()}, ours.queued() - waiting
        assert ours.stop() == 0
        assert PASSWORD not in ours.output()
    finally:
        if ours.running():
            ours.child.kill()
        for server in servers.values():
            server.stop()


@pytest.mark.parametrize("name", ROWS)
def test_each_recipient_gets_one_copy_and_nothing_leaves_unprotected(played, name):
    servers, faults, _ = played
    row, server = ROWS[name], servers[name]
    for recipient in RECIPIENTS:
        expected = 0 if recipient in row.refused else row.mails
        got = copies(server, recipient)
        assert got == expected or (row.doubt and got >= expected), (recipient, faults[name])
    with server.lock:
        for command in server.commands:
            assert command["tls"] or command["line"].split()[0] in ("EHLO", "HELO", "STARTTLS", "QUIT"), command
        assert all(mail["tls"] and mail["user"] == USER for mail in server.seen)
        by_identifier = {}
        for mail in server.seen:
            by_identifier.setdefault(mail["message_id"], set()).add(mail["data"])
        assert all(len(forms) == 1 for forms in by_identifier.values())
        assert len(by_identifier) <= row.mails
        if row.doubt:
            assert len(server.seen) >= 2  # the one in doubt, and another
    if row.fault:
        assert any(row.fault in text for text in faults[name]), faults[name]
        assert not server.seen
    assert not [end for end in server.ends.values() if end.startswith("broken")]


def test_nothing_else_is_left(played):
    assert played[2] == 0
