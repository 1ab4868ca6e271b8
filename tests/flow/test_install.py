# SPDX-License-Identifier: MIT
"""cmake --install from source: what arrives, and that it may be repeated."""

import gzip
import os
import pathlib
import re
import subprocess

from harness import ALERTPOST

BUILD = pathlib.Path(ALERTPOST).parent


def install(into):
    subprocess.run(["cmake", "--install", str(BUILD)], check=True, capture_output=True, timeout=120,
                   env={**os.environ, "DESTDIR": str(into)})
    return {path.name: path for path in into.rglob("*") if path.is_file()}


def test_a_second_installation_leaves_what_was_edited_and_renews_the_rest(tmp_path):
    files = install(tmp_path)
    assert {"alertpost", "alertpost.service", "alertpost.socket", "default.tmpl", "alertpost.1.gz",
            "alertpost.yml.5.gz"} <= set(files)
    edited = next(path for path in tmp_path.rglob("alertpost.yml") if path.parent.name == "alertpost")
    assert subprocess.run([ALERTPOST, "check", str(edited)], capture_output=True).returncode == 0
    edited.write_text("# mine\n")
    files["alertpost.service"].write_text("# old\n")
    assert install(tmp_path) == files
    assert edited.read_text() == "# mine\n"
    assert "ExecStart=" in files["alertpost.service"].read_text()


def test_the_installed_man_pages_are_those_of_the_build(tmp_path):
    files = install(tmp_path)
    for page in ("alertpost.1", "alertpost.yml.5"):
        assert files[f"{page}.gz"].parent.name == f"man{page[-1]}"
        assert gzip.decompress(files[f"{page}.gz"].read_bytes()) == (BUILD / "man" / page).read_bytes()


def test_what_the_man_pages_examples_and_pages_refer_to_is_installed(tmp_path):
    files = install(tmp_path)
    doc = files["operation.md"].parents[1]
    named = {}
    for path in doc.rglob("*.md"):
        named |= {path.parent / target: path for target in re.findall(r"\]\(([^)#:]+)\)", path.read_text())}
    for path in [BUILD / "man/alertpost.1", BUILD / "man/alertpost.yml.5", *doc.glob("examples/*")]:
        text = path.read_text().replace("\\-", "-")
        named |= {doc / page: path for page in re.findall(r"\b(?:config|rules|bridge|deploy)/[\w./-]+\.(?:md|yml)\b", text)}
    assert {doc / "config/README.md", doc / "deploy/relays.md", doc / "bridge/README.md"} <= set(named)
    assert {str(page): str(path) for page, path in named.items() if not page.exists()} == {}
    assert (doc / "config/examples/alertpost.yml").samefile(files["quickstart.yml"].with_name("alertpost.yml"))
