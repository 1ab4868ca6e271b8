# SPDX-License-Identifier: MIT
"""A real Postfix with STARTTLS and AUTH behind us."""

import os
import socket
import threading

import pytest

import harness
from harness import Alertpost, wait_for
from postfix import Postfix

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="starting a Postfix needs root")


def config(postfix, folder, password="correct horse", ca="cert.pem"):
    secret = folder / "password"
    secret.write_text(password + "\n")
    text = harness.simple_config(postfix.port, global_more=f"""
  smtp_auth_username: alerts@example.org
  smtp_auth_password_file: {secret}
  smtp_tls_config: {{ca_file: {postfix.folder / ca}, server_name: localhost}}
""", more="delivery: {retry: {min: 1s, max: 1s}}")
    return text.replace("smtp_require_tls: false", "smtp_require_tls: true")


def test_mail_reaches_postfix_over_starttls_with_auth_and_unchanged(start, tmp_path):
    postfix = start(Postfix)
    ours = start(Alertpost, config(postfix, tmp_path))
    summary = "Größe der Платте ist 満杯: " + "x" * 1200
    assert ours.post(harness.payload(harness.alert(
        {"alertname": "Disk"}, annotations={"summary": summary}), group="Disk"))[0] == 202
    mail = wait_for(postfix.received, "the mail")[0]
    assert mail["Delivered-To"] == "ops@example.org"
    assert mail.get_content_type() == "multipart/alternative"
    assert "Größe der Платте ist 満杯" in mail.get_body(("plain",)).get_content()
    log = postfix.maillog()
    assert "sasl_method=PLAIN, sasl_username=alerts@example.org" in log
    ours.drained()


def test_a_wrong_password_holds_the_mail_until_it_is_right(start, tmp_path):
    postfix = start(Postfix)
    ours = start(Alertpost, config(postfix, tmp_path, password="tr0ub4dor"))
    assert ours.post(harness.payload(harness.alert({"alertname": "Disk"})))[0] == 202
    wait_for(lambda: "authentication failed" in postfix.maillog(), "a refused login")
    assert ours.queued() == 1
    (tmp_path / "password").write_text("correct horse")
    wait_for(postfix.received, "the mail after the correction", 60)
    assert "correct horse" not in ours.output() and "tr0ub4dor" not in ours.output()


def test_an_untrusted_certificate_gets_nothing(start, tmp_path):
    postfix = start(Postfix)
    ours = start(Alertpost, config(postfix, tmp_path).replace(f"ca_file: {postfix.folder / 'cert.pem'}, ", ""))
    assert ours.post(harness.payload(harness.alert({"alertname": "Disk"})))[0] == 202
    wait_for(lambda: "relay fails" in ours.output(), "the log names the reason")
    line = [line for line in ours.output().splitlines() if "relay fails" in line][0]
    assert "certificate" in line
    assert ours.queued() == 1
    assert "sasl_username" not in postfix.maillog()


@pytest.mark.parametrize("mechanism, setting", [("LOGIN", "password"), ("CRAM-MD5", "password"), ("CRAM-MD5", "secret")])
def test_each_mechanism_of_cyrus_sasl_logs_in(start, tmp_path, mechanism, setting):
    postfix = start(Postfix, mechanisms=mechanism)
    ours = start(Alertpost, config(postfix, tmp_path).replace("auth_password_file", f"auth_{setting}_file"))
    if setting == "secret":  # blanks around it belong to it
        (tmp_path / "password").write_text("correct horse")
    assert ours.post(harness.payload(harness.alert({"alertname": "Disk"})))[0] == 202
    wait_for(postfix.received, "the mail")
    login = f"sasl_method={mechanism}, sasl_username=alerts@example.org"
    wait_for(lambda: login in postfix.maillog(), "Postfix's log of the login")
    ours.drained()


def test_mail_waits_while_every_recipient_is_denied_and_leaves_once_we_log_in(start, tmp_path):
    postfix = start(Postfix)
    with_login = config(postfix, tmp_path)
    ours = start(Alertpost, with_login.replace("  smtp_auth_username", "  # "))
    ours.config.write_text(with_login)
    assert ours.post(harness.payload(harness.alert({"alertname": "Disk"})))[0] == 202
    wait_for(lambda: "fault=refused" in ours.output(), "the log names the relay")
    assert "RCPT: 554 5.7.1 <ops@example.org>: " in ours.output()
    assert ours.queued() == 1 and ours.metric("alertpost_queue_mails", state="dead") == 0
    assert harness.request(ours.port, "POST", "/-/reload")[0] == 200
    wait_for(postfix.received, "the mail after the correction")
    ours.drained()


# --- commands behind the dot ---

OPEN = """
smtpd_relay_restrictions = permit_mynetworks, reject
smtpd_recipient_restrictions =
  check_recipient_access inline:{ {no@example.org = 550 5.1.1 nobody of that name} }, permit_mynetworks, reject
smtpd_error_sleep_time = 0
"""


class Wire:
    """Between us and a server on PORT: what we write, read by read.  Nothing moves before open()."""

    def __init__(self, _, port):
        self.target, self.writes, self.gate = port, [], threading.Event()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        try:
            while True:
                ours = self.listener.accept()[0]
                self.gate.wait()
                theirs = socket.create_connection(("127.0.0.1", self.target))
                for source, sink, kept in ((ours, theirs, self.writes), (theirs, ours, [])):
                    threading.Thread(target=self._carry, args=(source, sink, kept), daemon=True).start()
        except OSError:
            pass  # the end

    def _carry(self, source, sink, kept):
        try:
            while data := source.recv(1 << 20):
                kept.append(data)
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def open(self):
        self.gate.set()

    # The shape of the harness's processes.
    class _Log:
        def close(self):
            pass
    log = _Log()

    def running(self):
        return False


@pytest.mark.parametrize("pipelining", ["deep", "grouped"])
def test_postfix_takes_mails_whose_commands_stand_behind_the_dot_of_another(start, pipelining):
    """Some have a recipient that is refused, some no other."""
    postfix = start(Postfix, more=OPEN)
    wire = start(Wire, postfix.port)
    ours = start(Alertpost, harness.simple_config(
        wire.port, f"delivery: {{connections: 1, pipelining: {pipelining}}}", to="'{{ .CommonLabels.to }}'"))
    for n in range(40):
        to = {3: "no@example.org", 7: "no@example.org, ops@example.org"}.get(n % 10, "ops@example.org")
        labels = {"alertname": f"A{n:02}", "to": to}
        assert ours.post(harness.payload(harness.alert(labels), group=f"A{n:02}", commonLabels=labels))[0] == 202
    wire.open()
    ours.drained()
    mails = wait_for(lambda: len(postfix.received()) >= 36 and postfix.received(), "the mails")
    subjects = sorted(mail["Subject"] for mail in mails)
    assert [f"A{n:02}" in subject for n, subject in zip((n for n in range(40) if n % 10 != 3), subjects)] == [True] * 36
    assert len(mails) == 36 and {mail["Delivered-To"] for mail in mails} == {"ops@example.org"}
    assert ours.metric("alertpost_queue_mails", state="dead") == 4
    assert ours.metric("alertpost_smtp_sessions_opened_total") == 1
    assert "deep pipelining" not in ours.output() and "improper command pipelining" not in postfix.maillog()
    behind = sum(b"\r\n.\r\nMAIL FROM" in data for data in wire.writes)
    assert behind > 10 if pipelining == "deep" else behind == 0
