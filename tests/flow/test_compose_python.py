# SPDX-License-Identifier: MIT
"""What compose writes, Python's email package reads: exactly what went in, and nothing else."""

import email.header
import email.policy
import email.utils
import html.parser
import json
import pathlib
import random
import re
import subprocess
import unicodedata

import pytest

import harness
from faultserver import FaultServer

MAILS = 10
HEADERS = 1000  # and as many names, in one mail

CONFIG = """
global: {{smtp_from: Alerts <alerts@example.org>, smtp_smarthost: 'maildir:out'}}
limits: {{labels: 100000, recipients: 10000}}
route: {{receiver: mail}}
receivers:
  - name: mail
    email_configs:
      - to: {to}
        headers:
          Subject: '{{{{ .CommonAnnotations.subject }}}}'
{headers}
        text: '{{{{ .CommonAnnotations.text }}}}'
        html: '{{{{ .CommonAnnotations.html | safeHtml }}}}'
"""


@pytest.fixture(scope="module")
def render(tmp_path_factory):
    """render(config, annotations, labels, form) -> the output of `alertpost render`."""
    folder = tmp_path_factory.mktemp("render")

    def run(config, annotations, labels=None, form="eml"):
        (folder / "c.yml").write_text(config)
        said = harness.payload(harness.alert({"alertname": "A", **(labels or {})}, annotations=annotations))
        done = subprocess.run([harness.ALERTPOST, "render", "--config.file", str(folder / "c.yml"), "--receiver", "mail",
                               "--data", "-", "--format", form], input=json.dumps(said).encode(), capture_output=True)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout
    return run


BLOCKS = [(0x20, 0x7E), (0x20, 0x7E), (0xA0, 0x24F), (0x370, 0x3FF), (0x400, 0x52F), (0x590, 0x6FF), (0x2010, 0x2027),
          (0x3040, 0x30FF), (0x4E00, 0x9FFF), (0xAC00, 0xD7A3), (0xE000, 0xE0FF), (0x1F300, 0x1F64F), (0xFFF0, 0xFFFD)]


def random_text(dice, longest):
    blocks = dice.sample(BLOCKS, dice.randint(1, 3))
    text = "".join(chr(dice.randint(*dice.choice(blocks))) for _ in range(dice.randint(1, longest)))
    for piece in dice.sample(["=?utf-8?q?x?=", "=?", "?=", "\r\n", "\n", "\r", "\t", "\x01", "  ", "\x7f", "\x85", "\u2028"], 2):
        if dice.random() < 0.2:
            place = dice.randint(0, len(text))
            text = text[:place] + piece + text[place:]
    return text


def cleaned(text):
    """What a value is on one line: controls are blanks, none at the ends."""
    text = re.sub("\r\n?", "\n", text)
    return re.sub("[\x00-\x1f\x7f-\x9f\u2028\u2029]", " ", text).strip(" ")


def check_bytes(raw):
    assert raw.isascii()
    assert b"\r" not in raw.replace(b"\r\n", b"") and b"\n" not in raw.replace(b"\r\n", b"")
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    mail = harness.parse_mail(raw)
    for part in mail.walk():
        assert not part.defects
    names = [name.lower() for name in mail.keys()]
    assert len(names) == len(set(names))
    return mail


def quoted(name):
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'


def body(part):
    return part.get_content().replace("\r\n", "\n")


@pytest.mark.parametrize("seed", range(MAILS))
def test_random_texts_names_and_bodies_read_as_they_were_written(render, seed):
    dice = random.Random(seed)
    headers = "\n".join(f"          X-R-{i}: '{{{{ .CommonAnnotations.h{i} }}}}'" for i in range(HEADERS))
    config = CONFIG.format(to="'{{ .CommonAnnotations.to }}'", headers=headers)
    said = {f"h{i}": random_text(dice, 120) for i in range(HEADERS)}
    said["subject"] = random_text(dice, 300)
    said["text"] = "\n".join(random_text(dice, 200) for _ in range(50))
    said["html"] = "<p>" + said["text"]
    names = [cleaned(random_text(dice, 40).replace("=?", "")) for _ in range(HEADERS)]
    said["to"] = ", ".join(f"{quoted(name)} <n{i}@example.org>" for i, name in enumerate(names))
    raw = render(config, said)
    mail = check_bytes(raw)
    for i in range(HEADERS):
        assert mail.get(f"X-R-{i}", "") == cleaned(said[f"h{i}"]), i
    assert mail["Subject"] == cleaned(said["subject"])
    assert [one.addr_spec for one in mail["To"].addresses] == [f"n{i}@example.org" for i in range(HEADERS)]
    assert names_of(raw) == names
    text, html = mail.iter_parts()
    want = re.sub("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]", " ", re.sub("\r\n?", "\n", said["text"]))
    assert body(text) == want
    assert body(html) == "<p>" + want


def names_of(raw):
    """The display names of To; the new policy of Python 3.11 puts blanks between encoded words of a name."""
    to = email.message_from_bytes(raw, policy=email.policy.compat32)["To"]
    return [str(email.header.make_header(email.header.decode_header(name))) for name, _ in email.utils.getaddresses([to])]


EMAILS = 250  # of one receiver
WEBHOOKS = 20
LISTED = ("from", "to", "cc", "reply_to")

EMAIL = """
      - from: '{{{{ .CommonAnnotations.from{i} }}}}'
        to: '{{{{ .CommonAnnotations.to{i} }}}}'
        cc: '{{{{ .CommonAnnotations.cc{i} }}}}'
        bcc: 'hidden <hidden@example.org>'
        reply_to: '{{{{ .CommonAnnotations.reply_to{i} }}}}'
        headers: {{Subject: '{{{{ .CommonAnnotations.subject{i} }}}}', X-Text: '{{{{ .CommonAnnotations.x{i} }}}}', X-Number: '{i}'}}
        text: '{{{{ .CommonAnnotations.text{i} }}}}'
        html: '{{{{ .CommonAnnotations.html{i} | safeHtml }}}}'
"""


def random_body(dice):
    """Lines of every kind, words that are far too long, line ends of every system, controls, halves of surrogates."""
    lines = [random_text(dice, dice.choice((1, 20, 90, 400))) for _ in range(dice.randint(0, 8))]
    lines += dice.sample(["", "", ".", "..", ".x", "From a", " ", "\t", "a ", "a\t", "=", "=3D", "--", "--=_x", "\ufeffa", "\x1b[2J",
                          "\ud800", "\udfffx", "e\u0301" * 60, "x" * dice.randint(70, 80), "y" * 3000, "\U0001f525" * 600,
                          "é" * dice.randint(20, 30), " " * 100, "a b " * 40], dice.randint(0, 5))
    dice.shuffle(lines)
    return dice.choice(("\n", "\r\n", "\n", "\r")).join(lines) + dice.choice(("", "\n", "\r\n\r\n"))


def body_of(text):
    """What a body is: lines, and blanks for controls; what is no character is U+FFFD, as it is in JSON for intake."""
    text = re.sub("[\ud800-\udfff\0]", "\ufffd", re.sub("\r\n?", "\n", text))
    return re.sub("[\x01-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]", " ", text)


def decoded(part):
    return part.get_payload(decode=True).decode("utf-8").replace("\r\n", "\n")


def header_of(mail, name):
    unfolded = mail.get(name, "").replace("\r\n", "")
    return str(email.header.make_header(email.header.decode_header(unfolded)))


def check_mail(raw, said, number):
    assert raw.isascii()
    assert b"\r" not in raw.replace(b"\r\n", b"") and b"\n" not in raw.replace(b"\r\n", b"")
    lines = raw.split(b"\r\n")
    assert max(map(len, lines)) <= 998
    assert all(len(line) <= 78 or len(line.split(b" ")[-1]) > 60 for line in lines)  # only a long word is not folded
    mail = email.message_from_bytes(raw, policy=email.policy.compat32)
    assert header_of(mail, "Subject") == cleaned(said[f"subject{number}"])
    assert header_of(mail, "X-Text") == cleaned(said[f"x{number}"])
    assert "hidden" not in raw.partition(b"\r\n\r\n")[0].decode()
    for field in LISTED:
        name = email.utils.getaddresses([mail[field.replace("_", "-")]])[0][0]
        assert str(email.header.make_header(email.header.decode_header(name))) == said[f"name {field}{number}"]
    text, html = mail.get_payload()
    assert [part.get_content_type() for part in (text, html)] == ["text/plain", "text/html"]
    assert not (mail.defects or text.defects or html.defects)
    assert decoded(text) == body_of(said[f"text{number}"])
    assert decoded(html) == body_of(said[f"html{number}"])


def random_webhook(dice):
    said = {}
    for i in range(EMAILS):
        for field in LISTED:
            name = cleaned(random_text(dice, 40).replace("=?", ""))
            said[f"name {field}{i}"] = name
            said[f"{field}{i}"] = f"{quoted(name)} <{field}@example.org>"
        said[f"subject{i}"], said[f"x{i}"] = random_text(dice, 200), random_text(dice, 200)
        said[f"text{i}"] = random_body(dice) or "x"
        said[f"html{i}"] = random_body(dice) or "x"
    return said


def test_ten_thousand_bodies_arrive_as_they_were_written(start):
    """Through the daemon and over SMTP; and as many subjects and names."""
    dice = random.Random(4)
    with FaultServer() as server:
        ours = start(harness.Alertpost, f"""
global: {{smtp_smarthost: '127.0.0.1:{server.port}', smtp_require_tls: false}}
limits: {{labels: 100000, recipients: 10}}
route: {{receiver: mail}}
receivers:
  - name: mail
    email_configs:
""" + "".join(EMAIL.format(i=i) for i in range(EMAILS)), storage="memory:")
        for webhook in range(WEBHOOKS):
            said = random_webhook(dice)
            hook = harness.payload(harness.alert({"alertname": "A"}, annotations=said), group=f"g{webhook}")
            assert ours.post(hook)[0] in (200, 202)
            wanted = (webhook + 1) * EMAILS
            harness.wait_for(lambda wanted=wanted: len(server.mails) == wanted, "the mails", 120)
            for mail in server.mails[-EMAILS:]:
                number = re.search(rb"^X-Number: (\d+)\r$", mail["data"], re.M)[1].decode()
                check_mail(mail["data"], said, number)


HOSTILE = {
    "crlf": "a\r\nBcc: evil@example.net\r\n\r\nbody",
    "end": "a\r\n.\r\nMAIL FROM:<evil@example.net>\r\n",
    "quotes": "\"'`\\ <b> \"; evil@example.net, \"x",
    "script": "</title></style><script>alert(1)</script><img src=x onerror=alert(1)>",
    "attribute": "x\" onmouseover=\"alert(1)' onclick='alert(2)",
    "javascript": "javascript:alert(1)",
    "angle": "x> RCPT TO:<evil@example.net",
    "group": "evil: evil@example.net;",
    "comment": "(a) <!-- -->",
    "boundary": "\r\n--=_\r\nContent-Type: text/html\r\n\r\n<script>",
    "nul": "a\0b",
    "encoded": "=?utf-8?q?=0D=0ABcc:_evil@example.net?=",
    "surrogate": "\ud800 \udfff",
    "bidi": "\u202egnp.exe\u2066 \u200b \u2028 \u0085 \ufffe",
    "long": "x" * 1_000_000,
    "wide": "\U0001f525" * 100_000,
}

EVERYWHERE = """
global: {smtp_from: 'Alerts {{ .CommonLabels.v }} <alerts@example.org>', smtp_smarthost: 'maildir:out'}
route: {receiver: mail}
receivers:
  - name: mail
    email_configs:
      - to: 'Team {{ .CommonLabels.v | len }} <ops@example.org>, "{{ .CommonLabels.v }}" <two@example.org>, {{ .CommonLabels.v }}@example.net'
        cc: '{{ .CommonLabels.v }} <three@example.org>'
        allowed_domains: [example.org]
        headers:
          Subject: '{{ .CommonLabels.v }}'
          X-Where: '{{ .CommonLabels.v }}'
          Reply-To: '"{{ .CommonLabels.v }}" <reply@example.org>'
          References: '<{{ .CommonLabels.v }}>'
        text: '{{ .CommonLabels.v }}'
        html: '<html><body title="{{ .CommonLabels.v }}"><p>{{ .CommonLabels.v }}</p><a href="{{ .CommonLabels.v }}">x</a></body></html>'
"""

EXPECTED = {"date", "from", "to", "cc", "reply-to", "subject", "message-id", "auto-submitted", "references", "x-where",
            "x-auto-response-suppress", "x-alertpost-receiver", "x-alertpost-status", "mime-version", "content-type"}


class Tags(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.seen = []

    def handle_starttag(self, tag, attributes):
        self.seen.append((tag, sorted(name for name, _ in attributes)))


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_label_adds_no_header_recipient_or_tag(render, name):
    value = HOSTILE[name]
    mail = check_bytes(render(EVERYWHERE, {}, {"v": value}))
    assert {key.lower() for key in mail.keys()} <= EXPECTED
    shown = [one.addr_spec for field in ("From", "To", "Cc", "Reply-To") for one in
             (mail[field].addresses if mail[field] else [])]
    assert all(one.endswith("@example.org") for one in shown), shown
    assert [one.addr_spec for one in mail["From"].addresses] == ["alerts@example.org"]
    assert "ops@example.org" in shown
    parts = list(mail.iter_parts())
    assert [part.get_content_type() for part in parts] == ["text/plain", "text/html"]
    tags = Tags()
    tags.feed(parts[1].get_content())
    assert tags.seen == [("html", []), ("body", ["title"]), ("p", []), ("a", ["href"])]


ALERTMANAGERS = pathlib.Path("/usr/share/prometheus/alertmanager/email.tmpl")


@pytest.mark.skipif(not ALERTMANAGERS.exists(), reason="Debian's Alertmanager is not installed")
def test_the_text_made_of_alertmanagers_own_html_has_all_that_is_in_it(render):
    config = CONFIG.format(to="ops@example.org", headers="          X-A: a").replace(
        "        text: '{{ .CommonAnnotations.text }}'\n", "").replace(
        "'{{ .CommonAnnotations.html | safeHtml }}'", '\'{{ template "email.default.html" . }}\\n\'') + f"templates: ['{ALERTMANAGERS}']\n"
    lines = body(check_bytes(render(config, {"summary": "Größe <5%> & \"more\"", "runbook_url": "https://example.org/?a=1&b=2"},
                                    {"severity": "critical"})).get_body(("plain",))).splitlines()
    for line in ("[1] Firing", "Labels", "alertname = A", "severity = critical", "Annotations",
                 "summary = Größe <5%> & \"more\"", "runbook_url = https://example.org/?a=1&b=2",
                 "Source <http://prometheus.example/graph?g0.expr=up>", "Sent by Alertmanager <http://alertmanager.example>"):
        assert line in lines, lines
    assert not any("{" in line or "font-family" in line for line in lines)


def test_every_category_of_character_survives_a_subject(render):
    config = CONFIG.format(to="ops@example.org", headers="          X-A: a")
    characters = [chr(code) for code in range(0xA0, 0x30000) if unicodedata.category(chr(code)) not in ("Cs", "Cn")
                  and code not in (0x2028, 0x2029)]
    for start in range(0, len(characters), len(characters) // 12):
        subject = "a" + "".join(characters[start:start + len(characters):97])[:900] + "z"
        mail = check_bytes(render(config, {"subject": subject, "text": "", "html": ""}))
        assert mail["Subject"] == subject
