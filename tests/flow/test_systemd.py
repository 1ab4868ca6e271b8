# SPDX-License-Identifier: MIT
"""The units of deploy/systemd, judged by systemd itself."""

import re
import shutil
import subprocess

import pytest

import harness

UNITS = harness.ROOT / "deploy" / "systemd"


@pytest.fixture
def units(tmp_path):
    """The units as they are installed, but for the program, which is where it was built."""
    for unit in UNITS.glob("*.socket"):
        shutil.copy(unit, tmp_path)
    text = (UNITS / "alertpost.service.in").read_text()
    text = text.replace("@CMAKE_INSTALL_FULL_BINDIR@/alertpost", harness.ALERTPOST)
    (tmp_path / "alertpost.service").write_text(text.replace("@ALERTPOST_ETC@", "/etc/alertpost"))
    assert "@CMAKE" not in text.replace("@system-service", "").split("ExecStart=")[1].split("\n")[0]
    return tmp_path


def analyze(*arguments):
    return subprocess.run(["systemd-analyze", *map(str, arguments)], capture_output=True, text=True)


def test_systemd_has_nothing_to_say_about_the_units(units):
    done = analyze("verify", "--man=no", *sorted(units.iterdir()))
    ours = [line for line in (done.stdout + done.stderr).splitlines() if "alertpost" in line]
    assert (done.returncode, ours) == (0, [])


def test_systemd_finds_what_is_wrong_in_them(units):
    service = units / "alertpost.service"
    service.write_text(service.read_text().replace("WatchdogSec=2min", "WatchdogSecs=soon"))
    assert "WatchdogSecs" in analyze("verify", "--man=no", service).stderr


def test_the_service_is_exposed_to_1_5_at_most(units):
    done = analyze("security", "--offline=yes", "--threshold=15", "--no-pager", units / "alertpost.service")
    exposure = float(re.search(r"Overall exposure level for alertpost.service: (\S+)", done.stdout)[1])
    assert done.returncode == 0 and exposure <= 1.5, done.stdout

