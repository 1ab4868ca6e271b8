# SPDX-License-Identifier: MIT
"""A container as an engine would start it, and a network of the test's own, made of namespaces."""

import contextlib
import ctypes
import fcntl
import os
import pathlib
import shutil
import signal
import socket
import struct
import subprocess
import threading

import pytest

from harness import ROOT, Process, wait_for

ENTRYPOINT = ["/usr/bin/alertpost"]  # the image's
CLONE_NEWNET = 0x40000000
LIBC = ctypes.CDLL(None, use_errno=True)


def missing():
    """Why no namespaces can be had here, or ""."""
    if os.geteuid() != 0:
        return "namespaces are made by root"
    made = subprocess.run(["unshare", "--mount", "--pid", "--net", "--fork", "true"], capture_output=True, text=True)
    return made.stderr.strip()


needs_namespaces = pytest.mark.skipif(bool(missing()), reason=missing() or "they are there")


def check(result):
    if result != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


@contextlib.contextmanager
def own_network():
    """Until the end this thread, and whatever it starts, has a network with a loopback and nothing else."""
    outside = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    check(LIBC.unshare(CLONE_NEWNET))
    try:
        with socket.socket() as any_socket:
            up = struct.pack("16sH22x", b"lo", 1)  # IFF_UP
            fcntl.ioctl(any_socket, 0x8914, up)    # SIOCSIFFLAGS
        yield
    finally:
        check(LIBC.setns(outside, CLONE_NEWNET))
        os.close(outside)


class NameServer:
    """Answers every question for an IPv4 address with 127.0.0.1; `asked` are the names."""

    def __init__(self):
        self.asked = set()
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 53))
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            question, sender = self.socket.recvfrom(512)
            name, at = [], 12
            while question[at]:
                name.append(question[at + 1:at + 1 + question[at]].decode())
                at += 1 + question[at]
            self.asked.add(".".join(name))
            query = question[12:at + 5]
            answer = b""
            if query[-4:-2] == b"\0\1":  # type A
                answer = b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\x7f\0\0\1"
            counts = struct.pack(">HHHH", 1, bool(answer), 0, 0)
            self.socket.sendto(question[:2] + b"\x81\x80" + counts + query + answer, sender)


class Container(Process):
    """Runs a command in a root filesystem that it cannot write to, as a numeric user without
    privileges and as process 1; `mounts` is {path inside: (path outside, "ro" or "rw")}."""

    def __init__(self, folder, root, command, user, mounts, env=None, name="container", workdir="/"):
        folder, self.user, self.pid, self.env = pathlib.Path(folder), user, 0, env or {}
        folder.mkdir(parents=True, exist_ok=True)
        script = ["set -e", "mount --make-rprivate /", f"mount --bind {root} {root}"]
        for inside, (outside, access) in mounts.items():
            point = pathlib.Path(f"{root}{inside}")
            if pathlib.Path(outside).is_dir():
                point.mkdir(parents=True, exist_ok=True)
            else:
                point.touch()
            script += [f"mount --bind {outside} {point}", f"mount -o remount,bind,nosuid,{access} {point}"]
        script += [f"mount -t proc proc {root}/proc", f"mount -o remount,bind,ro {root}",
                   f"cd {root}{workdir}",
                   f'exec setpriv --no-new-privs {shutil.which("chroot")} --userspec={user} --groups= {root} "$@"']
        super().__init__(["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", "\n".join(script),
                          "container", *command], folder / f"{name}.log", env=self.env)
        children = pathlib.Path(f"/proc/{self.child.pid}/task/{self.child.pid}/children")
        self.pid = int(wait_for(lambda: self.running() and children.read_text(), f"{name} starts"))

    def execute(self, *command, input=None):
        """Runs a command in the container, with its environment: `kubectl exec -i`."""
        user, group = self.user.split(":")
        return subprocess.run(["nsenter", "-t", str(self.pid), "-m", "-p", "-r", "-w", "-S", user, "-G", group,
                               *command], capture_output=True, text=True, env=self.env, input=input)

    def kill(self):
        """Process 1 first: --kill-child does not reach it, since a change of user clears PR_SET_PDEATHSIG."""
        if self.pid and self.running():
            os.kill(self.pid, signal.SIGKILL)
        super().kill()

    def stop(self, number=15, seconds=60):
        """Signals process 1; the exit status."""
        if self.running():
            os.kill(self.pid, number)
        return super().stop(0, seconds)


def rootfs(target, binary):
    """Makes the image's root filesystem, with files of another user; what the script prints."""
    if os.geteuid() != 0:
        pytest.skip("only root can make the root filesystem")
    return subprocess.run([ROOT / "deploy/container/rootfs", target, binary], check=True,
                          capture_output=True, text=True).stdout
