# SPDX-License-Identifier: MIT
"""Random templates and payloads: the engine beside amtool and beside Go's own packages.

The same output, or a failure of the same kind. As part of the tests the same few hundred are tried
each time; TEMPLATES=20000 in the environment tries so many others, SEED=N those of one seed, which is
printed. In 100,000 templates one or two show differences that no pattern tells apart: a template that is
called twice and ends inside a tag, an int64 where we know only ints (both in rules/README.md)."""

import base64
import collections
import concurrent.futures
import json
import os
import pathlib
import random
import re
import shutil
import subprocess

import pytest

import template_grammar
from harness import ALERTPOST

AMTOOL, GO = shutil.which("amtool"), shutil.which("go")
OUTCOMES = pathlib.Path(ALERTPOST).parent / "tests" / "template_outcomes"
ORACLE = pathlib.Path(__file__).resolve().parents[1] / "fuzz" / "oracle"
TEMPLATES = int(os.environ.get("TEMPLATES", "400"))
SEED = os.environ.get("SEED", None if "TEMPLATES" in os.environ else "1")
BATCH = 500

# What stands for ZgotmplZ in our output where Go 1.19 refuses nothing: an attribute without
# quotes that is empty, a CSS value with < or >.
REFUSED = rb"(?:ZgotmplZ||(?:[^;\"'{}]|&#?\w+;)*?(?:[<>]|&lt;|&gt;)(?:[^;\"'{}]|&#?\w+;)*?)"


# A regular expression in a template that makes such text.
NOT_UTF8 = re.compile(r"(?s)(?=.*(\\xff|slice))(?=.*(match|reReplaceAll) )")


def text_of(case):
    return case.get("text") or case["templates"][0]["text"]


def is_refused_now(case, theirs, ours):
    if theirs[0] != "ok" or ours[0] != "ok" or b"ZgotmplZ" not in ours[1]:
        return False
    return re.fullmatch(REFUSED.join(map(re.escape, ours[1].split(b"ZgotmplZ"))), theirs[1], re.S)


# Each difference that is meant. Everything else is an error of ours.
KNOWN = {
    "a regular expression never matches what is not UTF-8":
        lambda case, theirs, ours: NOT_UTF8.search(text_of(case)) and theirs[0] == ours[0] == "ok",
    "scripts are refused when a template is loaded":
        lambda case, theirs, ours: ours[0] != "ok" and b"mail clients run no scripts" in ours[1],
    "what stands in a script is not read":
        lambda case, theirs, ours: theirs[0] in ("escape", "load") and b"stateJS" in theirs[1],
    "newer Go refuses < and > in CSS, and nothing at all as a value without quotes":
        is_refused_now,
    "newer Go counts to a number":
        lambda case, theirs, ours: theirs[0] != "ok" and re.search(rb"range can't iterate over -?\d+\s*$", theirs[1]),
}


def explain(case, theirs, ours):
    """Why they may differ; None if they may not."""
    return next((reason for reason, fits in KNOWN.items() if fits(case, theirs, ours)), None)


def agree(theirs, ours):
    if theirs[0] == "ok":
        return theirs == ours
    return ours[0] == theirs[0] or (ours[0] != "ok" and theirs[0] == "error")


def run_batch(program, cases, folder):
    """What PROGRAM, which reads a case file and writes a line a case, says: name -> (phase, bytes)."""
    path = folder / "cases.json"
    template_grammar.write_cases(path, cases)
    done = subprocess.run([program, path], capture_output=True, timeout=600)
    rows = [line.split("\t") for line in done.stdout.decode().splitlines()]
    assert done.returncode == 0, f"{program} after {rows[-1:]}: {done.stderr.decode()[-2000:]}"
    return {name: (phase, base64.b64decode(text)) for name, phase, text in rows}


def run_amtool(case, folder):
    """The same of amtool, which does not tell the phases apart."""
    data = folder / (case["name"].replace("/", "-") + ".json")
    data.write_text(json.dumps(case["data"]))
    done = subprocess.run([AMTOOL, "template", "render", "--template.glob=/usr/share/prometheus/alertmanager/*.tmpl",
                           f"--template.type={case['mode']}", f"--template.data={data}", "--template.text=" + case["text"]],
                          capture_output=True, timeout=600, env={**os.environ, "TZ": case["tz"]})
    data.unlink()
    return ("ok", done.stdout) if done.returncode == 0 else ("error", done.stderr)


def seed():
    number = int(SEED or random.SystemRandom().getrandbits(32))
    print(f"SEED={number}")
    return number


def compare(make_case, ask, folder):
    """Asks ASK(cases) and us, in batches, and reports what differs."""
    started, counts, differences = seed(), collections.Counter(), []
    generator = random.Random(started)
    for first in range(0, TEMPLATES, BATCH):
        cases = [make_case(generator, f"{started}/{i}") for i in range(first, min(first + BATCH, TEMPLATES))]
        theirs, ours = ask(cases), run_batch(OUTCOMES, cases, folder)
        for case in cases:
            pair = theirs[case["name"]], ours[case["name"]]
            counts[pair[0][0]] += 1
            if not agree(*pair):
                reason = explain(case, *pair)
                counts[reason] += 1
                differences += [] if reason else [(case, *pair)]
    print(dict(counts))
    for case, their, our in differences[:10]:
        print(f"--- {case['name']} {case['mode']}\n{text_of(case)!r}\ntheirs {their}\nours   {our}")
    assert not differences
    assert counts["ok"] >= 0.6 * TEMPLATES, "too few execute at all"


@pytest.fixture(scope="session")
def oracle(tmp_path_factory):
    if GO is None:
        pytest.skip("go is not installed (golang-go)")
    folder = tmp_path_factory.mktemp("oracle")
    settings = {"GOCACHE": str(folder / "cache"), "GOPROXY": "off", "GOFLAGS": "-mod=mod"}
    subprocess.run([GO, "build", "-o", folder / "oracle", "."], cwd=ORACLE, check=True, env={**os.environ, **settings})
    return folder / "oracle"


def test_templates_of_the_language_do_what_go_does(oracle, tmp_path):
    compare(template_grammar.language_case, lambda cases: run_batch(oracle, cases, tmp_path), tmp_path)


def as_loaded(outcomes):
    """The phases that one call of ours does not tell apart."""
    return {name: ("load" if phase == "escape" else phase, text) for name, (phase, text) in outcomes.items()}


def test_templates_of_mails_do_what_go_does(oracle, tmp_path):
    compare(template_grammar.alertmanager_case, lambda cases: as_loaded(run_batch(oracle, cases, tmp_path)), tmp_path)


@pytest.mark.skipif(AMTOOL is None, reason="amtool is not installed (prometheus-alertmanager)")
def test_templates_of_mails_do_what_amtool_does(tmp_path):
    def ask(cases):
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            answers = pool.map(lambda case: run_amtool(case, tmp_path), cases)
            return dict(zip([case["name"] for case in cases], answers))

    compare(lambda generator, name: template_grammar.alertmanager_case(generator, name, "0.25"), ask, tmp_path)
