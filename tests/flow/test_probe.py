# SPDX-License-Identifier: MIT
"""`alertpost probe`, as a container's health check runs it: an exit status, and why."""

import os
import signal
import subprocess

import pytest

import faultserver
import harness
from harness import Alertpost
from webserver import WebServer


def probe(*arguments):
    """(exit status, what it printed)"""
    done = subprocess.run([harness.ALERTPOST, "probe", *map(str, arguments)], capture_output=True, text=True,
                          env={**os.environ, "http_proxy": "http://127.0.0.1:9", "https_proxy": "http://127.0.0.1:9"},
                          timeout=60)
    assert done.stdout == ""
    return done.returncode, done.stderr


def test_a_daemon_that_works_is_healthy_without_a_word_and_one_that_has_gone_is_not(start):
    ours = start(Alertpost, harness.simple_config(harness.free_port()))  # no mail server
    url = f"http://127.0.0.1:{ours.port}/-/ready"
    assert probe(url) == (0, "")
    ours.stop(signal.SIGTERM)
    status, why = probe(url)
    assert status == 1 and why.startswith(f"alertpost probe: {url}: Failed to connect") and why.count("\n") == 1


@pytest.mark.parametrize("answer, expected", [
    ({"status": 200, "body": "x" * 100_000}, (0, "")),
    ({"status": 204}, (0, "")),
    ({"status": 302, "headers": {"Location": "/"}}, (1, "HTTP status 302\n")),
    ({"status": 503, "body": "the storage fails\nmore"}, (1, "HTTP status 503: the storage fails\n")),
    ({"status": 500, "body": "\x1b[31mred\xe4" + "x" * 300}, (1, "HTTP status 500: ?[31mred??" + "x" * 190 + "\n")),
    ({"raw": "SSH-2.0-OpenSSH\r\n"}, (1, "Received HTTP/0.9 when not allowed\n")),
])
def test_only_2xx_is_healthy_and_any_other_answer_gives_one_line(answer, expected):
    with WebServer([answer]) as server:
        url = f"http://127.0.0.1:{server.port}/readyz"
        status, why = probe(url)
        assert (status, why.removeprefix(f"alertpost probe: {url}: ")) == expected


def test_a_daemon_that_does_not_answer_is_given_up_after_the_timeout():
    with WebServer([{"then": "silent"}]) as server:
        status, why = probe("--timeout", "200ms", f"http://127.0.0.1:{server.port}/")
    assert status == 1 and "timed out after 2" in why


def test_over_tls_the_certificate_counts_unless_it_is_said_not_to(tmp_path):
    ca, certificate, key = faultserver.make_certificate(tmp_path / "server", "alertpost.example")
    with WebServer(certificate=certificate, key=key) as server:
        url = f"https://127.0.0.1:{server.port}/-/healthy"
        assert probe("--insecure", url) == (0, "")
        for arguments in ([], ["--ca-file", ca]):  # not signed by anybody known; another name
            status, why = probe(*arguments, url)
            assert status == 1 and "SSL" in why, why


def test_a_client_s_certificate_is_shown_where_one_is_wanted(tmp_path):
    ca, certificate, key = faultserver.make_certificate(tmp_path / "server")
    client_ca, client, client_key = faultserver.make_certificate(tmp_path / "client")
    with WebServer(certificate=certificate, key=key, client_ca=client_ca) as server:
        url = f"https://127.0.0.1:{server.port}/-/healthy"
        assert probe("--ca-file", ca, url)[0] == 1
        assert probe("--ca-file", ca, "--cert-file", client, "--key-file", client_key, url) == (0, "")


@pytest.mark.parametrize("arguments, why", [
    ([], "needs one URL (see alertpost probe --help)"),
    (["http://a/", "http://b/"], "needs one URL (see alertpost probe --help)"),
    (["--timeout", "soon", "http://a/"], '--timeout: not a valid duration string: "soon"'),
    (["--timeout", "0s", "http://a/"], "--timeout: must not be 0"),
    (["127.0.0.1:9725"], "127.0.0.1:9725: not a URL: "),
    (["--wrong", "http://a/"], "unknown option: --wrong"),
])
def test_a_wrong_command_line_is_1_too_since_docker_reserves_2(arguments, why):
    status, said = probe(*arguments)
    assert status == 1 and said.startswith(f"alertpost probe: {why}")
