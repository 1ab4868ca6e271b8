# SPDX-License-Identifier: MIT
"""A real Alertmanager in front, Postfix's smtp-sink behind."""

import json

import harness
from harness import Alertmanager, Alertpost, SmtpSink, wait_for

ROUTES = """
  group_by: [alertname]
  routes:
    - matchers: [team="db"]
      receiver: db
    - matchers: [severity=~"critical|page"]
      receiver: on-call
      continue: true
    - matchers: [severity="critical"]
      receiver: mail
"""

RECEIVERS = """
  - name: db
    email_configs:
      - to: db@example.org
        send_resolved: true
  - name: on-call
    email_configs:
      - to: First <first@example.org>, second@example.org
        send_resolved: true
"""


def alertmanager_config(port):
    return f"""
route:
  receiver: alertpost
  group_by: [alertname]
  group_wait: 0s
  group_interval: 1s
  repeat_interval: 4h
receivers:
  - name: alertpost
    webhook_configs:
      - url: http://127.0.0.1:{port}/hooks/alertmanager
        send_resolved: true
"""


def config(port):
    text = harness.simple_config(port, receiver_more=RECEIVERS)
    return text.replace("\nroute:\n  receiver: mail\n", "\nroute:\n  receiver: mail\n" + ROUTES)


def api_alert(name, resolved=False, **labels):
    found = {"labels": {"alertname": name, **labels},
             "annotations": {"summary": f"{name} on <{labels.get('instance', 'x')}> & more"},
             "startsAt": harness.moment(120), "generatorURL": "http://prometheus.example/graph"}
    if resolved:
        found["endsAt"] = harness.moment(1)
    return found


def mails_to(sink, address):
    return [mail for recipients, mail in sink.received() if address in recipients]


def test_each_notification_is_one_mail_to_the_right_people_and_resolved_joins_its_thread(start):
    sink = start(SmtpSink)
    ours = start(Alertpost, config(sink.port))
    theirs = start(Alertmanager, alertmanager_config(ours.port))

    theirs.post([api_alert("DiskFull", instance="a", team="db", severity="critical"),
                 api_alert("HostDown", instance="b", severity="critical"),
                 api_alert("Slow", instance="c", severity="warning")])
    wait_for(lambda: len(sink.received()) >= 4, "four mails")
    assert len(mails_to(sink, "db@example.org")) == 1
    assert len(mails_to(sink, "first@example.org")) == 1
    assert len(mails_to(sink, "second@example.org")) == 1
    assert len(mails_to(sink, "ops@example.org")) == 2  # HostDown by `continue`, Slow by default

    firing = mails_to(sink, "db@example.org")[0]
    assert "DiskFull" in firing["Subject"] and firing["Subject"].startswith("[FIRING:1")
    assert firing["From"].addresses[0].addr_spec == "alerts@example.org"
    assert firing["Auto-Submitted"] == "auto-generated"
    assert firing["Message-ID"] and firing["Date"].datetime
    assert firing.get_content_type() == "multipart/alternative"
    text, html = [part.get_content() for part in firing.iter_parts()]
    assert "DiskFull on <a> & more" in text
    assert "DiskFull on &lt;a&gt; &amp; more" in html

    theirs.post([api_alert("DiskFull", resolved=True, instance="a", team="db", severity="critical")])
    wait_for(lambda: len(mails_to(sink, "db@example.org")) == 2, "the resolved mail")
    resolved = mails_to(sink, "db@example.org")[1]
    assert resolved["Subject"].startswith("[RESOLVED]")
    assert firing["Message-ID"] in resolved["References"]
    assert firing["Message-ID"] in resolved["In-Reply-To"]
    assert len(sink.received()) == 5
    assert ours.stop() == 0


def test_a_repeated_webhook_and_that_of_an_ha_twin_make_no_second_mail(start):
    sink = start(SmtpSink)
    ours = start(Alertpost, harness.simple_config(sink.port))
    alerts = [harness.alert({"alertname": "A", "n": str(n)}) for n in range(3)]
    said = harness.payload(*alerts)
    twin = dict(said, alerts=alerts[::-1], externalURL="http://other.example")

    assert ours.post(said)[0] == 202
    for body in (said, twin, said):
        status, answer = ours.post(body)
        assert (status, answer["results"][0]["result"]) == (200, "suppressed")
    ours.drained()
    assert len(wait_for(sink.received, "the mail")) == 1


def test_mail_that_the_server_defers_stays_queued_and_leaves_when_it_may(start, tmp_path):
    port = harness.free_port()
    ours = start(Alertpost, harness.simple_config(port, more="delivery: {retry: {min: 1s, max: 1s}}"))
    status, answer = ours.post(harness.payload(harness.alert({"alertname": "A"})))
    assert status == 202, answer
    wait_for(lambda: ours.metric("alertpost_queue_mails") == 1, "the mail waits")
    sink = start(SmtpSink, port=port)
    wait_for(sink.received, "the mail arrives once the server is there", 60)
    ours.drained()


def test_the_log_has_one_line_a_webhook_and_one_a_delivery(start):
    sink = start(SmtpSink)
    ours = start(Alertpost, harness.simple_config(sink.port), "--log.format", "json")
    ours.post(harness.payload(harness.alert({"alertname": "A"})))
    ours.drained()
    assert ours.stop() == 0
    lines = [json.loads(line) for line in ours.output().splitlines() if line.startswith("{")]
    webhooks = [line for line in lines if line["msg"] == "webhook"]
    deliveries = [line for line in lines if line["msg"] == "delivery"]
    assert len(webhooks) == 1 and webhooks[0]["source"] == "alertmanager"
    assert len(deliveries) == 1 and deliveries[0]["outcome"] == "delivered"
    assert deliveries[0]["recipient"] == "ops@example.org" and deliveries[0]["code"] in ("250", 250)
