# SPDX-License-Identifier: MIT
"""A web server that answers what its script says, and remembers what it was asked.

    with WebServer([{"status": 503}, {"body": '{"access_token": "a"}'}]) as server:
        ...  # server.port, server.requests

One answer per request, in the order they come; the last one serves all further ones.
An answer is a dict:
    status   default 200
    headers  a dict
    body     text; default ""
    length   what Content-Length says, if not the truth
    delay    seconds before the answer
    then     "silent" (never answer, stay open) or "drop" (close without an answer)
    raw      text to send instead of an HTTP answer

It can be run: see main().  It then writes one JSON line for each request."""

import argparse
import json
import ssl
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self):
        server = self.server.owner
        length = int(self.headers.get("Content-Length", 0))
        answer = server.note(method=self.command, path=self.path, headers=dict(self.headers.items()),
                             body=self.rfile.read(length).decode("utf-8", "surrogateescape"))
        self.close_connection = True
        server.stopping.wait(answer.get("delay", 0))
        if answer.get("then") == "silent":
            server.stopping.wait()
        if answer.get("then"):
            return
        if "raw" in answer:
            self.wfile.write(answer["raw"].encode())
            return
        body = answer.get("body", "").encode()
        self.send_response(answer.get("status", 200))
        for name, value in answer.get("headers", {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(answer.get("length", len(body))))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_DELETE = do_PUT = answer


class Listener(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        pass  # clients that do not trust us, or have gone


class WebServer:
    def __init__(self, answers=({},), certificate=None, key=None, client_ca=None, echo=None, port=0):
        self.answers, self.echo = list(answers), echo
        self.requests = []  # {"method", "path", "headers", "body"}
        self.lock, self.stopping = threading.Lock(), threading.Event()
        self.listener = Listener(("127.0.0.1", port), Handler)
        self.listener.owner = self
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate, key)
            if client_ca:
                context.load_verify_locations(client_ca)
                context.verify_mode = ssl.CERT_REQUIRED
            self.listener.socket = context.wrap_socket(self.listener.socket, server_side=True,
                                                       do_handshake_on_connect=False)
        self.port = self.listener.server_address[1]
        self.thread = threading.Thread(target=self.listener.serve_forever, args=(0.05,), daemon=True)
        self.thread.start()

    def note(self, **request):
        """Remembers it; what to answer."""
        with self.lock:
            answer = self.answers[min(len(self.requests), len(self.answers) - 1)]
            self.requests.append(request)
            if self.echo:
                print(json.dumps({"event": "request", **request}), file=self.echo, flush=True)
        return answer

    def stop(self):
        self.stopping.set()
        self.listener.shutdown()
        self.listener.server_close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


def main():
    """Reads its answers (JSON) from --script, prints {"event": "listening", "port": N}
    first, and ends when its standard input does."""
    parser = argparse.ArgumentParser(description="A web server that answers as told.")
    parser.add_argument("--script", default="[{}]", help="JSON: a list of answers")
    parser.add_argument("--certificate")
    parser.add_argument("--key")
    parser.add_argument("--client-ca")
    options = parser.parse_args()
    with WebServer(json.loads(options.script), options.certificate, options.key, options.client_ca,
                   sys.stdout) as server:
        print(json.dumps({"event": "listening", "port": server.port}), flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
