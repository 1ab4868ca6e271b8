# SPDX-License-Identifier: MIT
"""`alertpost queue` and /api/v1/mails through the real program and a real mail server."""

import http.client
import json
import re
import subprocess
import time

import pytest

import harness
from faultserver import FaultServer
from harness import Alertpost, SmtpSink, wait_for


def queue(*arguments, status=0):
    """What `alertpost queue` prints; its errors where it fails."""
    done = subprocess.run([harness.ALERTPOST, "queue", *map(str, arguments)], capture_output=True, text=True)
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout if status == 0 else done.stderr


def ask(ours, *arguments, status=0):
    return queue(*arguments, "--url", f"http://127.0.0.1:{ours.port}", status=status)


def post(ours, name, **labels):
    """Its Message-ID."""
    code, answer = ours.post(harness.payload(harness.alert({"alertname": name, **labels}), group=name))
    assert code == 202, answer
    return answer["results"][0]["id"]


def api(ours, method, path):
    status, headers, body = harness.request(ours.port, method, path)
    kind = headers["Content-Type"]
    return status, json.loads(body) if kind == "application/json" else body


def in_state(ours, identity, state):
    return wait_for(lambda: (found := api(ours, "GET", f"/api/v1/mails/{identity}")[1])["state"] == state and found,
                    f"{identity} is {state}")


def test_a_delivered_mail_is_shown_with_the_servers_words(start):
    ours = start(Alertpost, harness.simple_config(start(SmtpSink).port))
    identity = post(ours, "fine")
    found = in_state(ours, identity, "delivered")
    assert [r["state"] for r in found["recipients"]] == ["delivered"]
    last = found["recipients"][0]["last"]
    assert (last["outcome"], last["code"], last["enhanced"]) == ("delivered", 250, "2.0.0")
    assert [a["outcome"] for a in found["attempts"]] == ["delivered"]
    assert "headers" not in found
    assert api(ours, "GET", f"/api/v1/mails/{identity}/eml") == (
        404, {"error": "the mail was delivered: only its record is left"})
    assert ask(ours, "list") == "0 mails\n"
    assert [m["id"] for m in json.loads(ask(ours, "list", "--json", "--state", "any"))] == [identity]
    line = ask(ours, "list", "--state", "delivered").splitlines()[1]
    assert re.fullmatch(r"1 +\d+s +delivered +mail +ops@example\.org +\S.* 250 2\.0\.0 Ok", line), line
    assert "250 2.0.0 Ok" in ask(ours, "show", identity)
    assert api(ours, "POST", f"/api/v1/mails/{identity}/retry") == (
        409, {"error": "the mail was delivered before"})


REFUSES = [{"rcpt": "550 5.1.1 no such user here"}]


def test_a_dead_mail_is_listed_shown_tried_again_and_dropped(start):
    with FaultServer(REFUSES) as server:
        ours = start(Alertpost, harness.simple_config(server.port))
        identity = post(ours, "broken")
        in_state(ours, identity, "dead")
        assert "no such user here" in ask(ours, "list", "--state", "dead").splitlines()[1]
        shown = ask(ours, "show", identity)
        assert ask(ours, "show", f"<{identity}>") == shown
        assert f"Message-ID:   {identity}\n" in shown
        assert "  ops@example.org: refused, 1 attempt\n" in shown
        assert "550 5.1.1 no such user here" in shown
        mail = harness.parse_mail(ask(ours, "show", "--eml", identity).encode())
        assert mail["To"] == "ops@example.org" and mail["Message-ID"] == f"<{identity}>"
        found = json.loads(ask(ours, "show", "--json", identity))
        assert {"name": "To", "value": "ops@example.org"} in found["headers"]
        assert ask(ours, "retry", identity) == "1 mail queued again\n"
        wait_for(lambda: len(api(ours, "GET", f"/api/v1/mails/{identity}")[1]["attempts"]) == 2, "another attempt")
        in_state(ours, identity, "dead")
        assert ask(ours, "drop", found["number"]) == "1 mail dropped\n"
        assert in_state(ours, identity, "dropped")["recipients"][0]["state"] == "refused"
        assert ask(ours, "drop", identity, status=1) == (
            f"alertpost queue: {identity}: the mail was dropped before\n")


def test_what_an_operator_chooses_is_tried_again_when_the_server_is_mended(start):
    with FaultServer([*REFUSES * 3, {}]) as server:
        ours = start(Alertpost, harness.simple_config(server.port, more="delivery: {connections: 1, "
                                                                        "mails_per_connection: 1}"))
        names = [post(ours, f"alert{n}") for n in range(3)]
        for identity in names:
            in_state(ours, identity, "dead")
        assert ask(ours, "retry", "--all", "--state", "dead", "--receiver", "other") == "0 mails queued again\n"
        assert ask(ours, "retry", "--all", "--state", "dead", "--newer-than", "1h") == "3 mails queued again\n"
        for identity in names:
            in_state(ours, identity, "delivered")
        assert sorted(mail["message_id"] for mail in server.mails) == sorted(names)


def test_without_a_daemon_its_storage_is_asked(start):
    with FaultServer(REFUSES) as server:
        ours = start(Alertpost, harness.simple_config(server.port))
        identity = post(ours, "broken")
        in_state(ours, identity, "dead")
        locked = queue("list", "--storage", ours.storage, status=1)
        assert "ask the running daemon" in locked and f"in use by process {ours.child.pid}" in locked
        assert ours.stop() == 0
        assert "no such user here" in queue("list", "--storage", ours.storage)
        assert queue("retry", identity, "--storage", ours.storage) == "1 mail queued again\n"
        assert " queued " in queue("list", "--storage", ours.storage)
        assert queue("drop", "--all", "--state", "any", "--storage", ours.storage) == "1 mail dropped\n"
        assert queue("list", "--storage", ours.storage) == "0 mails\n"
    wrong = queue("list", "--storage", "sqlite:/nowhere/at.db", status=1)
    assert wrong == "alertpost queue: /nowhere/at.db: there is no such file\n"


def test_a_look_into_the_storage_leaves_what_a_crash_left_to_the_daemon(start, tmp_path):
    with FaultServer([{"dot": "silent"}]) as server:
        config = harness.simple_config(server.port, more="delivery: {in_doubt: keep}")
        ours = start(Alertpost, config, folder=tmp_path / "ours")
        identity = post(ours, "cut")
        in_state(ours, identity, "claimed")
        ours.child.kill()
        ours.child.wait()
        assert " claimed " in queue("list", "--storage", ours.storage)
        assert "its start sees to it" in queue("drop", identity, "--storage", ours.storage, status=1)
        ours = start(Alertpost, config, folder=tmp_path / "ours")
        in_state(ours, identity, "dead")
        ours.tells('msg="in doubt after a crash"')


def test_what_was_not_done_is_not_counted(start):
    with FaultServer(REFUSES) as server:
        ours = start(Alertpost, harness.simple_config(server.port))
        for name in "ab":
            in_state(ours, post(ours, name), "dead")
        assert ask(ours, "drop", "1") == "1 mail dropped\n"
        done = subprocess.run([harness.ALERTPOST, "queue", "drop", "--all", "--state", "any", "--url",
                               f"http://127.0.0.1:{ours.port}"], capture_output=True, text=True)
        assert (done.returncode, done.stdout) == (1, "1 mail dropped\n")
        assert done.stderr == "alertpost queue: 1: the mail was dropped before\n"


def test_a_daemon_that_is_not_there_is_told_as_that():
    said = queue("list", "--url", f"http://127.0.0.1:{harness.free_port()}", status=1)
    assert said.startswith("alertpost queue: no answer from http://127.0.0.1:")
    assert "Does the daemon run" in said and "--storage sqlite:" in said


def test_the_queue_is_behind_the_management_address_and_the_environment_may_name_it(start, monkeypatch):
    ours = start(Alertpost, harness.simple_config(harness.free_port()), "--web.management-address", "127.0.0.1:0")
    management = wait_for(lambda: re.search(r'"listening for management" address=127\.0\.0\.1:(\d+)', ours.output()),
                          "it listens for management")[1]
    for arguments in (["list"], ["show", "1"]):
        assert queue(*arguments, "--url", f"http://127.0.0.1:{ours.port}", status=1).endswith(
            f"no /api at http://127.0.0.1:{ours.port}; with --web.management-address it is there: --url http://…\n")
    monkeypatch.setenv("ALERTPOST_URL", f"http://127.0.0.1:{management}")
    assert queue("list") == "0 mails\n"
    assert "no /api at" in queue("list", "--url", f"http://127.0.0.1:{ours.port}", status=1), "the option goes first"
    assert queue("show", "17", status=1) == 'alertpost queue: 17: there is no mail "17"\n'


@pytest.mark.parametrize("arguments", [
    ["show"], ["retry"], ["drop"], ["drop", "--all"], ["retry", "--all"], ["drop", "1", "--all", "--state", "dead"],
    ["list", "--user", "ada"], ["list", "--key-file", "k"], ["list", "--ca-file", "c", "--storage", "sqlite:x"],
    ["list", "1"], ["list", "--all"], ["list", "--limit=-1"], ["paint"], [], ["list", "--colour"]])
def test_arguments_that_make_no_sense_are_refused_before_anything_is_asked(arguments):
    assert queue(*arguments, status=2).startswith("alertpost queue: ")


def test_the_api_tells_what_is_wrong_with_a_question(start):
    ours = start(Alertpost, harness.simple_config(harness.free_port()))
    for method, path, status, error in [
            ("GET", "?state=lost", 400, 'state: not one of queued, deferred, claimed, dead, delivered, dropped: "lost"'),
            ("GET", "?limit=0", 400, "limit: not a number from 1 to 1000"),
            ("GET", "?colour=red", 400, "colour: there is no such condition"),
            ("GET", "/17", 404, 'there is no mail "17"'),
            ("GET", "/none@example.org", 404, 'there is no mail "none@example.org"'),
            ("POST", "/17/retry", 404, 'there is no mail "17"'),
            ("DELETE", "/17", 404, 'there is no mail "17"'),
            ("GET", "/17/paint", 404, "there is nothing here"),
            ("POST", "", 405, "this method is not for this path"),
            ("GET", "/17/retry", 405, "this method is not for this path")]:
        assert api(ours, method, f"/api/v1/mails{path}") == (status, {"error": error})


def test_other_machines_learn_nothing_of_the_mails(start):
    ours = start(Alertpost, harness.simple_config(harness.free_port(), more="sources: [{name: alertmanager, type: "
                                                  "alertmanager, allow_unauthenticated: true}]"),
                 "--web.listen-address", "127.0.0.1:0", "--web.listen-address", "0.0.0.0:0")
    port = int(wait_for(lambda: re.search(r"0\.0\.0\.0:(\d+)\n", ours.output()), "it listens everywhere")[1])
    address = subprocess.run(["hostname", "-I"], capture_output=True, text=True).stdout.split()
    if not address:
        pytest.skip("the machine has no address but the loopback's")
    for method, path in [("GET", ""), ("GET", "/1"), ("POST", "/1/retry"), ("DELETE", "/1")]:
        connection = http.client.HTTPConnection(address[0], port, timeout=60)
        connection.request(method, f"/api/v1/mails{path}")
        assert connection.getresponse().status == 403
        connection.close()


def test_the_postmaster_is_told_of_dead_mails_and_not_of_his_own(start):
    with FaultServer([{"rcpt": ["550 5.1.1 no such user here", "250 2.1.5 ok"]}, *REFUSES]) as server:
        ours = start(Alertpost, harness.simple_config(
            server.port, more="delivery: {postmaster: postmaster@example.org, connections: 1, "
                              "mails_per_connection: 2}"))
        identity = post(ours, "broken")
        in_state(ours, identity, "dead")
        notice = wait_for(lambda: server.mails and server.mails[0], "the notice", 60)
        assert notice["recipients"] == ["postmaster@example.org"] and notice["sender"] == "alerts@example.org"
        mail = harness.parse_mail(notice["data"])
        assert mail["Subject"] == "alertpost: 1 mail not delivered"
        assert mail["Auto-Submitted"] == "auto-generated"
        text = mail.get_content().replace("\r\n", "\n")
        assert "To:        ops@example.org: 550 5.1.1 no such user here\n" in text
        assert "Look:      alertpost queue show 1\n" in text
        assert "--web.management-address is set, with --url http://THAT-ADDRESS" in text
        assert ours.metric("alertpost_dead_notices_total") == 1
        # A notice that dies itself is no reason for another one.
        in_state(ours, post(ours, "again"), "dead")
        assert in_state(ours, notice["message_id"], "delivered")["receiver"] == ""


def test_the_status_tells_what_is_wrong_with_a_mail_server(start):
    port = harness.free_port()
    ours = start(Alertpost, harness.simple_config(port))

    def relay():
        return api(ours, "GET", "/api/v1/status")[1]["relays"][0]

    assert relay()["paused"] is False
    post(ours, "waits")
    wait_for(lambda: relay()["paused"], "the relay is paused")
    found = relay()
    assert found["fault"] == "connect" and f"127.0.0.1:{port}" in found["text"] and found["paused_s"] >= 0
    assert 0 < found["next_try_s"] <= 5
    wait_for(lambda: ask(ours, "list").splitlines()[-1] == f"relay fails: {found['text']}", "the list says so")
    wait_for(lambda: f"Relay fails:  {found['text']}\n" in ask(ours, "show", 1), "the mail says so")
    assert "relay fails" not in ask(ours, "list", "--receiver", "other")
    start(SmtpSink, port=port)
    wait_for(lambda: not relay()["paused"], "the relay works again", 90)
    assert "elay fails" not in ask(ours, "list", "--state", "any") + ask(ours, "show", 1)


def test_retry_has_a_paused_mail_server_tried_at_once(start):
    port = harness.free_port()
    ours = start(Alertpost, harness.simple_config(port))

    def next_try_s():
        return api(ours, "GET", "/api/v1/status")[1]["relays"][0].get("next_try_s", 0)

    post(ours, "waits")
    wait_for(lambda: 0 < next_try_s() <= 5, "the first pause")
    ask(ours, "retry", 1)
    wait_for(lambda: 5 < next_try_s() <= 10, "the second pause")
    ask(ours, "retry", 1)
    wait_for(lambda: 10 < next_try_s() <= 20, "the third pause")
    sink = start(SmtpSink, port=port)
    began = time.monotonic()
    ask(ours, "retry", 1)
    ours.drained()
    assert time.monotonic() - began < 15  # the pause was not waited for
    assert len(sink.received()) == 1


def overwrite_pages(path, *pages):
    with open(path, "r+b") as file:
        for page in pages:
            file.seek(page * 4096)
            file.write(b"\xa5\x5a" * 2048)


def test_what_can_be_read_of_a_damaged_database_is_brought_back_and_delivered(start, tmp_path):
    port = harness.free_port()
    ours = start(Alertpost, harness.simple_config(port), folder=tmp_path / "ours")
    accepted = {post(ours, f"alert{n}") for n in range(150)}
    assert ours.stop() == 0
    old = tmp_path / "old.db"
    (tmp_path / "ours" / "alertpost.db").rename(old)
    pages = old.stat().st_size // 4096
    overwrite_pages(old, *range(pages // 2, pages, pages // 7))

    ours = start(Alertpost, harness.simple_config(port), folder=tmp_path / "ours")
    known = post(ours, "meanwhile")
    refused = queue("import", old, "--storage", ours.storage, status=1)
    assert "ask the running daemon" in refused
    assert ours.stop() == 0
    said = queue("import", old, "--storage", ours.storage)
    read, imported, unreadable = map(int, re.match(
        r"mails: (\d+) read, (\d+) imported, 0 known already, (\d+) unreadable, 0 had gone before\n", said).groups())
    assert read == imported and 50 < imported < 150 and int(re.search(r"not be read: (\d+)", said)[1]) + unreadable > 0
    assert " 0 imported" in queue("import", old, "--storage", ours.storage)

    sink = start(SmtpSink, port=port)
    ours = start(Alertpost, harness.simple_config(port), folder=tmp_path / "ours")
    assert ours.metric("alertpost_queue_mails", state="queued") + ours.metric(
        "alertpost_queue_mails", state="deferred") + len(sink.received()) <= imported + 1
    ask(ours, "retry", "--all", "--state", "deferred")
    ours.drained()
    arrived = {mail["Message-ID"].strip("<>") for _, mail in sink.received()}
    assert len(sink.received()) == len(arrived) == imported + 1
    assert arrived <= accepted | {known}
    assert queue("import", tmp_path / "ours" / "alertpost.yml", "--storage", "sqlite:/nowhere.db", status=1)
