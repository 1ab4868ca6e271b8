# SPDX-License-Identifier: MIT
"""dkimpy verifies what we sign: as composed, as it left the daemon, and behind a real Postfix."""

import json
import os
import random
import re
import subprocess

import dkim
import pytest

import harness
from harness import Alertpost, SmtpSink, wait_for
from postfix import Postfix
from test_compose_python import check_bytes, random_text

CONFIG = """
global: {{smtp_from: 'Größe <alerts@mail.example.org>', smtp_smarthost: 'maildir:out'}}
route: {{receiver: mail}}
dkim: {{domain: example.org, selector: s2026, private_key_file: {key}}}
limits: {{labels: 10000}}
receivers:
  - name: mail
    email_configs:
      - to: '{{{{ .CommonAnnotations.to }}}}'
        reply_to: 'Bereitschaft <ops@example.org>'
        headers:
          Subject: '{{{{ .CommonAnnotations.subject }}}}'
          References: '{{{{ .CommonAnnotations.references }}}}'
          X-Other: '{{{{ .CommonAnnotations.subject }}}}'
        text: '{{{{ .CommonAnnotations.text }}}}'
        html: {html}
"""


class Key:
    """A key pair, and its record as a dnsfunc."""

    def __init__(self, folder, bits=2048, name="dkim.pem"):
        self.path = folder / name
        subprocess.run(["openssl", "genrsa", "-out", self.path, str(bits)], check=True, capture_output=True)
        public = subprocess.run(["openssl", "rsa", "-in", self.path, "-pubout"], check=True, capture_output=True).stdout
        self.record = b"v=DKIM1; k=rsa; p=" + b"".join(public.splitlines()[1:-1])

    def verifies(self, raw):
        def record(name, timeout=5):
            return self.record if name == b"s2026._domainkey.example.org." else None
        return dkim.verify(raw, dnsfunc=record)


@pytest.fixture(scope="module")
def key(tmp_path_factory):
    return Key(tmp_path_factory.mktemp("key"))


def render(folder, key, said, html="''"):
    path = folder / "c.yml"
    path.write_text(CONFIG.format(key=key.path, html=html))
    hook = harness.payload(harness.alert({"alertname": "A"}, annotations={"to": "ops@example.org", **said}))
    done = subprocess.run([harness.ALERTPOST, "render", "--config.file", str(path), "--receiver", "mail", "--data", "-"],
                          input=json.dumps(hook).encode(), capture_output=True)
    assert done.returncode == 0, done.stderr.decode()
    assert done.stderr == b""
    return done.stdout


BODIES = {
    "empty": "", "one line end": "\n", "only line ends": "\n\n\n\n", "trailing empty lines": "a\n\n\n", "no end": "a",
    "trailing blanks": "a \t \n \nb  \n  \n", "dots": ".\n..\n.a\n", "long line": "x" * 5000, "long words": "Größe" * 900,
    "wide": "磁盘空间不足" * 300, "tabs": "\ta\t\tb\n", "from": "From here\n>From there\n", "equals": "=" * 500,
    "controls": "a\0b\x01\x7f\r\n\rc", "leading": "\n\n a",
}


@pytest.mark.parametrize("html", ["''", "'<p>{{ .CommonAnnotations.text }}</p>'"], ids=["text", "both"])
@pytest.mark.parametrize("name", BODIES)
def test_bodies_of_every_kind_verify(key, tmp_path, name, html):
    raw = render(tmp_path, key, {"text": BODIES[name], "subject": "s"}, html)
    check_bytes(raw)
    assert key.verifies(raw)


def test_random_mails_verify_and_changed_ones_do_not(key, tmp_path):
    dice = random.Random(1)
    for _ in range(40):
        names = ", ".join(f'"{random_text(dice, 30).translate({34: None, 92: None})}" <n{i}@example.org>'
                          for i in range(dice.randint(1, 30)))
        raw = render(tmp_path, key, {
            "to": names, "subject": random_text(dice, 400), "text": "\n".join(random_text(dice, 200) for _ in range(9)),
            "references": " ".join(f"<{i}@example.org>" for i in range(dice.randint(0, 20)))})
        check_bytes(raw)
        assert key.verifies(raw)
        assert not key.verifies(raw.replace(b"\r\n\r\n", b"\r\n\r\nx", 1))
        assert not key.verifies(b"From: <evil@example.net>\r\n" + raw)
        for field in (b"Subject", b"To", b"Date", b"Reply-To", b"Auto-Submitted", b"Message-ID"):
            assert not key.verifies(re.sub(rb"\r\n" + field + rb": ", rb"\r\n" + field + rb": x", raw, 1)), field
        assert key.verifies(raw.replace(b"\r\nX-Other: ", b"\r\nX-Other: x", 1))  # not ours to vouch for


def test_the_signature_has_the_form_that_receivers_expect(key, tmp_path):
    raw = render(tmp_path, key, {"text": "a", "subject": "s", "references": "<r@example.org>"})
    field = raw.split(b"\r\nDate:")[0].decode()
    assert max(map(len, field.split("\r\n"))) <= 78
    tags = dict(tag.strip().split("=", 1) for tag in re.sub(r"\s+", "", field.removeprefix("DKIM-Signature:")).split(";"))
    assert set(tags) == {"v", "a", "c", "d", "s", "t", "h", "bh", "b"}
    assert (tags["v"], tags["a"], tags["c"], tags["d"], tags["s"]) == (
        "1", "rsa-sha256", "relaxed/relaxed", "example.org", "s2026")
    assert tags["h"].split(":") == ["from", "to", "reply-to", "subject", "date", "message-id", "references", "mime-version",
                                    "content-type", "content-transfer-encoding", "auto-submitted", "from"]


def daemon_config(key, server, more=""):
    return f"dkim: {{domain: example.org, selector: s2026, private_key_file: {key.path}}}\n" + server + more


def received_raw(folder):
    return [path.read_bytes().replace(b"\n", b"\r\n") for path in sorted(folder.iterdir())]


def test_mails_of_the_daemon_verify_where_they_arrive_and_a_rotated_key_signs_the_next(start, tmp_path):
    first = Key(tmp_path)
    sink = start(SmtpSink)
    ours = start(Alertpost, daemon_config(first, harness.simple_config(sink.port)))

    def mail(number):
        assert ours.post(harness.payload(harness.alert(
            {"alertname": f"a{number}"}, annotations={"summary": "Größe ist 満杯. " * number}), group=f"g{number}"))[0] == 202
        wait_for(lambda: len(sink.received()) == number, "the mail")
        return max(received_raw(sink.mails), key=len)  # each is longer than the one before
    for number in range(1, 6):
        assert first.verifies(mail(number))
    second = Key(tmp_path, name="second.pem")
    first.path.write_bytes(second.path.read_bytes())
    rotated = mail(6)
    assert second.verifies(rotated)
    assert not first.verifies(rotated)


def test_a_key_that_is_gone_costs_the_signature_and_not_the_mail(start, tmp_path):
    key = Key(tmp_path)
    sink = start(SmtpSink)
    ours = start(Alertpost, daemon_config(key, harness.simple_config(sink.port)))
    pem = key.path.read_bytes()
    key.path.unlink()
    assert ours.post(harness.payload(harness.alert({"alertname": "a"}), group="g"))[0] == 202
    _, mail = wait_for(sink.received, "the mail")[0]
    assert mail["DKIM-Signature"] is None
    assert ours.metric("alertpost_dkim_errors_total") == 1
    ours.tells(r'level=error msg="mail not signed".* error="dkim: private_key_file: secret file .*: No such file')
    assert harness.request(ours.port, "POST", "/-/reload")[0] == 200
    ours.tells(r'level=warn msg=configuration note=".*dkim.private_key_file: .*No such file .*: mails go out without a sig')
    key.path.write_bytes(pem)
    assert harness.request(ours.port, "POST", "/-/reload")[0] == 200
    assert ours.post(harness.payload(harness.alert({"alertname": "b"}), group="h"))[0] == 202
    wait_for(lambda: len(sink.received()) == 2, "the second mail")
    assert sorted(map(key.verifies, received_raw(sink.mails))) == [False, True]


def check(folder, text):
    (folder / "f.yml").write_text(text)
    done = subprocess.run([harness.ALERTPOST, "check", "f.yml"], cwd=folder, capture_output=True, text=True)
    return done.returncode, done.stderr


def test_check_names_what_is_wrong_with_a_key(tmp_path):
    base = harness.simple_config(25) + "dkim: {domain: example.org, selector: s, private_key_file: k.pem}\n"
    line = base.count("\n")
    place = f"f.yml:{line}:7: dkim.private_key_file: "
    assert check(tmp_path, base) == (0, "warning: " + place + "secret file k.pem: No such file or directory: mails go out "
                                     "without a signature\n")
    (tmp_path / "k.pem").write_text("nothing")
    assert check(tmp_path, base) == (1, place + "no private key in PEM form\n")
    subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", tmp_path / "k.pem"], check=True)
    assert check(tmp_path, base) == (1, place + "not an RSA key\n")
    Key(tmp_path, 1023, "k.pem")
    assert check(tmp_path, base) == (1, place + "the key has 1023 bits, 1024 are the least\n")
    Key(tmp_path, 1024, "k.pem")
    assert check(tmp_path, base) == (0, "warning: " + place + "the key has 1024 bits; receivers expect 2048\n")
    Key(tmp_path, 2048, "k.pem")
    assert check(tmp_path, base) == (0, "")
    subprocess.run(["openssl", "rsa", "-in", tmp_path / "k.pem", "-aes128", "-passout", "pass:x", "-out", tmp_path / "e.pem"],
                   check=True, capture_output=True)
    assert check(tmp_path, base.replace("k.pem", "e.pem")) == (
        1, place + "the key is encrypted\n")
    indented = "".join("    " + one + "\n" for one in (tmp_path / "k.pem").read_text().splitlines())
    inline = base.replace("{domain: example.org, selector: s, private_key_file: k.pem}",
                          "\n  domain: example.org\n  selector: s\n  private_key: |\n" + indented)
    assert check(tmp_path, inline) == (0, "")
    text = base.replace("alerts@example.org", "alerts@elsewhere.example")
    assert "signed for example.org" in check(tmp_path, text)[1]


@pytest.mark.skipif(os.geteuid() != 0, reason="starting a Postfix needs root")
def test_the_bytes_and_the_signature_survive_postfix(start, tmp_path, key):
    postfix = start(Postfix)
    (tmp_path / "password").write_text("correct horse")
    server = harness.simple_config(postfix.port, global_more=f"""
  smtp_auth_username: alerts@example.org
  smtp_auth_password_file: {tmp_path / 'password'}
  smtp_tls_config: {{ca_file: {postfix.folder / 'cert.pem'}, server_name: localhost}}
""").replace("smtp_require_tls: false", "smtp_require_tls: true")
    ours = start(Alertpost, daemon_config(key, server))
    dice = random.Random(2)
    for number in range(20):
        assert ours.post(harness.payload(harness.alert(
            {"alertname": f"a{number}"}, annotations={"summary": random_text(dice, 900), "description": ".\r\n..\n" * number}),
            group=f"g{number}"))[0] == 202
    folder = postfix.folder / "mail" / "all" / "new"
    wait_for(lambda: folder.exists() and len(list(folder.iterdir())) == 20, "the mails", 120)
    for raw in received_raw(folder):
        assert key.verifies(raw)
    ours.drained()
