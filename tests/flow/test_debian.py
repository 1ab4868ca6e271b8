# SPDX-License-Identifier: MIT
"""The Debian package, and the service in it under a real systemd: a machine of its own (machine.py)."""

import json
import pathlib
import re
import shutil
import subprocess

import pytest

import harness
from harness import wait_for
from machine import Machine, can_boot

URL = "http://127.0.0.1:9725"
BUILD = pathlib.Path(harness.ALERTPOST).parent
PAYLOAD = harness.payload(harness.alert({"alertname": "Disk"}), group="Disk")


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    """What CPack makes of the build that is tested."""
    cache = (BUILD / "CMakeCache.txt").read_text()
    if not re.search(r"^CMAKE_INSTALL_PREFIX:\w+=/usr$", cache, re.M):
        pytest.skip("the build has not the package's paths (cmake -D CMAKE_INSTALL_PREFIX=/usr)")
    folder = tmp_path_factory.mktemp("package")
    subprocess.run(["cpack", "-G", "DEB", "--config", BUILD / "CPackConfig.cmake", "-B", folder], check=True,
                   capture_output=True, cwd=folder)
    (found,) = folder.glob("*.deb")
    return found


@pytest.fixture(scope="module")
def machine(tmp_path_factory, package):  # or there is nothing to do in it
    if not can_boot():
        pytest.skip("needs root, namespaces, overlayfs and systemd")
    with Machine(tmp_path_factory.mktemp("machine")) as machine:
        machine.run("rm", "-rf", "/etc/alertpost", "/var/lib/alertpost")
        yield machine


def install(machine, package):
    shutil.copy(package, machine.shared)
    return machine.run("dpkg", "--install", f"/mnt/{package.name}")


def probe(machine):
    return machine.try_run("alertpost", "probe", f"{URL}/-/ready").returncode == 0


def post(machine, payload=PAYLOAD, *arguments):
    """The status."""
    return int(machine.run("curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}", "--json", json.dumps(payload), *arguments,
                           f"{URL}/hooks/alertmanager"))


def sink(machine):
    """The machine's mail server; each mail becomes a file in /mnt/mails."""
    (machine.shared / "mails").mkdir(exist_ok=True)
    machine.run("systemd-run", "--unit", "sink", "smtp-sink", "-u", "root", "-c", "-d", "/mnt/mails/%Y%m%d%H%M%S.", "127.0.0.1:25",
                "10")


def mails(machine):
    return [path.read_text() for path in (machine.shared / "mails").iterdir() if path.read_text().endswith("\n")]


def mode(machine):
    return machine.run("stat", "-c", "%U %G %a", "/etc/alertpost/alertpost.yml")


def restart_with(machine, settings):
    machine.write("/etc/systemd/system/alertpost.service.d/test.conf", f"[Service]\n{settings}\n")
    machine.run("systemctl", "daemon-reload")
    machine.run("systemctl", "restart", "alertpost")


def status(machine):
    return machine.unit("alertpost", "StatusText")


def lintian(package):
    return subprocess.run(["lintian", "--allow-root", "--no-cfg", "--fail-on", "error,warning", "--tag-display-limit", "0",
                           package], capture_output=True, text=True)


def test_lintian_has_nothing_against_the_package(package):
    done = lintian(package)
    assert done.returncode == 0, done.stdout


# One life, in the order of this file.

def test_an_installed_package_serves_and_mails_root_without_being_configured(machine, package):
    sink(machine)
    install(machine, package)
    assert machine.unit("alertpost", "ActiveState") == "active"
    assert machine.run("systemctl", "is-enabled", "alertpost") == "enabled\n"
    assert mode(machine) == "root alertpost 640\n"  # it may have passwords in it
    assert status(machine) == "Serving; mails queued: 0, dead: 0"
    assert probe(machine)
    assert machine.run("alertpost", "check", "/etc/alertpost/alertpost.yml").startswith("/etc/alertpost/alertpost.yml: good: ")
    assert post(machine) == 202
    (mail,) = wait_for(lambda: mails(machine), "root's mail")
    assert "X-Rcpt-Args: <root@localhost>" in mail and "Subject: [FIRING:1] Disk" in mail


def test_it_runs_confined_as_its_own_user(machine):
    pid = machine.unit("alertpost", "MainPID")
    lines = dict(line.split(":\t", 1) for line in machine.run("cat", f"/proc/{pid}/status").splitlines())
    uid = machine.run("id", "-u", "alertpost").strip()
    assert set(lines["Uid"].split()) == {uid} and uid != "0"
    assert (lines["NoNewPrivs"], lines["Seccomp"], lines["CapEff"].strip("0"), lines["CapBnd"].strip("0")) == ("1", "2", "", "")
    assert machine.run("stat", "-c", "%U %a", "/var/lib/alertpost") == "alertpost 700\n"
    assert machine.run("stat", "-c", "%U %a", "/var/lib/alertpost/alertpost.db") == "alertpost 600\n"
    assert not re.search("not permitted|level=(warn|error)", machine.journal("alertpost"))


def test_a_reload_takes_what_is_right_and_says_what_is_not(machine):
    good = machine.run("cat", "/etc/alertpost/alertpost.yml")
    machine.write("/etc/alertpost/alertpost.yml", good + "nonsense: 1\n")
    machine.run("systemctl", "reload", "alertpost")
    wait_for(lambda: "; configuration not reloaded: " in status(machine), "the error in the status")
    assert "nonsense" in status(machine) and machine.unit("alertpost", "ActiveState") == "active"
    machine.write("/etc/alertpost/alertpost.yml", good + "# by the administrator\n")
    machine.run("systemctl", "reload", "alertpost")
    wait_for(lambda: status(machine) == "Serving; mails queued: 0, dead: 0", "the error has gone")
    wait_for(lambda: machine.unit("alertpost", "ActiveState") == "active", "reloaded")


def test_a_secret_that_only_root_may_read_comes_by_load_credential(machine):
    good = machine.run("cat", "/etc/alertpost/alertpost.yml")
    machine.write("/etc/alertpost/token", "t0ken\n", mode="600")
    machine.write("/etc/alertpost/alertpost.yml", good + """
sources:
  - name: alertmanager
    type: alertmanager
    auth:
      bearer_token_file: /run/credentials/alertpost.service/token
""")
    restart_with(machine, "LoadCredential=token:/etc/alertpost/token")
    assert post(machine) == 401
    assert post(machine, PAYLOAD, "-H", "Authorization: Bearer t0ken") in (200, 202)
    machine.write("/etc/alertpost/alertpost.yml", good)
    restart_with(machine, "")


def test_a_program_that_stands_still_is_ended_by_the_watchdog_and_started_again(machine):
    restart_with(machine, "WatchdogSec=2s\nRestartSec=0")
    before = machine.unit("alertpost", "MainPID")
    machine.run("sleep", "3")  # half as long again as it may be silent
    assert machine.unit("alertpost", "MainPID") == before
    machine.run("kill", "-STOP", before)
    wait_for(lambda: machine.unit("alertpost", "NRestarts") == "1", "the watchdog")
    wait_for(lambda: probe(machine), "it serves again")
    assert "Watchdog timeout" in machine.journal("alertpost")
    assert machine.unit("alertpost", "MainPID") != before


def test_an_end_that_takes_longer_than_the_watchdog_s_time_is_waited_for(machine):
    restart_with(machine, "WatchdogSec=1s\nTimeoutStopSec=2s\nEnvironment=ARGS=--shutdown.delay=4s")
    machine.run("systemctl", "stop", "alertpost")
    assert machine.unit("alertpost", "Result") == "success"
    assert "msg=stopped" in machine.journal("alertpost").split("msg=stopping")[-1]
    restart_with(machine, "")


def test_with_the_socket_the_service_starts_at_the_first_webhook(machine):
    machine.run("systemctl", "stop", "alertpost")
    machine.run("systemctl", "start", "alertpost.socket", "alertpost-management.socket")
    assert machine.unit("alertpost", "ActiveState") == "inactive"
    assert post(machine, harness.payload(harness.alert({"alertname": "Socket"}), group="Socket")) == 202
    assert machine.unit("alertpost", "ActiveState") == "active"
    assert machine.run("alertpost", "probe", "http://127.0.0.1:9726/-/ready") == ""
    assert machine.try_run("alertpost", "probe", f"{URL}/-/ready").returncode == 1  # management is elsewhere now
    machine.run("systemctl", "stop", "alertpost.socket", "alertpost-management.socket", "alertpost")
    machine.run("systemctl", "start", "alertpost")


def test_an_upgrade_keeps_the_queue_and_what_the_administrator_wrote(machine, package, tmp_path):
    wait_for(lambda: len(mails(machine)) == 2, "the mails so far")
    machine.run("systemctl", "stop", "sink")
    machine.run("chmod", "644", "/etc/alertpost/alertpost.yml")
    assert post(machine, harness.payload(harness.alert({"alertname": "Upgrade"}), group="Upgrade")) == 202
    before, written = machine.unit("alertpost", "MainPID"), machine.run("cat", "/etc/alertpost/alertpost.yml")
    subprocess.run(["dpkg-deb", "-R", package, tmp_path / "tree"], check=True)
    control = tmp_path / "tree/DEBIAN/control"
    control.write_text(re.sub(r"^Version: .*$", "Version: 0.1.0-2", control.read_text(), flags=re.M))
    newer = tmp_path / "alertpost_0.1.0-2.deb"
    subprocess.run(["dpkg-deb", "--root-owner-group", "-b", tmp_path / "tree", newer], check=True, capture_output=True)
    install(machine, newer)
    assert machine.run("dpkg-query", "-W", "-f", "${Version}", "alertpost") == "0.1.0-2"
    assert machine.unit("alertpost", "MainPID") not in ("0", before) and probe(machine)
    assert machine.run("cat", "/etc/alertpost/alertpost.yml") == written and "# by the administrator" in written
    assert mode(machine).endswith(" 644\n"), "its mode is the administrator's, too"
    sink(machine)
    wait_for(lambda: len(mails(machine)) == 3, "the mail that was queued before", 60)


def test_an_upgrade_with_a_broken_configuration_neither_hangs_nor_fails(machine, package):
    good = machine.run("cat", "/etc/alertpost/alertpost.yml")
    machine.write("/etc/alertpost/alertpost.yml", "nonsense: 1\n")
    machine.run("dpkg", "--install", "/mnt/alertpost_0.1.0-2.deb")
    assert machine.unit("alertpost", "ActiveState") != "active"
    machine.write("/etc/alertpost/alertpost.yml", good)
    machine.run("systemctl", "reset-failed", "alertpost")
    machine.run("systemctl", "start", "alertpost")
    assert probe(machine)


def test_removed_it_leaves_queue_and_configuration_and_purged_nothing(machine):
    machine.run("rm", "-r", "/etc/systemd/system/alertpost.service.d")
    machine.run("dpkg", "--remove", "alertpost")
    assert machine.try_run("pgrep", "-x", "alertpost").returncode == 1
    assert machine.run("cat", "/etc/alertpost/alertpost.yml") and machine.run("stat", "/var/lib/alertpost/alertpost.db")
    assert machine.try_run("systemctl", "start", "alertpost").returncode != 0
    machine.run("dpkg", "--purge", "alertpost")
    left = machine.run("find", "/etc", "/usr", "/lib", "/var", "/run", "-xdev", "-name", "*alertpost*", "-not", "-path", "*/python3/*")
    assert left == ""
    assert machine.try_run("getent", "passwd", "alertpost").returncode == 2
    assert machine.try_run("dpkg-query", "-W", "alertpost").returncode == 1
