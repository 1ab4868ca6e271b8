# SPDX-License-Identifier: MIT
"""The configuration changes while mail is on its way."""

import itertools
import re
import signal

import harness
from harness import Alertpost, Load, SmtpSink, wait_for

FAST = "delivery: {retry: {min: 50ms, max: 200ms}}\n"


def config(mail_port, extra_port=None):
    """Receiver mail, and receiver extra where it has a port."""
    extra = f"""
  - name: extra
    email_configs: [{{to: extra@example.org, smarthost: "127.0.0.1:{extra_port}"}}]
""" if extra_port else ""
    routes = ', routes: [{receiver: extra, matchers: [to="extra"]}]' if extra_port else ""
    return f"""
global: {{smtp_from: alerts@example.org, smtp_require_tls: false}}
route: {{receiver: mail{routes}}}
receivers:
  - name: mail
    email_configs: [{{to: ops@example.org, smarthost: "127.0.0.1:{mail_port}"}}]
{extra}{FAST}"""


def reload(ours, text):
    """Replaces the file at once, as editors do, and says so."""
    new = ours.config.with_suffix(".new")
    new.write_text(text)
    new.replace(ours.config)
    ours.child.send_signal(signal.SIGHUP)


def counted(ours):
    """Reloads that the log tells of: (good, refused)."""
    return (ours.output().count('msg="configuration reloaded"'),
            ours.output().count('msg="configuration not reloaded"'))


def test_reloads_under_load_lose_nothing_and_deliver_nothing_twice(start, tmp_path):
    first, second = (start(SmtpSink, folder=tmp_path / name) for name in ("first", "second"))
    ours = start(Alertpost, config(first.port, second.port))
    load = Load(ours.port, 0, 4, 0.005)
    texts = itertools.cycle([
        config(second.port, first.port), "route: [", config(first.port), "", config(second.port),
        config(first.port).replace("max: 200ms", "max: 300ms"), "\0", config(first.port, second.port)])
    for number in range(60):
        reload(ours, next(texts))
        wait_for(lambda: sum(counted(ours)) > number, "the reload")
    good, refused = counted(ours)
    assert (good, refused) == (37, 23)
    accepted = load.stop()
    assert len(accepted) > 20
    ours.drained()
    assert ours.stop() == 0
    delivered = first.groups() + second.groups()
    assert sorted(delivered) == sorted(accepted)


def test_a_refused_reload_says_where_and_changes_nothing(start):
    sink = start(SmtpSink)
    ours = start(Alertpost, harness.simple_config(sink.port))
    ours.config.write_text(harness.simple_config(sink.port).replace("receiver: mail", "receiver: male"))
    status, _, body = harness.request(ours.port, "POST", "/-/reload")
    assert status == 500
    assert re.search(rb'alertpost\.yml:\d+:\d+: route\.receiver: undefined receiver', body)
    assert ours.metric("alertpost_config_last_reload_successful") == 0
    assert ours.post(harness.payload(harness.alert({"alertname": "r1"}), group="r1"))[0] == 202
    wait_for(lambda: sink.groups() == ["r1"], "the mail")


def test_mail_for_a_receiver_that_is_gone_waits_for_its_return(start):
    sink, nobody = start(SmtpSink), harness.free_port()
    ours = start(Alertpost, config(sink.port, nobody))
    assert ours.post(harness.payload(harness.alert({"alertname": "r1", "to": "extra"}), group="r1"))[0] == 202
    wait_for(lambda: 'msg="relay fails"' in ours.output(), "the relay fails")
    reload(ours, config(sink.port))
    wait_for(lambda: 'no mail server for receiver \\"extra\\" any more' in ours.output(), "the log says so")
    assert ours.queued() == 1
    reload(ours, config(sink.port, sink.port))
    wait_for(lambda: sink.groups() == ["r1"], "the mail")
    assert sink.received()[0][0] == ["extra@example.org"]


def test_queued_mail_goes_to_the_server_that_the_configuration_names_now(start):
    sink, nobody = start(SmtpSink), harness.free_port()
    ours = start(Alertpost, config(nobody))
    for number in range(20):
        assert ours.post(harness.payload(harness.alert({"alertname": f"r{number}"}), group=f"r{number}"))[0] == 202
    wait_for(lambda: 'msg="relay fails"' in ours.output(), "the relay fails")
    reload(ours, config(sink.port))
    ours.drained()
    assert sorted(sink.groups()) == sorted(f"r{number}" for number in range(20))
