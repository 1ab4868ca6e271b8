# SPDX-License-Identifier: MIT
"""The man pages: they render without a warning and have what the program has."""

import os
import pathlib
import re
import subprocess

import pytest

from harness import ALERTPOST, ROOT

PAGES = {page: pathlib.Path(ALERTPOST).parent / "man" / page for page in ("alertpost.1", "alertpost.yml.5")}


def run(*command):
    return subprocess.run(command, capture_output=True, text=True, timeout=60,
                          env={**os.environ, "LC_ALL": "C.UTF-8", "MANWIDTH": "80"})


def rendered(page):
    """As it is read, a paragraph a line."""
    done = run("mandoc", "-T", "utf8", "-O", "width=1000", str(PAGES[page]))
    return re.sub(r".\x08", "", done.stdout)


def sections(page):
    """The parts with headings of the second level."""
    parts = re.split(r"^   (?! )(.*)$", rendered(page), flags=re.M)
    return dict(zip(parts[1::2], parts[2::2]))


def help_of(*command):
    return run(ALERTPOST, *command, "--help").stdout


COMMANDS = re.findall(r"^  (\w+) ", help_of().partition("Commands:")[2], re.M)


@pytest.mark.parametrize("page", PAGES)
def test_the_page_renders_without_a_warning(page):
    for command in (["mandoc", "-T", "lint", "-W", "warning"], ["man", "--warnings", "-l"]):
        done = run(*command, str(PAGES[page]))
        assert (done.returncode, done.stderr) == (0, "")
        assert command[0] == "man" or done.stdout == ""


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_s_help_and_its_part_of_the_page_say_the_same(command):
    said = help_of(command)
    part, = (text for head, text in sections("alertpost.1").items() if head.split()[:2] == ["alertpost", command])
    options = set(re.findall(r"^  (?:-\w, )?(--[\w.-]+)", said, re.M)) - {"--help"}
    assert set(re.findall(r"^ {5,8}(?:-\w, )?(--[\w.-]+)", part, re.M)) == options
    for line in re.findall(r"^  (?:-\w, )?--\S+ {2,}(.*)$", said, re.M):
        assert line == "Print this help" or line + "." in part
    assert said.startswith(f"Usage:\n  alertpost {command}") and "(null)" not in said + part


def test_the_page_of_the_configuration_has_every_key_of_the_manual():
    manual = (ROOT / "config" / "README.md").read_text()
    wanted = set(re.findall(r"^\| `(\w+)` \|", manual, re.M))
    headings = re.findall(r"^### (.+)$", manual[manual.index("<!-- keys: begin"):], re.M)
    parts = sections("alertpost.yml.5")
    assert len(wanted) > 150
    assert wanted <= set(re.findall(r"^ {5,8}(\w+): ", "".join(parts.values()), re.M))
    assert set(headings) == set(parts)


def test_nothing_is_left_to_fill_in():
    assert [re.findall(r"@[A-Z_]+@", path.read_text()) for path in PAGES.values()] == [[], []]
