# SPDX-License-Identifier: MIT
"""A mail server that does what its script says, and remembers what it was told.

    with FaultServer([{"rcpt": ["250 ok", "550 5.1.1 no"]}, {"greeting": "554 no"}]) as server:
        ...  # server.port
        server.mails, server.commands

One script per connection, in the order they come; the last one serves all further
ones.  A script is a dict from phase to action, or to a list of actions for the first,
second, … time (the last one stays).  Phases: greeting, ehlo, helo, starttls, auth,
mail, rcpt, data, dot, rset, noop, quit, other, and idle (right after a dot's reply).

An action is a reply ("250 ok", "250-a\\n250 b"), one of the words below, or a dict:
    reply    what to say; without it, what the server would say by itself
    delay    seconds before that
    until    an Event that is waited for before that
    then     "drop", "unwrap", "reset", "silent" or "stuck" (silent, and reading nothing):
             what to do after it
    pieces   say it in pieces of so many bytes, 2 ms apart
Words: "drop" (close, saying nothing), "unwrap" (end TLS first), "reset" (the same by
RST), "silent" (never answer again, stay open).

Further keys of a script:
    capabilities   lines of the EHLO reply, default DEFAULT_CAPABILITIES; STARTTLS and
                   AUTH are added as the server has a certificate and users
    keep_plain     True: do not offer STARTTLS although there is a certificate
    auth_line      the capability, default "AUTH PLAIN LOGIN"
    auth_clear     True: offer AUTH before TLS, too
    deaf           True: throw away what stands behind a mail's dot already
    tls_close      True: answer STARTTLS with 220 and close
    coalesce       True: what is to be said waits until the next command has been waited for
    lines          so many lines a reply, where the protocol allows it
    long           so many bytes more in every line of a reply

It can be run: see main().  It then writes one JSON line for each event.
"""

import argparse
import bisect
import email
import json
import pathlib
import socket
import ssl
import subprocess
import sys
import threading
import time

from faultconnection import DEFAULT_CAPABILITIES, Connection

__all__ = ["DEFAULT_CAPABILITIES", "FaultServer", "make_certificate"]


class FaultServer:
    def __init__(self, scripts=({},), certificate=None, key=None, users=None, implicit_tls=False,
                 port=0, echo=None, tokens=()):
        self.scripts = list(scripts)
        self.certificate, self.key, self.users = certificate, key, users or {}
        self.implicit_tls, self.echo, self.tokens = implicit_tls, echo, tokens
        self.lock = threading.Lock()
        self.stopping = False
        self.stopped = threading.Event()
        self.commands = []      # {"connection", "tls", "line"}
        self.mails = []         # {"connection", "tls", "user", "sender", "recipients", "data", "message_id", "behind"}
                                # in the order in which their dots came
        self.seen = []          # the same, whatever became of them
        self.connections = self.open = self.open_max = 0
        self.ends = {}          # connection -> why it ended
        self.sockets = set()
        self.listener = socket.create_server(("127.0.0.1", port), backlog=256)
        self.port = self.listener.getsockname()[1]
        self.thread = threading.Thread(target=self.accept, daemon=True)
        self.thread.start()

    def accept(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self.lock:
                number = self.connections
                self.connections += 1
                self.open += 1
                self.open_max = max(self.open_max, self.open)
                self.sockets.add(sock)
            self.note("connection", connection=number, open=self.open)
            Connection(self, number, sock, self.scripts[min(number, len(self.scripts) - 1)]).start()

    def tls_context(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, self.key)
        return context

    def note(self, event, **facts):
        with self.lock:
            if event == "command":
                self.commands.append(facts)
            if self.echo:
                print(json.dumps({"event": event, **facts}), file=self.echo, flush=True)

    def describe(self, connection, data):
        message_id = (email.message_from_bytes(data)["Message-ID"] or "").strip().strip("<>")
        return {"connection": connection.number, "tls": connection.tls, "user": connection.user,
                "sender": connection.sender, "recipients": list(connection.recipients),
                "message_id": message_id, "behind": connection.behind}

    def note_seen(self, connection, data):
        with self.lock:
            connection.order = len(self.seen)
            self.seen.append({**self.describe(connection, data), "data": data})

    def note_mail(self, connection, data):
        mail = self.describe(connection, data)
        with self.lock:
            # The client has the reply already, and the next mail may be noted before this one.
            bisect.insort(self.mails, {**mail, "data": data, "order": connection.order}, key=lambda one: one["order"])
        self.note("mail", **mail, data=data.decode("latin-1"))

    def note_wrapped(self, plain, tls):
        """The descriptor is another object's now, which stop() must find."""
        with self.lock:
            self.sockets.discard(plain)
            self.sockets.add(tls)

    def note_leaving(self, connection):
        with self.lock:
            self.open -= not connection.leaving
            connection.leaving = True

    def note_end(self, connection, why):
        self.note_leaving(connection)
        with self.lock:
            self.ends[connection.number] = why
            self.sockets.discard(connection.sock)
        self.note("end", connection=connection.number, why=why)

    def lines(self, connection=None):
        """The command lines so far, of one connection or of all."""
        with self.lock:
            return [command["line"] for command in self.commands
                    if connection is None or command["connection"] == connection]

    def stop(self):
        """No more connections; the open ones end."""
        self.stopping = True
        self.stopped.set()
        try:
            self.listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.listener.close()
        with self.lock:
            sockets = list(self.sockets)
        for sock in sockets:
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        # What was answered is noted a moment later.
        end = time.monotonic() + 30
        while len(self.ends) < self.connections:
            assert time.monotonic() < end, "a connection of the fault server does not end"
            time.sleep(0.01)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


def make_certificate(folder, *names):
    """A CA and a certificate it signed for NAMES (default localhost and 127.0.0.1):
    paths of the CA's certificate, the certificate and its key."""
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    ca, ca_key = folder / "ca.pem", folder / "ca.key"
    certificate, key, request = folder / "cert.pem", folder / "cert.key", folder / "cert.csr"
    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    alternative = ",".join(f"IP:{name}" if name[0].isdigit() else f"DNS:{name}"
                           for name in names or ("localhost", "127.0.0.1"))
    for command in (
            ["req", "-x509", *curve, "-days", "2", "-subj", "/CN=fault CA", "-keyout", ca_key, "-out", ca],
            ["req", *curve, "-subj", "/CN=fault", "-addext", f"subjectAltName={alternative}",
             "-keyout", key, "-out", request],
            ["x509", "-req", "-in", request, "-CA", ca, "-CAkey", ca_key, "-CAcreateserial", "-days", "2",
             "-copy_extensions", "copyall", "-out", certificate]):
        subprocess.run(["openssl", *map(str, command)], check=True, capture_output=True)
    return ca, certificate, key


def main():
    """Reads its scripts (JSON) from --script, prints {"event": "listening", "port": N}
    first, and ends when its standard input does."""
    parser = argparse.ArgumentParser(description="A mail server that misbehaves as told.")
    parser.add_argument("--script", default="[{}]", help="JSON: a list of scripts, one per connection")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--certificate")
    parser.add_argument("--key")
    parser.add_argument("--make-certificate", metavar="FOLDER", help="makes one there, and a CA, and uses it")
    parser.add_argument("--implicit-tls", action="store_true")
    parser.add_argument("--user", action="append", default=[], metavar="NAME:PASSWORD")
    options = parser.parse_args()
    if options.make_certificate:
        _, options.certificate, options.key = make_certificate(options.make_certificate)
    users = dict(user.split(":", 1) for user in options.user)
    with FaultServer(json.loads(options.script), options.certificate, options.key, users,
                     options.implicit_tls, options.port, sys.stdout) as server:
        server.note("listening", port=server.port)
        sys.stdin.read()


if __name__ == "__main__":
    main()
