# SPDX-License-Identifier: MIT
"""A real Postfix with STARTTLS and AUTH behind us."""

import os

import pytest

import harness
from harness import Alertpost, wait_for
from postfix import Postfix

if os.geteuid() != 0:
    pytest.skip("starting a Postfix needs root", allow_module_level=True)


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
