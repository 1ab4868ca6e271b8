# SPDX-License-Identifier: MIT
"""Mail servers that misbehave: what each recipient comes to, and what the log says of it.

One program, one relay a case, all at once: most of the time is spent waiting for a
timeout or for the probe of a relay that failed, 5 s after it did."""

import json

import pytest

import harness
from faultserver import FaultServer, make_certificate
from harness import Alertpost, wait_for

TIMEOUT = "2s"
OK = "delivered 250"
LATER = {"reply": "451 4.3.0 later"}
SECRET = "c0rrect-h0rse"


def once(phase, action):
    """The first session, or the first time of PHASE in it, goes wrong; all others are fine."""
    return [{phase: [action, {}]}, {}]


# name: (scripts, settings of the receiver, the end of each recipient a, b, …, a text in
# what the log says of the relay's fault, or "")
CASES = {
    "one of three is refused": ([{"rcpt": ["250 ok", "550 5.1.1 no such user", "250 ok"]}], "",
                                [OK, "refused 550 no such user", OK], ""),
    "all are refused": ([{"rcpt": "550 5.1.1 no"}], "", ["refused 550 no"] * 2, ""),
    "two at a time": ([{"rcpt": ["250 ok", "250 ok", "452 4.5.3 too many", "250 ok"]}], "", [OK] * 3, ""),
    "451 to one of two": ([{"rcpt": ["250 ok", "451 4.2.0 grey", "250 ok"]}], "", [OK, f"deferred 451 grey, {OK}"], ""),
    "421 instead of a greeting": ([{"greeting": "421 4.3.2 full"}, {}], "", [OK], "greeting: 421 4.3.2 full"),
    "554 instead of a greeting": ([{"greeting": "554 5.3.0 none"}, {}], "", [OK], "greeting: 554 5.3.0 none"),
    "no EHLO": ([{"ehlo": "502 5.5.1 what?"}], "", [OK], ""),
    "451 to MAIL": (once("mail", LATER), "", [f"deferred 451 later, {OK}"], ""),
    "554 to MAIL": ([{"mail": "554 5.7.1 not you"}, {}], "", [OK], "MAIL: 554 5.7.1 not you"),
    "451 to DATA": (once("data", LATER), "", [f"deferred 451 later, {OK}"], ""),
    "554 to DATA": ([{"data": "554 5.6.0 no"}], "", ["refused 554 no"], ""),
    "451 to the dot": (once("dot", LATER), "", [f"deferred 451 later, {OK}"], ""),
    "554 to the dot": ([{"dot": "554 5.7.1 spam"}], "", ["refused 554 spam"] * 2, ""),
    "closed at the greeting": ([{"greeting": "drop"}, {}], "", [OK], "greeting: the server closed the connection"),
    "closed at EHLO": ([{"ehlo": "drop"}, {}], "", [OK], "EHLO: the server closed the connection"),
    "closed at MAIL": ([{"mail": "drop"}, {}], "",
                       [f"deferred 0 the server closed the connection waiting for the reply to MAIL, {OK}"], ""),
    "reset at RCPT": ([{"rcpt": "reset"}, {}], "",
                      [f"deferred 0 connection lost: Recv failure: Connection reset by peer waiting for the reply to RCPT, {OK}"], ""),
    "closed at DATA": ([{"data": "drop"}, {}], "",
                       [f"deferred 0 the server closed the connection waiting for the reply to DATA, {OK}"], ""),
    "closed at the dot": ([{"dot": "drop"}, {}], "",
                          ["in_doubt 0 the server closed the connection waiting for the reply to the final dot"], ""),
    "closed after the dot": ([{"idle": "drop"}], "", [OK], ""),
    "silent at the greeting": ([{"greeting": "silent"}, {}], "", [OK], "greeting: no answer within 2 s"),
    "silent at EHLO": ([{"ehlo": "silent"}, {}], "", [OK], "EHLO: no answer within 2 s"),
    "silent at MAIL": ([{"mail": "silent"}, {}], "",
                       [f"deferred 0 no answer within 2 s waiting for the reply to MAIL, {OK}"], ""),
    "silent at the dot": ([{"dot": "silent"}, {}], "",
                          ["in_doubt 0 no answer within 2 s waiting for the reply to the final dot"], ""),
    "421 between mails": ([{"idle": {"reply": "421 4.4.2 idle", "then": "drop"}}], "", [OK], ""),
    "lines of 4 KB": ([{"greeting": "220 " + "x" * 4000, "ehlo": "250-" + "y" * 4000 + "\n250 SIZE 100000000",
                        "rcpt": "250 " + "z" * 4000}], "", [OK], ""),
    "a reply of 5,000 lines": ([{"mail": "250-x\n" * 5000 + "250 ok"}], "", [OK], ""),
    "replies byte by byte": ([{"pieces": 1}], "", [OK] * 2, ""),
    "no SMTP": (once("mail", {"reply": "hello"}), "",
                [f"deferred 0 not an SMTP reply waiting for the reply to MAIL, {OK}"], ""),
    "no pipelining": ([{"capabilities": ["SIZE 10000000"]}], "", [OK] * 3, ""),
    "control characters": ([{"rcpt": "550 5.1.1 a\x1b[31m\0b \"q\""}], "", ["refused 550 a [31m b \"q\""], ""),
    "no STARTTLS": ([{"keep_plain": True}], "require_tls: true, ", [],
                    "the server does not offer STARTTLS; `require_tls: false` would send mail to it unencrypted"),
    "no AUTH": ([{}], "auth_username: u, auth_password: p, ", [],
                "AUTH: the server does not offer authentication"),
}


def receivers_yaml(ports):
    lines = []
    for number, (name, case) in enumerate(CASES.items()):
        recipients = ", ".join(f"{letter}@example.org" for letter in "abc"[:max(len(case[2]), 1)])
        lines.append(f'  - name: "{number}"\n    email_configs:\n      - {{{case[1]}to: "{recipients}", '
                     f'smarthost: "127.0.0.1:{ports[name]}"}}')
    return "\n".join(lines)


def routes_yaml():
    return "\n".join(f'    - {{receiver: "{number}", matchers: [case="{number}"]}}' for number in range(len(CASES)))


def config(ports):
    return f"""
global: {{smtp_from: alerts@example.org, smtp_require_tls: false}}
route:
  receiver: "0"
  routes:
{routes_yaml()}
receivers:
{receivers_yaml(ports)}
delivery:
  retry: {{min: 50ms, max: 100ms}}
  timeouts: {{connect: 10s, greeting: {TIMEOUT}, command: {TIMEOUT}, write: {TIMEOUT}, final_dot: {TIMEOUT}}}
"""


def lines_of(ours):
    return [json.loads(line) for line in ours.output().splitlines() if line.endswith("}")]


def ends_of(lines, number):
    """What the log says became of the recipients: {address: "outcome code text, …"}."""
    ends = {}
    for line in lines:
        if line["msg"] == "delivery" and line["receiver"] == str(number):
            text = "" if line["outcome"] == "delivered" else " " + line["text"]
            ends.setdefault(line["recipient"], []).append(f'{line["outcome"]} {line["code"]}{text}')
    return {recipient: ", ".join(texts) for recipient, texts in ends.items()}


def expected_of(case):
    return {f"{letter}@example.org": end for letter, end in zip("abc", case[2])}


def faults_of(lines, port):
    return [line["text"] for line in lines if line["msg"] == "relay fails" and line["relay"] == f"127.0.0.1:{port}"]


@pytest.fixture(scope="module")
def played(tmp_path_factory):
    """Plays all cases; (lines of the log, servers by name)."""
    folder = tmp_path_factory.mktemp("smtp")
    servers = {name: FaultServer(case[0]) for name, case in CASES.items()}
    ours = Alertpost(folder / "ours", config({name: server.port for name, server in servers.items()}),
                     "--log.format", "json")
    try:
        for number in range(len(CASES)):
            body = harness.payload(harness.alert({"alertname": "A", "case": str(number)}), group=f"g{number}")
            assert ours.post(body)[0] == 202

        def is_over():
            lines = lines_of(ours)
            return all(len(ends_of(lines, number)) == len(case[2]) and
                       all(end.count(",") == ends_of(lines, number)[recipient].count(",")
                           for recipient, end in expected_of(case).items()) and
                       (not case[3] or faults_of(lines, servers[name].port))
                       for number, (name, case) in enumerate(CASES.items()))
        try:
            wait_for(is_over, "all cases are over", 40)
        except AssertionError:
            pass  # the cases that are not will say what they lack
        yield lines_of(ours), servers
        assert ours.stop() == 0
    finally:
        if ours.running():
            ours.child.kill()
        for server in servers.values():
            server.stop()


@pytest.mark.parametrize("name", CASES)
def test_each_recipient_comes_to_its_end(played, name):
    lines, servers = played
    case = CASES[name]
    assert ends_of(lines, list(CASES).index(name)) == expected_of(case)
    faults = faults_of(lines, servers[name].port)
    if case[3]:
        assert faults and case[3] in faults[0], faults
    else:
        assert faults == []
    got = [recipient for mail in servers[name].mails for recipient in mail["recipients"]]
    assert sorted(got) == [recipient for recipient, end in expected_of(case).items() if end.endswith(OK)]
    assert not [end for end in servers[name].ends.values() if end.startswith("broken")]


def secure_config(port, authority, password):
    return harness.simple_config(
        port, more="delivery: {retry: {min: 100ms, max: 300ms}}",
        global_more=f"  smtp_tls_config: {{ca_file: {authority}}}\n  smtp_auth_username: u\n"
                    f"  smtp_auth_password_file: {password}").replace("smtp_require_tls: false", "smtp_require_tls: true")


def test_a_corrected_password_sends_what_waits_and_none_is_ever_printed(start, tmp_path):
    authority, certificate, key = make_certificate(tmp_path / "tls")
    password = tmp_path / "password"
    password.write_text("wr0ng-h0rse\n")
    with FaultServer(certificate=certificate, key=key, users={"u": SECRET}) as server:
        ours = start(Alertpost, secure_config(server.port, authority, password), "--log.level", "debug")
        assert ours.post(harness.payload(harness.alert({"alertname": "A"})))[0] == 202
        wait_for(lambda: "AUTH: 535 5.7.8 wrong user or password" in ours.output(), "the fault")
        assert not server.mails
        password.write_text(SECRET + "\n")
        assert harness.request(ours.port, "POST", "/-/reload")[0] == 200
        wait_for(lambda: server.mails, "the mail")
        assert (server.mails[0]["user"], server.mails[0]["tls"]) == ("u", True)
        said = ours.output() + ours.get("/api/v1/status")[1] + ours.get("/metrics")[1]
        assert ours.stop() == 0
        assert "h0rse" not in said + ours.output()


@pytest.mark.parametrize("names, reason", [
    (["mail.example"], "TLS handshake: SSL: no alternative certificate subject name matches"),
    (None, "TLS handshake: SSL certificate problem: "),
])
def test_a_certificate_that_is_not_the_servers_gets_no_mail(start, tmp_path, names, reason):
    authority, certificate, key = make_certificate(tmp_path / "tls", *(names or []))
    if names is None:
        authority = make_certificate(tmp_path / "other")[0]
    (tmp_path / "password").write_text(SECRET)
    with FaultServer(certificate=certificate, key=key, users={"u": SECRET}) as server:
        ours = start(Alertpost, secure_config(server.port, authority, tmp_path / "password"))
        assert ours.post(harness.payload(harness.alert({"alertname": "A"})))[0] == 202
        wait_for(lambda: reason in ours.output(), "the fault")
        assert ours.stop() == 0
        assert not server.mails and not [line for line in server.lines() if line.startswith("AUTH")]
