# SPDX-License-Identifier: MIT
"""The power goes: only what was flushed is on the disk, and of the rest any part of it."""

import os
import pathlib
import random
import shutil

import pytest

import harness
from harness import Alertpost, Load, SmtpSink, wait_for
from test_faults_crash import KEEP, in_doubt

SHIM = os.environ.get("POWERLOSS", "")
ROUNDS = 12
SECTOR = 512

pytestmark = pytest.mark.skipif(not SHIM, reason="the shim does not go with a sanitizer")


class Disk:
    """A folder, and beside it what the shim says is on the disk."""

    def __init__(self, folder, *lies):
        self.folder = folder
        self.kept = pathlib.Path(f"{folder}.disk")
        self.folder.mkdir()
        self.kept.mkdir()
        (self.kept / "names").write_text("")
        self.environment = {"LD_PRELOAD": SHIM, "POWERLOSS_FOLDER": str(folder), **{lie: "1" for lie in lies}}

    def cut_power(self, chance, dice):
        """Makes the folder what the disk held; a sector that was not flushed is there by chance."""
        names = dict(reversed(line.split(" ", 1)) for line in (self.kept / "names").read_text().splitlines())
        files = {}
        for name, inode in names.items():
            flushed = self.kept / inode
            flushed = flushed.read_bytes() if flushed.exists() else b""
            written = self.folder / name
            written = written.read_bytes() if written.exists() else flushed
            files[name] = self.mix(flushed, written, chance, dice)
        shutil.rmtree(self.folder)
        shutil.rmtree(self.kept)
        self.folder.mkdir()
        self.kept.mkdir()
        lines = []
        for name, content in files.items():
            path = self.folder / name
            path.write_bytes(content)
            (self.kept / str(path.stat().st_ino)).write_bytes(content)
            lines.append(f"{path.stat().st_ino} {name}\n")
        (self.kept / "names").write_text("".join(lines))

    @staticmethod
    def mix(flushed, written, chance, dice):
        mixed = bytearray(flushed)
        for at in range(0, len(written), SECTOR):
            sector = written[at:at + SECTOR]
            if sector != flushed[at:at + SECTOR] and dice.random() < chance:
                mixed += b"\0" * (at - len(mixed))
                mixed[at:at + SECTOR] = sector
        return bytes(mixed)


def lose_power(start, tmp_path, rounds, disk):
    """So many times under load; what was accepted, the sink, and the program afterwards."""
    sink = start(SmtpSink)
    config = harness.simple_config(sink.port, more=KEEP)
    options = {"folder": tmp_path / "ours", "storage": f"sqlite:{disk.folder}/alertpost.db", "env": disk.environment}
    accepted = set()
    for number in range(rounds):
        dice = random.Random(number)
        ours = start(Alertpost, config, **options)
        load = Load(ours.port, number, 4)
        wait_for(lambda: len(load.accepted) > dice.randrange(60), "the load runs")
        ours.child.kill()
        ours.child.wait()
        accepted |= load.stop()
        disk.cut_power([0, 0.5, 1][number % 3], dice)
    ours = start(Alertpost, config, **options)
    ours.drained()
    assert ours.stop() == 0
    return accepted, sink, ours


def test_what_was_accepted_survives_a_loss_of_power(start, tmp_path):
    accepted, sink, ours = lose_power(start, tmp_path, ROUNDS, Disk(tmp_path / "data"))
    delivered = sink.groups()
    assert accepted - set(delivered) <= in_doubt(ours)
    assert len(delivered) == len(set(delivered))
    assert "moved aside" not in ours.output()
    assert len(accepted & set(delivered)) > ROUNDS


def test_a_disk_that_lies_about_it_would_be_noticed(start, tmp_path):
    """The same with flushes that do nothing: so the test above can fail."""
    accepted, sink, ours = lose_power(start, tmp_path, 3, Disk(tmp_path / "data", "POWERLOSS_LIES"))
    delivered = sink.groups()
    lost = accepted - set(delivered) - in_doubt(ours)
    repeated = len(delivered) - len(set(delivered))
    assert lost or repeated or "moved aside" in ours.output()
