# SPDX-License-Identifier: MIT
"""While the mail server fails itself, mails leave through the fallbacks, and then through it again."""

import harness
from faultserver import FaultServer
from harness import Alertpost, Load, free_port, wait_for

MORE = "delivery: {{fallback_smarthosts: [{}], retry: {{min: 50ms, max: 200ms}}}}"


def config(port, *fallbacks, more=MORE, **options):
    return harness.simple_config(port, more=more.format(", ".join(f"'127.0.0.1:{one}'" for one in fallbacks)), **options)


def post(ours, name, status="firing"):
    one = harness.alert({"alertname": name}, status=status)
    assert ours.post(harness.payload(one, group=name))[0] == 202


def names(server):
    with server.lock:
        return [harness.parse_mail(mail["data"])["Subject"].split()[-1] for mail in server.mails]


def test_a_dead_server_s_mails_leave_through_the_fallback_and_then_through_it_again(start):
    port = free_port()
    with FaultServer() as second:
        ours = start(Alertpost, config(port, second.port))
        for number in range(20):
            post(ours, f"down{number}")
        wait_for(lambda: len(second.mails) == 20, "the mails at the fallback")
        assert ours.metric("alertpost_relay_paused", relay=f"127.0.0.1:{port}") == 1
        ours.drained()
        assert ours.metric("alertpost_deliveries_total", relay=f"127.0.0.1:{second.port}", outcome="delivered") == 20
        ours.tells("mails go through a fallback")
        with FaultServer(port=port) as first:
            # Nothing is posted meanwhile: it is found well without a mail to try it with.
            wait_for(lambda: ours.metric("alertpost_relay_paused", relay=f"127.0.0.1:{port}") == 0,
                     "it is found well again", 90)
            for number in range(20):
                post(ours, f"up{number}")
            wait_for(lambda: len(first.mails) == 20, "the mails at the server itself")
            ours.drained()
            assert ours.stop() == 0
            assert sorted(names(first)) == sorted(f"up{number}" for number in range(20))
        assert sorted(names(second)) == sorted(f"down{number}" for number in range(20))


def test_where_all_are_down_everything_waits_and_leaves_by_the_first_that_is_back(start):
    first, second, third = free_port(), free_port(), free_port()
    ours = start(Alertpost, config(first, second, third))
    for number in range(30):
        post(ours, f"g{number}")
    wait_for(lambda: all(f"relay={name}" in ours.output().replace("127.0.0.1:", "") for name in (first, second, third)),
             "all have been tried")
    assert ours.queued() == 30
    with FaultServer(port=third) as server:
        wait_for(lambda: len(server.mails) == 30, "the mails", 120)
        ours.drained()
        assert ours.stop() == 0
        assert sorted(names(server)) == sorted(f"g{number}" for number in range(30))


def test_a_server_that_refuses_everything_loses_its_mails_to_the_fallback(start):
    with FaultServer([{"rcpt": "554 5.7.1 relay access denied"}]) as first, FaultServer() as second:
        ours = start(Alertpost, config(first.port, second.port))
        for number in range(10):
            post(ours, f"g{number}")
        ours.drained()
        assert ours.stop() == 0
        assert not first.mails and sorted(names(second)) == sorted(f"g{number}" for number in range(10))


def test_what_waits_survives_a_restart_and_a_reload_that_brings_the_fallback(start, tmp_path):
    port = free_port()
    folder = tmp_path / "ours"
    ours = start(Alertpost, harness.simple_config(port), folder=folder)
    for number in range(5):
        post(ours, f"g{number}")
    assert ours.stop() == 0
    ours = start(Alertpost, harness.simple_config(port), folder=folder)
    wait_for(lambda: ours.metric("alertpost_relay_paused", relay=f"127.0.0.1:{port}") == 1, "it fails")
    with FaultServer() as second:
        ours.config.write_text(config(port, second.port))
        assert harness.request(ours.port, "POST", "/-/reload")[0] == 200
        wait_for(lambda: len(second.mails) == 5, "the mails at the fallback")
        ours.config.write_text(harness.simple_config(port))
        assert harness.request(ours.port, "POST", "/-/reload")[0] == 200
        post(ours, "late")
        with FaultServer(port=port) as first:
            wait_for(lambda: first.mails, "the mail at the server itself", 90)
            ours.drained()
            assert ours.stop() == 0
            assert names(first) == ["late"] and sorted(names(second)) == [f"g{number}" for number in range(5)]


def test_the_order_of_a_group_holds_while_servers_come_and_go(start):
    """Each server takes three mails a connection and says 421 to every other one."""
    turns = ["firing", "resolved"] * 6
    moody = [{"greeting": "421 4.3.2 full"}, {"mail": [{}, {}, {"reply": "421 4.3.2 bye", "then": "drop"}]}] * 40
    with FaultServer(moody) as first, FaultServer(moody[1:]) as second, FaultServer() as third:
        ours = start(Alertpost, config(first.port, second.port, third.port))
        for turn, status in enumerate(turns):
            for group in range(5):
                one = harness.alert({"alertname": f"g{group}", "n": str(turn // 2)}, status=status,
                                    starts_at=harness.moment(300 - turn // 2 * 10))
                assert ours.post(harness.payload(one, group=f"g{group}"))[0] == 202
        ours.drained()
        assert ours.stop() == 0
        accepted = {}
        for line in ours.output().splitlines():
            if 'msg="mail queued"' in line:
                accepted.setdefault(len(accepted), line.split(" mail=")[1].split()[0])
        place = {identifier: number for number, identifier in accepted.items()}
        seen = [mail["message_id"] for server in (first, second, third) for mail in server.mails]
        assert sorted(seen) == sorted(place)
        delivered = [line.split(" mail=")[1].split()[0] for line in ours.output().splitlines()
                     if "outcome=delivered" in line]
        for group in range(5):
            mine = [place[one] for one in delivered if place[one] % 5 == group]
            assert mine == sorted(mine)


def test_nothing_is_lost_or_doubled_while_the_server_goes_and_comes(start):
    port = free_port()
    with FaultServer() as second:
        ours = start(Alertpost, config(port, second.port))
        load = Load(ours.port, 1, senders=4, pause=0.02)
        seen = []
        for _ in range(2):
            wait_for(lambda: ours.metric("alertpost_relay_paused", relay=f"127.0.0.1:{port}") == 1, "it fails", 60)
            before = len(second.mails)
            wait_for(lambda: len(second.mails) > before + 20, "mails at the fallback", 60)
            with FaultServer(port=port) as first:
                wait_for(lambda: len(first.mails) > 20, "mails at the server itself", 90)
            seen += names(first)
        accepted = load.stop()
        ours.drained()
        assert ours.stop() == 0
        in_doubt = "outcome=in_doubt" in ours.output()
        seen += names(second)
        assert set(seen) == accepted
        assert in_doubt or len(seen) == len(accepted)
