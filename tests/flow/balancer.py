# SPDX-License-Identifier: MIT
"""A TCP balancer as kube-proxy is one: new connections go in turn to the members, those that
are open stay where they are when their member leaves."""

import collections
import contextlib
import socket
import threading


class Balancer:
    def __init__(self):
        self.lock = threading.Lock()
        self.members, self.turn = [], 0
        self.open = collections.Counter()    # connections, by member
        self.refused = collections.Counter() # by members that did not take one
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def add(self, port):
        with self.lock:
            self.members.append(port)

    def remove(self, port):
        with self.lock:
            self.members.remove(port)

    def connections(self, port):
        with self.lock:
            return self.open[port]

    def close(self):
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def take_member(self):
        with self.lock:
            self.turn += 1
            port = self.members[self.turn % len(self.members)]
            self.open[port] += 1
            return port

    def serve(self, client):
        port = self.take_member()
        with client:
            try:
                with socket.create_connection(("127.0.0.1", port), 60) as server:
                    server.settimeout(None)
                    back = threading.Thread(target=copy, args=(server, client), daemon=True)
                    back.start()
                    copy(client, server)
                    back.join()
            except ConnectionRefusedError:
                with self.lock:
                    self.refused[port] += 1
            finally:
                with self.lock:
                    self.open[port] -= 1


def copy(source, target):
    """Until the source ends, whose end is passed on; whatever breaks ends both."""
    try:
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        for end in (source, target):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
