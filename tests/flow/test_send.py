# SPDX-License-Identifier: MIT
"""`alertpost send`: one mail from the command line, through the real ways of the daemon."""

import base64
import json
import os
import subprocess

import pytest

import harness
from faultserver import FaultServer
from harness import SmtpSink
from postfix import Postfix, make_certificate

PASSWORD = "correct horse"


def send(*words, stdin=b"", cwd=None):
    """(exit status, lines of the standard output, standard error)"""
    done = subprocess.run([harness.ALERTPOST, "send", *map(str, words)], input=stdin, capture_output=True, timeout=120,
                          cwd=cwd)
    return done.returncode, done.stdout.decode().splitlines(), done.stderr.decode()


def plain(port, *words, **options):
    return send("--smarthost", f"127.0.0.1:{port}", "--require-tls=false", "--from", "Ärger <alerts@example.org>", *words,
                **options)


def content(part):
    return part.get_content().replace("\r\n", "\n")


@pytest.fixture
def server():
    """server(scripts, ...) -> a FaultServer that is stopped at the end."""
    made = []

    def make(*scripts, **options):
        made.append(FaultServer(scripts or ({},), **options))
        return made[-1]
    yield make
    for one in made:
        one.stop()


def test_a_mail_from_the_command_line_is_what_its_words_say(start, tmp_path):
    sink = start(SmtpSink)
    (tmp_path / "body.html").write_text("<p>Größe: <a href='https://example.org/'>link</a></p>")
    status, out, err = plain(
        sink.port, "--to", "Jürgen <a@example.org>, b@example.org", "--to", "c@bücher.example", "--cc", "d@example.org",
        "--bcc", "secret@example.org", "--reply-to", "ops@example.org", "--subject", "Über 満杯", "--html-file",
        tmp_path / "body.html", "--header", "X-Team: Größe", "--header", "X-Empty:")
    assert (status, err) == (0, "")
    assert out == [f"delivered: {address} by 127.0.0.1:{sink.port}: 250 2.0.0 Ok" for address in
                   ("a@example.org", "b@example.org", "c@xn--bcher-kva.example", "d@example.org", "secret@example.org")]
    (recipients, mail), = sink.received()
    assert len(recipients) == 5
    assert mail["From"] == "Ärger <alerts@example.org>"
    assert mail["To"] == "Jürgen <a@example.org>, b@example.org, c@xn--bcher-kva.example"
    assert (mail["Cc"], mail["Reply-To"], mail["Subject"], mail["X-Team"]) == (
        "d@example.org", "ops@example.org", "Über 満杯", "Größe")
    assert "secret" not in mail.as_string().partition("\nDate:")[2]  # before it is what smtp-sink writes
    assert content(mail.get_body(("plain",))) == "Größe: link <https://example.org/>\n"


def test_texts_can_come_from_the_standard_input(start):
    sink = start(SmtpSink)
    assert plain(sink.port, "--to", "a@example.org", "--text-file", "-", stdin="Grüße\n.\n".encode())[0] == 0
    (_, mail), = sink.received()
    assert content(mail) == "Grüße\n.\n"
    assert mail["Subject"] == "Test mail"


def test_the_conversation_is_shown_without_secrets(server, tmp_path):
    certificate, key = make_certificate(tmp_path)
    (tmp_path / "password").write_text(PASSWORD)
    token = base64.b64encode(f"\0alerts\0{PASSWORD}".encode()).decode()
    for mechanism in ("PLAIN", "LOGIN", "CRAM-MD5"):
        peer = server({"auth_line": f"AUTH {mechanism}"}, certificate=certificate, key=key, users={"alerts": PASSWORD})
        secret = "--auth-secret-file" if mechanism == "CRAM-MD5" else "--auth-password-file"
        status, out, err = send(
            "-v", "--smarthost", f"localhost:{peer.port}", "--tls-ca-file", certificate, "--from", "alerts@example.org",
            "--auth-username", "alerts", secret, tmp_path / "password", "--to", "a@example.org", "--text", "x\n" * 500)
        text = "\n".join(out)
        assert (status, err) == (0, ""), text
        assert peer.mails[0]["user"] == "alerts"
        said = [line.partition(": ")[2] for line in out if line.startswith("C: ")]
        assert [line for line in said if line in peer.lines()] == [line for line in peer.lines() if line in said or "AUTH" not in line]
        assert f"C: AUTH {mechanism}" in text and "S: 235 2.7.0 welcome" in out and "S: 220 2.0.0 go ahead" in out
        assert "C: ***" in text or "C: AUTH PLAIN ***" in text
        for hidden in (PASSWORD, token, base64.b64encode(PASSWORD.encode()).decode()):
            assert hidden not in text
        assert "C: Subject: Test mail" in out and "C: [lines: 500, bytes: 1500]" in out and "C: ." in out
        assert out[-1] == f"delivered: a@example.org by localhost:{peer.port}: 250 2.0.0 queued as 1"


def test_a_refused_recipient_is_the_last_line_and_the_others_get_the_mail(server):
    peer = server({"rcpt": ["250 ok", "550 5.1.1 no such user", "250 ok"]})
    status, out, _ = plain(peer.port, "--to", "a@example.org,b@example.org,c@example.org")
    assert status == 1
    where = f"by 127.0.0.1:{peer.port}"
    assert out == [f"delivered: a@example.org {where}: 250 2.0.0 queued as 1",
                   f"delivered: c@example.org {where}: 250 2.0.0 queued as 1",
                   f"refused: b@example.org {where}: 550 5.1.1 no such user"]
    assert peer.mails[0]["recipients"] == ["a@example.org", "c@example.org"]


FAILURES = {
    "mail refused": ({"dot": "554 5.7.1 spam"}, "refused: a@example.org by {}: 554 5.7.1 spam"),
    "sender refused": ({"mail": "554 5.2.252 SendAsDenied"}, "failed: a@example.org by {}: 554 5.2.252 SendAsDenied"),
    "for now": ({"rcpt": "450 4.2.0 greylisted"}, "deferred: a@example.org by {}: 450 4.2.0 greylisted"),
    "greeting": ({"greeting": "554 5.3.2 go away"}, "failed: a@example.org by {}: greeting: 554 5.3.2 go away"),
    "lost": ({"dot": "drop"}, "in_doubt: a@example.org by {}: the server closed the connection waiting for the reply to the "
                              "final dot"),
    "closed": ({"greeting": "drop"}, "failed: a@example.org by {}: greeting: the server closed the connection"),
    "relaying": ({"rcpt": "554 5.7.1 relay access denied"}, "failed: a@example.org by {}: 554 5.7.1 relay access denied"),
}


@pytest.mark.parametrize("name", FAILURES)
def test_the_last_line_says_what_the_server_said(server, name):
    script, want = FAILURES[name]
    peer = server(script)
    status, out, _ = plain(peer.port, "--to", "a@example.org")
    assert (status, out[-1]) == (1, want.format(f"127.0.0.1:{peer.port}"))
    assert not peer.mails


def test_a_dead_port_is_named():
    port = harness.free_port()
    assert plain(port, "--to", "a@example.org")[:2] == (
        1, [f"failed: a@example.org by 127.0.0.1:{port}: connect: Connection refused"])


def test_a_silent_server_costs_the_timeout_and_no_more(server):
    peer = server({"mail": "silent"})
    status, out, err = plain(peer.port, "--to", "a@example.org", "--timeout", "500ms")
    assert status == 1
    assert err == "alertpost send: cut short after 0.5 s\n"
    assert out[-1].startswith(f"failed: a@example.org by 127.0.0.1:{peer.port}: stopping")


def test_a_certificate_that_is_not_trusted_names_the_option(server, tmp_path):
    certificate, key = make_certificate(tmp_path)
    peer = server(certificate=certificate, key=key)
    words = ["--from", "alerts@example.org", "--to", "a@example.org"]
    status, out, _ = send("--smarthost", f"localhost:{peer.port}", *words)
    assert status == 1
    assert "TLS handshake: SSL certificate problem" in out[-1] and "(--tls-ca-file)" in out[-1]
    status, out, _ = send("--smarthost", f"127.0.0.1:{peer.port}", "--tls-ca-file", certificate, *words)
    assert status == 1
    assert "subject name matches target host name" in out[-1] and "(--tls-server-name)" in out[-1]
    assert send("--smarthost", f"127.0.0.1:{peer.port}", "--tls-ca-file", certificate, "--tls-server-name", "localhost",
                *words)[0] == 0
    assert not any(line.startswith("MAIL") for line in peer.lines(0) + peer.lines(1))


def test_a_server_without_starttls_is_told_in_the_words_of_who_asked(server, tmp_path):
    peer = server()
    line = f"failed: a@example.org by 127.0.0.1:{peer.port}: the server does not offer STARTTLS; {{}} would send mail to it unencrypted"
    words = ["--to", "a@example.org"]
    status, out, _ = send("--smarthost", f"127.0.0.1:{peer.port}", "--from", "alerts@example.org", *words)
    assert (status, out) == (1, [line.format("--require-tls=false")])
    config = configured(tmp_path, peer.port, f"127.0.0.1:{peer.port}")
    config[1].write_text(config[1].read_text().replace("smtp_require_tls: false", "smtp_require_tls: true"))
    assert send(*config, *words)[:2] == (1, [line.format("`require_tls: false`")])


def test_an_address_that_needs_smtputf8_only_goes_where_it_is_offered(server):
    words = ("--to", "jürgen@bücher.example,a@example.org")
    without = server({"capabilities": ["PIPELINING", "8BITMIME"]})
    status, out, _ = plain(without.port, *words)
    assert status == 1
    assert out[-1] == (f"refused: jürgen@xn--bcher-kva.example by 127.0.0.1:{without.port}: 5.6.7 address needs SMTPUTF8, which "
                       "the server does not offer")
    assert without.mails[0]["recipients"] == ["a@example.org"]
    assert not any("SMTPUTF8" in line for line in without.lines())
    offered = server()
    assert plain(offered.port, *words)[0] == 0
    assert any(line.endswith("SMTPUTF8") for line in offered.lines())
    assert plain(offered.port, "--to", "a@bücher.example")[0] == 0
    assert not any(line.endswith("SMTPUTF8") for line in offered.lines(1))
    assert all(mail["data"].isascii() for mail in without.mails + offered.mails)


CONFIG = """
global: {{smtp_smarthost: '127.0.0.1:{port}', smtp_from: 'Alerts <alerts@example.org>', smtp_require_tls: false}}
route: {{receiver: default}}
receivers:
  - name: default
    email_configs: [{{to: default@example.org}}]
  - name: team
    email_configs:
      - to: '{{{{ .CommonLabels.team }}}}@example.org'
        cc: boss@example.org
        smarthost: '{second}'
        headers: {{Subject: 'about {{{{ .CommonLabels.alertname }}}}'}}
        text: 'text {{{{ len .Alerts }}}}'
        html: ''
"""


def configured(folder, port, second):
    (folder / "c.yml").write_text(CONFIG.format(port=port, second=second))
    hook = harness.payload(harness.alert({"alertname": "Disk", "team": "db"}))
    hook["commonLabels"] = {}
    (folder / "hook.json").write_text(json.dumps(hook))
    return ["--config.file", folder / "c.yml"]


def test_a_receivers_real_mail_goes_where_the_daemon_would_send_it(server, tmp_path):
    first, second = server(), server()
    config = configured(tmp_path, first.port, f"127.0.0.1:{second.port}")
    hook = tmp_path / "hook.json"
    assert send(*config, "--receiver", "team", "--data", hook)[0] == 0
    assert second.mails[0]["recipients"] == ["db@example.org", "boss@example.org"]
    mail = harness.parse_mail(second.mails[0]["data"])
    assert (mail["Subject"], mail["X-Alertpost-Receiver"], content(mail)) == ("about Disk", "team", "text 1\n")
    assert send(*config, "--receiver", "team", "--data", hook, "--to", "me@example.org")[0] == 0
    assert second.mails[1]["recipients"] == ["me@example.org"]
    assert harness.parse_mail(second.mails[1]["data"])["Cc"] is None
    assert send(*config, "--receiver", "team", "--data", "-", stdin=hook.read_bytes())[0] == 0
    assert send(*config, "--to", "me@example.org")[0] == 0
    assert harness.parse_mail(first.mails[0]["data"])["From"] == "Alerts <alerts@example.org>"
    assert send(*config, "--receiver", "team", "--to", "me@example.org", "--from", "x@example.org")[0] == 0
    assert second.mails[3]["sender"] == "x@example.org"
    hook.write_text(json.dumps(harness.payload(harness.alert({"alertname": "Disk"}))))
    status, out, err = send(*config, "--receiver", "team", "--data", hook)
    assert (status, out) == (1, [f"delivered: boss@example.org by 127.0.0.1:{second.port}: 250 2.0.0 queued as 5"])
    assert err.startswith("alertpost send: warning: left out: to: @example.org: ")


def test_a_maildir_is_a_mail_server_too(tmp_path):
    status, out, _ = send("--smarthost", f"maildir:{tmp_path}/mail", "--from", "a@example.org", "--to", "b@example.org")
    assert status == 0
    path, = (tmp_path / "mail" / "new").iterdir()
    assert out == [f"delivered: b@example.org by {tmp_path}/mail: stored as new/{path.name}"]
    assert "Delivered-To: b@example.org" in path.read_text()
    config = configured(tmp_path, 25, "maildir:out")
    assert send(*config, "--receiver", "team", "--data", tmp_path / "hook.json", cwd=tmp_path)[0] == 0
    assert len(list((tmp_path / "out" / "new").iterdir())) == 1


WRONG = {
    "no recipient": ([], "needed: --to ADDRESS"),
    "no server": (["--to", "a@example.org", "--from", "a@example.org"], "needed: --config.file FILE or --smarthost HOST:PORT"),
    "no sender": (["--to", "a@example.org", "--smarthost", "h:25"], "needed: --from ADDRESS"),
    "unknown option": (["--frm", "x"], "unknown option: --frm; did you mean --from?"),
    "stray word": (["--to", "a@example.org", "x"], "unexpected argument: x"),
    "timeout": (["--to", "a@example.org", "--timeout", "x"], "--timeout: "),
    "bool": (["--to", "a@example.org", "--smarthost", "h:25", "--require-tls=maybe"], "--require-tls: "),
    "port": (["--to", "a@example.org", "--smarthost", "h:0"], "alertpost send: --smarthost: "),
    "both": (["--to", "a@example.org", "--smarthost", "h:25", "--config.file", "f"], "one or the other"),
    "no file": (["--to", "a@example.org", "--config.file", "/nonexistent.yml"], "/nonexistent.yml: No such file"),
    "two parts": (["--to", "a@example.org", "--text", "x", "--text-file", "y"], "a part is given as text or as a file"),
    "stdin twice": (["--to", "a@example.org", "--html-file", "-", "--text-file", "-"], "only one part can come from"),
    "no body": (["--to", "a@example.org", "--smarthost", "h:25", "--from", "a@b", "--text-file", "/nonexistent"], "/nonexistent"),
    "data alone": (["--data", "x"], "--data needs --receiver NAME"),
    "data and subject": (["--config.file", "f", "--receiver", "r", "--data", "x", "--subject", "s"], "only --to may differ"),
}
MESSAGES = {
    "bad recipient": (["--to", "a@example.org, b"], "to: b: no domain"),
    "two addresses": (["--to", "a@example.org b@example.org"], "more than one address without a comma"),
    "injection": (["--to", "a@example.org>\r\nRCPT TO:<evil@example.net"], "to: a@example.org> RCPT TO:<evil@example.net: "),
    "bcc header": (["--to", "a@example.org", "--header", "Bcc: evil@example.net"], "header Bcc: cannot be set here"),
    "type header": (["--to", "a@example.org", "--header", "Content-Type: text/html"], "header Content-Type: cannot be set here"),
    "signature": (["--to", "a@example.org", "--header", "DKIM-Signature: x"], "header DKIM-Signature: cannot be set here"),
    "header name": (["--to", "a@example.org", "--header", "X A: x"], "header ?: not a header name"),
    "no header": (["--to", "a@example.org", "--header", "x"], "--header: not of the form NAME: VALUE: x"),
}


@pytest.mark.parametrize("name", WRONG)
def test_words_that_make_no_sense_are_told_and_nothing_is_tried(name):
    words, reason = WRONG[name]
    status, out, err = send(*words)
    assert (status, out) == (2, [])
    assert err.startswith("alertpost") and reason in err


@pytest.mark.parametrize("name", MESSAGES)
def test_what_cannot_be_sent_as_asked_is_not_sent_at_all(server, name):
    words, reason = MESSAGES[name]
    peer = server()
    status, out, err = plain(peer.port, *words)
    assert (status, out) == (2, [])
    assert reason in err
    assert peer.connections == 0


def test_what_is_large_or_deep_is_sent_all_the_same(server, tmp_path):
    peer = server()
    (tmp_path / "large.html").write_text("<p>" + "Größe &amp; " * 200_000)
    (tmp_path / "deep.html").write_text("<div><b>" * 100_000 + "in the middle" + "</b></div>" * 100_000)
    (tmp_path / "wild.txt").write_bytes(bytes(range(256)) * 10 + b"\0end\0")
    assert plain(peer.port, "--to", "a@example.org", "--html-file", tmp_path / "large.html")[0] == 0
    assert plain(peer.port, "--to", "a@example.org", "--html-file", tmp_path / "deep.html")[0] == 0
    assert plain(peer.port, "--to", "a@example.org", "--text-file", tmp_path / "wild.txt")[0] == 0
    large, deep, wild = (harness.parse_mail(mail["data"]) for mail in peer.mails)
    assert content(large.get_body(("plain",))) == ("Größe & " * 200_000).strip() + "\n"
    assert content(deep.get_body(("plain",))) == "in the middle\n"
    assert "ABCDEFG" in content(wild) and content(wild).endswith(" end \n")
    (tmp_path / "huge.html").write_text("x" * 11_000_000)
    status, _, err = plain(peer.port, "--to", "a@example.org", "--html-file", tmp_path / "huge.html")
    assert status == 2 and "10485760 are allowed" in err


def test_a_thousand_recipients_get_it_in_transactions_of_a_hundred_and_one_more_is_told(server):
    peer = server()
    everybody = [f"a{i}@example.org" for i in range(1000)]
    status, out, _ = plain(peer.port, "--to", ",".join(everybody[:500]), "--bcc", ",".join(everybody[500:]))
    assert status == 0 and len(out) == 1000
    assert [len(mail["recipients"]) for mail in peer.mails] == [100] * 10
    assert [one for mail in peer.mails for one in mail["recipients"]] == everybody
    status, out, err = plain(peer.port, "--to", ",".join([*everybody, "x@example.org"]))
    assert (status, out) == (2, [])
    assert "to: x@example.org: more recipients than limits.recipients allows" in err


def test_help_lists_the_options():
    status, out, _ = send("--help")
    assert status == 0
    assert all(any(line.strip().startswith(f"--{option}=") for line in out) for option in ("to", "html-file", "smarthost"))


@pytest.mark.parametrize("name", ["serve", "check", "routes", "render", "template", "send", "queue"])
def test_the_help_of_a_command_is_called_as_it_is(name):
    done = subprocess.run([harness.ALERTPOST, name, "--help"], capture_output=True, env={**os.environ, "LC_ALL": "C"})
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.decode().startswith(f"Usage:\n  alertpost {name} [OPTION…]")
    assert "  -h, --help " in done.stdout.decode()


@pytest.mark.skipif(os.geteuid() != 0, reason="starting a Postfix needs root")
def test_postfix_takes_it_over_starttls_with_auth_and_refuses_a_wrong_password(start, tmp_path):
    postfix = start(Postfix, password=PASSWORD)
    secret = tmp_path / "password"
    words = ["-v", "--smarthost", f"127.0.0.1:{postfix.port}", "--tls-ca-file", postfix.folder / "cert.pem",
             "--tls-server-name", "localhost", "--auth-username", "alerts@example.org", "--auth-password-file", secret,
             "--from", "alerts@example.org", "--to", "ops@example.org", "--subject", "Größe", "--html", "<p>ü</p>"]
    secret.write_text(PASSWORD + "\n")
    status, out, err = send(*words)
    assert (status, err) == (0, ""), out
    assert out[-1].startswith(f"delivered: ops@example.org by 127.0.0.1:{postfix.port}: 250 2.0.0 Ok: queued as ")
    mail = harness.wait_for(postfix.received, "the mail")[0]
    assert (mail["Subject"], content(mail.get_body(("html",)))) == ("Größe", "<p>ü</p>")
    secret.write_text("wrong password")
    status, out, err = send(*words)
    text = "\n".join(out)
    assert status == 1
    assert "AUTH: 535 5.7.8 Error: authentication failed" in out[-1]
    assert "wrong password" not in text and "C: AUTH PLAIN ***" in out and "C: MAIL" not in text
