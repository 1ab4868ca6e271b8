# SPDX-License-Identifier: MIT
"""`alertpost check` beside `amtool check-config`: the same files are good, and what is wrong
is said in the same words.

amtool of Debian 12 (0.25) lacks what came later; only what both know is asked."""

import re
import shutil
import subprocess

import pytest

from harness import ALERTPOST

AMTOOL = shutil.which("amtool")
pytestmark = pytest.mark.skipif(AMTOOL is None, reason="amtool is not installed (prometheus-alertmanager)")

RECEIVER = "receivers: [{name: r}]\n"
ROUTE = "route: {receiver: r}\n"
REST = ROUTE + RECEIVER


def mail(keys):
    return ROUTE + "receivers: [{name: r, email_configs: [{smarthost: 'a:25', from: x@example.org, %s}]}]\n" % keys


def interval(keys):
    return REST + "time_intervals: [{name: t, time_intervals: [{%s}]}]\n" % keys


GOOD = [
    REST,
    "global:\n" + REST,
    "templates: []\n" + REST,
    "global: {resolve_timeout: 1d2h, smtp_require_tls: no, smtp_hello: x}\n" + REST,
    "global: {smtp_smarthost: ''}\n" + REST,
    "route: {receiver: r, group_by: ['...'], group_wait: 0s}\n" + RECEIVER,
    "route: {receiver: r, group_by: [], matchers: []}\n" + RECEIVER,
    "route: {receiver: r, routes: [{match: {a: b}, match_re: {c: d.*}, continue: yes}]}\n" + RECEIVER,
    "route: {receiver: r, routes: [{matchers: ['a=b', '{c=\"d\",e!~\"f\"}']}]}\n" + RECEIVER,
    mail("to: x@example.org"),
    mail("to: 'a@example.org, ,b@example.org', html: '', text: x, headers: {X-A: b}"),
    mail("to: x@example.org, html: , require_tls: , hello: , headers: "),
    mail("to: x@example.org, tls_config: {insecure_skip_verify: true, server_name: x}"),
    "global: {smtp_smarthost: ':25'}\n" + REST,
    "global: {smtp_smarthost: '[::1]:25'}\n" + REST,
    ROUTE + "receivers: [&a {name: r}, {<<: *a, name: s}]\n",
    interval("times: [{start_time: '00:00', end_time: '24:00'}]"),
    interval("weekdays: [Monday:friday, sunday], days_of_month: [1, '-3:-1'], months: [5, may:June]"),
    interval("years: ['2020:2022'], location: Australia/Sydney"),
    interval("months: ['13']"),
    REST + "inhibit_rules: [{source_matchers: [a=b], target_match: {c: d}, equal: [e]}]\n",
    REST + "mute_time_intervals: [{name: a}]\ntime_intervals: [{name: b}]\n",
]

# The file, and the words both must say.
BAD = [
    ("", "no route provided in config"),
    ("route: {}\n" + RECEIVER, "root route must specify a default receiver"),
    ("route: {receiver: x}\n" + RECEIVER, 'undefined receiver "x" used in route'),
    ("route: {receiver: r, routes: [{routes: [{receiver: x}]}]}\n" + RECEIVER,
     'undefined receiver "x" used in route'),
    ("route: {receiver: r, matchers: [a=b]}\n" + RECEIVER, "root route must not have any matchers"),
    ("route: {receiver: r, match: {a: b}}\n" + RECEIVER, "root route must not have any matchers"),
    ("route: {receiver: r, continue: true}\n" + RECEIVER, "cannot have continue in root route"),
    ("route: {receiver: r, mute_time_intervals: [t]}\n" + RECEIVER,
     "root route must not have any mute time intervals"),
    ("route: {receiver: r, active_time_intervals: [t]}\n" + RECEIVER,
     "root route must not have any active time intervals"),
    ("route: {receiver: r, routes: [{mute_time_intervals: [t]}]}\n" + RECEIVER,
     'undefined time interval "t" used in route'),
    ("route: {receiver: r, routes: [{active_time_intervals: [t]}]}\n" + RECEIVER,
     'undefined time interval "t" used in route'),
    ("route: {receiver: r, group_by: [a, a]}\n" + RECEIVER, 'duplicated label "a" in group_by'),
    ("route: {receiver: r, group_by: [a, '...']}\n" + RECEIVER,
     "labels at the same time"),  # 0.25 says "other other labels"
    ("route: {receiver: r, group_by: ['-invalid-']}\n" + RECEIVER,
     'invalid label name "-invalid-" in group_by list'),
    ("route: {receiver: r, group_interval: 0s}\n" + RECEIVER, "group_interval cannot be zero"),
    ("route: {receiver: r, repeat_interval: 0s}\n" + RECEIVER, "repeat_interval cannot be zero"),
    ("route: {receiver: r, group_wait: 5}\n" + RECEIVER, 'not a valid duration string: "5"'),
    ("route: {receiver: r, group_wait: 1s1m}\n" + RECEIVER, 'not a valid duration string: "1s1m"'),
    ("route: {receiver: r, group_wait: 300y}\n" + RECEIVER, "duration out of range"),
    ("route: {receiver: r, group_wait: ''}\n" + RECEIVER, "empty duration string"),
    ("route: {receiver: r, routes: [{match_re: {a: }}]}\n" + RECEIVER, 'invalid regexp value for "a"'),
    ("route: {receiver: r, routes: [{match_re: {a: '('}}]}\n" + RECEIVER,
     "error parsing regexp: missing closing ): `^(?:()$`"),
    ("route: {receiver: r, routes: [{match: {a-b: c}}]}\n" + RECEIVER, 'invalid label name "a-b"'),
    ("route: {receiver: r, routes: [{matchers: [a b]}]}\n" + RECEIVER, "bad matcher format: a b"),
    (ROUTE + "receivers: [{name: r}, {name: r}]\n", 'notification config name "r" is not unique'),
    (ROUTE + "receivers: [{name: r}, {}]\n", "missing name in receiver"),
    (ROUTE + "receivers: [{name: r, email_configs: [{to: x@example.org, from: y}]}]\n", "no global SMTP smarthost set"),
    (ROUTE + "receivers: [{name: r, email_configs: [{to: x@example.org, smarthost: 'a:25'}]}]\n",
     "no global SMTP from set"),
    (mail("to: ''"), "missing to address in email config"),
    (mail("cc: x").replace("cc: x", "hello: x"), "missing to address in email config"),
    (mail("to: x@example.org, headers: {Subject: a, SUBJECT: b}"), 'duplicate header "Subject" in email config'),
    ("global: {smtp_smarthost: localhost}\n" + REST, "address localhost: missing port in address"),
    ("global: {smtp_smarthost: 'localhost:'}\n" + REST, 'address "localhost:": port cannot be empty'),
    ("global: {smtp_smarthost: '1::2:25'}\n" + REST, "address 1::2:25: too many colons in address"),
    ("global: {smtp_auth_password: a, smtp_auth_password_file: b}\n" + REST,
     "at most one of smtp_auth_password & smtp_auth_password_file must be configured"),
    (REST + "time_intervals: [{}]\n", "missing name in time interval"),
    (REST + "mute_time_intervals: [{}]\n", "missing name in mute time interval"),
    (REST + "mute_time_intervals: [{name: a}, {name: a}]\n", 'mute time interval "a" is not unique'),
    (REST + "time_intervals: [{name: a}, {name: a}]\n", 'time interval "a" is not unique'),
    (REST + "mute_time_intervals: [{name: a}]\ntime_intervals: [{name: a}]\n",
     'time interval "a" is not unique'),
    (interval("times: [{start_time: '01:99', end_time: '23:59'}]"),
     "couldn't parse timestamp 01:99, invalid format"),
    (interval("times: [{start_time: '09:00'}]"), "both start and end times must be provided"),
    (interval("times: [{start_time: '09:00', end_time: '09:00'}]"),
     "start time cannot be equal or greater than end time"),
    (interval("weekdays: [friday:monday]"), "start day cannot be before end day"),
    (interval("weekdays: [blurgsday]"), "blurgsday is not a valid weekday"),
    (interval("weekdays: ['1:3']"), "1 is not a valid weekday"),
    (interval("days_of_month: ['0']"), "0 is not a valid day of the month: out of range"),
    (interval("days_of_month: ['-15:5']"), "end day must be negative if start day is negative"),
    (interval("days_of_month: ['10:-25']"), "end day -25 is always before start day 10"),
    (interval("months: [december:january]"), "end month january is before start month december"),
    (interval("months: [martius]"), "martius is not a valid month"),
    (interval("years: ['2022:2020']"), "end year 2020 is before start year 2022"),
    (interval("location: Nowhere"), "unknown time zone Nowhere"),
    (REST + "inhibit_rules: [{target_match_re: {a: }}]\n", 'invalid regexp value for "a"'),
    (REST + "inhibit_rules: [{source_match_re: {a: }}]\n", 'invalid regexp value for "a"'),
    (REST + "inhibit_rules: [{source_match: {a-b: c}}]\n", 'invalid label name "a-b"'),
]

# Both refuse these, in words of their own: an unknown key, a key twice, a wrong kind of value.
REFUSED = [
    REST + "unknown: x\n",
    "global: {smtp_form: x}\n" + REST,
    "route: {receiver: r, receiver: r}\n" + RECEIVER,
    "route: [a]\n" + RECEIVER,
    "route: {receiver: [r]}\n" + RECEIVER,
    "route: {receiver: r, group_by: alertname}\n" + RECEIVER,
    "route: {receiver: r, routes: [{matchers: 'a=b'}]}\n" + RECEIVER,
    "route: {receiver: r, routes: {receiver: r}}\n" + RECEIVER,
    mail("to: x@example.org, require_tls: maybe"),
    mail("to: x@example.org, subject: y"),
    mail("to: {{ .x }}"),
    "route: {receiver: r\n" + RECEIVER,
    "route: {receiver: *r}\n" + RECEIVER,
    "\troute:\n",
]


def run(words, text, tmp_path):
    file = tmp_path / "alertmanager.yml"
    file.write_text(text)
    done = subprocess.run([*words, str(file)], capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout + done.stderr


def both(text, tmp_path):
    return (run([AMTOOL, "check-config"], text, tmp_path), run([ALERTPOST, "check"], text, tmp_path))


@pytest.mark.parametrize("text", GOOD)
def test_what_amtool_accepts_is_accepted(text, tmp_path):
    (theirs, said), (ours, told) = both(text, tmp_path)
    assert (theirs, ours) == (0, 0), said + told


@pytest.mark.parametrize("text, words", BAD)
def test_errors_are_said_in_the_words_of_amtool(text, words, tmp_path):
    (theirs, said), (ours, told) = both(text, tmp_path)
    assert (theirs, ours) == (1, 1), said + told
    assert words in said
    assert re.search(r":\d+:\d+: .*" + re.escape(words) + "$", told, re.M), told


@pytest.mark.parametrize("text", REFUSED)
def test_what_amtool_refuses_is_refused_with_its_place(text, tmp_path):
    (theirs, said), (ours, told) = both(text, tmp_path)
    assert (theirs, ours) == (1, 1), said + told
    assert re.match(r".*alertmanager\.yml:\d+:\d+: ", told), told
