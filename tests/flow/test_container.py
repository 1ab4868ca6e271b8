# SPDX-License-Identifier: MIT
"""The container image: small, and at home where it may write to one folder only."""

import json
import os
import pathlib
import re
import shutil
import signal
import stat
import subprocess

import pytest

import harness
from container import ENTRYPOINT, Container, NameServer, needs_namespaces, own_network, rootfs
from harness import ROOT, SmtpSink, request, wait_for

STATE = "/var/lib/alertpost"


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """The root filesystem, and what the script that makes it prints."""
    target = tmp_path_factory.mktemp("image") / "build" / "rootfs"
    target.parent.mkdir()
    yield target, rootfs(target, harness.ALERTPOST)


class Builder:
    """buildah with a storage of its own."""

    def __init__(self, folder):
        self.command = ["buildah", "--storage-driver", "vfs", "--root", folder / "root", "--runroot", folder / "run"]

    def __call__(self, *arguments):
        done = subprocess.run([*self.command, *arguments], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture(scope="module")
def image(root, tmp_path_factory):
    """The Dockerfile's final stage, built over that root filesystem: (folder, configuration)."""
    builder = Builder(tmp_path_factory.mktemp("buildah"))
    builder("bud", "--isolation", "chroot", "--format", "docker", "--build-context", f"build={root[0].parent}",
            "-f", ROOT / "deploy/container/Dockerfile", "-t", "alertpost", ROOT)
    config = json.loads(builder("inspect", "--type", "image", "alertpost"))["Docker"]["config"]
    container = builder("from", "alertpost").strip()
    yield builder("mount", container).strip(), config
    builder("rm", container)


def test_the_root_filesystem_is_small_and_is_what_is_printed(root):
    folder, printed = root
    listed = {name: int(size) for size, name in re.findall(r"^ *(\d+)  (/.*)$", printed, re.M)}
    there = {f"/{path.relative_to(folder)}": path.stat().st_size for path in folder.rglob("*")
             if path.is_file() and not path.is_symlink()}
    assert listed == there
    files, size = re.search(r"^rootfs: (\d+) files, ([\d.]+) MB$", printed, re.M).groups()
    assert int(files) == len(there) and float(size) == round(sum(there.values()) / 1e6, 1)
    assert float(size) <= 40
    print(printed.splitlines()[-1])


def test_nothing_in_it_can_be_run_but_the_program(root):
    folder, _ = root
    modes = {path: path.lstat() for path in folder.rglob("*") if not path.is_symlink()}
    programs = [path for path, status in modes.items() if stat.S_ISREG(status.st_mode) and status.st_mode & 0o111
                and ".so" not in path.name]
    assert programs == [folder / "usr/bin/alertpost"]
    assert not [path for path, status in modes.items() if status.st_mode & (stat.S_ISUID | stat.S_ISGID)]
    writable = {str(path.relative_to(folder)) for path, status in modes.items()
                if status.st_mode & 0o002 or status.st_uid == 65532}
    assert writable == {"tmp", STATE[1:]}


def test_every_library_in_it_has_its_package_and_its_licence(root):
    folder, _ = root
    known = {path.name for path in (folder / "var/lib/dpkg/status.d").iterdir()}
    assert {"libc6", "libcurl4", "libgmime-3.0-0", "ca-certificates", "tzdata"} <= known
    for name in known:
        assert f"Package: {name}\n" in (folder / "var/lib/dpkg/status.d" / name).read_text()
        assert (folder / "usr/share/doc" / name / "copyright").stat().st_size > 0


def test_the_image_says_how_it_is_run(image):
    folder, config = image
    project = re.search(r"project\(alertpost VERSION (\S+)", (ROOT / "CMakeLists.txt").read_text())[1]
    assert config["Labels"]["org.opencontainers.image.version"] == project
    assert config["User"] == "65532:65532" and config["StopSignal"] == "SIGTERM"
    assert config["Entrypoint"] == ENTRYPOINT
    assert list(config["Volumes"]) == [config["WorkingDir"]] == [STATE]
    assert set(config["ExposedPorts"]) == {"9725/tcp", "9726/tcp"}
    status = os.stat(folder + STATE)
    assert (status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode)) == (65532, 65532, 0o750)


CONFIG = """
sources:
  - name: alertmanager
    auth: {bearer_token_file: /etc/alertpost/token}
"""


def files(tmp_path, smtp_port):
    """What an engine mounts: configuration, state, the network's files."""
    etc, state = tmp_path / "etc", tmp_path / "state"
    etc.mkdir()
    state.mkdir()
    shutil.chown(state, 65532, 65532)
    text = harness.simple_config(smtp_port, CONFIG).replace("127.0.0.1", "mail.example.test")
    (etc / "alertpost.yml").write_text(text)
    (etc / "token").write_text("let me in\n")
    (tmp_path / "resolv.conf").write_text("nameserver 127.0.0.1\n")
    (tmp_path / "hosts").write_text("127.0.0.1 localhost pod\n")
    return {"/etc/alertpost": (etc, "ro"), STATE: (state, "rw"), "/etc/hosts": (tmp_path / "hosts", "ro"),
            "/etc/resolv.conf": (tmp_path / "resolv.conf", "ro")}


@needs_namespaces
def test_it_serves_and_sends_with_a_read_only_root_and_stops_on_its_signal(start, image, tmp_path):
    folder, config = image
    with own_network():
        names, sink = NameServer(), start(SmtpSink)
        ours = start(Container, folder, config["Entrypoint"] + config["Cmd"], config["User"],
                     files(tmp_path, sink.port), dict(pair.split("=", 1) for pair in config["Env"]),
                     workdir=config["WorkingDir"])
        health = config["Healthcheck"]["Test"]
        assert health[0] == "CMD"
        wait_for(lambda: ours.running() and ours.execute(*health[1:]).returncode == 0, "healthy")
        status = pathlib.Path(f"/proc/{ours.pid}/status").read_text()
        assert re.search(r"^Uid:\s65532\s65532\s", status, re.M) and re.search(r"^CapEff:\s0+$", status, re.M)
        assert re.search(r"^NSpid:\s\d+\s1$", status, re.M), "it is process 1"

        post = json.dumps(harness.payload(harness.alert({"alertname": "Disk"}), group="Disk")).encode()
        type_of = {"Content-Type": "application/json"}
        assert request(9725, "POST", "/hooks/alertmanager", post, type_of)[0] == 401
        let_in = {**type_of, "Authorization": "Bearer let me in"}
        assert request(9725, "POST", "/hooks/alertmanager", post, let_in)[0] == 202
        (recipients, mail), = wait_for(sink.received, "the mail")
        assert recipients == ["ops@example.org"] and "Disk" in mail["Subject"]
        assert "mail.example.test" in names.asked

        queue = ours.execute("/usr/bin/alertpost", "queue", "list", "--state", "any")
        assert queue.returncode == 0 and "delivered" in queue.stdout + queue.stderr, queue
        assert ours.stop(getattr(signal, config["StopSignal"])) == 0
        assert sorted(path.name for path in (tmp_path / "state").iterdir())[0] == "alertpost.db"
