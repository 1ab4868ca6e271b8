# SPDX-License-Identifier: MIT
"""Templates that fail: what `alertpost check` finds before, and what the daemon does then."""

import os
import re
import subprocess

import harness
from harness import ALERTPOST, Alertpost, SmtpSink, wait_for

ENDLESS = '{{ define "turn" }}{{ range .Alerts }}{{ template "turn" $ }}{{ template "turn" $ }}{{ end }}{{ end }}'


def check(folder, config, *arguments):
    """`alertpost check` of a file: exit status, the errors it tells."""
    (folder / "f.yml").write_text(config)
    done = subprocess.run([ALERTPOST, "check", "f.yml", *arguments], cwd=folder, capture_output=True, text=True,
                          stdin=subprocess.DEVNULL, timeout=300)
    return done.returncode, [line for line in done.stderr.splitlines() if not line.startswith("warning: ")]


def config(receivers):
    return ("global: {smtp_from: a@example.org, smtp_smarthost: 'localhost:25'}\nroute: {receiver: r0}\nreceivers:\n"
            + "".join(f"- name: r{i}\n  email_configs:\n  - to: x@example.org\n{more}" for i, more in enumerate(receivers)))


def test_check_finds_each_mistake_at_its_place(tmp_path):
    (tmp_path / "mine.tmpl").write_text('{{ define "mine" }}\n<p>{{ .Status }\n{{ end }}')
    status, lines = check(tmp_path, "templates: [mine.tmpl]\n" + config([
        "    html: '{{ template \"nope\" . }}'\n",
        "    html: |\n      <script>\n        x = {{ .Status }}\n      </script>\n",
        "    text: '{{ .Status'\n"]))
    assert status == 1
    assert lines == [
        'mine.tmpl:2:15: unexpected "}" in operand',
        'f.yml:8:24: receivers[0].email_configs[0].html: no such template "nope"',
        "f.yml:14:16: receivers[1].email_configs[0].html: {{.Status}} appears in JavaScript: mail clients run no scripts; "
        "write the value elsewhere or remove the script",
        "f.yml:19:22: receivers[2].email_configs[0].text: unclosed action"]
    status, lines = check(tmp_path, config([
        "    text: >-\n      one\n      {{ .Labels.alertname }}\n",
        "    headers:\n      Subject: \"\\u00e4 {{ (index .Alerts 0).Status }}\"\n"]))
    assert status == 1
    assert lines == [
        "f.yml:9:17: receivers[0].email_configs[0].text: executing \"\" at <.Labels.alertname>: can't evaluate field Labels "
        "in type template.Data (over: one firing alert, a firing and a resolved alert, alerts without common labels, "
        "no alerts)",
        "f.yml:14:28: receivers[1].email_configs[0].headers.Subject: executing \"\" at <index .Alerts 0>: error calling "
        "index: reflect: slice index out of range (over: no alerts)"]


def test_check_renders_over_the_users_own_webhooks(tmp_path):
    (tmp_path / "one.json").write_text('{"alerts": [{"labels": {"team": "db"}}]}')
    text = "    text: '{{ if .CommonLabels.team }}{{ .Nope }}{{ end }}'\n"
    assert check(tmp_path, config([text]))[0] == 0
    status, lines = check(tmp_path, config([text]), "--data", "one.json")
    assert status == 1
    assert lines == ["f.yml:7:42: receivers[0].email_configs[0].text: executing \"\" at <.Nope>: can't evaluate field Nope "
                     "in type template.Data (over: one.json)"]
    status, lines = check(tmp_path, config([""]), "--data", "none.json")
    assert status == 1 and "none.json" in lines[0]


def test_check_ends_where_a_template_or_a_file_has_no_end(tmp_path):
    os.mkfifo(tmp_path / "pipe.tmpl")
    (tmp_path / "folder.tmpl").mkdir()
    status, lines = check(tmp_path, "templates: ['*.tmpl', /dev/zero]\n" + config([""]))
    assert status == 1
    assert lines == ["f.yml:1:13: templates[0]: folder.tmpl: Is a directory",
                     "f.yml:1:13: templates[0]: pipe.tmpl: not a regular file",
                     "f.yml:1:23: templates[1]: /dev/zero: not a regular file"]
    status, lines = check(tmp_path, config([f"    text: '{ENDLESS}{{{{ template \"turn\" . }}}}'\n"]))
    assert status == 1 and len(lines) == 1
    assert re.match(r"f\.yml:7:\d+: receivers\[0\]\.email_configs\[0\]\.text: executing \"turn\" at <.*>: ", lines[0]), lines


def test_data_without_an_end_is_refused(tmp_path):
    (tmp_path / "f.yml").write_text(config([""]))
    render = ["render", "--config.file", "f.yml", "--receiver", "r0", "--data"]
    for words, path in [(["check", "f.yml", "--data"], "/dev/zero"), (render, "/dev/zero"), (render, "-"),
                        (["template", "render", "--template.glob=*.tmpl", "--template.text=x", "--template.data"],
                         "/dev/zero")]:
        with open("/dev/zero", "rb") as zero:
            done = subprocess.run([ALERTPOST, *words, path], cwd=tmp_path, capture_output=True, text=True, stdin=zero,
                                  timeout=300)
        name = "standard input" if path == "-" else path
        assert done.returncode == 1 and f"{name}: larger than 65536 KiB" in done.stderr, done


def test_the_alert_of_an_endless_template_is_mailed_plainly(start, tmp_path):
    sink = start(SmtpSink)
    (tmp_path / "turn.tmpl").write_text("\n" + ENDLESS)
    daemon = start(Alertpost, harness.simple_config(
        sink.port, more=f"templates: ['{tmp_path}/turn.tmpl']",
        receiver_more="        html: '{{ template \"turn\" . }}'\n        headers: {X-Own: '{{ .Nope }}'}"))
    status, answer = daemon.post(harness.payload(harness.alert({"alertname": "DiskFull"}), group="DiskFull"))
    assert (status, answer["results"][0]["result"]) == (202, "queued")
    (_, mail), = wait_for(sink.received, "the plain mail")
    text = mail.get_content()
    assert mail.get_content_type() == "text/plain"
    assert f"{tmp_path}/turn.tmpl:2:" in text.replace("\n", "")
    assert "alertname: DiskFull" in text
    assert daemon.metric("alertpost_template_errors_total", receiver="mail", part="html") == 1
    assert daemon.metric("alertpost_template_errors_total") == 1
    daemon.tells("plain mail instead")
    lines = [line for line in daemon.output().splitlines() if "plain mail instead" in line]
    assert len(lines) == 1
    assert re.search(rf"receiver=mail part=html place={re.escape(str(tmp_path))}/turn\.tmpl:2:\d+ "
                     r'error=".*receivers\[0\]\.email_configs\[0\]\.html: executing \\"turn\\" at <', lines[0]), lines


def test_a_reload_with_a_broken_template_changes_nothing(start, tmp_path):
    sink = start(SmtpSink)
    daemon = start(Alertpost, harness.simple_config(sink.port))
    daemon.config.write_text(harness.simple_config(sink.port, receiver_more="        text: '{{ template \"nope\" }}'"))
    status, _, body = harness.request(daemon.port, "POST", "/-/reload")
    assert status == 500
    assert b'email_configs[0].text: template \\"nope\\" not defined' in body or b'"nope" not defined' in body
    assert daemon.post(harness.payload(harness.alert({"alertname": "A"})))[0] == 202
    assert wait_for(sink.received, "the mail")
