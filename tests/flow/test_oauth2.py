# SPDX-License-Identifier: MIT
"""Logging in with OAuth2: a scripted token endpoint, and a mail server that knows tokens.
(Debian has no server that takes XOAUTH2; the mechanisms' bytes are in the unit tests.)"""

import contextlib
import json
import urllib.parse

import pytest

import harness
from faultserver import FaultServer, make_certificate
from harness import Alertpost, wait_for
from webserver import WebServer

USER = "alerts@example.org"
SECRET = "cl1ent-s3cret"


def granted(token, **more):
    return {"body": json.dumps({"access_token": token, "token_type": "Bearer", "expires_in": 3600, **more})}


@pytest.fixture
def certificates(tmp_path):
    return make_certificate(tmp_path / "tls")


def mail_server(certificates, tokens, *scripts):
    authority, certificate, key = certificates
    return FaultServer(scripts or [{"auth_line": "AUTH LOGIN XOAUTH2"}], certificate, key, {USER: "unused"},
                       tokens=tokens)


def config(mail_port, authority, oauth2, delivery="connections: 1, mails_per_connection: 1"):
    return harness.simple_config(
        mail_port, more=f"delivery: {{retry: {{min: 100ms, max: 300ms}}, {delivery}}}",
        global_more=f"  smtp_tls_config: {{ca_file: {authority}}}\n  smtp_auth_username: {USER}\n"
                    f"  smtp_auth_oauth2: {{{oauth2}}}").replace("smtp_require_tls: false", "smtp_require_tls: true")


def client(port, more=""):
    return f"client_id: c 1, client_secret: {SECRET}, token_url: 'http://127.0.0.1:{port}/token'{more}"


def post(ours, n):
    assert ours.post(harness.payload(harness.alert({"alertname": "A", "n": str(n)}), group=f"g{n}"))[0] == 202


def form_of(request):
    return dict(urllib.parse.parse_qsl(request["body"]))


def assert_silent(ours, *secrets):
    assert ours.stop() == 0
    for secret in secrets:
        assert secret not in ours.output()


@pytest.mark.parametrize("line, mechanism", [("AUTH LOGIN XOAUTH2", "XOAUTH2"),
                                             ("auth xoauth2 plain oauthbearer", "OAUTHBEARER")])
def test_many_sessions_log_in_with_the_token_of_one_request(start, certificates, line, mechanism):
    with WebServer([{**granted("t0ken-1"), "delay": 0.2}]) as endpoint, \
            mail_server(certificates, {"t0ken-1"}, {"auth_line": line, "dot": {"delay": 0.05}}) as server:
        more = ", scopes: [a b, c], endpoint_params: {resource: 'x&y'}"
        ours = start(Alertpost, config(server.port, certificates[0], client(endpoint.port, more), "connections: 4"),
                     "--log.level", "debug")
        for n in range(40):
            post(ours, n)
        wait_for(lambda: len(server.mails) == 40, "the mails", 60)
        assert {(mail["user"], mail["tls"]) for mail in server.mails} == {(USER, True)}
        assert len(endpoint.requests) == 1
        request = endpoint.requests[0]
        assert form_of(request) == {"grant_type": "client_credentials", "client_id": "c 1",
                                    "client_secret": SECRET, "scope": "a b c", "resource": "x&y"}
        assert request["headers"]["Content-Type"] == "application/x-www-form-urlencoded"
        assert {line.split()[1] for line in server.lines() if line.startswith("AUTH")} == {mechanism}
        assert_silent(ours, "t0ken-1", SECRET)


def test_a_token_that_is_refused_is_replaced_at_once(start, certificates):
    tokens = {"t0ken-1"}
    with WebServer([granted("t0ken-1"), granted("t0ken-2")]) as endpoint, mail_server(certificates, tokens) as server:
        ours = start(Alertpost, config(server.port, certificates[0], client(endpoint.port)))
        post(ours, 1)
        wait_for(lambda: server.mails, "the first mail")
        tokens.clear()
        tokens.add("t0ken-2")
        post(ours, 2)
        wait_for(lambda: len(server.mails) == 2, "the second mail")
        assert len(endpoint.requests) == 2
        assert_silent(ours, "t0ken-1", "t0ken-2", SECRET)
        assert "relay fails" not in ours.output()


def test_a_new_token_that_is_refused_pauses_the_relay(start, certificates):
    with WebServer([granted("t0ken-1")]) as endpoint, mail_server(certificates, set()) as server:
        ours = start(Alertpost, config(server.port, certificates[0], client(endpoint.port)))
        post(ours, 1)
        wait_for(lambda: "fault=auth" in ours.output(), "the fault")
        assert "AUTH: 535 5.7.8 wrong user or password" in ours.output()
        assert len(endpoint.requests) == 1
        assert ours.queued() == 1
        assert_silent(ours, "t0ken-1", SECRET)


NO_TOKEN = [
    ({"status": 401, "body": json.dumps({"error": "invalid_client", "error_description": f"no {SECRET}\r\nhere"})},
     "HTTP 401: invalid_client: no ***  here"),
    ({"status": 500, "body": "<html>"}, "HTTP 500: the answer holds no access_token"),
    ({"body": json.dumps({"access_token": "a b"})}, "HTTP 200: the answer holds no access_token"),
    ({"then": "drop"}, "Empty reply from server"),
    ({"body": "x" * 300000}, "the answer is larger than 262144 bytes"),
]


def test_an_endpoint_that_gives_no_token_pauses_the_relay_and_is_asked_again(start, certificates):
    """All of them at once, because each pause is 5 s long."""
    with contextlib.ExitStack() as stack:
        played = []
        for answer, text in NO_TOKEN:
            # The client's secret is tried in a header, too.
            answers = [answer] * (2 if answer.get("status") == 401 else 1)
            endpoint = stack.enter_context(WebServer(answers + [granted("t0ken-1")]))
            server = stack.enter_context(mail_server(certificates, {"t0ken-1"}))
            ours = start(Alertpost, config(server.port, certificates[0], client(endpoint.port)))
            post(ours, 1)
            ours.tells("fault=auth")
            assert f"AUTH: OAuth2: token_url http://127.0.0.1:{endpoint.port}/token: {text}" in ours.output()
            assert not server.lines()
            played.append((server, ours))
        for server, ours in played:
            wait_for(lambda server=server: server.mails, "the mail, after the pause")
            assert_silent(ours, "t0ken-1", SECRET)


def test_a_client_whose_secret_belongs_into_a_header_gets_its_token(start, certificates):
    wrong = {"status": 401, "body": '{"error": "invalid_client"}'}
    with WebServer([wrong, granted("t0ken-1")]) as endpoint, mail_server(certificates, {"t0ken-1"}) as server:
        ours = start(Alertpost, config(server.port, certificates[0], client(endpoint.port)))
        post(ours, 1)
        wait_for(lambda: server.mails, "the mail")
        assert "client_secret" in form_of(endpoint.requests[0])
        assert "client_secret" not in form_of(endpoint.requests[1])
        assert endpoint.requests[1]["headers"]["Authorization"] == "Basic YyUyMDE6Y2wxZW50LXMzY3JldA=="


def test_a_refresh_token_is_exchanged_and_its_successor_used_next(start, certificates, tmp_path):
    (tmp_path / "refresh").write_text("r3fresh-1\n")
    with WebServer([granted("t0ken-1", expires_in=0, refresh_token="r3fresh-2"),
                    granted("t0ken-1", expires_in="0")]) as endpoint, \
            mail_server(certificates, {"t0ken-1"}) as server:
        oauth2 = f"client_id: c, refresh_token_file: {tmp_path / 'refresh'}, token_url: 'http://127.0.0.1:{endpoint.port}/'"
        ours = start(Alertpost, config(server.port, certificates[0], oauth2))
        for n in range(3):
            post(ours, n)
            wait_for(lambda: len(server.mails) == n + 1, "the mail")
        assert [form_of(request) for request in endpoint.requests] == [
            {"grant_type": "refresh_token", "client_id": "c", "refresh_token": f"r3fresh-{which}"}
            for which in (1, 2, 2)]
        assert_silent(ours, "t0ken-1", "r3fresh")


def test_a_token_from_a_file_is_read_at_every_login(start, certificates, tmp_path):
    token = tmp_path / "token"
    token.write_text("t0ken-1\n")
    tokens = {"t0ken-1"}
    with mail_server(certificates, tokens) as server:
        ours = start(Alertpost, config(server.port, certificates[0], f"token_file: {token}"))
        post(ours, 1)
        wait_for(lambda: server.mails, "the first mail")
        tokens.clear()
        tokens.add("t0ken-2")
        token.write_text("t0ken-2\n")
        post(ours, 2)
        wait_for(lambda: len(server.mails) == 2, "the second mail")
        token.unlink()
        post(ours, 3)
        wait_for(lambda: "OAuth2: token_file: " in ours.output(), "the fault")
        assert_silent(ours, "t0ken-1", "t0ken-2")


def test_a_silent_endpoint_holds_up_its_own_relay_only(start, certificates):
    with WebServer([{"then": "silent"}]) as endpoint, mail_server(certificates, set()) as server, \
            FaultServer() as other:
        text = harness.simple_config(other.port, receiver_more=f"""
  - name: token
    email_configs:
      - to: x@example.org
        smarthost: 127.0.0.1:{server.port}
        require_tls: true
        tls_config: {{ca_file: {certificates[0]}}}
        auth_username: {USER}
        auth_oauth2: {{{client(endpoint.port)}}}
""").replace("  receiver: mail\n", '  receiver: mail\n  routes: [{receiver: token, matchers: [n="1"]}]\n', 1)
        ours = start(Alertpost, text)
        post(ours, 1)
        wait_for(lambda: endpoint.requests, "the request")
        post(ours, 2)
        wait_for(lambda: other.mails, "the other relay's mail")
        assert not server.lines()
        assert ours.stop(seconds=20) == 0
