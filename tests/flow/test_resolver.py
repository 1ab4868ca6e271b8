# SPDX-License-Identifier: MIT
"""A resolver that never answers, in a mount namespace of its own."""

import os
import pathlib
import socket
import subprocess

import pytest

import harness
from faultserver import FaultServer
from harness import Alertpost, wait_for

SILENT = "127.0.0.77"


def can_have_namespaces():
    return os.geteuid() == 0 and subprocess.run(["unshare", "-m", "true"], capture_output=True).returncode == 0


pytestmark = pytest.mark.skipif(not can_have_namespaces(), reason="no mount namespaces here")


@pytest.fixture
def unanswering(tmp_path):
    """A nameserver that takes questions, and the program that asks it and no other."""
    questions = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    questions.bind((SILENT, 53))
    (tmp_path / "resolv.conf").write_text(f"nameserver {SILENT}\noptions timeout:30 attempts:5\n")
    (tmp_path / "nsswitch.conf").write_text("hosts: dns\n")
    wrapper = tmp_path / "alertpost"
    wrapper.write_text(f"""#!/bin/sh
mount --bind {tmp_path}/resolv.conf /etc/resolv.conf && mount --bind {tmp_path}/nsswitch.conf /etc/nsswitch.conf &&
exec {harness.ALERTPOST} "$@"
""")
    wrapper.chmod(0o755)
    yield questions, wrapper
    questions.close()


class Cut(Alertpost):
    """alertpost in the wrapper's namespace."""

    def __init__(self, folder, config, wrapper, *arguments):
        plain = harness.ALERTPOST
        unshared = pathlib.Path(wrapper).with_name("unshared")
        unshared.write_text(f'#!/bin/sh\nexec unshare -m {wrapper} "$@"\n')
        unshared.chmod(0o755)
        harness.ALERTPOST = str(unshared)
        try:
            super().__init__(folder, config, *arguments)
        finally:
            harness.ALERTPOST = plain


def test_a_relay_whose_name_is_never_resolved_holds_up_nobody(start, unanswering):
    questions, wrapper = unanswering
    with FaultServer() as server:
        more = f"""
  - name: lost
    email_configs: [{{to: x@example.org, smarthost: "mail.lost.example:25"}}]
delivery: {{timeouts: {{connect: 2s}}}}
"""
        text = harness.simple_config(server.port, more).replace(
            "  receiver: mail\n", '  receiver: mail\n  routes: [{receiver: lost, matchers: [n="lost"]}]\n', 1)
        ours = start(Cut, text, wrapper)
        assert ours.post(harness.payload(harness.alert({"alertname": "A", "n": "lost"}), group="lost"))[0] == 202
        questions.settimeout(60)
        while b"lost" not in questions.recv(512):
            pass
        for n in range(20):
            assert ours.post(harness.payload(harness.alert({"alertname": "A"}), group=f"g{n}"))[0] == 202
        wait_for(lambda: len(server.mails) == 20, "the other relay's mails")
        wait_for(lambda: "mail.lost.example:25: connect: no answer within 2 s" in ours.output(), "the fault")
        assert ours.stop(seconds=30) == 0
