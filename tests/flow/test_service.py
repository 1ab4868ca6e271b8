# SPDX-License-Identifier: MIT
"""What a service manager and the program have to say to each other: sd_notify, the watchdog, passed sockets."""

import contextlib
import ctypes
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import time

import pytest

import harness
from harness import Alertpost, Process, SmtpSink, wait_for

LIBC = ctypes.CDLL(None, use_errno=True)
SEIZE, INTERRUPT, DETACH = 0x4206, 0x4207, 17
ALL_THREADS = 0x40000000


class Manager:
    """The receiving end of NOTIFY_SOCKET; each message is a dictionary."""

    def __init__(self, address):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(address.replace("@", "\0", 1))
        self.env = {"NOTIFY_SOCKET": address}

    def watching(self, seconds):
        return {**self.env, "WATCHDOG_USEC": str(int(seconds * 1e6))}

    def next(self, seconds=60):
        self.socket.settimeout(seconds)
        return dict(line.split("=", 1) for line in self.socket.recv(4096).decode().split("\n"))

    def until(self, key):
        """The next message with this key in it."""
        while key not in (message := self.next()):
            pass
        return message

    def silent(self, seconds):
        with contextlib.suppress(TimeoutError):
            return [self.next(seconds)] == []
        return True

    def drain(self):
        while not self.silent(0.01):
            pass


@pytest.fixture(params=["path", "abstract"])
def any_manager(request, tmp_path):
    name = f"@alertpost-test-{os.getpid()}-{time.monotonic_ns()}"
    manager = Manager(str(tmp_path / "notify") if request.param == "path" else name)
    yield manager
    manager.socket.close()


@pytest.fixture
def manager(tmp_path):
    manager = Manager(str(tmp_path / "notify"))
    yield manager
    manager.socket.close()


def test_the_manager_is_told_of_start_reload_and_end(start, any_manager):
    ours = start(Alertpost, harness.simple_config(start(SmtpSink).port), "--shutdown.timeout", "7s", env=any_manager.env)
    ready = any_manager.next()
    assert ready == {"READY": "1", "STATUS": "Serving; mails queued: 0, dead: 0"}
    assert ours.get("/-/ready")[0] == 200
    before = time.monotonic_ns() // 1000
    ours.child.send_signal(signal.SIGHUP)
    reloading = any_manager.until("RELOADING")
    assert reloading["RELOADING"] == "1" and before <= int(reloading["MONOTONIC_USEC"]) <= time.monotonic_ns() // 1000
    assert any_manager.next() == ready
    ours.config.write_text("route: {\n")
    assert harness.request(ours.port, "POST", "/-/reload")[0] == 500
    assert any_manager.next().keys() == reloading.keys()
    again = any_manager.next()  # the old configuration serves
    assert again["READY"] == "1" and "; configuration not reloaded: " in again["STATUS"] and "alertpost.yml:2" in again["STATUS"]
    assert ours.stop() == 0
    stopping = any_manager.until("STOPPING")
    assert (stopping["STOPPING"], stopping["EXTEND_TIMEOUT_USEC"]) == ("1", "17000000")


def test_a_start_that_fails_is_never_ready(tmp_path, manager):
    (tmp_path / "alertpost.yml").write_text("nonsense: true\n")
    run = subprocess.run([harness.ALERTPOST, "serve"], cwd=tmp_path, env={**os.environ, **manager.env}, capture_output=True)
    assert run.returncode == 1 and manager.silent(0.1)


@pytest.mark.parametrize("address, error", [("vsock:2:3", "NOTIFY_SOCKET is neither a path nor an abstract socket"),
                                            ("/nowhere/notify", "No such file or directory")])
def test_without_a_manager_that_hears_it_serves_all_the_same_and_says_so_once(start, address, error):
    ours = start(Alertpost, harness.simple_config(1), env={"NOTIFY_SOCKET": address})
    ours.tells("msg=started")
    assert ours.get("/-/ready")[0] == 200
    harness.request(ours.port, "POST", "/-/reload")
    assert ours.stop() == 0
    assert re.findall(r'level=warn msg="service manager not told" error="(.*)"', ours.output()) == [error]


def threads(pid, name):
    return [int(path.name) for path in pathlib.Path(f"/proc/{pid}/task").iterdir()
            if (path / "comm").read_text().strip() == name]


@contextlib.contextmanager
def standing_still(tids):
    """Threads that the kernel does not run: a debugger has stopped them."""
    def ptrace(request, tid):
        if LIBC.ptrace(request, tid, 0, 0) != 0:
            pytest.skip(f"may not trace: {os.strerror(ctypes.get_errno())}")
    for tid in tids:
        ptrace(SEIZE, tid)
        ptrace(INTERRUPT, tid)
        os.waitpid(tid, ALL_THREADS)
    try:
        yield
    finally:  # or nobody but us could see them end
        for tid in tids:
            ptrace(DETACH, tid)


@pytest.mark.parametrize("part, name, number", [("listener", "listener", 1), ("workers", "worker", 4),
                                                ("storage", "storage", 1), ("dispatch", "dispatch", 1), ("smtp", "smtp", 1)])
def test_the_watchdog_is_fed_only_while_every_thread_answers(start, manager, part, name, number):
    ours = start(Alertpost, harness.simple_config(1), env=manager.watching(2))
    manager.until("READY")
    manager.until("WATCHDOG")
    assert manager.until("WATCHDOG")["STATUS"] == "Serving; mails queued: 0, dead: 0"
    tids = threads(ours.child.pid, name)
    assert len(tids) == number
    with standing_still(tids):
        ours.tells(f'level=error msg="does not answer" part={part}')
        manager.drain()
        assert manager.silent(1.2)
    manager.until("WATCHDOG")
    manager.until("WATCHDOG")
    assert ours.stop() == 0


def test_the_watchdog_is_not_fed_while_the_main_thread_stands_still_nor_for_another_process(start, manager):
    ours = start(Alertpost, harness.simple_config(1), env=manager.watching(0.4))
    manager.until("WATCHDOG")
    with standing_still([ours.child.pid]):
        manager.drain()
        assert manager.silent(1)
    manager.until("WATCHDOG")
    ours.stop()
    other = start(Alertpost, harness.simple_config(1), env={**manager.watching(0.01), "WATCHDOG_PID": "1"})
    other.tells("msg=started")
    manager.until("READY")
    manager.next()  # the status, once in half a minute
    assert manager.silent(0.3)


# Passed sockets, from systemd's own tool.

class Activated(Process):
    """`alertpost serve`, started by systemd-socket-activate at the first connection."""

    def __init__(self, folder, names, *arguments, ports=None):
        folder = pathlib.Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "alertpost.yml").write_text(harness.simple_config(1))
        self.ports = ports or [harness.free_port() for _ in names]
        listen = [word for port in self.ports for word in ("-l", f"127.0.0.1:{port}")]
        environment = {**os.environ, "G_SLICE": "always-malloc"}
        keep = [word for name in environment for word in ("-E", name)]
        super().__init__(["systemd-socket-activate", *listen, *([f"--fdname={':'.join(names)}"] if any(names) else []), *keep,
                          harness.ALERTPOST, "serve", "--config.watch", "off", "--storage",
                          f"sqlite:{folder}/alertpost.db", *arguments], folder / "log", cwd=folder, env=environment)
        self.tells("Listening on")

    def get(self, index, path):
        return harness.request(self.ports[index], "GET", path)[0]


def test_a_passed_socket_takes_the_place_of_the_default_address_and_answers_who_started_it(start):
    ours = start(Activated, [""])
    assert ours.get(0, "/-/ready") == 200
    ours.tells("msg=started")
    assert re.findall(r"listening.* address=(\S+)", ours.output()) == [f"127.0.0.1:{ours.ports[0]}"]
    assert ours.stop() == 0


def test_names_say_which_socket_is_for_management_and_addresses_come_on_top(start):
    ours = start(Activated, ["web", "management"], "--web.listen-address", "127.0.0.1:0")
    assert ours.get(0, "/metrics") == 404  # management has a place of its own
    assert ours.get(1, "/metrics") == 200
    assert ours.get(1, "/hooks/alertmanager") == 404
    own = int(ours.tells(rf"msg=listening address=127.0.0.1:(?!{ours.ports[0]}\b)(\d+)")[1])
    assert harness.request(own, "GET", "/hooks/alertmanager")[0] == 405
    assert ours.stop() == 0


def test_with_only_management_passed_webhooks_have_an_address_of_their_own(start):
    ours = start(Activated, ["management"], "--web.listen-address", "127.0.0.1:0")
    assert ours.get(0, "/-/ready") == 200
    assert ours.get(0, "/hooks/alertmanager") == 404


@pytest.mark.parametrize("name, error", [
    ("managment", 'alertpost serve: passed socket 3: its name is neither web nor management: "managment"'),
    ("connection", 'alertpost serve: passed socket 3: its name is neither web nor management: "connection"')])
def test_a_socket_with_a_name_that_nobody_knows_ends_the_start(start, name, error):
    ours = start(Activated, [name])
    with contextlib.suppress(OSError):
        socket.create_connection(("127.0.0.1", ours.ports[0]), 5).close()
    ours.tells(re.escape(error))
    assert ours.child.wait(60) == 2


@pytest.mark.parametrize("kind, listening, error", [
    ((socket.AF_UNIX, socket.SOCK_STREAM), True, "alertpost serve: passed socket 3: not a listening TCP socket\n"),
    ((socket.AF_INET, socket.SOCK_STREAM), False, "alertpost serve: passed socket 3: not a listening TCP socket\n"),
    (None, False, "alertpost serve: passed socket 3: not a listening TCP socket\n")])
def test_what_is_no_listening_tcp_socket_ends_the_start(tmp_path, kind, listening, error):
    with contextlib.ExitStack() as stack:
        one = stack.enter_context(socket.socket(*kind) if kind else open(os.devnull))
        if listening:
            one.bind(str(tmp_path / "s"))
            one.listen()
        script = 'exec 3<&"$1"; export LISTEN_PID=$$ LISTEN_FDS=1; exec "$0" serve'
        run = subprocess.run(["bash", "-c", script, harness.ALERTPOST, str(one.fileno())], cwd=tmp_path,
                             pass_fds=[one.fileno()], capture_output=True, text=True)
    assert (run.returncode, run.stderr) == (2, error)


def test_sockets_that_were_passed_to_another_process_are_left_alone(start):
    ours = start(Alertpost, harness.simple_config(1), env={"LISTEN_PID": "1", "LISTEN_FDS": "1"})
    assert ours.get("/-/ready")[0] == 200


def test_a_webhook_that_comes_while_the_program_is_exchanged_waits_in_the_passed_socket(start, tmp_path):
    sink = start(SmtpSink)
    (tmp_path / "alertpost.yml").write_text(harness.simple_config(sink.port))
    script = 'exec 3<&"$0"; export LISTEN_PID=$$ LISTEN_FDS=1; exec "$@"'
    with socket.create_server(("127.0.0.1", 0)) as held, socket.socket() as sender:
        def begin(name):
            log = tmp_path / name
            ours = Process(["bash", "-c", script, str(held.fileno()), harness.ALERTPOST, "serve", "--config.watch", "off"],
                           log, cwd=tmp_path, pass_fds=[held.fileno()])
            stack.callback(lambda: ours.running() and ours.stop())
            ours.tells("msg=started")
            return ours
        with contextlib.ExitStack() as stack:
            assert begin("first").stop() == 0
            sender.settimeout(60)
            sender.connect(held.getsockname())
            body = json.dumps(harness.payload(harness.alert({"alertname": "A"})))
            sender.sendall(f"POST /hooks/alertmanager HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Type: application/json\r\n"
                           f"Content-Length: {len(body)}\r\n\r\n{body}".encode())
            begin("second")
            assert sender.recv(4096).startswith(b"HTTP/1.1 202 ")
            wait_for(lambda: len(sink.received()) == 1, "the mail")
