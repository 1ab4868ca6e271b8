# SPDX-License-Identifier: MIT
"""Every command reads its command line and says what is wrong in the same way."""

import subprocess

import pytest

from harness import ALERTPOST, ROOT


def run(*arguments):
    done = subprocess.run([ALERTPOST, *arguments], capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=60)
    return done.returncode, done.stdout, done.stderr


# amtool has 1 for all that is wrong, and so have the commands that stand for it; Docker's HEALTHCHECK reserves 2.
MISUSE = {"serve": 2, "check": 2, "routes": 1, "render": 2, "template": 1, "send": 2, "queue": 2, "probe": 1,
          "version": 2}


@pytest.mark.parametrize("command", MISUSE)
def test_an_unknown_option_is_told_with_a_hint_at_the_help(command):
    assert run(command, "--nonsense") == (
        MISUSE[command], "", f"alertpost {command}: unknown option: --nonsense (see alertpost {command} --help)\n")


@pytest.mark.parametrize("line, why", [
    ("serve --confg.file x", "unknown option: --confg.file; did you mean --config.file?"),
    ("serve x", "unexpected argument: x"),
    ("serve --shutdown.delay soon", '--shutdown.delay: not a valid duration string: "soon"'),
    ("check", "needs a FILE"),
    ("check --dta=x y", "unknown option: --dta; did you mean --data?"),
    ("routes tst --config.file x", "unknown action: tst; did you mean test?"),
    ("routes show --config.file x y", "unexpected argument: y"),
    ("routes test", "needed: --config.file FILE"),
    ("render x", "unexpected argument: x"),
    ("render --receiver x", "needed: --config.file FILE --receiver NAME --data FILE"),
    ("template", "needed: render"),
    ("template rendr", "unknown action: rendr; did you mean render?"),
    ("template render", "needed: --template.glob PATTERN --template.text TEXT"),
    ("send", "needed: --to ADDRESS"),
    ("send me@example.org", "unexpected argument: me@example.org"),
    ("queue", "one of list, show, retry, drop, import is wanted"),
    ("queue lst", "unknown action: lst; did you mean list?"),
    ("queue show", "which mail? Name its number or Message-ID"),
    ("probe", "needs one URL"),
    ("version x", "unexpected argument: x"),
])
def test_what_makes_no_sense_is_told_in_one_line(line, why):
    command = line.split()[0]
    assert run(*line.split()) == (
        MISUSE[command], "", f"alertpost {command}: {why} (see alertpost {command} --help)\n")


@pytest.mark.parametrize("line", [
    "serve --config.file /nowhere/a.yml", "routes show --config.file /nowhere/a.yml",
    "render --config.file /nowhere/a.yml --receiver r --data /nowhere/b.json"])
def test_what_cannot_be_done_is_1_without_a_hint(line):
    assert run(*line.split()) == (1, "", f"alertpost {line.split()[0]}: /nowhere/a.yml: No such file or directory\n")


SOURCES = """
global: {smtp_smarthost: mail.example.org:25, smtp_from: a@example.org}
route: {receiver: r}
receivers: [{name: r, email_configs: [{to: '{{ .CommonLabels.branch }}@example.org'}]}]
sources: [{name: ci, type: github}]
delivery: {postmaster: postmaster@example.org}
"""


@pytest.mark.parametrize("line", ["check {config} --data {data}",
                                  "render --config.file {config} --receiver r --format text --data {data}"])
def test_another_sender_s_webhook_is_read_by_its_source_which_is_asked_for(tmp_path, line):
    (tmp_path / "c.yml").write_text(SOURCES)
    data = ROOT / "tests/data/payloads/github-failure.json"
    words = line.format(config=tmp_path / "c.yml", data=data).split()
    status, _, err = run(*words)
    assert status == 1
    assert err.removeprefix("alertpost render: ") == f"{data}: as Alertmanager's (others need --source NAME): alerts: missing\n"
    assert run(*words, "--source", "ci")[0] == 0
    assert run(*words, "--source", "cj")[::2] == (1, err.split(str(data))[0] + "cj: no such source\n")


def test_an_unknown_command_is_2_and_a_close_one_is_named():
    assert run("rotes") == (2, "", "alertpost: unknown command: rotes; did you mean routes? (see alertpost --help)\n")
    assert run("nonsense") == (2, "", "alertpost: unknown command: nonsense (see alertpost --help)\n")
    status, out, listed = run()
    assert (status, out) == (2, "") and listed == run("--help")[1]
    assert run("--version") == run("version")


@pytest.mark.parametrize("line", [
    "check", "routes show --config.file", "routes test team=db --config.file",
    "render --receiver mail --data hook.json --config.file", "send --to me@example.org --config.file"])
def test_what_ignores_other_receivers_takes_the_option_that_says_so(line, tmp_path):
    (tmp_path / "mixed.yml").write_text("""
global: {smtp_smarthost: 'maildir:mail', smtp_from: alerts@example.org}
route: {receiver: mail}
receivers: [{name: mail, email_configs: [{to: ops@example.org}], slack_configs: [{channel: ops}]}]
""")
    (tmp_path / "hook.json").write_text('{"alerts": [{"status": "firing", "labels": {"alertname": "Disk"}}]}')
    done = subprocess.run([ALERTPOST, *line.split(), "mixed.yml", "--ignore-other-receivers"], capture_output=True, text=True,
                          cwd=tmp_path, timeout=60)
    assert done.returncode == 0, done.stderr
