# SPDX-License-Identifier: MIT
"""A server that repeats our password wherever it says anything: nobody sees it."""

import base64
import threading
import urllib.parse

import pytest

import harness
from faultserver import FaultServer, make_certificate
from harness import Alertpost, wait_for

USER, PASSWORD = "alerts@example.org", "c0rrect h0rse/battery"
SAID = base64.b64encode(f"\0{USER}\0{PASSWORD}".encode()).decode()
SECRETS = [PASSWORD, SAID, base64.b64encode(PASSWORD.encode()).decode(), urllib.parse.quote(PASSWORD, safe="")]
WORDS = " ".join(SECRETS)
HIDDEN = "*** *** *** ***"

# Script, and what the log or a mail's last words say of it.
ROWS = {
    "greeting": ({"greeting": f"554 5.3.0 {WORDS}"}, f"greeting: 554 5.3.0 {HIDDEN}"),
    "greeting in lines": ({"greeting": f"554-5.3.0 {WORDS}\n554 5.3.0 {WORDS}"}, f"greeting: 554 5.3.0 {HIDDEN} {HIDDEN}"),
    "STARTTLS": ({"starttls": f"454 4.7.0 {WORDS}"}, f"STARTTLS: 454 4.7.0 {HIDDEN}"),
    "what EHLO offers": ({"auth_line": f"AUTH {SAID}"}, "the server offers ***"),
    "AUTH": ({"auth": f"535 5.7.8 {WORDS}"}, f"AUTH: 535 5.7.8 {HIDDEN}"),
    "another code to AUTH": ({"auth": f"250 2.0.0 {WORDS}"}, "AUTH: not an answer to AUTH"),
    "MAIL": ({"mail": f"550 5.7.1 {WORDS}"}, f"MAIL: 550 5.7.1 {HIDDEN}"),
    "MAIL deferred": ({"mail": f"451 4.3.0 {WORDS}"}, HIDDEN),
    "an odd reply to MAIL": ({"mail": f"354 {WORDS}"}, f"unexpected reply: {HIDDEN}"),
    "421 to MAIL": ({"mail": f"421 4.3.0 {WORDS}"}, f"MAIL: 421 4.3.0 {HIDDEN}"),
    "RCPT": ({"rcpt": f"550 5.1.1 {WORDS}"}, HIDDEN),
    "RCPT denied": ({"rcpt": f"554 5.7.1 {WORDS}"}, f"RCPT: 554 5.7.1 {HIDDEN}"),
    "DATA": ({"data": f"554 5.3.0 {WORDS}"}, HIDDEN),
    "the dot, refused": ({"dot": f"554 5.6.0 {WORDS}"}, HIDDEN),
    "the dot, taken": ({"dot": f"250 2.0.0 queued as {WORDS}"}, f"queued as {HIDDEN}"),
    "the second mail's dot": ({"dot": [None, f"250 2.0.0 queued as {WORDS}"]}, f"queued as {HIDDEN}"),
    "cut in the middle": ({"dot": "554 5.6.0 " + "n" * (995 - len(PASSWORD)) + PASSWORD}, "n***"),
}


def config(ports, authority, postmaster):
    names = [f"r{number}" for number in range(len(ports))]
    routes = "\n".join(f'    - {{receiver: {name}, matchers: [row="{name}"]}}' for name in names)
    receivers = "\n".join(f"  - {{name: {name}, email_configs: [{{to: ops@example.org, smarthost: '127.0.0.1:{port}'}}]}}"
                          for name, port in zip(names, ports))
    return f"""
global:
  smtp_smarthost: 127.0.0.1:{postmaster}
  smtp_from: alerts@example.org
  smtp_auth_username: {USER}
  smtp_auth_password: {PASSWORD}
  smtp_tls_config: {{ca_file: {authority}}}
route:
  receiver: post
  routes:
{routes}
receivers:
  - {{name: post, email_configs: [{{to: post@example.org}}]}}
{receivers}
delivery: {{connections: 1, postmaster: post@example.org, retry: {{min: 1h, max: 1h}}}}
"""


def everything_we_show(ours):
    texts = [ours.output(), ours.get("/metrics")[1], ours.get("/api/v1/status")[1], ours.get("/api/v1/mails")[1]]
    texts += [path.read_bytes().decode("latin-1") for path in ours.folder.glob("alertpost.db*")]
    return "\n".join(texts)


@pytest.fixture(scope="module")
def played(tmp_path_factory):
    folder = tmp_path_factory.mktemp("secrets")
    authority, certificate, key = make_certificate(folder / "tls")
    users = {USER: PASSWORD}
    servers = {name: FaultServer([script], certificate, key, users) for name, (script, _) in ROWS.items()}
    notices = FaultServer([{}], certificate, key, users)
    ours = Alertpost(folder / "ours", config([one.port for one in servers.values()], authority, notices.port),
                     "--log.level", "debug")
    try:
        for number in range(len(ROWS)):
            for mail in range(2):
                body = harness.payload(harness.alert({"alertname": "A", "row": f"r{number}"}), group=f"g{number}.{mail}")
                assert ours.post(body)[0] == 202
        wait_for(lambda: notices.mails, "the postmaster is told of dead mails", 120)
        for _, text in ROWS.values():
            wait_for(lambda: text in everything_we_show(ours), text, 60)
        yield everything_we_show(ours), [harness.parse_mail(mail["data"]) for mail in notices.mails]
    finally:
        ours.stop()
        for server in [*servers.values(), notices]:
            server.stop()


@pytest.mark.parametrize("secret", SECRETS)
def test_no_log_answer_metric_or_stored_word_has_a_secret(played, secret):
    assert secret not in played[0]


def test_no_notice_to_the_postmaster_has_a_secret(played):
    texts = [mail.get_body(("plain",)).get_content() for mail in played[1]]
    assert any(HIDDEN in text for text in texts)
    assert not [text for text in texts if any(secret in text for secret in SECRETS)]


def test_a_password_that_a_reload_replaces_stays_hidden_in_the_sessions_opened_with_it(start, tmp_path):
    authority, certificate, key = make_certificate(tmp_path / "tls")
    password = tmp_path / "password"
    password.write_text(PASSWORD)
    users = {USER: PASSWORD}
    answered = {"reply": f"250 2.0.0 queued as {WORDS}", "until": threading.Event()}
    with FaultServer([{"dot": answered}, {}], certificate, key, users) as server:
        text = config([server.port], authority, server.port)
        ours = start(Alertpost, text.replace(f"smtp_auth_password: {PASSWORD}", f"smtp_auth_password_file: {password}"))
        assert ours.post(harness.payload(harness.alert({"alertname": "A", "row": "r0"}), group="g0"))[0] == 202
        wait_for(lambda: server.seen, "the mail")
        password.write_text("another one")
        users[USER] = "another one"
        assert harness.request(ours.port, "POST", "/-/reload")[0] == 200
        assert ours.post(harness.payload(harness.alert({"alertname": "A", "row": "r0"}), group="g1"))[0] == 202
        answered["until"].set()
        wait_for(lambda: len(server.mails) == 2, "the mail under the new password")
        ours.drained()
        assert server.mails[1]["connection"] != server.mails[0]["connection"]
        shown = everything_we_show(ours)
        assert f"queued as {HIDDEN}" in shown and not [secret for secret in SECRETS if secret in shown]


def test_a_user_name_without_a_password_is_named_before_anything_is_said(start, tmp_path):
    authority, certificate, key = make_certificate(tmp_path / "tls")
    with FaultServer([{}], certificate, key, {USER: PASSWORD}) as server:
        text = config([server.port], authority, server.port).replace(f"  smtp_auth_password: {PASSWORD}\n", "")
        ours = start(Alertpost, text)
        assert ours.post(harness.payload(harness.alert({"alertname": "A"})))[0] == 202
        ours.tells("AUTH: a user name is set, but no password, secret or token")
        assert not server.lines()
