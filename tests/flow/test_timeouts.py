# SPDX-License-Identifier: MIT
"""Each of delivery.timeouts acts in its phase: it alone is short, all others are minutes."""

import contextlib
import socket

import pytest

import harness
from faultserver import FaultServer
from harness import Alertpost, wait_for

LONG = {name: "10m" for name in ("connect", "greeting", "command", "write", "final_dot", "quit")}
BIG = "x" * 9_000_000  # more than any socket takes by itself

PHASES = {
    "a greeting": ("greeting", {"greeting": "silent"}, "greeting: no answer within 1 s"),
    "EHLO": ("greeting", {"ehlo": "silent"}, "EHLO: no answer within 1 s"),
    "AUTH": ("greeting", {"auth_clear": True, "auth": "silent"}, "AUTH: no answer within 1 s"),
    "MAIL": ("command", {"mail": "silent"}, "no answer within 1 s waiting for the reply to MAIL"),
    "RCPT": ("command", {"rcpt": "silent"}, "no answer within 1 s waiting for the reply to RCPT"),
    "DATA": ("command", {"data": "silent"}, "no answer within 1 s waiting for the reply to DATA"),
    "the mail itself": ("write", {"data": {"reply": "354 go on", "then": "stuck"}},
                        "the server took nothing for 1 s while the mail was being written"),
    "the dot": ("final_dot", {"dot": "silent"}, "no answer within 1 s waiting for the reply to the final dot"),
}


def config(port, short, more=""):
    timeouts = ", ".join(f"{name}: {value}" for name, value in {**LONG, short: "1s"}.items())
    login = "  smtp_auth_username: u\n  smtp_auth_password: p" if more == "login" else ""
    text = harness.simple_config(port, f"delivery: {{idle_close: 100ms, timeouts: {{{timeouts}}}}}",
                                 receiver_more="        html: ''\n        text: '{{ .CommonAnnotations.big }}'",
                                 global_more=login)
    return text + "limits: {mail: 64MiB}\n"


def post(ours, big="small"):
    body = harness.payload(harness.alert({"alertname": "A"}), commonAnnotations={"big": big})
    body["alerts"][0]["annotations"]["big"] = big
    assert ours.post(body)[0] == 202


@pytest.mark.parametrize("phase", PHASES)
def test_a_silent_server_is_given_up_in_each_phase(start, phase):
    name, script, text = PHASES[phase]
    with FaultServer([script], users={"u": "p"} if phase == "AUTH" else None) as server:
        ours = start(Alertpost, config(server.port, name, "login" if phase == "AUTH" else ""))
        post(ours, BIG if name == "write" else "small")
        wait_for(lambda: text in ours.output(), "the end of the wait")
        if name != "write":  # a server that reads nothing does not see it
            wait_for(lambda: 0 in server.ends, "the session's end")
        doubts = 1 if name == "final_dot" else 0
        assert ours.metric("alertpost_smtp_in_doubt_total", relay=f"127.0.0.1:{server.port}") == doubts


def test_a_host_that_does_not_answer_is_given_up(start):
    """The system takes no more connections than the backlog of somebody who accepts none."""
    with contextlib.ExitStack() as stack:
        deaf = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(4):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(deaf.getsockname())
        ours = start(Alertpost, config(deaf.getsockname()[1], "connect"))
        post(ours)
        wait_for(lambda: "connect: no answer within 1 s" in ours.output(), "the end of the wait")


def test_a_server_that_does_not_answer_to_quit_is_left(start):
    with FaultServer([{"quit": "silent"}]) as server:
        ours = start(Alertpost, config(server.port, "quit"))
        post(ours)
        wait_for(lambda: 0 in server.ends, "the session's end")
        assert server.lines()[-1] == "QUIT" and len(server.mails) == 1
        assert server.ends[0] == "closed by the client"
