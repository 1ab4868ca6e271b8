# SPDX-License-Identifier: MIT
"""What the compiler and the linker were told, seen in the binary; and no core dumps."""

import json
import os
import pathlib
import re
import resource
import signal
import subprocess

import pytest

import harness
from harness import Alertpost


def readelf(*options):
    return subprocess.run(["readelf", "--wide", *options, harness.ALERTPOST], capture_output=True, text=True,
                          check=True).stdout


def cmake(name):
    """A value from the cache of the build that the program is from."""
    cache = os.path.join(os.path.dirname(harness.ALERTPOST), "CMakeCache.txt")
    return re.search(rf"^{name}:\w+=(.*)$", open(cache).read(), re.M)[1]


def test_the_program_is_loaded_anywhere_with_nothing_writable_that_need_not_be():
    assert re.search(r"Type:\s+DYN \(Position-Independent Executable file\)", readelf("--file-header"))
    dynamic = readelf("--dynamic")
    assert re.search(r"\(FLAGS\)\s+BIND_NOW", dynamic) and re.search(r"\(FLAGS_1\)\s+Flags: NOW PIE", dynamic)
    assert not re.search(r"RPATH|RUNPATH|TEXTREL", dynamic)
    segments = re.findall(r"^\s+(\S+)\s+0x\S+ 0x\S+ 0x\S+ 0x\S+ 0x\S+ (.{3})", readelf("--program-headers"), re.M)
    assert ("GNU_RELRO", "R  ") in segments and ("GNU_STACK", "RW ") in segments
    assert not [name for name, flags in segments if "W" in flags and "E" in flags]


def disassembled():
    return subprocess.run(["objdump", "--disassemble", "--no-show-raw-insn", "--section=.text", harness.ALERTPOST],
                          capture_output=True, text=True, check=True).stdout


def test_stack_overflows_are_caught():
    checks = len(re.findall(r"(?:call|bl)\s.*<__stack_chk_fail(?:@plt)?>", disassembled()))
    assert checks > 100  # one for each function with a buffer, or nearly


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="CET is x86's")
def test_functions_begin_where_an_indirect_branch_may_lead():
    # The program as a whole is not marked for CET: Debian's start-up objects are not.
    first = re.search(r"^[0-9a-f]+ <main>:\n\s*[0-9a-f]+:\s*(\w+)", disassembled(), re.M)
    assert first[1] == "endbr64"


def test_a_release_uses_the_checking_functions_of_the_c_library():
    if cmake("CMAKE_BUILD_TYPE") != "Release" or cmake("ALERTPOST_SANITIZE"):
        pytest.skip("no release")
    assert {"__memcpy_chk", "__fprintf_chk"} <= set(re.findall(r"\b(__\w+_chk)@", readelf("--dyn-syms")))


def test_large_frames_are_probed_page_by_page():
    commands = json.loads((pathlib.Path(harness.ALERTPOST).parent / "compile_commands.json").read_text())
    assert all("-fstack-clash-protection" in one["command"] for one in commands if "/bridge/" in one["file"])


@pytest.fixture
def dumps_allowed():
    """For this process and its children."""
    before = resource.getrlimit(resource.RLIMIT_CORE)
    if before[1] != resource.RLIM_INFINITY:
        pytest.skip("core dumps are forbidden here, to all")
    resource.setrlimit(resource.RLIMIT_CORE, (before[1], before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_CORE, before)


def crash(pid):
    """Whether the kernel dumped its core, into a file or a pipe."""
    os.kill(pid, signal.SIGABRT)
    _, status = os.waitpid(pid, 0)
    assert os.WTERMSIG(status) == signal.SIGABRT
    return os.WCOREDUMP(status)


def test_a_crash_leaves_no_core_dump_where_another_program_s_does(start, tmp_path, dumps_allowed):
    control = subprocess.Popen(["sleep", "60"], cwd=tmp_path)
    ours = start(Alertpost, harness.simple_config(1))
    ours.tells("msg=started")
    control.returncode = ours.child.returncode = -signal.SIGABRT  # it is waited for here
    assert crash(control.pid)
    assert not crash(ours.child.pid)
    assert not list(ours.folder.glob("core*"))


def test_the_memory_of_the_program_is_for_root_only(start):
    ours = start(Alertpost, harness.simple_config(1))
    ours.tells("msg=started")
    limits = pathlib.Path(f"/proc/{ours.child.pid}/limits").read_text()
    assert re.search(r"^Max core file size +0 +0 ", limits, re.M)
    assert os.stat(f"/proc/{ours.child.pid}/mem").st_uid == 0
