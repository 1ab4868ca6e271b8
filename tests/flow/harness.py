# SPDX-License-Identifier: MIT
"""What the flow tests share: the program under test, and the real peers around it.

Everything listens on a free loopback port and is ended by its pid."""

import collections
import contextlib
import email
import email.policy
import functools
import http.client
import json
import os
import pathlib
import random
import re
import signal
import socket
import subprocess
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
ALERTPOST = os.environ.get("ALERTPOST", str(ROOT / "build" / "alertpost"))
os.environ["PATH"] += ":/usr/sbin"  # where smtp-sink and Postfix are; not everybody's has it


PORTS = range(20000, 32768)  # below those that the kernel gives to whoever connects
reserved = []


def free_port():
    """A port that nobody else takes while this process runs, though nobody may listen on it yet:
    who wants one binds UDP's port of its number."""
    while True:
        ours, probe = socket.socket(type=socket.SOCK_DGRAM), socket.socket()
        with contextlib.closing(probe), contextlib.suppress(OSError):
            port = random.choice(PORTS)
            ours.bind(("127.0.0.1", port))
            probe.bind(("127.0.0.1", port))
            reserved.append(ours)
            return port
        ours.close()


def wait_for(condition, what, seconds=30):
    """The first true value of condition(); the test fails after `seconds`."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.02)
    raise AssertionError(f"{what}: not within {seconds} s")


def accepts(port):
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


def parse_mail(data):
    return email.message_from_bytes(data, policy=email.policy.default)


@functools.cache
def parse_dump(data):
    """A mail as smtp-sink writes it: (envelope recipients, parsed mail)."""
    head = data.partition(b"\nReceived:")[0].decode(errors="replace")
    return re.findall(r"^X-Rcpt-Args: <([^>]*)>", head, re.M), parse_mail(data)


def request(port, method, path, body=None, headers=None):
    """One HTTP request: (status, headers, body)."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request(method, path, body, headers or {})
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()
    finally:
        connection.close()


class Process:
    """A child whose output goes to a file and that is ended by its pid."""

    def __init__(self, command, log, **options):
        self.log_path = pathlib.Path(log)
        self.log = open(log, "ab")
        self.child = subprocess.Popen(command, stdout=self.log, stderr=self.log,
                                      stdin=subprocess.DEVNULL, **options)

    def output(self):
        return self.log_path.read_text(errors="replace")

    def tells(self, pattern):
        """Waits until the output matches: lines of a log gather for a moment before they are written."""
        return wait_for(lambda: re.search(pattern, self.output()), f"the output: {pattern}")

    def running(self):
        return self.child.poll() is None

    def kill(self):
        self.child.kill()
        self.child.wait()

    def stop(self, number=signal.SIGTERM, seconds=60):
        """Sends the signal; the exit status."""
        if self.running():
            self.child.send_signal(number)
        try:
            return self.child.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"still running {seconds} s after signal {number}:\n{self.output()[-4000:]}")
        finally:
            self.log.close()


class Alertpost(Process):
    """`alertpost serve` in a folder of its own."""

    def __init__(self, folder, config, *arguments, storage=None, name="alertpost", env=None):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.config = self.folder / "alertpost.yml"
        self.config.write_text(config)
        self.storage = storage or f"sqlite:{self.folder}/alertpost.db"
        log = self.folder / f"{name}.log"
        start = log.stat().st_size if log.exists() else 0
        super().__init__([ALERTPOST, "serve", "--config.file", str(self.config),
                          *([] if "--config.watch" in arguments else ["--config.watch", "off"]),
                          *([] if "--web.listen-address" in arguments else ["--web.listen-address", "127.0.0.1:0"]),
                          "--storage", self.storage, *arguments], log, cwd=self.folder,
                         env={**os.environ, **(env or {})})

        def bound():
            assert self.running(), f"alertpost ended at its start:\n{self.output()[start:]}"
            return re.search(r'listening"?[ ,]"?address"?[=:]"?127\.0\.0\.1:(\d+)', self.output()[start:])
        self.port = int(wait_for(bound, "alertpost listens").group(1))

    def post(self, payload, path="/hooks/alertmanager", headers=None):
        """Posts a payload (object or bytes): (status, answer as object)."""
        body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        status, _, answer = request(self.port, "POST", path, body,
                                    {"Content-Type": "application/json", **(headers or {})})
        return status, json.loads(answer) if answer else None

    def get(self, path):
        status, _, body = request(self.port, "GET", path)
        return status, body.decode()

    def metric(self, name, **labels):
        """The sum of the metric's samples that carry these labels; 0.0 if there is none."""
        return sum(value for have, value in self.samples(name) if labels.items() <= have.items())

    def samples(self, name):
        """Of a metric: (its labels, its value)."""
        found = re.findall(rf"^{name}(?:\{{(.*)\}})? (\S+)$", self.get("/metrics")[1], re.M)
        return [(dict(re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', labels)), float(value)) for labels, value in found]

    def queued(self):
        """Mails that are not dead and not delivered."""
        return sum(value for labels, value in self.samples("alertpost_queue_mails") if labels["state"] != "dead")

    def drained(self):
        """Waits longer than the minute after which a mail in doubt goes out again."""
        wait_for(lambda: self.queued() == 0, "the queue is empty", 150)


class SmtpSink(Process):
    """Postfix's smtp-sink, one file a mail."""

    def __init__(self, folder, *arguments, port=None, backlog=128):
        self.mails = pathlib.Path(folder) / "sink"
        self.mails.mkdir(parents=True, exist_ok=True)
        self.written = {}
        self.port = port or free_port()
        # Every open of the dump template gives a new file: its name ends in microseconds.
        user = ["-u", "root"] if os.geteuid() == 0 else []  # it insists
        super().__init__(["smtp-sink", *user, "-c", "-d", str(self.mails / "%Y%m%d%H%M%S."), *arguments,
                          f"127.0.0.1:{self.port}", str(backlog)], pathlib.Path(folder) / "sink.log")
        wait_for(lambda: accepts(self.port), "smtp-sink listens")

    def whole(self):
        """The mails so far in the order they came, as the sink wrote them; not the one it writes,
        nor one that plainly ends too early, as of a sink that was killed."""
        files = sorted(self.mails.iterdir(), key=lambda path: path.stat().st_mtime_ns)
        open_files = set()
        for number in pathlib.Path(f"/proc/{self.child.pid}/fd").glob("*"):
            with contextlib.suppress(OSError):
                open_files.add(os.readlink(number))
        for path in files:
            if path not in self.written and str(path) not in open_files:
                data = path.read_bytes()
                if data.endswith(b"\n"):
                    self.written[path] = data
        return [self.written[path] for path in files if path in self.written]

    def received(self):
        """The mails so far in the order they came: (envelope recipients, parsed mail)."""
        return [parse_dump(data) for data in self.whole()]

    def copies(self):
        """By Message-ID, what came of it: each copy's bytes, as they were sent."""
        found = collections.defaultdict(list)
        for data in self.whole():
            head, _, data = data.partition(b"\nReceived:")
            data = re.sub(rb"^.*\n(?:[ \t].*\n)*", b"", data, count=1)  # the sink's own line
            found[re.search(rb"^Message-ID: <(.*)>", data, re.M | re.I)[1].decode()].append(data)
        return found

    def groups(self):
        """The groups that Load's mails are about, a mail each."""
        return [name for _, mail in self.received() for name in mail["Subject"].split() if LOAD.fullmatch(name)]

    def counters(self):
        """What smtp-sink counted: sessions, quits, messages."""
        counts = re.findall(r"sess=(\d+) quit=(\d+) mesg=(\d+)", self.output())
        return tuple(map(int, counts[-1])) if counts else (0, 0, 0)


LOAD = re.compile(r"r\d+(s\d+n\d+)?")


class Load:
    """Senders that post, a group each time, until told to stop, and remember every group
    that got a 202.  `answers` counts the answers, and the connections that broke."""

    def __init__(self, port, number, senders=8, pause=0):
        self.port, self.number, self.pause = port, number, pause
        self.accepted, self.answers, self.lock = set(), collections.Counter(), threading.Lock()
        self.ended = threading.Event()
        self.threads = [threading.Thread(target=self.send, args=(n,), daemon=True) for n in range(senders)]
        for thread in self.threads:
            thread.start()

    def send(self, sender):
        count = 0
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        while not self.ended.is_set():
            count += 1
            name = f"r{self.number}s{sender}n{count}"
            body = json.dumps(payload(alert({"alertname": name}), group=name))
            try:
                connection.request("POST", "/hooks/alertmanager", body, {"Content-Type": "application/json"})
                answer = connection.getresponse()
                answer.read()
            except (OSError, http.client.HTTPException):
                connection.close()
                self.note("broken", None)
                time.sleep(0.01)
                continue
            self.note(answer.status, name)
            time.sleep(self.pause if answer.status == 202 else 0.01)
        connection.close()

    def note(self, answer, name):
        with self.lock:
            self.answers[answer] += 1
            if answer == 202:
                self.accepted.add(name)

    def stop(self):
        self.ended.set()
        for thread in self.threads:
            thread.join(90)
            assert not thread.is_alive()
        assert set(self.answers) <= {202, 503, "broken"}, self.answers
        return self.accepted


class Alertmanager(Process):
    """Debian's Alertmanager with one webhook receiver (or the configuration given)."""

    def __init__(self, folder, config):
        folder = pathlib.Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / "alertmanager.yml"
        path.write_text(config)
        self.port = free_port()
        super().__init__(["prometheus-alertmanager", "--config.file", str(path),
                          "--storage.path", str(folder / "data"), "--cluster.listen-address=",
                          "--web.listen-address", f"127.0.0.1:{self.port}"], folder / "alertmanager.log")
        wait_for(lambda: self.running() and accepts(self.port), "Alertmanager listens")

    def post(self, alerts):
        status, _, body = request(self.port, "POST", "/api/v2/alerts", json.dumps(alerts).encode(),
                                  {"Content-Type": "application/json"})
        assert status == 200, body


def moment(seconds_ago=0):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - seconds_ago))


def alert(labels, status="firing", starts_at=None, annotations=None, **more):
    return {"status": status, "labels": labels, "annotations": annotations or {},
            "startsAt": starts_at or moment(60),
            "endsAt": moment() if status == "resolved" else "0001-01-01T00:00:00Z",
            "generatorURL": "http://prometheus.example/graph?g0.expr=up", **more}


def payload(*alerts, group="g", receiver="mail", **more):
    """A webhook body as Alertmanager 0.34 sends it."""
    firing = any(one["status"] == "firing" for one in alerts)
    return {"version": "4", "groupKey": f'{{}}:{{alertname="{group}"}}', "truncatedAlerts": 0,
            "status": "firing" if firing else "resolved", "receiver": receiver,
            "groupLabels": {"alertname": group}, "commonLabels": {"alertname": group},
            "commonAnnotations": {}, "routeLabels": {}, "externalURL": "http://alertmanager.example",
            "alerts": list(alerts), **more}


def simple_config(port, more="", to="ops@example.org", receiver_more="", global_more=""):
    """One receiver, mail to a server on the loopback without TLS."""
    return f"""
global:
  smtp_smarthost: 127.0.0.1:{port}
  smtp_from: alerts@example.org
  smtp_require_tls: false
{global_more}
route:
  receiver: mail
receivers:
  - name: mail
    email_configs:
      - to: {to}
        send_resolved: true
{receiver_more}
{more}
"""
