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
import base64
import bisect
import email
import hmac
import json
import pathlib
import re
import select
import socket
import ssl
import struct
import subprocess
import sys
import threading
import time

DEFAULT_CAPABILITIES = ["PIPELINING", "SIZE 10485760", "8BITMIME", "ENHANCEDSTATUSCODES", "SMTPUTF8"]

REPLIES = {
    "greeting": "220 fault.example ESMTP", "helo": "250 fault.example", "starttls": "220 2.0.0 go ahead",
    "mail": "250 2.1.0 ok", "rcpt": "250 2.1.5 ok", "data": "354 go on", "rset": "250 2.0.0 reset",
    "noop": "250 2.0.0 ok", "quit": "221 2.0.0 bye", "other": "500 5.5.2 what?",
}


class Gone(Exception):
    """The connection is over."""


class Connection(threading.Thread):
    def __init__(self, server, number, sock, script):
        super().__init__(daemon=True)
        self.server, self.number, self.sock, self.script = server, number, sock, script
        self.buffer = self.held = b""
        self.counts = {}
        self.tls = self.leaving = False
        self.user = None
        self.sender, self.recipients = None, []
        self.behind = ""
        self.order = 0          # of the mail, among those seen

    # --- bytes ---

    def read_until(self, end):
        while end not in self.buffer:
            self.flush()
            try:
                data = self.sock.recv(65536)
            except (OSError, ssl.SSLError) as error:
                raise Gone(f"read: {error}") from error
            if not data:
                raise Gone("closed by the client")
            self.buffer += data
        found, _, self.buffer = self.buffer.partition(end)
        return found

    def shape(self, text):
        """The reply as the script wants every reply to look."""
        lines = [line + " " + "x" * self.script["long"] if self.script.get("long") else line
                 for line in text.split("\n")]
        if self.script.get("lines") and not text.startswith("334"):
            lines = [f"{lines[0][:3]}-{lines[0][4:]}"] * (self.script["lines"] - 1) + lines
        return "".join(line + "\r\n" for line in lines).encode("utf-8", "surrogateescape")

    def write(self, text, pieces=0):
        self.held += self.shape(text) if not text.startswith("334") else (text + "\r\n").encode()
        if not self.script.get("coalesce"):
            self.flush(pieces)

    def flush(self, pieces=0):
        data, self.held = self.held, b""
        size = pieces or max(len(data), 1)
        try:
            for at in range(0, len(data), size):
                self.sock.sendall(data[at:at + size])
                if pieces:
                    time.sleep(0.002)
        except (OSError, ssl.SSLError) as error:
            raise Gone(f"write: {error}") from error

    def drop(self, how):
        self.flush()
        if how == "unwrap":
            try:
                self.sock = self.sock.unwrap()
            except (OSError, ssl.SSLError):
                pass
        if how == "reset":
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        raise Gone(how)

    def stay_silent(self):
        """Until the client leaves or the server stops."""
        self.flush()
        while not self.server.stopping:
            if select.select([self.sock], [], [], 0.1)[0]:
                try:
                    if not self.sock.recv(65536):
                        raise Gone("closed by the client")
                except (OSError, ssl.SSLError) as error:
                    raise Gone(f"read: {error}") from error
        raise Gone("silent")

    # --- the script ---

    def action(self, phase):
        count = self.counts.get(phase, 0)
        self.counts[phase] = count + 1
        action = self.script.get(phase)
        if isinstance(action, list):
            action = action[min(count, len(action) - 1)] if action else None
        if action in ("drop", "unwrap", "reset", "silent"):
            return {"reply": "", "then": action}
        return {"reply": action} if isinstance(action, str) else dict(action or {})

    def answer(self, phase, default):
        """Does what the script says for the phase; the reply that was given."""
        action = self.action(phase)
        reply = action.get("reply")
        if reply is None:
            reply = default() if callable(default) else default
        if action.get("delay"):
            time.sleep(action["delay"])
        if action.get("until"):
            action["until"].wait(60)
        if reply:
            self.write(reply, action.get("pieces") or self.script.get("pieces", 0))
        if action.get("then") == "silent":
            self.stay_silent()
        elif action.get("then") == "stuck":
            self.server.stopped.wait()
        elif action.get("then"):
            self.drop(action["then"])
        return reply

    # --- the conversation ---

    def capabilities(self):
        lines = list(self.script.get("capabilities", DEFAULT_CAPABILITIES))
        if self.server.certificate and not self.tls and not self.script.get("keep_plain"):
            lines.append("STARTTLS")
        if self.server.users and (self.tls or self.script.get("auth_clear")):
            lines.append(self.script.get("auth_line", "AUTH PLAIN LOGIN"))
        lines = ["fault.example"] + lines
        return "\n".join(f"250{'-' if line is not lines[-1] else ' '}{line}" for line in lines)

    def start_tls(self):
        self.flush()
        try:
            plain, self.sock = self.sock, self.server.tls_context().wrap_socket(
                self.sock, server_side=True, do_handshake_on_connect=False)
            self.server.note_wrapped(plain, self.sock)
            self.sock.do_handshake()
        except (OSError, ssl.SSLError) as error:
            raise Gone(f"TLS: {error}") from error
        self.tls, self.buffer = True, b""

    def on_starttls(self):
        if self.answer("starttls", REPLIES["starttls"]).startswith("220"):
            if self.script.get("tls_close"):
                self.drop("drop")
            self.start_tls()

    def ask(self, prompt):
        self.write("334 " + base64.b64encode(prompt.encode()).decode())
        return base64.b64decode(self.read_until(b"\r\n")).decode()

    def on_auth(self, rest):
        mechanism, _, first = rest.partition(" ")
        if mechanism.upper() == "CRAM-MD5":
            challenge = f"<{self.number}.{time.time_ns()}@fault.example>"
            user, _, given = self.ask(challenge).rpartition(" ")
            secret = self.server.users.get(user, "").encode()
            good = hmac.new(secret, challenge.encode(), "md5").hexdigest() == given
        elif mechanism.upper() in ("XOAUTH2", "OAUTHBEARER"):
            data = base64.b64decode(first).decode() if first else self.ask("")
            user = re.search(r"(?:user|n,a)=([^\x01,]*)", data)[1]
            good = re.search(r"\x01auth=Bearer ([^\x01]*)\x01\x01$", data)[1] in self.server.tokens
            if not good:
                self.ask('{"status":"401"}')
        else:
            if mechanism.upper() == "LOGIN":
                user = base64.b64decode(first).decode() if first else self.ask("Username:")
                password = self.ask("Password:")
            else:
                data = base64.b64decode(first).decode() if first else self.ask("")
                _, user, password = data.split("\0")
            good = self.server.users.get(user) == password
        reply = self.answer("auth", "235 2.7.0 welcome" if good else "535 5.7.8 wrong user or password")
        self.user = user if reply.startswith("235") else None

    def on_mail(self, rest):
        if self.answer("mail", REPLIES["mail"]).startswith("2"):
            self.sender, self.recipients = rest[rest.index("<") + 1:rest.index(">")], []

    def on_rcpt(self, rest):
        default = REPLIES["rcpt"] if self.sender is not None else "503 5.5.1 MAIL first"
        if self.answer("rcpt", default).startswith("2"):
            self.recipients.append(rest[rest.index("<") + 1:rest.rindex(">")])

    def on_data(self):
        default = REPLIES["data"] if self.recipients else "503 5.5.1 no valid recipients"
        if not self.answer("data", default).startswith("354"):
            return
        self.buffer = b"\r\n" + self.buffer  # so that an empty mail's dot is found, too
        raw = self.read_until(b"\r\n.\r\n") + b"\r\n"
        self.behind = self.buffer.decode("utf-8", "surrogateescape")
        if self.script.get("deaf"):
            self.buffer = b""
        data = b"\r\n".join(line.removeprefix(b".") for line in raw.split(b"\r\n"))[2:]
        self.server.note_seen(self, data)
        reply = self.answer("dot", lambda: f"250 2.0.0 queued as {len(self.server.mails) + 1}")
        if reply.startswith("2"):
            self.server.note_mail(self, data)
        self.sender, self.recipients = None, []
        if "idle" in self.script:
            self.answer("idle", "")

    def on_line(self, line):
        verb, _, rest = line.partition(" ")
        verb = verb.lower()
        if verb == "ehlo":
            self.answer("ehlo", self.capabilities)
        elif verb == "starttls":
            self.on_starttls()
        elif verb == "auth":
            self.on_auth(rest)
        elif verb == "mail":
            self.on_mail(rest)
        elif verb == "rcpt":
            self.on_rcpt(rest)
        elif verb == "data":
            self.on_data()
        elif verb == "quit":
            self.server.note_leaving(self)  # the client may be back before we are done here
            self.answer("quit", REPLIES["quit"])
            self.drop("drop")
        else:
            if verb == "rset":
                self.sender, self.recipients = None, []
            phase = verb if verb in REPLIES else "other"
            self.answer(phase, REPLIES[phase])

    def run(self):
        why = ""
        try:
            if self.server.implicit_tls:
                self.start_tls()
            self.answer("greeting", REPLIES["greeting"])
            while True:
                line = self.read_until(b"\r\n").decode("utf-8", "surrogateescape")
                self.server.note("command", connection=self.number, tls=self.tls, line=line)
                self.on_line(line)
        except Gone as gone:
            why = str(gone)
        except Exception as error:  # the test must see it, not a hanging client
            why = f"broken: {error!r}"
        finally:
            self.sock.close()
            self.server.note_end(self, why)


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
