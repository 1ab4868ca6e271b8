# SPDX-License-Identifier: MIT
"""What a sender is answered, and with it whether it tries again: a row for each situation."""

import http.client
import json
import re

import pytest

import harness
from harness import Alertpost, SmtpSink, alert, free_port, payload, wait_for

JSON = {"Content-Type": "application/json"}
TOKEN = {"Authorization": "Bearer t0ken"}
SOURCES = """
sources:
  - {name: github, allow_unauthenticated: true}
  - {name: guarded, type: alertmanager, auth: {bearer_token: t0ken, basic: {username: u, password: p}}}
  - {name: signed, type: github, auth: {hmac: {secrets: [s3cret]}}}
  - {name: small, type: alertmanager, max_body: 300}
  - {name: script, type: json, map: {status: '{{ .state }}', labels: {alertname: '{{ .name }}'}}}
"""


def webhook(name, status="firing"):
    return json.dumps(payload(alert({"alertname": name}, status), group=name)).encode()


def say(server, method, path, body=b"", headers=None):
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    connection.request(method, path, body, {**JSON, **(headers or {})})
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, answer.headers, text


def config(port):
    """With a route whose receiver mails nobody."""
    text = harness.simple_config(port, SOURCES)
    route = "  receiver: mail\n  routes: [{matchers: ['alertname=Watchdog'], receiver: nobody}]\nreceivers:\n  - name: nobody\n"
    return text.replace("  receiver: mail\nreceivers:\n", route)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("contract")
    sink = SmtpSink(folder)
    server = Alertpost(folder / "ours", config(sink.port))
    server.sink = sink
    try:
        assert say(server, "POST", "/hooks/alertmanager", webhook("seen"))[0] == 202
        yield server
        assert server.stop() == 0
    finally:
        if server.running():
            server.child.kill()
        sink.stop()


PING = {"X-GitHub-Event": "ping"}
HOOK = "/hooks/alertmanager"
LONG = json.dumps(payload(alert({"alertname": "x" * 300}))).encode()

# situation: (method, path, body, headers), code, what the answer has
REFUSED = {
    "credentials are missing": (("POST", "/hooks/guarded", webhook("a"), {}), 401, "credentials are missing"),
    "a wrong token": (("POST", "/hooks/guarded", webhook("a"), {"Authorization": "Bearer x"}), 401, "wrong credentials"),
    "a wrong password": (("POST", "/hooks/guarded", webhook("a"), {"Authorization": "Basic dTp4"}), 401, "wrong credentials"),
    "no signature": (("POST", "/hooks/signed", b"{}", {}), 401, "credentials are missing"),
    "a wrong signature": (("POST", "/hooks/signed", b"{}", {"X-Hub-Signature-256": "sha256=" + "0" * 64}), 401,
                          "wrong credentials"),
    "not JSON": (("POST", HOOK, b"{]", {}), 400, "byte 2: "),
    "a wrong shape": (("POST", HOOK, b'{"alerts":1}', {}), 400, "alerts: not an array"),
    "a status that is none": (("POST", "/hooks/script", b'{"state":"odd"}', {}), 400, 'map.status gives "odd"'),
    "an unknown path": (("POST", "/hook/alertmanager", b"{}", {}), 404, "there is nothing here"),
    "an unknown source": (("POST", "/hooks/none", b"{}", {}), 404, "no source of this name"),
    "GET": (("GET", HOOK, b"", {}), 405, "a webhook is sent with POST"),
    "PUT": (("PUT", HOOK, webhook("a"), {}), 405, "a webhook is sent with POST"),
    "a body beyond the source's limit": (("POST", "/hooks/small", LONG, {}), 413, "longer than max_body allows (300)"),
    "a body beyond the limit of all": (("POST", HOOK, b"", {"Content-Length": str((32 << 20) + 1)}), 413, "limits.body allows"),
    "too many labels": (("POST", HOOK, json.dumps(payload(alert({f"l{n}": "" for n in range(257)}))).encode(), {}), 413,
                        "more than limits.labels allows (256)"),
    "another content type": (("POST", HOOK, b"a=b", {"Content-Type": "text/plain"}), 415, "not application/json"),
    "a body that is packed": (("POST", HOOK, b"\x1f\x8b", {"Content-Encoding": "gzip"}), 415, "Content-Encoding"),
}
DONE = {
    "something new": (("POST", HOOK, webhook("new"), {}), 202, {"receiver": "mail", "result": "queued"}),
    "with its credentials": (("POST", "/hooks/guarded", webhook("b"), TOKEN), 202, {"result": "queued"}),
    "a duplicate": (("POST", HOOK, webhook("seen"), {}), 200, {"receiver": "mail", "result": "suppressed"}),
    "for nobody": (("POST", HOOK, webhook("Watchdog"), {}), 200, {"receiver": "nobody", "result": "ignored"}),
    "a ping": (("POST", "/hooks/github", b'{"zen":"x"}', PING), 200,
               {"result": "ignored", "reason": "the event ping is not about a run"}),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_will_never_do_is_a_4xx_with_its_reason_in_a_line(server, name):
    request, code, reason = REFUSED[name]
    before = server.metric("alertpost_notifications_total")
    status, headers, text = say(server, *request)
    assert status == code and headers["Content-Type"] == "application/json"
    assert text.count("\n") == 1 and reason in json.loads(text)["error"], text
    assert ("WWW-Authenticate" in headers) == (code == 401)
    assert ("Allow" in headers) == (code == 405)
    assert "Retry-After" not in headers
    assert server.metric("alertpost_notifications_total") == before


@pytest.mark.parametrize("name", DONE)
def test_what_is_understood_is_a_2xx_and_says_what_became_of_it(server, name):
    request, code, result = DONE[name]
    status, headers, text = say(server, *request)
    assert status == code and headers["Content-Type"] == "application/json" and text.count("\n") == 1, text
    results = json.loads(text)["results"]
    assert len(results) == 1 and results[0].items() >= result.items(), text
    assert ("id" in results[0]) == (code == 202) and ("reason" in results[0]) == (code == 200)


def test_what_is_ignored_is_logged_as_that_and_why(server):
    say(server, "POST", "/hooks/github", b'{"zen":"x"}', PING)
    server.tells('msg=webhook source=github status=ignored alerts=0 .* code=200 result=ignored .*'
                 'reason="the event ping is not about a run"')


def busy(server, body):
    status, headers, text = say(server, "POST", HOOK, body)
    assert status == 503 and int(headers["Retry-After"]) > 0, text
    return json.loads(text)["error"]


def test_what_may_do_later_is_a_503_and_never_a_429(start):
    server = start(Alertpost, harness.simple_config(free_port(), "limits: {queue_mails: 2}"))
    for name in ("a", "b"):
        assert say(server, "POST", HOOK, webhook(name))[0] == 202
    assert busy(server, webhook("c")) == "the queue is full"
    status, headers, text = say(server, "GET", "/-/ready")
    assert status == 503 and int(headers["Retry-After"]) > 0 and "queue is full" in text
    # What is refused for good is so with a full queue as well.
    assert say(server, "POST", "/hooks/none", b"{}")[0] == 404
    assert say(server, "POST", HOOK, b"a", {"Content-Type": "text/plain"})[0] == 415


def test_a_template_that_fails_costs_no_alert(start):
    sink = start(SmtpSink)
    server = start(Alertpost, harness.simple_config(
        sink.port, receiver_more="        text: '{{ (index .Alerts 7).Status }}'\n        html: ''\n"))
    assert say(server, "POST", HOOK, webhook("Lost"))[0] == 202
    server.drained()
    mail = wait_for(sink.received, "the mail")[0][1]
    text = mail.get_body(("plain",)).get_content()
    assert "Lost" in text and re.search("index out of range", text), text
    assert server.metric("alertpost_template_errors_total") >= 1
