# SPDX-License-Identifier: MIT
"""A configuration and its templates that change are in force without anybody saying so."""

import json

import pytest

import harness
from harness import Alertpost, SmtpSink, wait_for
from kubelet import ConfigMap

TEMPLATES = "templates: ['templates/*.tmpl']\n"


def config(port, receiver="mail", subject='{{ template "s" . }}'):
    text = harness.simple_config(port, receiver_more=f"        headers: {{Subject: '{subject}'}}")
    return TEMPLATES + text.replace("receiver: mail", f"receiver: {receiver}")


def template(text):
    return '{{ define "s" }}' + text + "{{ end }}"


class Watching(Alertpost):
    """One whose configuration is already there."""

    def __init__(self, folder, config, *arguments):
        super().__init__(folder, config, "--config.watch", "on", *arguments)


def payload(name):
    alert = {"status": "firing", "labels": {"alertname": name}, "annotations": {}, "startsAt": "2026-01-01T00:00:00Z"}
    return {"version": "4", "groupKey": name, "status": "firing", "receiver": "r", "groupLabels": {}, "alerts": [alert]}


def subjects(server, sink, name, n):
    assert server.post(payload(name))[0] == 202
    server.drained()
    return [mail["Subject"] for _, mail in wait_for(lambda: len(sink.received()) >= n and sink.received(), f"{n} mails")]


def write(path, text):
    """As whole files come: an empty one in between would be read, too."""
    beside = path.with_name(".new")
    beside.write_text(text)
    beside.rename(path)


def reloaded(server):
    return (server.output().count('msg="configuration reloaded"'), server.output().count('msg="configuration not reloaded"'))


def test_a_config_map_that_is_exchanged_is_in_force(start, tmp_path):
    sink = start(SmtpSink)
    folder = tmp_path / "server"
    main = ConfigMap(folder / "etc", {"alertpost.yml": config(sink.port).replace("templates/", str(folder / "templates") + "/")})
    templates = ConfigMap(folder / "templates", {"a.tmpl": template("one")})
    (folder / "none.yml").write_text("")
    # Serves the file of the map in place of its own.
    server = start(Watching, "", "--config.file", str(folder / "etc/alertpost.yml"), folder=folder)
    assert subjects(server, sink, "A", 1) == ["one"]

    templates.put({"a.tmpl": template("two")})
    wait_for(lambda: reloaded(server) == (1, 0), "the reload")
    assert subjects(server, sink, "B", 2)[-1] == "two"

    main.put({"alertpost.yml": config(sink.port, subject="three").replace("templates/", str(folder / "templates") + "/")})
    wait_for(lambda: reloaded(server) == (2, 0), "the reload")
    assert subjects(server, sink, "C", 3)[-1] == "three"


def test_a_broken_file_keeps_the_old_one_in_force_until_it_is_mended(start, tmp_path):
    sink = start(SmtpSink)
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates/a.tmpl").write_text(template("one"))
    server = start(Watching, config(sink.port), folder=tmp_path)
    write(server.config, config(sink.port, receiver="nobody").replace("name: nobody", "name: mail"))
    wait_for(lambda: reloaded(server) == (0, 1), "the refused reload")
    assert server.metric("alertpost_config_last_reload_successful") == 0
    assert subjects(server, sink, "A", 1) == ["one"]
    write(tmp_path / "templates/b.tmpl", template("two"))  # a new file, which the pattern finds
    write(server.config, config(sink.port))
    wait_for(lambda: reloaded(server)[0] >= 1, "the reload")
    wait_for(lambda: server.metric("alertpost_config_last_reload_successful") == 1, "the metric")
    wait_for(lambda: "two" in subjects(server, sink, f"B{len(sink.received())}", len(sink.received()) + 1)[-1], "the new template")


def test_what_is_written_beside_the_files_is_none_of_its_business(start, tmp_path):
    sink = start(SmtpSink)
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates/a.tmpl").write_text(template("one"))
    server = start(Watching, config(sink.port), folder=tmp_path)
    for n in range(20):
        (tmp_path / f"note{n}").write_text("x")
        (tmp_path / "templates" / f"note{n}").write_text("x")
    write(tmp_path / "templates/a.tmpl", template("other"))
    wait_for(lambda: reloaded(server) == (1, 0), "the reload")
    assert subjects(server, sink, "A", 1) == ["other"]
    assert reloaded(server) == (1, 0)


def test_off_is_off(start, tmp_path):
    sink = start(SmtpSink)
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates/a.tmpl").write_text(template("one"))
    server = start(Alertpost, config(sink.port), "--config.watch", "off", folder=tmp_path)
    (tmp_path / "templates/a.tmpl").write_text(template("two"))
    assert server.post(payload("A"))[0] == 202
    assert subjects(server, sink, "B", 2) == ["one", "one"]
    assert harness.request(server.port, "POST", "/-/reload")[0] == 200
    wait_for(lambda: reloaded(server) == (1, 0), "the reload in the log")
    assert subjects(server, sink, "C", 3)[-1] == "two"


def test_a_directory_that_cannot_be_watched_is_named(start, tmp_path):
    text = harness.simple_config(25) + f"templates: ['{tmp_path}/missing/*.tmpl']\n"
    server = start(Watching, text)
    server.tells(rf'level=warn msg="not every directory .*" error="{tmp_path}/missing: No such file or directory"')


def test_a_new_database_is_told_and_an_old_one_is_not(start, tmp_path):
    server = start(Alertpost, harness.simple_config(25))
    server.tells(r'level=info msg="new database" path=\S+alertpost\.db')
    server.stop()
    server = start(Alertpost, harness.simple_config(25), folder=server.folder)
    server.tells("msg=started")
    assert "new database" not in server.output().split("msg=stopped")[-1]
