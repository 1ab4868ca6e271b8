# SPDX-License-Identifier: MIT
"""Every sender's payload, posted as that sender does, and the mail that comes of it; and CI
over a day's runs, through the daemon."""

import copy
import json
import os
import re
import signal
import subprocess
import urllib.parse

import pytest

import harness
from harness import Alertpost, SmtpSink, request, wait_for

PAYLOADS = harness.ROOT / "tests/data/payloads"
SOURCES = """
sources:
  - {name: grafana}
  - {name: github}
  - {name: reminded, type: github, dedup: {remind: 1ms}, labels: {team: api}}
  - {name: gitlab}
  - {name: jenkins}
  - {name: flux}
  - {name: tekton}
""" + (harness.ROOT / "config/examples/json.yml").read_text().split("\nsources:\n")[1]
JSON = "application/json"


def load(name):
    return (PAYLOADS / f"{name}.json").read_bytes()


def send(server, source, body, method="POST", content_type=JSON, **headers):
    """(status, the answer's first result)"""
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    status, _, answer = request(server.port, method, f"/hooks/{source}", body,
                                {"Content-Type": content_type, **names})
    answer = json.loads(answer)
    return status, (answer.get("results") or [answer])[0]


@pytest.fixture
def server(start):
    sink = start(SmtpSink)
    server = start(Alertpost, harness.simple_config(sink.port, SOURCES))
    server.sink = sink
    return server


def source_of(name):
    return "uptime-kuma" if name.startswith("uptime") else name.split("-")[0]


def mails(server, n):
    server.drained()
    return wait_for(lambda: len(server.sink.received()) >= n and server.sink.received(), f"{n} mails")


def text_of(mail):
    return mail.get_body(("plain",)).get_content().replace("\r\n", "\n")


# name, how it is sent, subject, what the text says
MAILS = [
    ("grafana-firing", {"method": "PUT"}, "[FIRING:1 critical, 1 ok] Web/web",
     ["web-03 uses 93 % of its memory", "Silence: https://grafana.example.org/alerting/silence/new?alertmanager=grafana",
      "Grafana: https://grafana.example.org/alerting/list"]),
    ("github-failure", {"X_GitHub_Event": "workflow_run", "X_GitHub_Delivery": "1"}, "[FAILED] acme/api main: tests",
     ["FAILED: tests  acme/api main", "Run: https://github.com/acme/api/actions/runs/30434204",
      "Commit: acb5820ced9479c074f688cc328bf03f341a511d", "Author: Ada Example", "Run: #562", "Duration: 4m12s"]),
    ("github-fork-failure", {"X_GitHub_Event": "workflow_run"}, "[FAILED] acme/api mallory/api main: tests",
     ["From: mallory/api", "Result: timed_out"]),
    ("gitlab-pipeline-failed", {"X_Gitlab_Event": "Pipeline Hook"},
     "[FAILED] gitlab-org/gitlab-test master: pipeline",
     ["Failed jobs: test-build (test)", "Run: http://example.com/gitlab-org/gitlab-test/-/pipelines/31"]),
    ("gitlab-job-failed", {"X_Gitlab_Event": "Job Hook"},
     "[FAILED] gitlab-org/gitlab-test gitlab-script-trigger: t…", ["Reason: script_failure", "Stage: test"]),
    ("jenkins-failure", {"content_type": "application/json;charset=UTF-8"},
     "[FAILED] evgeny-goldin/asgard main: asgard/main",
     ["Tests: 2 of 40 failed", "    BUILD FAILED", "Author: Odin, Thor"]),
    ("flux-error", {"Gotk_Component": "source-controller"}, "[FAILED] flux-system: GitRepository/flux-system",
     ["unable to clone: repository not", "Note: production cluster"]),
    ("tekton-failed", {"Ce_Id": "1", "Ce_Specversion": "1.0", "Ce_Type": "dev.tekton.event.pipelinerun.failed.v1"},
     "[FAILED] acme/api ci main: api-main", ["Tasks Completed: 1 (Failed: 1", "Author: ada"]),
    ("argocd-failed", {}, "[FAILED] default: guestbook",
     ['"ServiceAccount" not', "Run: https://argocd.example.org/applications/guestbook"]),
    ("woodpecker-failure", {}, "[FAILED] acme/api main: pipeline", ["Run: #1042", "Author: ada"]),
    ("uptime-kuma-down", {}, "[FIRING:1 critical] Down Web shop", ["[Web shop] [🔴 Down] connect ECONNREFUSED"]),
    ("script-firing", {"method": "PUT"}, "[FIRING:1 warning] Backup db-1", ["1. no space left"]),
]

# name, what its source says of it
IGNORED = [
    ("github-ping", {"X_GitHub_Event": "ping"}, "the event ping is not about a run"),
    ("github-failure", {"X_GitHub_Event": "workflow_job"}, "the event workflow_job is not about a run"),
    ("github-cancelled", {"X_GitHub_Event": "workflow_run"}, "a run that is cancelled changes nothing"),
    ("github-in-progress", {"X_GitHub_Event": "workflow_run"}, "the run is not completed"),
    ("gitlab-pipeline-running", {}, "a run that is running changes nothing"),
    ("gitlab-push", {}, "the event push is not about a pipeline or job"),
    ("jenkins-started", {}, "the build has not ended"),
    ("jenkins-aborted", {}, "a build that is ABORTED changes nothing"),
    ("flux-progressing", {}, "severity info with the reason Progressing changes nothing"),
    ("tekton-running", {}, "the run has not ended"),
    ("tekton-task-of-a-pipeline", {}, "it is part of a pipelineRun, which tells"),
    ("argocd-running", {}, "statuses has it as ignored"),
    ("uptime-kuma-test", {}, "statuses has it as ignored"),
]


def test_what_each_sender_posts_becomes_the_right_mail(server):
    for n, (name, how, subject, says) in enumerate(MAILS, 1):
        status, result = send(server, source_of(name), load(name), **how)
        assert (status, result["result"]) == (202, "queued"), name
        mail = mails(server, n)[-1][1]
        assert mail["Subject"] == subject
        for text in says:
            assert text in text_of(mail), (name, text, text_of(mail))
        assert mail.get_body(("html",)) is not None


def test_what_says_nothing_new_is_answered_with_200_and_why(server):
    for name, how, reason in IGNORED:
        status, result = send(server, source_of(name), load(name), **how)
        assert (status, result) == (200, {"result": "ignored", "reason": reason}), name
    assert not server.sink.received()
    wait_for(lambda: re.search('result=ignored.*reason="the build has not ended"', server.output()), "the log line")


def test_a_success_after_the_failure_is_mailed_into_its_thread(server):
    for source, red, green in [("github", "github-failure", "github-success-attempt-2"),
                               ("gitlab", "gitlab-pipeline-failed", "gitlab-pipeline-success"),
                               ("jenkins", "jenkins-failure", "jenkins-success"),
                               ("flux", "flux-error", "flux-success"),
                               ("argocd", "argocd-failed", "argocd-deployed")]:
        before = len(server.sink.received())
        assert send(server, source, load(red))[0] == 202, source
        mails(server, before + 1)
        assert send(server, source, load(green))[0] == 202, source
        first, second = (mail for _, mail in mails(server, before + 2)[before:])
        assert first["Subject"].startswith("[FAILED] "), source
        assert second["Subject"] == first["Subject"].replace("FAILED", "FIXED"), source
        assert second["References"] == first["Message-ID"], source


def test_tekton_s_structured_mode_is_read_and_its_events_may_come_in_any_order(server):
    envelope = json.loads(load("tekton-structured-success"))
    kind = "application/cloudevents+json; charset=utf-8"
    assert send(server, "tekton", load("tekton-failed"), Ce_Id="1")[0] == 202
    mails(server, 1)
    earlier = copy.deepcopy(envelope)
    earlier["id"] = "earlier"
    earlier["data"]["pipelineRun"]["status"]["startTime"] = "2026-11-28T11:00:00Z"
    assert send(server, "tekton", json.dumps(earlier), content_type=kind) == (
        200, {"receiver": "mail", "result": "suppressed", "reason": "a later run was there first"})
    envelope["data"]["pipelineRun"]["status"]["startTime"] = "2026-11-28T12:30:00Z"
    assert send(server, "tekton", json.dumps(envelope), content_type=kind)[0] == 202
    assert [mail["Subject"] for _, mail in mails(server, 2)] == [
        "[FAILED] acme/api ci main: api-main", "[FIXED] acme/api ci main: api-main"]


def test_what_the_format_does_not_take_is_refused(server):
    form = "application/x-www-form-urlencoded"
    body = urllib.parse.urlencode({"payload": load("github-failure").decode()}).encode()
    assert send(server, "github", body, content_type=form, X_GitHub_Event="workflow_run")[0] == 202
    assert send(server, "gitlab", body, content_type=form)[0] == 415
    assert send(server, "github", load("github-failure"), method="PUT")[0] == 405
    status, answer = send(server, "gitlab", b'{"object_kind":"pipeline","object_attributes":[]}')
    assert (status, answer) == (400, {"error": "object_attributes: not an object"})


def test_a_monitor_that_goes_up_and_down_is_mailed_each_time(server):
    def beat(status, time):
        body = json.loads(load("uptime-kuma-down"))
        body["heartbeat"].update(status=status, time=time)
        return json.dumps(body)

    for n, (status, time) in enumerate([(0, "12:00:00"), (1, "12:01:00"), (0, "12:02:00"), (1, "12:03:00")], 1):
        assert send(server, "uptime-kuma", beat(status, f"2026-11-28 {time}"))[0] == 202
        mails(server, n)
    assert [mail["Subject"] for _, mail in server.sink.received()] == [
        "[FIRING:1 critical] Down Web shop", "[RESOLVED] Down Web shop"] * 2


def test_a_body_that_the_map_cannot_use_is_answered_with_the_key(server):
    assert send(server, "script", b'{"name":"Backup","state":"odd"}') == (
        400, {"error": 'map.status gives "odd": neither firing, resolved nor one of statuses'})


# --- what config/examples/json.yml says to write on the sender's side

def commands(name):
    """The shell commands that the comment before the source shows, with its port put in."""
    text = (harness.ROOT / "config/examples/json.yml").read_text()
    comment = re.search(rf"((?:^  #.*\n)+)  - name: {name}\n", text, re.M)[1]
    lines = [line[3:] for line in comment.splitlines()]
    start = next(n for n, line in enumerate(lines) if line.lstrip().startswith("curl "))
    return "\n".join(lines[start:])


def run_example(server, name, **variables):
    script = re.sub(r"http://[a-z0-9.]+:9725/", f"http://127.0.0.1:{server.port}/", commands(name))
    done = subprocess.run(["sh", "-c", script], env={**os.environ, **variables}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)["results"][0]


def test_the_script_s_curl_of_the_example_becomes_a_mail(server):
    assert run_example(server, "script")["result"] == "queued"
    assert mails(server, 1)[0][1]["Subject"] == "[FIRING:1 warning] Backup db-1"


def test_woodpecker_s_last_step_of_the_example_becomes_a_mail_when_it_breaks_and_when_it_works_again(server):
    for number, status in enumerate(["failure", "failure", "success"], 1042):
        result = run_example(server, "woodpecker", CI_REPO="acme/api", CI_COMMIT_BRANCH="main", CI_PIPELINE_NUMBER=str(number),
                             CI_PIPELINE_STATUS=status, CI_PIPELINE_URL=f"https://ci.example.org/repos/1/pipeline/{number}",
                             CI_COMMIT_SHA="8f41c0a2b7d3e6958f41c0a2b7d3e6958f41c0a2", CI_COMMIT_AUTHOR="ada",
                             CI_PIPELINE_EVENT="push")
        assert result["result"] == ("suppressed" if number == 1043 else "queued"), result
        mails(server, 1 if number < 1044 else 2)
    found = [mail for _, mail in mails(server, 2)]
    assert [mail["Subject"] for mail in found] == ["[FAILED] acme/api main: pipeline", "[FIXED] acme/api main: pipeline"]
    assert "https://ci.example.org/repos/1/pipeline/1042" in text_of(found[0])


# --- CI: runs against the mails that come of them

def run(conclusion, number, attempt=1, branch="main", repository="acme/api"):
    body = json.loads(load("github-failure"))
    body["workflow_run"].update(conclusion=conclusion, run_number=number, run_attempt=attempt, head_branch=branch,
                                updated_at=f"2026-11-28T12:{number:02}:00Z")
    body["workflow_run"]["head_repository"]["full_name"] = repository
    return json.dumps(body).encode()


# delivery, run, what becomes of it; RESTART kills the program
RESTART = "restart"
RUNS = [
    ("d1", run("success", 1), "still passing"),
    ("d2", run("failure", 2), "[FAILED] acme/api main: tests"),
    ("d3", run("failure", 3), "still failing"),
    (RESTART, None, None),
    ("d4", run("failure", 4), "still failing"),
    ("d2", run("failure", 2), "this delivery was here before"),
    ("d5", run("success", 1), "a later run was there first"),
    ("d6", run("cancelled", 5), "a run that is cancelled changes nothing"),
    ("d7", run("skipped", 6), "a run that is skipped changes nothing"),
    ("d8", run("failure", 5, branch="dev"), "[FAILED] acme/api dev: tests"),
    ("d9", run("success", 6, repository="mallory/api"), "still passing"),
    ("d13", run("failure", 7, repository="mallory/api"), "[FAILED] acme/api mallory/api main: tests"),
    ("d14", run("success", 8, repository="mallory/api"), "[FIXED] acme/api mallory/api main: tests"),
    (RESTART, None, None),
    ("d10", run("success", 4, attempt=2), "[FIXED] acme/api main: tests"),
    ("d10", run("success", 4, attempt=2), "this delivery was here before"),
    ("d11", run("success", 7), "still passing"),
    ("d12", run("success", 8, branch="dev"), "[FIXED] acme/api dev: tests"),
]


def test_a_day_of_runs_becomes_the_mails_that_say_something_new(server, start):
    expected = []
    for delivery, body, want in RUNS:
        if delivery == RESTART:
            server.drained()
            sink = server.sink
            server.stop(signal.SIGKILL)
            server = start(Alertpost, harness.simple_config(sink.port, SOURCES), folder=server.folder)
            server.sink = sink
            continue
        status, result = send(server, "github", body, X_GitHub_Event="workflow_run", X_GitHub_Delivery=delivery)
        if want.startswith("["):
            assert (status, result["result"]) == (202, "queued"), (delivery, result)
            expected.append(want)
            mails(server, len(expected))
        else:
            assert (status, result["reason"]) == (200, want), delivery
    assert [mail["Subject"] for _, mail in mails(server, len(expected))] == expected
    text = text_of(server.sink.received()[expected.index("[FIXED] acme/api main: tests")][1])
    assert re.search("^Was red for 2 min and 3 runs, since (2026-11-28 )?12:02 UTC$", text, re.M), text
    assert "Red since commit: acb5820ced9479c074f688cc328bf03f341a511d" in text


def test_red_every_hour_for_a_day_is_one_mail(server):
    results = [send(server, "github", run("failure", number), X_GitHub_Event="workflow_run", X_GitHub_Delivery=f"d{number}")
               for number in range(1, 25)]
    assert [status for status, _ in results] == [202] + [200] * 23
    assert {result["reason"] for _, result in results[1:]} == {"still failing"}
    assert [mail["Subject"] for _, mail in mails(server, 1)] == ["[FAILED] acme/api main: tests"]


def test_what_stays_red_is_mailed_again_when_remind_has_passed(server):
    for number in range(1, 4):
        assert send(server, "reminded", run("failure", number))[0] == 202
        mails(server, number)
    assert send(server, "reminded", run("success", 4))[0] == 202
    found = [mail for _, mail in mails(server, 4)]
    assert [mail["Subject"] for mail in found] == [
        f"[{state}] acme/api main: tests" for state in ("FAILED", "FAILED:2", "FAILED:3", "FIXED")]
    assert {mail["References"] for mail in found[1:]} == {found[0]["Message-ID"]}
    assert "team: api" in text_of(found[0])


def test_templates_written_for_alerts_serve_ci_as_well(start):
    sink = start(SmtpSink)
    more = """
        headers: {Subject: '[{{ .Status | toUpper }}] {{ .GroupLabels.alertname }} {{ .CommonLabels.branch }}'}
        html: '{{ range .Alerts.Firing }}<p>{{ .Annotations.summary }} <a href="{{ .GeneratorURL }}">{{ .Labels.severity }}</a></p>{{ end }}'
"""
    server = start(Alertpost, harness.simple_config(sink.port, SOURCES, receiver_more=more))
    server.sink = sink
    assert send(server, "github", load("github-failure"))[0] == 202
    mail = mails(server, 1)[0][1]
    assert mail["Subject"] == "[FIRING] tests main"
    assert ('<p>tests failed on main <a href="https://github.com/acme/api/actions/runs/30434204">error</a></p>'
            in mail.get_body(("html",)).get_content())


def test_ci_without_a_disk_is_warned_of_at_the_start(start):
    sink = start(SmtpSink)
    server = start(Alertpost, harness.simple_config(sink.port, SOURCES), storage="memory:")
    wait_for(lambda: re.search('"CI with storage memory: .*" source=tekton', server.output()), "the warning")
    assert '" source=grafana' not in server.output()
