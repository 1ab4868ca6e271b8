# SPDX-License-Identifier: MIT
"""Webhooks of any shape and size: 202 or a refusal that names the place, and small mails."""

import json

import pytest

import harness
from harness import Alertpost, SmtpSink, alert, payload, wait_for

QUEUED, NOTHING = 202, 200


def with_alert(**fields):
    body = payload(alert({"alertname": "A"}), group=json.dumps(fields)[:100])
    body["alerts"][0].update(fields)
    return body


def without(*keys):
    """A webhook that lacks a key: of itself, or of its alert."""
    body = payload(alert({"alertname": "A"}), group=".".join(map(str, keys)))
    place = body
    for key in keys[:-1]:
        place = place[key]
    del place[keys[-1]]
    return body


def labels(count):
    return {f"l{number}": "v" for number in range(count)}


# name: (body, code, the reason or the end of it)
CASES = {
    "10,000 alerts": (payload(*[alert({"n": str(n)}) for n in range(10_000)], group="10000"), QUEUED, ""),
    "10,001 alerts": (payload(*[alert({"n": str(n)}) for n in range(10_001)]), 413,
                      "alerts: 10001 alerts, more than limits.alerts allows (10000)"),
    "256 labels": (payload(alert(labels(256)), group="256"), QUEUED, ""),
    "257 labels": (payload(alert(labels(257))), 413,
                   "alerts[0].labels: 257 entries, more than limits.labels allows (256)"),
    "257 annotations": (payload(alert({}, annotations=labels(257))), 413,
                        "alerts[0].annotations: 257 entries, more than limits.labels allows (256)"),
    "no alerts": (payload(group="none"), NOTHING, ""),
    "no version": (without("version"), QUEUED, ""),
    "no group key": (without("groupKey"), QUEUED, ""),
    "no status": (without("status"), QUEUED, ""),
    "no receiver": (without("receiver"), QUEUED, ""),
    "no list of alerts": (without("alerts"), 400, "alerts: missing"),
    "an alert without status": (without("alerts", 0, "status"), QUEUED, ""),
    "an alert without labels": (with_alert(labels=None), QUEUED, ""),
    "an alert without times": (with_alert(startsAt=None, endsAt=None), QUEUED, ""),
    "alerts is text": (payload() | {"alerts": "x"}, 400, "alerts: not an array"),
    "an alert is a number": (payload() | {"alerts": [1]}, 400, "alerts[0]: not an object"),
    "labels is a list": (with_alert(labels=[]), 400, "alerts[0].labels: not an object"),
    "a label is a number": (with_alert(labels={"a": 1}), 400, "alerts[0].labels.a: not a string"),
    "a status of its own": (with_alert(status="pending"), 400,
                            'alerts[0].status: neither "firing" nor "resolved"'),
    "status in capitals": (with_alert(status="FIRING"), 400,
                           'alerts[0].status: neither "firing" nor "resolved"'),
    "startsAt is a number": (with_alert(startsAt=1700000000), 400, "alerts[0].startsAt: not an RFC 3339 time"),
    "30 February": (with_alert(startsAt="2024-02-30T00:00:00Z"), 400, "alerts[0].startsAt: not an RFC 3339 time"),
    "the last second of all": (with_alert(startsAt="9999-12-31T23:59:59Z"), QUEUED, ""),
    "truncatedAlerts below 0": (payload() | {"truncatedAlerts": -1}, 400,
                                "truncatedAlerts: not a whole number from 0"),
    "a group key of 1 MB": (payload(alert({"alertname": "A"})) | {"groupKey": "k" * 1_000_000}, QUEUED, ""),
    "a label of 10 MB": (payload(alert({"alertname": "A", "v": "x" * 10_000_000}), group="10MB"), QUEUED, ""),
    "a label's name of 1 MB": (payload(alert({"n" * 1_000_000: "v"}), group="name"), QUEUED, ""),
    "all of Unicode": (payload(alert({"alertname": "ünï😀\u202e\0\ufeff中文", "ключ": "значение"}), group="uni"),
                       QUEUED, ""),
    "not JSON": (b"{", 400, ""),
    "two texts": (b'{"alerts":[]}{}', 400, "byte 14: text after the end"),
    "NaN": (b'{"alerts":[],"truncatedAlerts":NaN}', 400, "not a value"),
    "UTF-16": ('{"alerts":[]}'.encode("utf-16"), 400, "not a value"),
    "a BOM": (b'\xef\xbb\xbf{"alerts":[]}', NOTHING, ""),
    "a hundred thousand levels": (b'{"a":' * 100_000, 413, "nested too deeply"),
    "five million values": (b'{"alerts":[],"x":[' + b"1," * 5_000_000 + b"1]}", 413, "too many values"),
    "a number of 100 KB": (b'{"alerts":[],"truncatedAlerts":' + b"9" * 100_000 + b"}", 400, "a number is too long"),
    "a key twice": (b'{"alerts":[{"labels":{"a":"1","a":"2"}}],"groupKey":"twice","groupKey":"2"}', QUEUED, ""),
    "a lone surrogate": (b'{"alerts":[{"labels":{"a":"\\ud800"}}],"groupKey":"lone"}', QUEUED, ""),
}


@pytest.fixture(scope="module")
def peers(tmp_path_factory):
    folder = tmp_path_factory.mktemp("payloads")
    sink = SmtpSink(folder)
    ours = Alertpost(folder / "ours", harness.simple_config(sink.port))
    try:
        yield ours, sink
        ours.drained()
        assert ours.stop() == 0
    finally:
        if ours.running():
            ours.child.kill()
        sink.stop()


@pytest.mark.parametrize("name", CASES)
def test_a_webhook_is_accepted_or_refused_with_its_reason(peers, name):
    ours, _ = peers
    body, code, reason = CASES[name]
    status, answer = ours.post(body)
    assert status == code, answer
    if code < 300:
        assert [result["result"] for result in answer["results"]] == ["queued"] * (code == QUEUED)
    else:
        assert answer["error"].endswith(reason) and "\n" not in answer["error"]


def test_every_wrong_type_is_refused_by_name(peers):
    ours, _ = peers
    wrong = {"string": [1, True, [], {}], "object": ["x", 1, []], "array": ["x", 1, {}], "time": [1, "x", [], {}]}
    types = {"receiver": "string", "groupKey": "string", "externalURL": "string", "status": "string",
             "groupLabels": "object", "alerts": "array", "notification_reason": "string"}
    for key, kind in types.items():
        for value in wrong[kind]:
            status, answer = ours.post(payload(alert({"alertname": "A"})) | {key: value})
            assert status == 400 and answer["error"].startswith(key + ": not "), (key, value, answer)
    types = {"status": "string", "labels": "object", "annotations": "object", "generatorURL": "string",
             "startsAt": "time", "endsAt": "time"}
    for key, kind in types.items():
        for value in wrong[kind]:
            status, answer = ours.post(with_alert(**{key: value}))
            assert status == 400 and answer["error"].startswith(f"alerts[0].{key}: not "), (key, value, answer)


def test_the_mails_of_huge_webhooks_are_small(peers):
    ours, sink = peers
    ours.drained()
    queued = sum(code == QUEUED for _, code, _ in CASES.values())
    mails = wait_for(lambda: len(sink.received()) == queued and list(sink.mails.iterdir()), "all mails")
    assert max(path.stat().st_size for path in mails) < 120_000  # Gmail cuts at 102 KB of HTML
