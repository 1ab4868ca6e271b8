# SPDX-License-Identifier: MIT
"""The built-in mail of CI, held to what test_default_mail.py holds the mail of alerts to."""

import html
import json
import re
import shutil
import subprocess

import pytest

import harness
import mail_cases
from test_default_mail import CONFIG, KB, WIDTHS, Mail, columns, measure, without_style

SOURCES = "sources: [{name: github}, {name: gitlab}, {name: jenkins}, {name: flux}, {name: tekton}]\n"
SHOWN = ["github-failure", "github-fork-failure", "github-success-attempt-2", "gitlab-pipeline-failed",
         "jenkins-failure", "flux-error", "tekton-failed"]


def load(name):
    return json.loads((harness.ROOT / f"tests/data/payloads/{name}.json").read_text())


def everywhere(value, payload):
    """The payload with every text that a person writes replaced."""
    if isinstance(payload, dict):
        kept = ("conclusion", "status", "phase", "action", "timestamp", "updated_at", "run_started_at", "url", "full_url")
        return {key: one if key in kept else everywhere(value, one) for key, one in payload.items()}
    if isinstance(payload, list):
        return [everywhere(value, one) for one in payload]
    return value if isinstance(payload, str) else payload


@pytest.fixture(scope="module")
def render(tmp_path_factory):
    """render(source, payload) -> Mail"""
    folder = tmp_path_factory.mktemp("render")

    def run(source, payload):
        (folder / "c.yml").write_text(CONFIG + SOURCES)
        done = subprocess.run([harness.ALERTPOST, "render", "--config.file", str(folder / "c.yml"), "--source", source,
                               "--receiver", "operations", "--data", "-", "--format", "eml"],
                              input=json.dumps(payload).encode(), capture_output=True)
        assert done.returncode == 0 and not done.stderr, done.stderr.decode()
        return Mail(done.stdout)

    return run


@pytest.fixture(scope="module")
def mails(render):
    found = {name: render(name.split("-")[0], load(name)) for name in SHOWN}
    found["chinese"] = render("github", everywhere(mail_cases.CHINESE[0], load("github-failure")))
    found["arabic"] = render("github", everywhere(mail_cases.ARABIC[1], load("github-failure")))
    found["long"] = render("jenkins", everywhere("a1b2c3d4e5" * 30, load("jenkins-failure")))
    found["hostile"] = render("github", everywhere("</td><b>&\"'{{ . }}" * 500, load("github-failure")))
    return found


@pytest.fixture(scope="module")
def seen(mails, tmp_path_factory):
    if shutil.which("chromium") is None:
        pytest.skip("chromium is not installed")
    folder = tmp_path_factory.mktemp("browser")
    pages = {name: mail.html for name, mail in mails.items()}
    plain = {f"{name} without style": without_style(page) for name, page in pages.items()}
    return (measure(folder, {**pages, **plain}, dark=False)
            + measure(folder, {f"{name} dark": page for name, page in pages.items()}, dark=True))


def test_it_fits_the_window_shows_its_state_at_once_and_has_contrast(seen):
    assert {one["view"] for one in seen} == set(WIDTHS)
    assert not [(one["name"], one["view"], one["scroll"]) for one in seen if one["scroll"] > one["view"]]
    assert not [(one["name"], one["word"], one["bottom"]) for one in seen
                if one["word"] not in ("FAILED", "FIXED") or one["bottom"] > 120]
    assert not [(one["name"], pair) for one in seen for pair in one["pairs"].values()
                if pair["ratio"] < 4.5 or pair["inverted"] < 4.5]
    assert all(one["hidden"] == 0 and all(height >= 44 for height in one["buttons"]) for one in seen)


def test_subject_lines_and_sizes_are_bounded(mails):
    for name, mail in mails.items():
        assert len(mail.subject) <= 60, name
        assert re.match(r"\[(FAILED|FIXED)\] \S", mail.subject), name
        assert len(mail.html.encode()) <= 80 * KB and mail.encoded <= 100 * KB, name
        for line in mail.text.splitlines():
            assert columns(line) <= 80 or re.fullmatch(r" *(\w+: )?https?://\S+", line), (name, line)


def test_the_preview_says_what_failed_where(mails):
    for name, mail in mails.items():
        preview = html.unescape(re.search(r"mso-hide:all\">(.*?)</div>", mail.html, re.S)[1])
        assert len(preview) <= 210, name
    preview = re.search(r"mso-hide:all\">(.*?)</div>", mails["gitlab-pipeline-failed"].html, re.S)[1]
    assert preview == "pipeline failed on master: test-build (test) (User)"


def test_links_lead_to_the_run_and_to_the_repository(mails):
    mail = mails["github-failure"]
    assert mail.link("View the run") == "https://github.com/acme/api/actions/runs/30434204"
    assert mail.link("View the repository") == "https://github.com/acme/api"
    assert "  Run: https://github.com/acme/api/actions/runs/30434204\n" in mail.text
    for name, mail in mails.items():
        for url, text in mail.page.links:
            assert re.match(r"https?://[a-z]", url) and text.strip(), (name, url)


def test_both_parts_say_the_same_of_the_run(mails):
    for part in (lambda mail: mail.page.text, lambda mail: mail.text):
        text = part(mails["github-success-attempt-2"])
        for value in ("FIXED", "acme/api", "main", "acb5820ced9479c074f688cc328bf03f341a511d", "Parse empty dates",
                      "Ada Example", "#562, attempt 2", "4m12s", "hubot", "push"):
            assert value in text, value
        assert "BUILD FAILED" in part(mails["jenkins-failure"]) and "step 11" in part(mails["jenkins-failure"])
        assert "step 10" not in part(mails["jenkins-failure"])


def test_values_stay_text(mails):
    plain, hostile = mails["github-failure"].page, mails["hostile"].page
    tags = lambda page: [tag for tag, _, _ in page.elements if tag not in ("a", "td", "p", "span", "table", "tr", "br")]
    assert set(tags(hostile)) <= set(tags(plain))
    assert "{{ . }}" in hostile.text and "<b>" in hostile.text
