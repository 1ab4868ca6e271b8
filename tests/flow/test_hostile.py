# SPDX-License-Identifier: MIT
"""Nothing a sender puts in a label escapes: not into a header, a recipient, a tag or a link."""

import html.parser
import re

import pytest

import harness
from harness import Alertpost, SmtpSink, wait_for

HOSTILE = {
    "crlf": "a\r\nBcc: evil@example.net\r\n\r\nbody",
    "lf": "a\nX-Evil: 1\n.\nMAIL FROM:<evil@example.net>",
    "cr": "a\rX-Evil: 1",
    "quotes": "\"'`\\ <b> \"; evil@example.net, \"x",
    "script": "</title></style><script>alert(1)</script><img src=x onerror=alert(1)>",
    "javascript": "javascript:alert(1)",
    "data-url": "data:text/html,<script>alert(1)</script>",
    "address": "x@example.org, evil@example.net",
    "angle": "x> RCPT TO:<evil@example.net",
    "group": "evil: evil@example.net;",
    "nul": "a\0b\0<script>",
    "template": "{{ .Labels }} {{ template \"x\" }}",
    "encoded-word": "=?utf-8?q?=0D=0ABcc:_evil@example.net?=",
    "dot": ".\n..\n.\r\n.",
    "bidi": "\u202egnp.exe\u2066 \u200b \u2028 \u0085 \ufffe",
    "controls": "".join(map(chr, range(1, 32))) + "\x7f\x80\x9f",
    "long": "x" * 1_000_000,
    "long-words": "<a> & é " * 125_000,
    "astral": "\U0001f525" * 5000,
}

HEADERS = {"to", "from", "subject", "date", "message-id", "mime-version", "content-type", "auto-submitted",
           "x-auto-response-suppress", "references", "in-reply-to", "x-where", "reply-to",
           "content-transfer-encoding", "x-alertpost-receiver", "x-alertpost-status", "thread-index"}
# What smtp-sink writes above the mail.
SINK = {"x-client-addr", "x-client-proto", "x-helo-args", "x-mail-args", "x-rcpt-args", "received"}

RECEIVER = """
        from: 'Alerts {{ .CommonLabels.v }} <alerts@example.org>'
        headers:
          X-Where: '{{ .CommonLabels.v }} {{ .GroupLabels.v }}'
          Reply-To: '"{{ .CommonAnnotations.v }}" <reply@example.org>'
          Subject: '{{ .Status }} {{ .CommonLabels.v }}'
        html: '<html lang="{{ .CommonLabels.v }}"><head><title>{{ .CommonLabels.v }}</title><style>p { color: {{ .CommonLabels.v }}; }</style></head>
          <body title="{{ .CommonLabels.v }}"><a href="{{ .CommonAnnotations.v }}">{{ .CommonLabels.v }}</a>
          <a href="/x?q={{ .CommonLabels.v }}" class={{ .CommonLabels.v }}>x</a>
          {{ range .Alerts }}<p style="color: {{ .Labels.v }}">{{ range .Labels.SortedPairs }}{{ .Name }}={{ .Value }} {{ end }}</p>
          <img src="{{ .GeneratorURL }}">{{ end }}{{ template "email.default.html" . }}</body></html>'
        text: '{{ range .Alerts }}{{ .Labels.v }} {{ .Annotations.v }}{{ end }}'
"""


class Tags(html.parser.HTMLParser):
    """Fails on whatever could run."""

    def __init__(self):
        super().__init__()
        self.tags = set()

    def handle_starttag(self, tag, attributes):
        self.tags.add(tag)
        assert tag not in ("script", "iframe", "object", "embed", "form", "base"), tag
        for name, value in attributes:
            assert not name.startswith("on"), (tag, name, value)
            if name in ("href", "src"):
                scheme = re.match(r"([^/?#]*):", value or "")
                assert not scheme or scheme[1].lower() in ("http", "https", "mailto"), (tag, name, value[:80])


def body_of(value):
    labels = {"alertname": "A", "v": value}
    said = harness.payload(harness.alert(labels, annotations={"v": value, "summary": value, "runbook_url": value},
                                         generatorURL=value),
                           group=value, receiver=value, externalURL=value)
    said["groupLabels"] = {"alertname": "A", "v": value}
    return said


def check(recipients, mail, allowed):
    assert sorted(recipients) == sorted(allowed)
    names = [name.lower() for name in mail.keys() if name.lower() not in SINK]
    assert set(names) <= HEADERS, set(names) - HEADERS
    assert len(names) == len(set(names)), names
    assert "evil@example.net" not in [one.addr_spec for one in mail["To"].addresses]
    assert [one.addr_spec for one in mail["From"].addresses] == ["alerts@example.org"]
    for part in mail.walk():
        assert not part.defects, part.defects
        if part.get_content_type() == "text/html":
            tags = Tags()
            tags.feed(part.get_content())
            assert {"html", "body"} <= tags.tags


def raw_mails(sink):
    return [path.read_bytes() for path in sink.mails.iterdir()]


@pytest.fixture(scope="module")
def peers(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hostile")
    sink = SmtpSink(folder)
    ours = Alertpost(folder / "ours", harness.simple_config(sink.port, to="ops@example.org").replace(
        "        send_resolved: true\n", "        send_resolved: true\n" + RECEIVER, 1))
    yield ours, sink
    assert ours.stop() == 0
    sink.stop()


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_value_gives_a_well_formed_mail(peers, name):
    ours, sink = peers
    before = len(sink.received())
    status, answer = ours.post(body_of(HOSTILE[name]))
    assert status == 202, answer
    wait_for(lambda: len(sink.received()) > before, "the mail")
    ours.drained()
    check(*sink.received()[-1], ["ops@example.org"])
    for data in raw_mails(sink):
        assert max(map(len, data.split(b"\n"))) <= 998 + 1
        assert b"\0" not in data


@pytest.mark.parametrize("body", [
    b'{"alerts": [{"status": "firing", "labels": {"alertname": "A", "v": "\xff\xfe<script>\xc3"}}]}',
    b'{"alerts": [{"status": "firing", "labels": {"alertname": "A", "v": "\\u0000\\ud800x"}}]}',
])
def test_bytes_that_are_not_utf8_become_replacement_characters(peers, body):
    ours, sink = peers
    before = len(sink.received())
    status, answer = ours.post(body)
    if status == 400:  # a lone surrogate is not JSON text
        assert answer["error"]
        return
    assert status == 202, answer
    wait_for(lambda: len(sink.received()) > before, "the mail")
    check(*sink.received()[-1], ["ops@example.org"])


@pytest.mark.parametrize("name", ["crlf", "lf", "quotes", "angle", "nul", "group", "long", "address"])
def test_a_recipient_from_a_label_never_becomes_another_recipient_of_the_envelope_by_injection(start, name):
    sink = start(SmtpSink)
    ours = start(Alertpost, harness.simple_config(
        sink.port, to="'{{ .CommonLabels.v }}'", more="delivery: {postmaster: postmaster@example.org}")
        .replace("        send_resolved: true\n",
                 "        send_resolved: true\n        allowed_domains: [example.org]\n", 1))
    status, answer = ours.post(body_of(HOSTILE[name]))
    assert status == 202, answer
    wait_for(sink.received, "a mail")
    ours.drained()
    for recipients, mail in sink.received():
        assert set(recipients) <= {"x@example.org", "postmaster@example.org"}, recipients
        assert "x-evil" not in mail and "bcc" not in mail


def test_json_that_is_not_a_webhook_is_refused_with_a_reason(peers):
    ours, _ = peers
    for body in (b"", b"{", b"[]", b"null", b'"x"', b'{"alerts": 1}', b'{"alerts": [1]}',
                 b'{"alerts": [{"labels": []}]}', b'{"alerts": [{"labels": {"a": 1}}]}',
                 b'{"alerts": []} x', b"[" * 100_000):
        status, answer = ours.post(body)
        assert status == (413 if body.startswith(b"[[") else 400), (body[:40], status, answer)
        assert answer["error"] and "\n" not in answer["error"]
