# SPDX-License-Identifier: MIT
"""What the pages of deploy/ say to paste is accepted by the program that it is for."""

import functools
import re
import subprocess

import pytest

from harness import ALERTPOST, ROOT

PAGES = [ROOT / "deploy" / name for name in ("README.md", "README.zh.md", "relays.md", "operation.md", "mixin/README.md")]
TO_SOMEBODY = """
route: {receiver: r}
receivers: [{name: r, email_configs: [{to: ops@example.org}]}]
"""


def snippets():
    for page in PAGES:
        for n, block in enumerate(re.findall(r"^```yaml\n(.*?)^```", page.read_text(), re.M | re.S)):
            yield pytest.param(block, id=f"{page.relative_to(ROOT / 'deploy')}-{n}")


def checker(block):
    """The command that judges it, and what it lacks to be a whole file."""
    if "scrape_configs:" in block:
        return ["promtool", "check", "config", "--syntax-only"], ""
    if "webhook_configs:" in block:
        return ["amtool", "check-config"], ""
    assert "smtp_smarthost:" in block, "whose configuration is this?"
    return [ALERTPOST, "check"], "" if "\nroute:" in block else TO_SOMEBODY


@pytest.mark.parametrize("block", snippets())
def test_each_configuration_is_accepted_by_what_reads_it(tmp_path, block):
    command, rest = checker(block)
    path = tmp_path / "pasted.yml"
    path.write_text(block + rest)
    done = subprocess.run([*command, str(path)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    warnings = [line for line in done.stderr.splitlines() if not re.search("cannot be read at present: .*: No such file", line)]
    assert command[0] != ALERTPOST or not warnings


@functools.cache
def options(command):
    said = subprocess.run([ALERTPOST, command, "--help"], capture_output=True, text=True, timeout=60)
    assert said.returncode == 0, f"no such command: {command}"
    return set(re.findall(r"(--[\w.-]+|-\w\b)", said.stdout))


def test_every_command_and_option_that_the_pages_name_exists():
    found = []
    for page in [*PAGES, ROOT / "README.md", *(ROOT / "deploy").glob("*/README.md")]:
        for line in re.sub(r"\\\n\s*", "", page.read_text()).splitlines():
            for command, rest in re.findall(r"\balertpost (serve|check|routes|render|template|send|queue|probe)\b(.*)", line):
                used = set(re.findall(r"(?<![\w-])(--[a-z][\w.-]*|-[a-z]\b)", rest.split("`")[0]))
                found.append(command)
                assert used <= options(command), f"{page}: {line}"
    assert len(found) > 15


def test_the_links_between_the_pages_lead_somewhere():
    for page in [*PAGES, *(ROOT / "deploy").glob("*/README.md")]:
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
            assert (page.parent / target).exists(), f"{page}: {target}"
