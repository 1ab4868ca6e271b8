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

# Corners of times, labels, functions and formats; asked over one payload.
CORNERS = r"""
{{ range .Alerts }}{{ .StartsAt.Format "Jan _2 02 2 01 1 06 2006 15 03 3 04 4 05 5 PM pm MST -0700 -07:00 -07 Z0700 Z07:00 Z07 .000 .999 ,000 Monday Mon January 002 __2" }};{{ end }}
{{ range .Alerts }}{{ .StartsAt.Format "Januaryx Janx Mondayx 20060 0102 150405 2006-01-02T15:04:05.999999999Z07:00" }};{{ end }}
{{ range .Alerts }}{{ .StartsAt.Format "-070000 -07:00:00 Z070000 Z07:00:00" }};{{ end }}
{{ range .Alerts }}{{ .StartsAt.Format "05.0 05.00 05.000000000 05.9 05.99 05,999 .5 _2006 __2 _2" }};{{ end }}
{{ range .Alerts }}{{ .StartsAt.Format "" }}|{{ .StartsAt.Format "x%d\n" }};{{ end }}
{{ range .Alerts }}{{ .StartsAt.Zone }};{{ end }}
{{ range .Alerts }}{{ .StartsAt.Date }};{{ end }}
{{ range .Alerts }}{{ .StartsAt.Clock }};{{ end }}
{{ range .Alerts }}{{ .StartsAt.Hour }} {{ .StartsAt.Minute }} {{ .StartsAt.Second }};{{ end }}
{{ range .Alerts }}{{ .StartsAt.UnixMicro }} {{ .EndsAt.Unix }} {{ .EndsAt.UnixNano }};{{ end }}
{{ range .Alerts }}{{ .StartsAt.Add 1 }} {{ .StartsAt.Add -1e9 }} {{ .StartsAt.Add 0x10 }};{{ end }}
{{ range .Alerts }}{{ .StartsAt.Add 1.5 }};{{ end }}
{{ range .Alerts }}{{ .StartsAt.Add "1h" }};{{ end }}
{{ range .Alerts }}{{ .StartsAt.AddDate 1 1 1 }} {{ .StartsAt.AddDate 0 -3 -9 }} {{ .StartsAt.AddDate 0 0 0 }};{{ end }}
{{ range .Alerts }}{{ .StartsAt.AddDate 1 1 }};{{ end }}
{{ range .Alerts }}{{ .EndsAt.AddDate 2000 13 40 }};{{ end }}
{{ range .Alerts }}{{ .StartsAt.Sub .EndsAt }} {{ .EndsAt.Sub .EndsAt }};{{ end }}
{{ range .Alerts }}{{ $d := .EndsAt.Sub .StartsAt }}{{ $d.String }} {{ $d.Hours }} {{ $d.Minutes }} {{ $d.Seconds }} {{ $d.Milliseconds }} {{ $d.Microseconds }} {{ $d.Nanoseconds }};{{ end }}
{{ range .Alerts }}{{ $d := .EndsAt.Sub .StartsAt }}{{ $d.Abs }} {{ $d.Round 1000000000 }} {{ $d.Truncate 60000000000 }};{{ end }}
{{ range .Alerts }}{{ $d := .EndsAt.Sub .StartsAt }}{{ printf "%d %v %s %x %5.2f %q %T" $d $d $d $d $d.Seconds $d $d }};{{ end }}
{{ range .Alerts }}{{ printf "%v|%s|%q|%x|%T|%t" .StartsAt .StartsAt .StartsAt.Month .StartsAt.Weekday .StartsAt true }};{{ end }}
{{ range .Alerts }}{{ .StartsAt.Month | printf "%02d" }} {{ .StartsAt.Weekday | printf "%d" }} {{ eq .StartsAt.Month 3 }} {{ lt .StartsAt.Day 32 }};{{ end }}
{{ range .Alerts }}{{ .StartsAt.Month.String }} {{ .StartsAt.Weekday.String }};{{ end }}
{{ range .Alerts }}{{ eq .StartsAt .StartsAt }};{{ end }}
{{ range .Alerts }}{{ lt .StartsAt .EndsAt }};{{ end }}
{{ range .Alerts }}{{ .StartsAt.Equal .StartsAt.UTC }} {{ .StartsAt.UTC }} {{ .StartsAt.Local }} {{ .StartsAt.Local.Location }} {{ .StartsAt.UTC.Location }};{{ end }}
{{ range .Alerts }}{{ .StartsAt.Truncate 0 }} {{ .StartsAt.Truncate 86400e9 }} {{ .StartsAt.Round 86400e9 }} {{ .StartsAt.Round -1 }};{{ end }}
{{ range .Alerts }}{{ if .StartsAt.IsZero }}zero{{ else }}set{{ end }} {{ if .EndsAt.IsZero }}zero{{ else }}set{{ end }} {{ if .EndsAt }}true{{ else }}false{{ end }};{{ end }}
{{ range .Alerts }}{{ .StartsAt.ISOWeek }};{{ end }}
{{ range .Alerts }}{{ .StartsAt.IsDST }};{{ end }}
{{ range .Alerts }}{{ .StartsAt.Nope }};{{ end }}
{{ range .Alerts }}{{ .StartsAt.wall }};{{ end }}
{{ range .Alerts }}{{ .StartsAt.Format "2006" "x" }};{{ end }}
{{ range .Alerts }}{{ .StartsAt.Format 3 }};{{ end }}
{{ range .Alerts }}{{ "2006" | .StartsAt.Format }} {{ .StartsAt.Format ("15" | printf "%s:04") }};{{ end }}
{{ range .Alerts }}{{ (.StartsAt.Add 3600000000000).Sub .StartsAt }};{{ end }}
{{ range .Alerts }}{{ ((.StartsAt.Add 3600000000000).Sub .StartsAt).Hours | printf "%.1f" }};{{ end }}
{{ .Alerts.Firing | len }} {{ len .Alerts.Resolved }} {{ range .Alerts.Firing }}{{ .Labels.alertname }}{{ end }}
{{ range $i, $a := .Alerts.Firing }}{{ if $i }}, {{ end }}{{ $a.Labels.instance }}{{ end }}
{{ (index .Alerts 0).Labels.SortedPairs.Names | join "," }}
{{ (index .Alerts 1).Labels.alertname }}
{{ with index .Alerts 0 }}{{ .Fingerprint }}{{ end }}
{{ index (index .Alerts 0).Labels "alertname" }}
{{ slice .Alerts 0 1 | len }}
{{ len (slice .Alerts.Firing 0 0) }}
{{ .Alerts.Firing.Firing }}
{{ (.Alerts.Firing).Resolved }}
{{ len .GroupLabels }} {{ len .CommonLabels.SortedPairs }} {{ len .CommonLabels.Names }}
{{ range .CommonLabels.SortedPairs }}{{ . }}{{ .Name }}{{ .Value }};{{ end }}
{{ with index .CommonLabels.SortedPairs 0 }}{{ .Name }}{{ end }}
{{ (.CommonLabels.Remove .GroupLabels.Names).SortedPairs.Values | join " " }}
{{ len (.CommonLabels.Remove (stringSlice)) }} {{ len (.CommonLabels.Remove .CommonLabels.Names) }}
{{ .CommonLabels.Remove "x" }}
{{ .CommonLabels.Remove }}
{{ (.CommonLabels.Remove (stringSlice "job")).job }}|
{{ .CommonLabels.Names | join }}
{{ join "," .CommonLabels }}
{{ join "," "x" }}
{{ join 1 (stringSlice "a") }}
{{ stringSlice 1 }}
{{ stringSlice }} {{ stringSlice "a" }} {{ len (stringSlice "a" "b") }} {{ index (stringSlice "a" "b") 1 }}
{{ range stringSlice "a" "b" }}{{ . }}{{ end }}{{ range $i, $x := stringSlice "c" }}{{ $i }}{{ $x }}{{ end }}
{{ printf "%q %v %s" (stringSlice "a" "b") (stringSlice "c") (stringSlice "d" "e") }}
{{ printf "%v %d" .CommonLabels.Names (len .CommonLabels.Names) }}
{{ toUpper "ß ä ǆ ﬁ İ" }} {{ toLower "ÄÖ İ Σ ǅ" }} {{ toUpper "" }}
{{ toUpper 3 }}
{{ toUpper }}
{{ toUpper .Nope }}
{{ title "o'brien mc-donald 3d foo_bar ÄÖÜ ñ x.y a/b" }} {{ title "" }} {{ title "hello   world\tfoo\nbar" }}
{{ title .CommonLabels.alertname }} {{ "a b" | title | toUpper }}
{{ match "" "" }} {{ match "^$" "" }} {{ match "a.c" "a\nc" }} {{ match "(?s)a.c" "a\nc" }} {{ match "(?i)ÄB" "äb" }}
{{ match "\\d+" "a1" }} {{ match "^\\w+$" "ä" }} {{ match "\\bfoo\\b" "a foo b" }} {{ match "[[:alpha:]]+" "1a" }}
{{ match "\\pL" "é" }} {{ match "\\p{Greek}" "α" }} {{ match "\\x{e9}" "é" }} {{ match "\\Qa.b\\E" "a.b" }}
{{ match "(?P<x>a)" "a" }} {{ match "a{2,3}" "aaaa" }} {{ match "a**" "a" }}
{{ match "(?=a)" "a" }}
{{ match "(a)\\1" "aa" }}
{{ match "a{1001}" "a" }}
{{ match "\\z" "a" }} {{ match "a$" "a\n" }} {{ match "(?m)a$" "a\nb" }} {{ match "\\Aa\\z" "a" }}
{{ reReplaceAll "a*" "x" "baac" }} {{ reReplaceAll "" "-" "abc" }} {{ reReplaceAll "(a)(b)?" "[$1|$2|$3]" "abac" }}
{{ reReplaceAll "(?P<n>a)" "${n}$n$nx$$" "a" }} {{ reReplaceAll "a" "$0$0" "bab" }} {{ reReplaceAll "a" "$" "bab" }} {{ reReplaceAll "a" "${" "bab" }}
{{ reReplaceAll "(\\w+)\\.(\\w+)" "$2.$1" "a.b c.d" }} {{ reReplaceAll "^" "> " "a\nb" }} {{ reReplaceAll "(?m)^" "> " "a\nb" }}
{{ reReplaceAll ".*" "x" "abc" }} {{ reReplaceAll "é|" "-" "aéb" }} {{ reReplaceAll "$" "!" "a" }} {{ reReplaceAll "x*?" "-" "axb" }}
{{ reReplaceAll "(" "" "" }}
{{ reReplaceAll "a" "b" }}
{{ reReplaceAll "([a-z]+)" "<$1>" .CommonLabels.alertname }} {{ .Status | reReplaceAll "i" "o" }}
{{ "<b>" | safeHtml }} {{ "<b>" | safeHtml | toUpper }} {{ printf "%s" ("<b>" | safeHtml) }} {{ safeHtml "a&b" }} {{ len (safeHtml "abc") }}
{{ safeHtml 3 }}
{{ eq (safeHtml "a") "a" }}
<p title="{{ safeHtml "<i>x</i> &amp; \"q\"" }}">{{ safeHtml "<i>x</i>" }}</p><title>{{ safeHtml "<i>&amp;" }}</title>
{{ .ExternalURL | urlquery }} {{ urlquery "a b" "c&d" 1 }} {{ urlquery }}
{{ html "<a>" .Status 1 }} {{ html }} {{ js "it's \"<x>\" \u2028 é\n" }}
{{ print }} {{ print "a" "b" 1 2 true "c" nil }} {{ print .CommonLabels.Names 1 }} {{ println 1 "a" }}
{{ printf "%5d|%-5d|%05d|%+d|%x|%X|%o|%b|%c|%U|%e|%g|%8.3f|%t|%q|%v|%%" 42 42 42 42 255 255 8 5 65 233 1.5 1e21 3.14159 true "a\"b" nil }}
{{ printf "%s %d" "a" }} {{ printf "%d" "x" }} {{ printf "x" 1 2 }} {{ printf "%!" }} {{ printf "%[2]d %[1]d" 1 2 }} {{ printf "%*d" 5 1 }}
{{ printf "%10s|%-10s|%.2s|%10.2s|%x|% x|%#x|%q|%+q|%#q" "abc" "abc" "äbc" "äbc" "ab" "ab" "ab" "é" "é" "a" }}
{{ printf "%v %v %v" .Status (len .Alerts) 1.0 }} {{ printf "%6.2f%%" 12.345 }} {{ printf "%t %v" false nil }}
{{ and 1 0 2 }} {{ or 0 "" "x" }} {{ and .Alerts .Status }} {{ not 0 }} {{ not "" }} {{ and true false | not }}
{{ eq 1 1.0 }}
{{ eq "a" "b" "a" }} {{ ne 1 2 }} {{ lt 1 2 }} {{ le 2 2 }} {{ gt "b" "a" }} {{ ge 1.5 1.5 }} {{ eq true true }}
{{ eq .Alerts .Alerts }}
{{ eq .CommonLabels.a .CommonLabels.b "" }} {{ eq .CommonLabels.a nil }}
{{ lt true false }}
{{ index "abc" 1 }} {{ index (stringSlice "a") 0 }} {{ slice "abcdef" 2 }} {{ slice "abcdef" 1 3 }} {{ slice (stringSlice "a" "b" "c") 1 2 }}
{{ index "abc" 5 }}
{{ slice "abc" 2 1 }}
{{ index nil 0 }}
{{ index .Status "x" }}
{{ len nil }}
{{ len 1.5 }}
{{ .Status.Foo }}
{{ .CommonLabels.foo.bar }}
{{ $x := .Status }}{{ $x }}{{ with $x := "y" }}{{ $x }}{{ end }}{{ $x }}{{ if $x := 0 }}{{ else }}{{ $x }}{{ end }}
{{ $.Status }} {{ range .Alerts }}{{ $.Status }}{{ end }} {{ with .Alerts }}{{ $.Receiver }}{{ len . }}{{ end }}
{{ range $k, $v := .CommonAnnotations }}{{ $k }}:{{ $v }};{{ else }}none{{ end }}
{{ range .CommonLabels }}{{ . }},{{ end }}
{{ range nil }}x{{ else }}y{{ end }}
{{ range "abc" }}x{{ end }}
{{ if .CommonLabels }}y{{ else }}n{{ end }}{{ if .GroupLabels.x }}y{{ else }}n{{ end }}{{ if .Alerts.Resolved }}y{{ else }}n{{ end }}{{ if "" }}y{{ else }}n{{ end }}
{{ with .Nope }}x{{ end }}
{{ .Alerts | len | printf "%d alerts" }} {{ .Status | printf "%s-%s" .Receiver }} {{ (printf "%s" .Status) | len }}
{{ (len .Alerts) }} {{ ((index .Alerts 0)).Status }} {{ (.CommonLabels).alertname }}
{{ call .Status }}
{{ call nil }}
{{ template "__subject" }}
{{ template "__alertmanagerURL" . }} {{ template "__alertmanager" . }} {{ template "__description" . }} {{ template "__text_alert_list" .Alerts.Firing }}
{{ define "t" }}{{ .a }}{{ end }}{{ template "t" .CommonLabels }}{{ template "t" .GroupLabels }}
{{ block "email.default.subject" . }}mine{{ end }}
{{ define "__subject" }}mine{{ end }}{{ template "email.default.subject" . }}
{{ define "__subject" }}  {{/* nothing */}} {{ end }}{{ template "email.default.subject" . }}
{{ define "a" }}1{{ end }}{{ define "a" }}2{{ end }}{{ template "a" }}
{{ .ExternalURL | safeHtml }} <a href="{{ .ExternalURL }}/#/alerts?receiver={{ .Receiver | urlquery }}">x</a>
<a href='{{ (index .Alerts 0).GeneratorURL }}' data-x={{ len .Alerts }} class="a {{ .Status }} b">{{ (index .Alerts 0).Annotations.summary }}</a>
<img src="{{ .CommonAnnotations.image }}"><div style="width: {{ len .Alerts }}px; background: {{ .CommonLabels.color }}"></div>
<p>{{ range .Alerts }}{{ range .Annotations.SortedPairs }}<b>{{ .Name }}</b>={{ .Value }}<br>{{ end }}{{ end }}</p>
<textarea>{{ .CommonAnnotations.summary }}</textarea><style>p { color: {{ .CommonLabels.severity }}; }</style>
<a href="{{ if .Alerts }}{{ .ExternalURL }}{{ else }}/x{{ end }}?q={{ .Status }}#{{ .Receiver }}">x</a>
<input value="{{ (index .Alerts 0).Annotations.description }}" name='{{ .Status }}'>
{{ range .Alerts }}<tr class="{{ if eq .Status "firing" }}f{{ else }}r{{ end }}"><td>{{ .Labels.instance }}</td></tr>{{ end }}
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
@pytest.mark.parametrize("data", [path for path in DATA if path.stem != "one-firing"], ids=lambda path: path.stem)
def test_hand_made_templates_render_or_fail_alike(pair, data, kind):
    assert pair.assert_same([question(text, data, kind) for text in HAND_MADE]) > 25


def test_the_corners_of_data_and_functions_are_alike(pair):
    data = ROOT / "tests" / "conformance" / "data" / "mixed-hostile.json"
    questions = [question(text, data, "html" if "<" in text else "text") for text in CORNERS]
    assert pair.assert_same(questions) > 80


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
    texts = ['{{ template "x" . }}{{ template "only-a" . }}', '{{ template "a.tmpl" . }}',
             '{{ if false }}{{ template "x" }}{{ end }}found', '{{ template "ü" . }}{{ template "z" }}']
    questions = [question(text, DATA[-1], None, globs) for globs in patterns for text in texts]
    assert pair.assert_same(questions) > 40


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
        assert ours.stderr.decode() == f"alertpost template: {words}\n"


def test_keys_without_a_member_are_dropped(pair):
    """A captured webhook has more than templates see."""
    path = pair.folder / "webhook.json"
    path.write_text(json.dumps({**json.loads(DATA[-1].read_text()), "version": "4", "groupKey": "{}:{}"}))
    ours, theirs = pair.ask(question("{{ .groupKey }}", path))
    assert (ours.returncode, theirs.returncode) == (1, 1)
