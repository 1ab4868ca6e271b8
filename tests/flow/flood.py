# SPDX-License-Identifier: MIT
"""Clients that mean no good, and what the others, and the process, notice of them."""

import contextlib
import http.client
import json
import pathlib
import re
import resource
import selectors
import socket
import ssl
import threading
import time

import harness
from harness import alert, payload, wait_for

HOOK = "/hooks/alertmanager"
HEAD = f"POST {HOOK} HTTP/1.1\r\nHost: a\r\n".encode()
# A sanitizer's own memory would hide ours.
SANITIZED = re.search(b"__[at]san_init", pathlib.Path(harness.ALERTPOST).read_bytes()) is not None
MIB = 1 << 20


def allow_files(count):
    """So many may be open here, and in what is started from here; False if that cannot be."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < count:
        return False
    if soft < count:
        resource.setrlimit(resource.RLIMIT_NOFILE, (count, hard))
    return True


class Watch:
    """Sends webhooks of its own all the while, as a sender does that means well: each must
    be accepted, at the latest at the last of its `tries`.  At the end the process
    must be as small as `grown` says, and have no more files open than before."""

    def __init__(self, server, context=None, grown=0, tries=1):
        self.server, self.context, self.grown, self.tries = server, context, grown, tries
        self.count, self.failure, self.ended = 0, None, threading.Event()

    def __enter__(self):
        for _ in range(20):  # what is made at the first use
            self.post()
        self.server.drained()
        self.files, self.before = self.open_files(), self.memory("VmRSS")
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, kind, error, trace):
        self.ended.set()
        self.thread.join(120)
        if kind is not None:
            return
        assert self.failure is None, self.failure
        wait_for(lambda: self.served() >= 1, "the others are served")
        peak = self.memory("VmHWM") - self.before
        assert SANITIZED or peak <= self.grown, f"{peak / MIB:.1f} MiB more"
        self.server.drained()
        wait_for(lambda: self.open_files() <= self.files, f"no more than {self.files} open files", 60)

    def run(self):
        while not self.ended.is_set():
            try:
                self.post()
            except Exception as error:  # whatever it is
                self.failure = error
                return
            time.sleep(0.05)

    def post(self):
        for left in reversed(range(self.tries)):
            try:
                return self.post_once()
            except (ConnectionError, AssertionError):  # as Alertmanager, which tries again later than that
                if left == 0:
                    raise
                time.sleep(0.1)

    def post_once(self):
        name = f"well{self.count}"
        body = json.dumps(payload(alert({"alertname": name}), group=name))
        kind = http.client.HTTPSConnection if self.context else http.client.HTTPConnection
        options = {"context": self.context} if self.context else {}
        with contextlib.closing(kind("127.0.0.1", self.server.port, timeout=60, **options)) as connection:
            connection.request("POST", HOOK, body, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            # 200: tried again, though it was taken before its connection was cut
            assert answer.status in ((202,) if self.tries == 1 else (200, 202)), (answer.status, answer.read())
            answer.read()
        self.count += 1

    def served(self):
        return self.count

    def serves(self, more=5):
        """Waits until so many more were accepted."""
        before = self.count
        wait_for(lambda: self.failure is not None or self.count >= before + more, "the others are served", 60)
        assert self.failure is None, self.failure

    def memory(self, key):
        text = pathlib.Path(f"/proc/{self.server.child.pid}/status").read_text()
        return int(re.search(rf"^{key}:\s+(\d+) kB", text, re.M)[1]) * 1024

    def open_files(self):
        return len(list(pathlib.Path(f"/proc/{self.server.child.pid}/fd").iterdir()))


def connect(port, source="127.0.0.1", patience=60):
    return socket.create_connection(("127.0.0.1", port), patience, (source, 0))


def handshake(sock, context):
    return context.wrap_socket(sock, server_hostname="127.0.0.1", do_handshake_on_connect=True)


def client_hello(context):
    """The first bytes of a TLS client, without a server."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    half = context.wrap_bio(incoming, outgoing, server_hostname="127.0.0.1")
    with contextlib.suppress(ssl.SSLWantReadError):
        half.do_handshake()
    return outgoing.read()


def dribble(socks, pieces, pause=0.05):
    """Sends a byte of `pieces` (a text each, repeated for ever) on each socket again and
    again until all of them were cut by the other side, which it must do."""
    left = dict(enumerate(socks))
    at = 0
    end = time.monotonic() + 60
    while left and time.monotonic() < end:
        for number, sock in list(left.items()):
            text = pieces[number % len(pieces)]
            try:
                sock.settimeout(5)
                sock.sendall(text[at % len(text):][:1])
            except OSError:
                del left[number]
        at += 1
        time.sleep(pause)
    assert not left, f"{len(left)} were not cut"


def drain(socks, seconds=60):
    """Reads each until the other side has closed it; how many answers of each code came."""
    codes = {}
    chooser = selectors.DefaultSelector()
    for sock in socks:
        chooser.register(sock, selectors.EVENT_READ, bytearray())
    end = time.monotonic() + seconds
    while chooser.get_map() and time.monotonic() < end:
        for key, _ in chooser.select(1):
            try:
                data = key.fileobj.recv(65536)
            except OSError:
                data = b""
            key.data.extend(data)
            if not data:
                chooser.unregister(key.fileobj)
                code = int(key.data[9:12]) if key.data.startswith(b"HTTP/1.1 ") else 0
                codes[code] = codes.get(code, 0) + 1
    assert not chooser.get_map(), f"{len(chooser.get_map())} were not closed"
    return codes
