# SPDX-License-Identifier: MIT
"""The life of the pods in deploy/kubernetes, sidecars above all, as their manifests say it, with plain
processes: arguments, volumes, users and probes are the manifest's, the mail server is smtp.example.org."""

import json
import os
import signal
import threading

import pytest

import harness
from container import ENTRYPOINT, NameServer, needs_namespaces, own_network, rootfs
from faultserver import FaultServer, make_certificate
from harness import ROOT, Alertmanager, request, wait_for
from kubelet import Pod, documents

pytestmark = needs_namespaces

# As deploy/kubernetes/README.md has them made.
SECRETS = {"alertpost": {"smtp-password": "the password\n"}, "alertpost-webhook": {"webhook-token": "the token\n"}}


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    target = tmp_path_factory.mktemp("image") / "rootfs"
    rootfs(target, harness.ALERTPOST)
    return target


@pytest.fixture
def network():
    with own_network():
        yield NameServer()


class Site:
    """smtp.example.org, who wants TLS and a password, and the files that lead there."""

    def __init__(self, folder):
        self.files = make_certificate(folder / "tls", "smtp.example.org")
        (folder / "resolv.conf").write_text("nameserver 127.0.0.1\n")
        self.mounts = {"/etc/ssl/certs/ca-certificates.crt": (self.files[0], "ro"),
                       "/etc/resolv.conf": (folder / "resolv.conf", "ro")}

    def server(self):
        return FaultServer(certificate=self.files[1], key=self.files[2], port=587,
                           users={"alertpost@example.org": "the password"})


def post(name, token=None):
    headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {token}"} if token else {})}
    body = json.dumps(harness.payload(harness.alert({"alertname": name}, starts_at="2026-01-01T00:00:00Z"), group=name))
    return request(9725, "POST", "/hooks/alertmanager", body, headers)[0]


def arrived(server, name):
    mail, = wait_for(lambda: list(server.mails), f"the mail about {name}")
    assert mail["tls"] and mail["user"] == "alertpost@example.org"
    assert name in harness.parse_mail(mail["data"])["Subject"]


@pytest.fixture
def sidecar(start, tmp_path, root, network):
    pod = Pod(tmp_path / "pod", root, documents((ROOT / "deploy/kubernetes/sidecar.yaml").read_text()), "StatefulSet", SECRETS)
    site = Site(tmp_path)
    return pod, site, lambda: pod.run(start, "alertpost", ENTRYPOINT, site.mounts)


def test_what_a_sidecar_has_queued_when_it_is_told_to_end_goes_out_after_its_restart(sidecar):
    pod, site, run = sidecar
    first = run()
    assert post("Queued") == 202  # nobody listens at smtp.example.org:587
    assert first.stop(seconds=pod.spec["terminationGracePeriodSeconds"]) == 0
    with site.server() as server:
        run()
        arrived(server, "Queued")


def test_what_a_killed_sidecar_had_queued_goes_out_after_its_restart(sidecar):
    _, site, run = sidecar
    first = run()
    assert post("Killed") == 202
    first.tells("relay fails")

    def waits():
        listed = first.execute(*ENTRYPOINT, "queue", "list", "--json")
        return [mail["state"] for mail in json.loads(listed.stdout)] != ["claimed"]
    wait_for(waits, "the mail is not on its way")  # that would be in doubt for a minute
    first.stop(9)
    with site.server() as server:
        run()
        arrived(server, "Killed")


def test_what_alertmanager_posts_to_the_sidecar_beside_it_is_mailed(sidecar, start):
    pod, site, run = sidecar
    config = (pod.volumes["alertmanager-config"].folder / "alertmanager.yml").read_text()
    with site.server() as server:
        run()
        beside = start(Alertmanager, config.replace("route:\n", "route:\n  group_wait: 1s\n", 1))
        beside.post([{"labels": {"alertname": "Beside"}}])
        arrived(server, "Beside")


def test_a_sidecar_follows_its_config_map(sidecar):
    pod, site, run = sidecar
    ours = run()
    text = (pod.volumes["config"].folder / "alertpost.yml").read_text()
    pod.volumes["config"].put({"alertpost.yml": text.replace("operations@", "night@")})
    ours.tells("configuration reloaded")
    with site.server() as server:
        assert post("Changed") == 202
        arrived(server, "Changed")
        assert server.mails[0]["recipients"] == ["night@example.org"]


def test_a_sidecar_s_listener_is_reached_from_its_pod_only_and_its_health_from_outside(sidecar):
    pod, _, run = sidecar
    run()
    listening = {(line.split()[1]) for table in ("tcp", "tcp6")
                 for line in open(f"/proc/thread-self/net/{table}") if line.split()[3] == "0A"}
    by_port = {int(address.split(":")[1], 16): address.split(":")[0] for address in listening}
    assert by_port[9725] == "0100007F"                   # 127.0.0.1
    assert set(by_port[9726]) == {"0"}                   # everywhere
    assert "readinessProbe" not in pod.container("alertpost")


def test_without_a_volume_alertmanager_keeps_what_is_not_delivered(start, tmp_path, root, network):
    manifests = documents((ROOT / "deploy/kubernetes/operator.yaml").read_text())
    pod, site = Pod(tmp_path / "pod", root, manifests, "Alertmanager", SECRETS), Site(tmp_path)
    first = pod.run(start, "alertpost", ENTRYPOINT, site.mounts)
    answers = []
    waiting = threading.Thread(target=lambda: answers.append(post("Kept")))
    waiting.start()
    first.tells("mail queued")
    assert first.stop() == 0
    waiting.join(60)
    assert answers == [503]
    with site.server() as server:
        pod.run(start, "alertpost", ENTRYPOINT, site.mounts)
        assert post("Kept") == 202
        arrived(server, "Kept")
        assert len(server.mails) == 1


def test_a_service_s_pod_asks_for_its_token_and_serves_until_the_service_has_noticed_its_end(
        start, tmp_path, root, network):
    manifests = documents((ROOT / "deploy/kubernetes/alertpost.yaml").read_text())
    pod, site = Pod(tmp_path / "pod", root, manifests, "Deployment", SECRETS), Site(tmp_path)
    probe = pod.container("alertpost")["readinessProbe"]["httpGet"]["path"]
    with site.server() as server:
        ours = pod.run(start, "alertpost", ENTRYPOINT, site.mounts)
        assert post("Closed") == 401 and post("Open", "the token") == 202
        arrived(server, "Open")
        assert request(9726, "GET", probe)[0] == 200
        os.kill(ours.pid, signal.SIGTERM)
        wait_for(lambda: request(9726, "GET", probe)[0] == 503, "it is not ready any more")
        assert post("Late", "the token") == 202
        assert ours.child.wait(pod.spec["terminationGracePeriodSeconds"]) == 0
        assert len(server.mails) == 2
