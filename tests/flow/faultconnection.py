# SPDX-License-Identifier: MIT
"""One connection of faultserver.py: the conversation, and where the script has its say."""

import base64
import hmac
import re
import select
import socket
import ssl
import struct
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
