# SPDX-License-Identifier: MIT
"""A machine of its own: this system's files under a layer that is thrown away, booted by its systemd as
process 1 of its own namespaces, without a network but the loopback.

    with Machine(folder) as machine:
        machine.run("systemctl", "start", "alertpost")

`folder` is /mnt in the machine.  It needs root, namespaces and overlayfs; can_boot() tells."""

import os
import pathlib
import subprocess
import time

from harness import Process, wait_for

BOOT = r"""
set -e
layer=$1 shared=$2 name=$3
mount --make-rprivate /
mount -t cgroup2 cgroup2 /mnt # a group of its own, in which it may do what it likes
mkdir "/mnt/$name"
echo $$ > "/mnt/$name/cgroup.procs"
umount /mnt
exec unshare --cgroup bash -c "$4" boot "$layer" "$shared"
"""
INSIDE = r"""
set -e
layer=$1 shared=$2
mount -t tmpfs layer "$layer"
mkdir "$layer/upper" "$layer/work" "$layer/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$layer/upper,workdir=$layer/work" "$layer/root"
cd "$layer/root"
mount -t proc proc proc
mount -t sysfs sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t tmpfs -o mode=755 run run
mount -t tmpfs tmp tmp
mount -t tmpfs -o mode=755 dev dev
for name in null zero full random urandom tty; do
  touch "dev/$name"
  mount --bind "/dev/$name" "dev/$name"
done
mkdir dev/pts dev/shm
mount -t devpts -o newinstance,ptmxmode=0666 devpts dev/pts
mount -t tmpfs shm dev/shm
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
mount --bind "$shared" mnt
rm -rf etc/systemd/system/* usr/sbin/policy-rc.d # what this system starts, or not, is not the machine's
pivot_root . . # a chroot could not have user namespaces
umount -l .
cd /
mount --make-rshared / # as whoever starts a container's systemd has to, or credentials get lost
exec /usr/bin/env -i container=test PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd --system --unit=basic.target
"""
NAMESPACES = ["--mount", "--pid", "--uts", "--ipc", "--net"]
SWEEP = 'mount --make-rprivate / && mount -t cgroup2 cgroup2 /mnt && find "/mnt/$1" -depth -type d -exec rmdir {} +'


def can_boot():
    script = "mount --make-rprivate / && mount -t cgroup2 none /mnt && mount -t tmpfs none /mnt && mkdir /mnt/u /mnt/w && " \
             "mount -t overlay none -o lowerdir=/,upperdir=/mnt/u,workdir=/mnt/w /mnt"
    return os.geteuid() == 0 and pathlib.Path("/lib/systemd/systemd").exists() and subprocess.run(
        ["unshare", *NAMESPACES, "--fork", "sh", "-c", script], capture_output=True).returncode == 0


class Machine(Process):
    def __init__(self, folder):
        folder = pathlib.Path(folder)
        self.shared = folder / "shared"
        layer = folder / "layer"
        self.shared.mkdir(parents=True)
        layer.mkdir()
        self.group = f"machine-{os.getpid()}-{time.monotonic_ns()}"
        super().__init__(["unshare", *NAMESPACES, "--fork", "--kill-child", "bash", "-c", BOOT, "boot", str(layer),
                          str(self.shared), self.group, INSIDE], folder / "boot.log")
        wait_for(self.booted, "the machine has booted", 60)
        self.run("ip", "link", "set", "lo", "up")

    def booted(self):
        assert self.running(), self.output()
        return self.first() and self.try_run("systemctl", "is-system-running").stdout in ("running\n", "degraded\n")

    def first(self):
        """The outer pid of its process 1, once that is systemd."""
        children = pathlib.Path(f"/proc/{self.child.pid}/task/{self.child.pid}/children").read_text().split()
        if children and pathlib.Path(f"/proc/{children[0]}/comm").read_text() == "systemd\n":
            return children[0]
        return None

    def command(self, *words):
        return ["nsenter", "--target", self.first(), "--mount", "--pid", "--uts", "--ipc", "--net", "--cgroup", "--root",
                "--wd", "env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND=noninteractive", *map(str, words)]

    def try_run(self, *words, stdin=""):
        return subprocess.run(self.command(*words), input=stdin, capture_output=True, text=True, timeout=120)

    def run(self, *words, stdin=""):
        """What it printed; the test fails if the command does."""
        done = self.try_run(*words, stdin=stdin)
        assert done.returncode == 0, f"{words}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout

    def write(self, path, text, mode="644"):
        self.run("install", "-D", "-m", mode, "/dev/stdin", path, stdin=text)

    def unit(self, name, key):
        """A property of a unit, as systemctl show has it."""
        return self.run("systemctl", "show", "--value", "-p", key, name).strip()

    def journal(self, unit):
        return self.run("journalctl", "--no-pager", "-o", "cat", "-u", unit)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.running():
            self.child.kill()  # and with it all that is in there
        self.child.wait()
        self.log.close()
        wait_for(lambda: subprocess.run(["unshare", "--mount", "sh", "-c", SWEEP, "sweep", self.group],
                                        capture_output=True).returncode == 0, "the machine's processes have ended")
