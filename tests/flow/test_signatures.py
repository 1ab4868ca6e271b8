# SPDX-License-Identifier: MIT
"""What each vendor signs its webhooks with, through the daemon: the right one is let in, and
with anything else nothing happens."""

import base64
import hashlib
import hmac
import time

import pytest

import harness
from harness import Alertpost, SmtpSink, request, wait_for

PAYLOADS = harness.ROOT / "tests/data/payloads"
SECRET = "s3cret of a source"
KEY = bytes(range(24))
WHSEC = "whsec_" + base64.b64encode(KEY).decode()
SOURCES = """
sources:
  - {name: github, auth: {hmac: {secret_files: [old, new]}}}
  - {name: gitea, type: github, auth: {hmac: {header: X-Gitea-Signature, prefix: '', secret_files: [new]}}}
  - {name: flux, auth: {hmac: {algorithm: sha512, secret_files: [new]}}}
  - {name: grafana, auth: {hmac: {timestamp_header: X-Grafana-Alerting-Timestamp, secret_files: [new]}}}
  - {name: gitlab, auth: {header: {value_file: new}, standard_webhooks: {secret_files: [whsec]}}}
"""


def digest(message, algorithm="sha256", key=SECRET.encode()):
    return hmac.new(key, message, algorithm)


def github(body):
    return {"X-GitHub-Event": "workflow_run", "X-Hub-Signature-256": "sha256=" + digest(body).hexdigest()}


def gitea(body):
    return {"X-GitHub-Event": "workflow_run", "X-Gitea-Signature": digest(body).hexdigest()}


def flux(body):
    return {"X-Signature": "sha512=" + digest(body, hashlib.sha512).hexdigest()}


def grafana(body, now=None):
    stamp = str(int(now or time.time()))
    return {"X-Grafana-Alerting-Timestamp": stamp,
            "X-Grafana-Alerting-Signature": digest(stamp.encode() + b":" + body).hexdigest()}


def gitlab_token(body):
    return {"X-Gitlab-Token": SECRET}


def standard(body, now=None):
    stamp = str(int(now or time.time()))
    signed = digest(b"msg_1." + stamp.encode() + b"." + body, key=KEY).digest()
    return {"webhook-id": "msg_1", "webhook-timestamp": stamp,
            "webhook-signature": "v1,AAAA v1," + base64.b64encode(signed).decode()}


# source, how it signs, its payload, the header that proves it
VENDORS = [
    ("github", github, "github-failure", "X-Hub-Signature-256"),
    ("gitea", gitea, "github-failure", "X-Gitea-Signature"),
    ("flux", flux, "flux-error", "X-Signature"),
    ("grafana", grafana, "grafana-firing", "X-Grafana-Alerting-Signature"),
    ("gitlab", gitlab_token, "gitlab-pipeline-failed", "X-Gitlab-Token"),
    ("gitlab", standard, "gitlab-job-failed", "webhook-signature"),
]


def load(name):
    return (PAYLOADS / f"{name}.json").read_bytes()


@pytest.fixture
def server(start, tmp_path):
    sink = start(SmtpSink)
    for name, text in [("old", "another"), ("new", SECRET + "\n"), ("whsec", WHSEC)]:
        (tmp_path / name).write_text(text)
    server = start(Alertpost, harness.simple_config(sink.port, SOURCES), folder=tmp_path)
    server.sink, server.secrets = sink, tmp_path
    return server


def send(server, source, body, headers):
    status, headers, answer = request(server.port, "POST", f"/hooks/{source}", body,
                                      {"Content-Type": "application/json", **headers})
    return status, headers.get("WWW-Authenticate"), answer.decode()


def refused(server, source):
    return server.metric("alertpost_webhook_auth_failures_total", source=source)


@pytest.mark.parametrize("source, sign, payload, header", VENDORS, ids=[row[1].__name__ for row in VENDORS])
def test_only_what_its_vendor_signed_becomes_a_mail(server, source, sign, payload, header):
    body = load(payload)
    good = sign(body)
    wrong = [
        {},
        {name: value for name, value in good.items() if name != header},
        {**good, header: good[header][:-4] + "AAAA"},
        {**good, header: ""},
        {**sign(body.replace(b"e", b"a", 1)), **({header: "x"} if sign is gitlab_token else {})},
        {"Authorization": f"Bearer {SECRET}"},
    ]
    for headers in wrong:
        status, challenge, answer = send(server, source, body, headers)
        assert status == 401 and 'realm="alertpost"' in challenge, (headers, answer)
    assert refused(server, source) == len(wrong)
    assert server.queued() == 0 and not server.sink.received()
    status, challenge, answer = send(server, source, body, good)
    assert (status, challenge) == (202, None), answer
    server.drained()
    assert len(wait_for(server.sink.received, "the mail")) == 1


@pytest.mark.parametrize("source, sign", [("grafana", grafana), ("gitlab", standard)])
def test_what_was_signed_long_ago_is_not_taken_again(server, source, sign):
    body = load("grafana-firing" if source == "grafana" else "gitlab-job-failed")
    for shift in (-400, 400):
        status, _, answer = send(server, source, body, sign(body, time.time() + shift))
        assert (status, answer) == (401, '{"error":"the signature\'s timestamp is too far from now"}\n')
    assert server.queued() == 0
    assert send(server, source, body, sign(body, time.time() - 200))[0] == 202


def test_a_secret_is_rotated_without_a_reload(server):
    body = load("github-failure")
    assert send(server, "gitea", body, gitea(body))[0] == 202
    (server.secrets / "new").write_text("the next one")
    assert send(server, "gitea", body, gitea(body))[0] == 401
    for empty in ("", "\n"):
        (server.secrets / "new").write_text(empty)
        for key in (b"", b"\n"):
            signature = digest(body, key=key).hexdigest()
            assert send(server, "gitea", body, {"X-Gitea-Signature": signature})[0] == 401
    (server.secrets / "new").unlink()
    assert send(server, "gitea", body, gitea(body))[0] == 503
    server.tells(r'msg="cannot check credentials" source=gitea error="secret file .*/new: No such file')


def test_no_secret_and_no_signature_reaches_the_log(server):
    body = load("github-failure")
    signatures = [github(body)["X-Hub-Signature-256"], github(b"other")["X-Hub-Signature-256"]]
    for signature in signatures:
        send(server, "github", body, {"X-GitHub-Event": "workflow_run", "X-Hub-Signature-256": signature})
    server.tells('code=401.*reason="wrong credentials"')
    for text in [SECRET, WHSEC, *(signature[10:] for signature in signatures)]:
        assert text not in server.output()
