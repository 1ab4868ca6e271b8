# SPDX-License-Identifier: MIT
"""A disk that takes no more: 503, nothing lost, nothing twice, and on again without a restart."""

import json
import re
import resource
import sqlite3
import subprocess

import pytest

import harness
from harness import Alertpost, SmtpSink, wait_for


class FileLimit:
    """The program may write no further than 8 KB into a file."""

    def __init__(self, folder):
        self.folder = folder

    def fill(self, ours):
        resource.prlimit(ours.child.pid, resource.RLIMIT_FSIZE, (8192, resource.RLIM_INFINITY))

    def free(self, ours):
        resource.prlimit(ours.child.pid, resource.RLIMIT_FSIZE,
                         (resource.RLIM_INFINITY, resource.RLIM_INFINITY))

    def end(self):
        pass


class SmallDisk:
    """A small file system, of which something else takes the rest."""

    def __init__(self, folder, size="2m"):
        self.folder = folder / "disk"
        self.folder.mkdir()
        command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(self.folder)]
        try:
            subprocess.run(command, check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError):
            pytest.skip("mounting needs rights")

    def fill(self, _):
        with open(self.folder / "ballast", "wb", buffering=0) as ballast:
            try:
                while True:
                    ballast.write(b"x" * 4096)
            except OSError:
                pass

    def free(self, _):
        (self.folder / "ballast").unlink()

    def end(self):
        subprocess.run(["umount", "-l", str(self.folder)], check=True)


@pytest.fixture(params=[FileLimit, SmallDisk])
def disk(request, tmp_path):
    made = request.param(tmp_path)
    yield made
    made.end()


def post(ours, number, bulk=1000):
    """The status and the headers of the answer."""
    name = f"r{number}"
    body = harness.payload(harness.alert({"alertname": name}, annotations={"x": "y" * bulk}), group=name)
    return harness.request(ours.port, "POST", "/hooks/alertmanager", json.dumps(body),
                           {"Content-Type": "application/json"})[:2]


def test_a_full_disk_is_answered_with_503_and_costs_no_mail(start, disk):
    sink = start(SmtpSink)
    ours = start(Alertpost, harness.simple_config(sink.port), storage=f"sqlite:{disk.folder}/alertpost.db")
    accepted = {f"r{number}" for number in range(5) if post(ours, number)[0] == 202}
    assert len(accepted) == 5

    disk.fill(ours)
    refused = 0  # in a row: what was freed may be used once more
    for number in range(5, 1000):
        status, headers = post(ours, number)
        if status == 202:
            accepted.add(f"r{number}")
            refused = 0
        else:
            assert (status, headers["Retry-After"]) == (503, "5")
            refused += 1
        if refused == 10:
            break
    assert refused == 10, "the disk never was full"
    assert ours.get("/-/ready") == (503, '{"error":"the storage fails"}\n')
    assert ours.get("/-/healthy")[0] == 200
    assert ours.metric("alertpost_store_errors_total") > 0

    disk.free(ours)
    wait_for(lambda: ours.get("/-/ready")[0] == 200, "ready again")
    ours.tells('msg="storage works again"')
    assert post(ours, 1000)[0] == 202
    accepted.add("r1000")
    ours.drained()
    assert ours.stop() == 0
    wait_for(lambda: len(sink.groups()) >= len(accepted), "all mails")
    assert sorted(sink.groups()) == sorted(accepted)
    with sqlite3.connect(f"{disk.folder}/alertpost.db") as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


@pytest.fixture(name="small_disk")
def make_small_disk(tmp_path):
    made = SmallDisk(tmp_path, "8m")
    yield made
    made.end()


def fill_queue(ours, first=0):
    """Posts until ten in a row are refused; what was accepted."""
    accepted, refused = set(), 0
    for number in range(first, first + 5000):
        if post(ours, number, 20000)[0] == 202:
            accepted.add(f"r{number}")
            refused = 0
        else:
            refused += 1
        if refused == 10:
            return accepted
    raise AssertionError("the disk never was full")


@pytest.mark.parametrize("how", ["running", "restarted", "killed"])
def test_a_disk_that_the_queue_has_filled_drains_by_itself(start, tmp_path, small_disk, how):
    port = harness.free_port()  # nobody is there yet
    options = {"folder": tmp_path / "ours", "storage": f"sqlite:{small_disk.folder}/alertpost.db"}
    config = harness.simple_config(port, more="delivery: {retry: {min: 50ms, max: 100ms}}\n")
    ours = start(Alertpost, config, **options)
    accepted = fill_queue(ours)
    assert len(accepted) > 20
    assert ours.get("/-/ready")[0] == 503
    if how != "running":
        ours.stop(harness.signal.SIGKILL if how == "killed" else harness.signal.SIGTERM)
        ours = start(Alertpost, config, **options)

    sink = start(SmtpSink, port=port)
    ours.drained()
    wait_for(lambda: len(sink.groups()) >= len(accepted), "all mails")
    wait_for(lambda: ours.get("/-/ready")[0] == 200, "ready again", 90)
    assert post(ours, 9000)[0] == 202
    ours.drained()
    assert ours.stop() == 0
    wait_for(lambda: len(sink.groups()) > len(accepted), "the last mail")
    assert sorted(sink.groups()) == sorted(accepted | {"r9000"})
    with sqlite3.connect(f"{small_disk.folder}/alertpost.db") as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def end_of_start(folder, storage, *arguments):
    """The exit status and the output of a start that must fail."""
    config = folder / "alertpost.yml"
    config.write_text(harness.simple_config(25))
    done = subprocess.run([harness.ALERTPOST, "serve", "--config.file", str(config),
                           "--web.listen-address", "127.0.0.1:0", "--storage", storage, *arguments],
                          capture_output=True, timeout=60, check=False)
    return done.returncode, done.stderr.decode()


def test_a_damaged_database_is_moved_aside_or_ends_the_start_as_wished(start, tmp_path):
    sink = start(SmtpSink)
    config = harness.simple_config(sink.port)
    ours = start(Alertpost, config, folder=tmp_path / "ours")
    assert post(ours, 0)[0] == 202
    assert ours.stop() == 0
    path = ours.folder / "alertpost.db"
    damaged = path.read_bytes()[:4096] + b"\xa5" * (path.stat().st_size - 4096)
    path.write_bytes(damaged)
    reason = "database disk image is malformed"

    status, said = end_of_start(tmp_path, f"sqlite:{path}", "--storage.on-corruption=stop")
    assert status == 1 and said.startswith(f"alertpost serve: storage: {path}: ")
    assert said.endswith(f": {reason}\n") and said.count("\n") == 1
    assert path.read_bytes() == damaged
    assert end_of_start(tmp_path, f"sqlite:{path}", "--storage.on-corruption=x") == (
        2, 'alertpost serve: --storage.on-corruption: not one of move, stop: "x" (see alertpost serve --help)\n')

    ours = start(Alertpost, config, folder=tmp_path / "ours")
    moved = min(ours.folder.glob("alertpost.db.corrupt-*"))  # the file, not its log
    ours.tells(f'level=error msg="damaged database moved aside" to={re.escape(str(moved))} reason="{re.escape(str(path))}: ')
    assert moved.read_bytes() == damaged
    assert ours.metric("alertpost_store_damaged_total") == 1
    assert post(ours, 1)[0] == 202
    ours.drained()
    assert ours.stop() == 0
    wait_for(lambda: "r1" in sink.groups(), "the mail")


def test_another_programs_database_is_left_alone(tmp_path):
    path = tmp_path / "a.db"
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE precious(x)")
    content = path.read_bytes()
    assert end_of_start(tmp_path, f"sqlite:{path}") == (
        1, f"alertpost serve: storage: {path}: is another program's database\n")
    assert path.read_bytes() == content
    assert not list(tmp_path.glob("*corrupt*"))


def test_a_second_program_on_the_same_database_does_not_start(start, tmp_path):
    ours = start(Alertpost, harness.simple_config(harness.free_port()), folder=tmp_path / "ours")
    path = ours.folder / "alertpost.db"
    assert end_of_start(tmp_path, f"sqlite:{path}") == (
        1, f"alertpost serve: storage: {path} is in use by process {ours.child.pid}\n")
    (tmp_path / "link.db").symlink_to(path)
    status, said = end_of_start(tmp_path, f"sqlite:{tmp_path}/link.db")
    assert (status, said) == (1, f"alertpost serve: storage: {tmp_path}/link.db: open: database is locked\n")
    assert post(ours, 0)[0] == 202
