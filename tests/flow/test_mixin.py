# SPDX-License-Identifier: MIT
"""The alert rules and the dashboard: promtool's word on them, and that they speak of what there is."""

import json
import re
import subprocess

import pytest
import yaml

from harness import ROOT

MIXIN = ROOT / "deploy" / "mixin"
GROUPS = yaml.safe_load((MIXIN / "alerts.yaml").read_text())["groups"]
RULES = [rule for group in GROUPS for rule in group["rules"]]
SERIES = re.compile(r"\b(alertpost_\w+)\s*(?:\{([^}]*)\})?")
TARGET = {"job", "instance"}


def metrics():
    """The table of the manual, which a test compares with the program's: name -> labels."""
    found = {}
    manual = (ROOT / "bridge" / "README.md").read_text()
    for name, kind, cell in re.findall(r"^\| `(alertpost_\w+)` \| (\w+) \|([^|]*)\|", manual, re.M):
        labels = set(re.findall(r"`(\w+)`", cell))
        if kind == "histogram":
            found |= {name + "_bucket": labels | {"le"}, name + "_sum": labels, name + "_count": labels}
        else:
            found[name] = labels
    return found


def wrong_series(expression):
    known = metrics()
    for name, selector in SERIES.findall(expression):
        if name not in known:
            yield name
        else:
            labels = set(re.findall(r"(\w+)\s*[=!]", selector))
            yield from (f"{name}{{{label}}}" for label in labels - known[name] - TARGET)


def promtool(*arguments):
    done = subprocess.run(["promtool", *arguments], cwd=MIXIN, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_promtool_finds_nothing_wrong_with_the_rules():
    promtool("check", "rules", "--lint=all", "--lint-fatal", "alerts.yaml")


def test_each_alert_fires_when_it_should_and_not_when_it_should_not():
    promtool("test", "rules", "alerts_test.yaml")
    tested = set(re.findall(r"\bAlertpost\w+", (MIXIN / "alerts_test.yaml").read_text()))
    assert tested == {rule["alert"] for rule in RULES}


def test_every_series_that_the_rules_name_exists():
    assert len(metrics()) > 30
    assert [wrong for rule in RULES for wrong in wrong_series(rule["expr"])] == []
    assert list(wrong_series('alertpost_nothing > 0 or alertpost_relay_paused{state="x"}')) == [
        "alertpost_nothing", "alertpost_relay_paused{state}"]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_every_alert_says_what_is_and_what_to_do_with_labels_that_it_has(rule):
    texts = rule["annotations"]
    assert rule["labels"]["severity"] in ("critical", "warning", "info")
    assert texts["summary"].endswith(".") and len(texts["description"]) > 80
    used = set(re.findall(r"\$labels\.(\w+)", texts["description"]))
    named = set().union(*(labels for name, labels in metrics().items() if name in rule["expr"]), TARGET)
    kept = re.search(r"by \(([^)]*)\)", rule["expr"])
    assert used <= named
    assert kept is None or used <= set(re.findall(r"\w+", kept[1])) | TARGET


def test_the_manual_lists_the_alerts():
    rows = re.findall(r"^\| `(Alertpost\w+)` \| (\w+) \| (.*) \|$", (MIXIN / "README.md").read_text(), re.M)
    assert rows == [(rule["alert"], rule["labels"]["severity"], rule["annotations"]["summary"]) for rule in RULES]


def test_every_query_of_the_dashboard_names_what_there_is_and_parses(tmp_path):
    panels = json.loads((MIXIN / "dashboard.json").read_text())["panels"]
    queries = [target["expr"] for panel in panels for target in panel["targets"]]
    assert len(queries) >= len(panels) > 0
    assert [wrong for query in queries for wrong in wrong_series(query)] == []
    rules = [{"record": f"query:{n}", "expr": query.replace("$__rate_interval", "5m")}
             for n, query in enumerate(queries)]
    (tmp_path / "queries.yaml").write_text(json.dumps({"groups": [{"name": "dashboard", "rules": rules}]}))
    promtool("check", "rules", str(tmp_path / "queries.yaml"))
