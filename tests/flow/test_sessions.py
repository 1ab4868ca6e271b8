# SPDX-License-Identifier: MIT
"""Sessions are few and reused."""

import concurrent.futures

import harness
from harness import Alertpost, SmtpSink, wait_for

NOTIFICATIONS = 1000
CONNECTIONS = 4


def test_a_thousand_notifications_leave_over_no_more_than_the_configured_sessions(start):
    sink = start(SmtpSink)
    more = f"delivery: {{connections: {CONNECTIONS}, mails_per_connection: 1000, idle_close: 30s}}"
    ours = start(Alertpost, harness.simple_config(sink.port, more=more))

    def post(n):
        body = harness.payload(harness.alert({"alertname": "A", "n": str(n)}), group=f"g{n}")
        return ours.post(body)[0]

    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        assert set(pool.map(post, range(NOTIFICATIONS))) == {202}
    wait_for(lambda: len(sink.received()) == NOTIFICATIONS, "all mails", 120)
    ours.drained()
    assert ours.metric("alertpost_smtp_sessions_opened_total") <= CONNECTIONS
    assert ours.stop() == 0

    identifiers = {mail["Message-ID"] for _, mail in sink.received()}
    assert len(identifiers) == NOTIFICATIONS
    # The harness's own connection, when it waited for the sink, counts as one session.
    sessions, _, messages = wait_for(lambda: sink.counters() if sink.counters()[2] == NOTIFICATIONS else None,
                                     "smtp-sink's count")
    assert messages == NOTIFICATIONS
    assert sessions - 1 <= CONNECTIONS
