# SPDX-License-Identifier: MIT
"""`alertpost template render` beside `amtool template render`: the same output, byte for byte,
and the same exit status.

amtool of Debian 12 (0.25) lacks the functions that came later, and the default templates, which
Debian keeps in files; what later releases print differently is not asked."""

import concurrent.futures
import glob
import json
import os
import pathlib
import re
import shutil
import subprocess

import pytest

from harness import ALERTPOST, ROOT

AMTOOL = shutil.which("amtool")
DEFAULTS = "/usr/share/prometheus/alertmanager/*.tmpl"
pytestmark = pytest.mark.skipif(AMTOOL is None, reason="amtool is not installed (prometheus-alertmanager)")

DATA = sorted((ROOT / "tests" / "conformance" / "data").glob("*.json"))
TYPES = ["text", "html"]

HAND_MADE = r"""
{{ .Receiver }} {{ .Status }} {{ .ExternalURL }}
{{ len .Alerts }} {{ len .Alerts.Firing }} {{ len .Alerts.Resolved }}
{{ range .Alerts }}{{ .Status }} {{ .Fingerprint }} {{ .GeneratorURL }};{{ end }}
{{ range .Alerts }}{{ .StartsAt }} {{ .EndsAt }};{{ else }}none{{ end }}
{{ range .Alerts }}{{ .StartsAt.Format "Mon, 02 Jan 2006 15:04:05 MST" }};{{ end }}
{{ range .Alerts }}{{ .StartsAt.UTC.Format "2006-01-02T15:04:05.000000000Z07:00" }};{{ end }}
{{ range .Alerts }}{{ .StartsAt.Local.Format "3:04PM" }} {{ (.StartsAt.Add 28800e9).Format "15:04" }};{{ end }}
{{ range .Alerts }}{{ .EndsAt.Sub .StartsAt }} {{ (.EndsAt.Sub .StartsAt).Seconds }};{{ end }}
{{ range .Alerts }}{{ .EndsAt.After .StartsAt }} {{ .EndsAt.IsZero }} {{ .StartsAt.Unix }};{{ end }}
{{ range .Alerts }}{{ .StartsAt.Year }} {{ .StartsAt.Month }} {{ .StartsAt.Day }} {{ .StartsAt.Weekday }};{{ end }}
{{ range .Alerts }}{{ (.EndsAt.Sub .StartsAt).Truncate 1000000000 }} {{ (.EndsAt.Sub .StartsAt).Round 60e9 }};{{ end }}
{{ range .Alerts }}{{ .StartsAt.YearDay }} {{ .StartsAt.ISOWeek }};{{ end }}
{{ range .Alerts }}{{ .StartsAt.UnixNano }} {{ .StartsAt.UnixMilli }} {{ .StartsAt.Nanosecond }};{{ end }}
{{ range .Alerts }}{{ .StartsAt.AddDate 0 1 -1 }} {{ .StartsAt.Truncate 3600e9 }} {{ .StartsAt.Round 3600e9 }};{{ end }}
{{ range .Alerts }}{{ .StartsAt.Equal .EndsAt }} {{ .StartsAt.Before .EndsAt }} {{ .StartsAt.Location }};{{ end }}
{{ range .Alerts }}{{ (.EndsAt.Sub .StartsAt).Hours }} {{ (.EndsAt.Sub .StartsAt).Minutes }};{{ end }}
{{ range .Alerts }}{{ printf "%v %s %d" .StartsAt .StartsAt.Month .StartsAt.Month }};{{ end }}
{{ range .GroupLabels.SortedPairs }}{{ .Name }}={{ .Value }};{{ end }}
{{ .CommonLabels.Names }} {{ .CommonLabels.Values | join "," }} {{ len .CommonAnnotations }}
{{ (.CommonLabels.Remove (stringSlice "severity" "job")).Names | join " " }}
{{ with .CommonAnnotations.SortedPairs }}{{ range . }}{{ .Name }}: {{ .Value }}{{ end }}{{ else }}nothing{{ end }}
{{ range $name, $value := .CommonLabels }}{{ $name }}={{ $value }};{{ end }}
{{ range $i, $a := .Alerts }}{{ $i }}{{ range $k, $v := $a.Labels }} {{ $k }}={{ $v | printf "%q" }}{{ end }};{{ end }}
{{ .GroupLabels.alertname }} {{ .GroupLabels.nothing }} {{ index .CommonLabels "severity" }} {{ index .CommonLabels "x" }}
{{ toUpper .Status }} {{ toLower "ÄÖ" }} {{ title "a disk is FULL" }} {{ join "-" (stringSlice "a" "b") }}
{{ match "^f" .Status }} {{ reReplaceAll "(i)(r)" "$2${1}x" .Status }} {{ "<b>&" | safeHtml }}
<a href="{{ .ExternalURL }}/x?y={{ .Status }}&z={{ .CommonLabels.SortedPairs.Values }}" title="{{ .Receiver }}">{{ .Status }}</a>
<a href="{{ range .Alerts }}{{ .GeneratorURL }}{{ end }}">x</a><p style="color: {{ .Status }}">{{ .CommonAnnotations.Names }}</p>
<style>a { color: {{ .Status }} }</style><!-- {{ .Status }} --><title>{{ .Receiver }} & co</title>
{{ range .Alerts }}<td title='{{ .Labels.SortedPairs.Values | join " " }}'>{{ .Annotations.summary }}{{ .Annotations.description }}</td>{{ end }}
{{ if and .Alerts (gt (len .Alerts.Firing) 0) }}fires{{ else if .Alerts }}over{{ else }}empty{{ end }}
{{ if eq .Status "firing" "resolved" }}known{{ end }} {{ ne .Status "x" }} {{ not .Alerts }} {{ or .ExternalURL "none" }}
{{ define "x" }}[{{ . }}]{{ end }}{{ template "x" .Status }}{{ template "x" }}{{ block "y" .Receiver }}({{ . }}){{ end }}
{{ $n := 0 }}{{ range .Alerts }}{{ $n = len .Labels }}{{ end }}{{ $n }}
{{ range .Alerts }}{{ if eq .Status "resolved" }}{{ continue }}{{ end }}{{ .Labels.instance }}{{ break }}{{ end }}
{{ html .Status "<" }} {{ js "a'b" }} {{ urlquery "a b&c" }} {{ print 1 2 "x" 3 }} {{ println "x" }} {{ slice "abc" 1 2 }}
{{- /* a comment */ -}} trimmed {{- " x " -}} here
{{ `raw {{ string }}` }} {{ "\u00e4\n" }} {{ 'a' }} {{ 0x1F }} {{ 1_000 }} {{ 1.5e3 }} {{ true }}
{{ (index .Alerts 0).Status }}
{{ (index .Alerts 0).Labels.alertname }}
{{ .Labels.alertname }}
{{ .GroupKey }}
{{ .Alerts.Nothing }}
{{ .CommonLabels.SortedPairs.Nothing }}
{{ .StartsAt }}
{{ range .Alerts }}{{ .StartsAt.Format }}{{ end }}
{{ range .Alerts }}{{ .StartsAt.Nope }}{{ end }}
{{ template "nope" . }}
{{ if false }}{{ template "nope" . }}{{ end }}fine
{{ nofunc }}
{{ match "(" "x" }}
{{ reReplaceAll "[" "x" "y" }}
{{ index .CommonLabels 1 }}
{{ eq 1 "a" }}
{{ len 3 }}
{{ printf "%d %z" "x" 1 }}
{{ if }}x{{ end }}
{{ end }}
{{ range .Alerts }}
{{ "unclosed }}
{{ .Status
{{ define "a" }}x
{{ break }}
<a href="{{ if .Status }}"{{ end }}>
<a {{ .Status }}="{{ .Status }}">
<p title="{{ .Status }}
{{ .Status | html | toUpper }}
<br {{ range .Alerts }}x{{ end }}
""".strip("\n").split("\n")


class Pair:
    """Both programs, asked the same."""

    def __init__(self, folder):
        self.folder = folder
        self.environment = {**os.environ, "HOME": str(folder), "LC_ALL": "C.UTF-8", "TZ": "UTC"}

    def run(self, program, arguments):
        return subprocess.run([program, "template", "render", *arguments], capture_output=True,
                              env=self.environment, cwd=self.folder, timeout=120)

    def ask(self, arguments):
        return self.run(ALERTPOST, arguments), self.run(AMTOOL, arguments)

    def assert_same(self, questions):
        """Asks; how many succeeded."""
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            answers = list(pool.map(self.ask, questions))
        different = [f"{question}\nours ({ours.returncode}): {ours.stdout + ours.stderr!r}\n"
                     f"amtool's ({theirs.returncode}): {theirs.stdout + theirs.stderr!r}"
                     for question, (ours, theirs) in zip(questions, answers)
                     if (ours.returncode, ours.stdout) != (theirs.returncode, theirs.stdout)]
        assert not different, "\n\n".join(different)
        return sum(theirs.returncode == 0 for _, theirs in answers)


@pytest.fixture
def pair(tmp_path):
    return Pair(tmp_path)


def question(text, data=None, kind=None, globs=(DEFAULTS,)):
    return [*(f"--template.glob={pattern}" for pattern in globs), f"--template.text={text}",
            *([f"--template.data={data}"] if data else []), *([f"--template.type={kind}"] if kind else [])]


def defined_names():
    texts = [pathlib.Path(file).read_text() for file in glob.glob(DEFAULTS)]
    return sorted({name for text in texts for name in re.findall(r'define "([^"]+)"', text)})


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("data", DATA, ids=lambda path: path.stem)
def test_every_default_template_renders_alike(pair, data, kind):
    names = defined_names()
    assert len(names) > 30
    questions = [question('{{ template "%s" . }}' % name, data, kind) for name in names]
    assert pair.assert_same(questions) > 30


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("data", DATA, ids=lambda path: path.stem)
def test_hand_made_templates_render_or_fail_alike(pair, data, kind):
    assert pair.assert_same([question(text, data, kind) for text in HAND_MADE]) > 25


def test_without_data_the_same_sample_is_rendered(pair):
    texts = ['{{ template "%s" . }}' % name for name in ("__subject", "email.default.subject", "slack.default.title")]
    texts += ["{{ .Receiver }} {{ .Status }} {{ .ExternalURL }} {{ len .Alerts.Firing }} {{ len .Alerts.Resolved }}",
              "{{ range .GroupLabels.SortedPairs }}{{ .Name }}={{ .Value }},{{ end }}",
              "{{ range .CommonLabels.SortedPairs }}{{ .Name }}={{ .Value }},{{ end }}",
              "{{ range .CommonAnnotations.SortedPairs }}{{ .Name }}={{ .Value }},{{ end }}",
              "{{ range .Alerts }}{{ .Status }} {{ .Fingerprint }} {{ .GeneratorURL }} {{ .EndsAt.Sub .StartsAt | printf \"%.0s\" }}"
              "{{ range .Labels.SortedPairs }}{{ .Name }}={{ .Value }},{{ end }}"
              "{{ range .Annotations.SortedPairs }}{{ .Name }}={{ .Value }},{{ end }};{{ end }}",
              "{{ range .Alerts }}{{ ((.EndsAt.Sub .StartsAt).Round 60e9) }} {{ .StartsAt.Location }};{{ end }}"]
    questions = [question(text, None, kind) for text in texts for kind in (None, "text", "html")]
    assert pair.assert_same(questions) == len(questions)


JSON_FILES = {
    "empty-object": "{}", "null": "null", "members-null": '{"receiver": null, "alerts": null, "groupLabels": null}',
    "alert-null": '{"alerts": [null, {}]}', "upper": '{"RECEIVER": "r", "Alerts": [{"Labels": {"a": "b"}}], "STATUS": "s"}',
    "twice": '{"status": "a", "Status": "b", "groupLabels": {"a": "1", "a": "2"}}',
    "label-null": '{"groupLabels": {"a": null, "b": "x"}}', "odd-status": '{"alerts": [{"status": "Firing"}, {"status": ""}]}',
    "unknown": '{"version": "4", "groupKey": {"x": [1]}, "truncatedAlerts": -1, "receiver": "r"}',
    "odd-fingerprint": '{"alerts": [{"fingerprint": "not hex", "startsAt": "2024-02-29T23:59:59.5+05:30"}]}',
    "not-utf-8": b'{"receiver": "a\xffb", "status": "\\ud800x"}', "escapes": r'{"receiver": "\u00e4\n\"\\\/\t"}',
    "time-null": '{"alerts": [{"startsAt": null}]}',
    "number": "3", "list": "[]", "text": '"x"', "nothing": "", "blank": " \n", "open": '{"receiver": "x"',
    "behind": '{} x', "twice-over": "{}{}", "comma": '{"receiver": "x",}', "single": "{'receiver': 'x'}",
    "receiver-number": '{"receiver": 1}', "label-number": '{"groupLabels": {"a": 1}}', "labels-list": '{"groupLabels": []}',
    "alerts-object": '{"alerts": {}}', "alert-text": '{"alerts": ["x"]}', "status-bool": '{"alerts": [{"status": true}]}',
    "time-text": '{"alerts": [{"startsAt": "yesterday"}]}', "time-empty": '{"alerts": [{"startsAt": ""}]}',
    "time-number": '{"alerts": [{"endsAt": 1}]}',
}


def test_data_is_read_alike(pair):
    text = ("{{ .Receiver }}|{{ .Status }}|{{ range .GroupLabels.SortedPairs }}{{ .Name }}={{ .Value }},{{ end }}|"
            "{{ range .Alerts }}{{ .Status }} {{ .Fingerprint }} {{ .StartsAt }} {{ .Labels.a }}|{{ end }}"
            "{{ len .Alerts.Firing }}{{ len .Alerts.Resolved }}")
    questions = []
    for name, content in JSON_FILES.items():
        path = pair.folder / f"{name}.json"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        questions.append(question(text, path))
    assert pair.assert_same(questions) == 13
    pair.assert_same([question("x", pair.folder / "missing.json"), question("x", pair.folder)])


def test_files_are_found_and_replaced_alike(pair):
    folder = pair.folder / "t"
    folder.mkdir()
    files = {"a.tmpl": '{{ define "x" }}a{{ end }}{{ define "only-a" }}A{{ end }}top of a',
             "b.tmpl": '{{ define "x" }}b{{ end }}{{ define "only-a" }} \n{{/* empty */}}{{ end }}',
             ".hidden.tmpl": '{{ define "x" }}hidden{{ end }}', "c.html": '{{ define "x" }}c{{ .Status }}{{ end }}',
             "broken.txt": "{{ define", "ü.tmpl": '{{ define "ü" }}ü{{ end }}', "[z].tmpl": '{{ define "z" }}z{{ end }}'}
    for name, text in files.items():
        (folder / name).write_text(text)
    (folder / "folder.d").mkdir()
    (folder / "dangling.lnk").symlink_to(folder / "nowhere")
    patterns = [["t/a.tmpl"], ["t/b.tmpl"], ["t/a.tmpl", "t/b.tmpl"], ["t/b.tmpl", "t/a.tmpl"], ["t/*.tmpl"],
                ["t/[ab].tmpl", "t/c.*"], ["t/[^a].tmpl"], ["t/?.tmpl"], ["t/.*"], ["t/.h*.tmpl"], ["t/*.none"],
                ["t/broken.txt"], ["t/a.tmpl", "t/*.txt"], ["t/folder.d"], ["t"], ["t/*.d"], ["t/*.lnk"],
                ["t/[.tmpl"], ["t/[]a].tmpl"], ["t/[a-].tmpl"], ["t/\\[z\\].tmpl"], ["t/[[]z].tmpl"], ["t/a.tmpl\\"],
                ["*/a.tmpl"], ["t/missing.tmpl"], [""], ["t/ü.tmpl"], [str(folder / "a.tmpl")], ["./t/../t/a.tmpl"],
                ["t//a.tmpl"], ["t/{a,b}.tmpl"], ["~/t/a.tmpl"], ["$HOME/t/a.tmpl"], ["t/c.html", "t/a.tmpl", "t/c.html"]]
    texts = ['{{ template "x" . }}', '{{ template "only-a" . }}', '{{ template "a.tmpl" . }}',
             '{{ if false }}{{ template "x" }}{{ end }}found', '{{ template "ü" . }}{{ template "z" }}']
    questions = [question(text, DATA[-1], kind, globs) for globs in patterns for text in texts for kind in TYPES]
    assert pair.assert_same(questions) > 100


def test_the_command_line_is_read_alike(pair):
    files, text = f"--template.glob={DEFAULTS}", "--template.text={{ .Status }}"
    pair.assert_same([
        [], [files], [text], [files, text], [text, files], ["--template.glob", DEFAULTS, "--template.text", "a b"],
        [files, "--template.text="], [files, "--template.text"], [files, text, text], [files, text, "--template.type=html"],
        [files, text, "--template.type", "text"], [files, text, "--template.type=xml"], [files, text, "--template.type="],
        [files, text, "--template.type=text", "--template.type=text"], [files, text, "--template.data="],
        [files, text, f"--template.data={DATA[0]}", f"--template.data={DATA[0]}"], [files, text, "more"],
        [files, text, "--nonsense"], [files, "--template.text=-x"], [files, "--template.text=a\nb\\n{{ 1 }}"], [files, files, text],
    ])
    ours = pair.run(ALERTPOST, ["--help"])
    assert ours.returncode == 0
    assert all(flag in ours.stdout.decode() for flag in ["--template.glob", "--template.text", "--template.type",
                                                         "--template.data"])


def test_errors_are_one_line_in_the_words_of_amtool(pair):
    for text, words in [("{{ .GroupKey }}", "template: :1:3: executing \"\" at <.GroupKey>: can't evaluate field "
                         "GroupKey in type template.Data"),
                        ('{{ template "nope" . }}', 'template: :1:12: executing "" at <{{template "nope" .}}>: '
                         'template "nope" not defined')]:
        ours, theirs = pair.ask(question(text))
        assert theirs.stderr.decode().strip() == f"amtool: error: {words}"
        assert ours.stderr.decode() == f"alertpost: error: {words}\n"


def test_keys_without_a_member_are_dropped(pair):
    """A captured webhook has more than templates see."""
    path = pair.folder / "webhook.json"
    path.write_text(json.dumps({**json.loads(DATA[-1].read_text()), "version": "4", "groupKey": "{}:{}"}))
    ours, theirs = pair.ask(question("{{ .groupKey }}", path))
    assert (ours.returncode, theirs.returncode) == (1, 1)
