# SPDX-License-Identifier: MIT
"""The built-in mail, as it is rendered and as a browser shows it.

SCREENSHOTS=FOLDER writes pictures of all cases, to be looked at."""

import html.parser
import json
import os
import pathlib
import re
import shutil
import subprocess
import unicodedata
import urllib.parse

import pytest

import harness
import mail_cases
from mail_cases import EXPENSIVE, bare, disk, disks, huge, severities, webhook

CONFIG = """
global: {smtp_from: Alerts <alerts@example.org>, smtp_smarthost: 'maildir:out'}
route: {receiver: operations}
receivers:
  - name: operations
    email_configs:
      - {to: ops@example.org, send_resolved: true}
"""

WIDTHS = (375, 800)
KB = 1000


class Page(html.parser.HTMLParser):
    """What the tests need to know of an HTML part."""

    VOID = {"meta", "br", "img", "hr"}

    def __init__(self, text):
        super().__init__()
        self.links, self.open, self.texts, self.elements = [], [], [], []
        self.feed(text)
        self.close()
        assert not self.open, self.open
        self.text = "".join(self.texts)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.elements.append((tag, attributes, list(self.open)))
        if tag == "a":
            self.links.append([attributes["href"], ""])
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] not in ("style", "title"):
            self.texts.append(data)
        if "a" in self.open:
            self.links[-1][1] += data

    def all(self, *tags):
        return [(tag, attributes) for tag, attributes, _ in self.elements if tag in tags]


class Mail:
    """One rendered mail, read by Python's email package."""

    def __init__(self, data):
        mail = harness.parse_mail(data)
        self.subject = mail["Subject"]
        plain, page = mail.get_body(("plain",)), mail.get_body(("html",))
        self.text, self.html = (part.get_content().replace("\r\n", "\n") for part in (plain, page))
        self.encoded = len(page.get_payload())
        self.page = Page(self.html)

    def link(self, text):
        """The only link with this text, or None."""
        found = [url for url, words in self.page.links if words == text]
        assert len(found) <= 1, found
        return found[0] if found else None


@pytest.fixture(scope="module")
def render(tmp_path_factory):
    """render(webhook, config) -> Mail, as `alertpost render` makes it."""
    folder = tmp_path_factory.mktemp("render")

    def run(body, config=CONFIG):
        (folder / "c.yml").write_text(config)
        done = subprocess.run([harness.ALERTPOST, "render", "--config.file", str(folder / "c.yml"),
                               "--receiver", "operations", "--data", "-", "--format", "eml"],
                              input=json.dumps(body).encode(), capture_output=True)
        assert done.returncode == 0 and not done.stderr, done.stderr.decode()
        return Mail(done.stdout)

    run.folder = folder
    return run


@pytest.fixture(scope="module")
def mails(render):
    return {name: render(body) for name, body in mail_cases.looks().items()}


# --- what a browser shows

def chromium(folder, *arguments, dark=False):
    """One start of the browser, without a network."""
    folder.mkdir(parents=True, exist_ok=True)
    return subprocess.run(
        ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
         "--hide-scrollbars", "--host-resolver-rules=MAP * ~NOTFOUND", f"--user-data-dir={folder}/profile",
         f"--blink-settings=preferredColorScheme={0 if dark else 1}", *arguments],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True, timeout=500).stdout.decode()


def frame(name, width, page):
    return (f'<iframe name="{name}" style="width:{width}px;height:700px;border:0" '
            f'srcdoc="{html.escape(page)}"></iframe>\n')


def without_style(page):
    return re.sub(r"<style>.*?</style>", "", page, flags=re.S)


def measure(folder, pages, dark):
    """What tests/data/mail/measure.html finds in every page at every width."""
    wrapper = folder / f"measure-{'dark' if dark else 'light'}.html"
    frames = [frame(name, width, page) for name, page in pages.items() for width in WIDTHS]
    wrapper.write_text((harness.ROOT / "tests/data/mail/measure.html").read_text() + "".join(frames))
    shown = chromium(folder / wrapper.stem, "--dump-dom", wrapper.as_uri(), dark=dark)
    found = json.loads(html.unescape(re.search(r'<pre id="result">(.*)</pre>', shown, re.S)[1]))
    assert len(found) == len(frames)
    return found


@pytest.fixture(scope="module")
def seen(mails, tmp_path_factory):
    """Every case in two widths: light, light without its style sheet, dark."""
    if shutil.which("chromium") is None:
        pytest.skip("chromium is not installed")
    folder = tmp_path_factory.mktemp("browser")
    pages = {name: mail.html for name, mail in mails.items()}
    plain = {f"{name} without style": without_style(page) for name, page in pages.items()}
    light = measure(folder, {**pages, **plain}, dark=False)
    dark = measure(folder, {f"{name} dark": page for name, page in pages.items()}, dark=True)
    return light + dark


def test_no_mail_scrolls_sideways(seen):
    wide = [(one["name"], one["view"], one["scroll"]) for one in seen if one["scroll"] > one["view"]]
    assert not wide
    assert {one["view"] for one in seen} == set(WIDTHS)


def test_the_state_is_within_the_first_120_pixels(seen):
    assert all(one["word"] in ("FIRING", "RESOLVED") and one["bottom"] <= 120 for one in seen)


def test_every_text_has_contrast_as_it_is_and_inverted(seen):
    weak = [(one["name"], colours, pair) for one in seen for colours, pair in one["pairs"].items()
            if pair["ratio"] < 4.5 or pair["inverted"] < 4.5]
    assert not weak


def test_dark_mode_changes_the_colours_and_nothing_else(seen):
    by_name = {(one["name"], one["width"]): one for one in seen}
    for (name, width), light in by_name.items():
        dark = by_name.get((f"{name} dark", width))
        if dark:
            assert set(dark["pairs"]) != set(light["pairs"]), name
            assert dark["height"] == light["height"], name


def test_the_preview_text_takes_no_room_and_buttons_are_for_fingers(seen):
    assert all(one["hidden"] == 0 for one in seen)
    assert all(height >= 44 for one in seen for height in one["buttons"])
    assert any(one["buttons"] for one in seen)


@pytest.mark.skipif("SCREENSHOTS" not in os.environ, reason="SCREENSHOTS=FOLDER writes pictures")
def test_pictures(mails, seen, tmp_path):
    folder = pathlib.Path(os.environ["SCREENSHOTS"])
    folder.mkdir(parents=True, exist_ok=True)
    heights = {one["name"]: max(other["height"] for other in seen if other["name"] == one["name"]) for one in seen}
    for name, mail in mails.items():
        height = min(heights[name], 4000)
        page = tmp_path / f"{name}.html"
        page.write_text('<!DOCTYPE html><meta charset="utf-8"><body style="margin:8px;background:#777;white-space:nowrap">'
                        + "".join(frame(name, width, mail.html).replace("700px", f"{height}px") for width in WIDTHS))
        for dark in (False, True):
            picture = folder / f"{name}-{'dark' if dark else 'light'}.png"
            chromium(tmp_path / "pictures", f"--window-size=1210,{height + 20}", f"--screenshot={picture}", page.as_uri(),
                     dark=dark)
            assert picture.stat().st_size > 0


# --- sizes

def ceiling(mail):
    return len(mail.html.encode()), mail.encoded


@pytest.mark.parametrize("count, most", [(1, 12), (5, 22), (50, 50), (500, 55)])
@pytest.mark.parametrize("words", [None, mail_cases.CHINESE])
def test_a_mail_grows_only_so_far_with_its_alerts(render, count, most, words):
    alerts = mail_cases.foreign(*words, count) if words else severities(count)
    html_bytes, encoded = ceiling(render(webhook(*alerts, truncatedAlerts=3)))
    assert html_bytes <= most * KB
    assert encoded <= most * KB * 1.5


@pytest.mark.parametrize("kind", EXPENSIVE)
@pytest.mark.parametrize("count, resolved", [(1, 0), (5, 0), (5, 25), (6, 0), (50, 0), (500, 0), (40, 20), (0, 3), (0, 60)])
def test_a_mail_is_bounded_whatever_arrives(render, kind, count, resolved):
    value = EXPENSIVE[kind] * 100
    alerts = huge(count, 30, value) + huge(resolved, 30, value, status="resolved")
    mail = render(webhook(*alerts, group={"alertname": value, "a": value, "b": value, "c": value}))
    html_bytes, encoded = ceiling(mail)
    assert html_bytes <= 80 * KB
    assert encoded <= 100 * KB
    assert len(mail.text.encode()) <= 100 * KB
    assert str(count + resolved if not count else count) in mail.page.text


def test_five_hundred_alerts_with_256_labels_each_are_a_mail(render):
    mail = render(webhook(*huge(500, 255 - 1, "<&>")))
    assert max(ceiling(mail)) <= 100 * KB
    assert "450 more firing" in mail.text


def test_values_of_a_megabyte_are_a_mail(render):
    value = "&\u00e9" * 333_333
    labels = {name: value + name for name in ("alertname", "instance", "severity", "x")}
    alerts = [harness.alert(labels, annotations={"summary": value, "description": value, "runbook_url": "http://h/" + value},
                            generatorURL="http://h/" + value),
              harness.alert({**labels, "x": "y"}, annotations={"value": value}, generatorURL="http://h/" + value)]
    mail = render(webhook(*alerts, group=labels, externalURL="http://h/" + value))
    assert max(ceiling(mail)) <= 100 * KB
    assert len(mail.text) <= 20 * KB
    assert not mail.page.links


def test_what_is_cut_shows_it(render):
    letters = {name: name + "x" * length for name, length in (("a", 299), ("b", 300))}
    mail = render(webhook(disk(1, **letters)))
    for text in (mail.page.text, mail.text.replace("\n  ", "")):
        assert "a" + "x" * 299 in text and "a" + "x" * 299 + "…" not in text
        assert "b" + "x" * 299 + "…" in text


def test_labels_of_an_alert_are_counted_where_they_are_not_listed(render):
    alerts = [disk(number, **{f"zz{i:03}": f"{number}" for i in range(30)}) for number in (1, 2)]
    mail = render(webhook(*alerts))
    assert mail.page.text.count("… and 12 more labels") == 2  # instance, mountpoint, 30 more; 20 are shown
    assert mail.text.count("… and 12 more labels") == 2


# --- links

def parse_matchers(text):
    """Alertmanager's matchers, {a="b","c d"="e"}, as a dictionary."""
    assert text.startswith("{") and text.endswith("}")
    quoted = r'"((?:[^"\\]|\\.)*)"'
    found, at = {}, 1
    unescape = lambda value: re.sub(r"\\(.)", lambda match: "\n" if match[1] == "n" else match[1], value, flags=re.S)
    while at < len(text) - 1:
        match = re.compile(rf"(?:([A-Za-z_][A-Za-z0-9_]*)|{quoted})={quoted}(?:,|(?=}}$))").match(text, at)
        assert match, text[at:]
        found[match[1] or unescape(match[2])] = unescape(match[3])
        at = match.end()
    return found


def labels_of(url, path):
    base, _, query = url.partition(path)
    assert base == "https://alertmanager.example.org"
    assert "+" not in query and " " not in query
    return parse_matchers(urllib.parse.unquote(query))


HOSTILE_LABELS = {"alertname": 'a "quoted" \\ name', "newline": "a\nb\r\n", "braces": '{x="y"},z=~".*"', "plus": "1+1=2 & 100%",
                  "fragment": "#/?&=", "empty": "", "umlaut": "Größe 東京", "with.dot": "x", 'with "quote"': "'", "tag": "<b>"}


def test_a_silence_matches_exactly_the_alert(render):
    mail = render(webhook(harness.alert(HOSTILE_LABELS), group={"alertname": HOSTILE_LABELS["alertname"]}))
    silence = mail.link("Silence")
    assert labels_of(silence, "/#/silences/new?filter=") == HOSTILE_LABELS
    assert silence in mail.text.split()
    assert labels_of(mail.link("View in Alertmanager"), "/#/alerts?filter=") == {"alertname": HOSTILE_LABELS["alertname"]}


def test_all_alerts_are_silenced_by_what_they_have_in_common(render):
    body = webhook(*disks(4))
    mail = render(body)
    url = mail.link("Silence everything with these labels")
    assert labels_of(url, "/#/silences/new?filter=") == body["commonLabels"]
    assert url in mail.text.split()


def test_links_are_those_that_are_known(render):
    mail = render(webhook(disk(1)))
    assert mail.link("Runbook") == "https://runbooks.example.org/disk-almost-full"
    assert mail.link("Graph") == mail_cases.URL
    for url in (mail.link("Runbook"), mail.link("Graph"), mail.link("Silence")):
        assert f" {url}\n" in mail.text
    none = render(webhook(bare(1), group={}, externalURL=""))
    assert not none.page.links and "http" not in none.text
    assert not render(webhook(disk(1, resolved=True), externalURL="")).page.links


@pytest.mark.parametrize("value", ["javascript:alert(1)", "data:text/html,x", "//evil.example/", "", " http://x/", "http://",
                                   "ftp://x/", "java\nscript:x", '"><script>alert(1)</script>', "http://" + "x" * 2000])
def test_other_links_are_text_or_nothing(render, value):
    alert = disk(1) | {"generatorURL": value}
    alert["annotations"] |= {"runbook_url": value, "other": value}
    mail = render(webhook(alert, externalURL=value))
    assert not mail.page.links
    assert not re.search(r"^ *(Runbook|Graph|Silence|Alertmanager):", mail.text, re.M)


def test_links_are_escaped(render):
    alert = disk(1)
    alert["generatorURL"] = 'https://x.example/a"b<c>\n?d=\'e\'&f=é'
    alert["annotations"]["other"] = 'https://x.example/?"onclick="x'
    mail = render(webhook(alert))
    escaped = "https://x.example/a%22b%3cc%3e%0a?d=%27e%27&f=%c3%a9"
    assert mail.link("Graph") == escaped
    assert f"Graph: {escaped}\n" in mail.text
    assert ["https://x.example/?%22onclick=%22x", alert["annotations"]["other"]] in mail.page.links


def test_every_link_leads_to_the_web(mails):
    for name, mail in mails.items():
        for url, text in mail.page.links:
            assert re.match(r"https?://[a-z]", url) and text.strip(), (name, url)
            assert len(url) <= 2000, name


# --- subject

def test_a_subject_has_at_most_60_characters(mails):
    assert all(len(mail.subject) <= 60 for mail in mails.values())


@pytest.mark.parametrize("group", [{"alertname": "DiskAlmostFull", "cluster": "prod-eu1"}, {"alertname": "A" * 80}, {},
                                   {"namespace": "payments", "b": "c" * 50, "severity": "x"}, {"alertname": "磁" * 80}])
def test_what_follows_the_brackets_is_the_same_in_every_mail_of_a_group(render, group):
    bodies = [severities(1), severities(3), disks(1200, severity="catastrophic"), [disk(1, resolved=True)],
              severities(10) + [disk(20, resolved=True)], disks(12) + disks(1200, severity="warning"),
              [bare(number, "DiskAlmostFull") for number in range(12)]]
    subjects = [render(webhook(*alerts, group=group)).subject for alerts in bodies]
    assert all(len(subject) <= 60 for subject in subjects)
    assert all(re.match(r"\[(FIRING:[0-9]+\+?( \S+)?( \+[0-9]+\+?|, [0-9]+\+? more)?(, [0-9]+ ok)?|RESOLVED)\] \S", subject) for subject in subjects)
    assert len({subject.partition("] ")[2] for subject in subjects}) == 1


def test_subjects_read_like_this(render):
    assert render(webhook(*disks(2))).subject == "[FIRING:2 critical] DiskAlmostFull prod-eu1"
    assert render(webhook(*severities(3))).subject == "[FIRING:1 critical, 2 more] DiskAlmostFull prod-eu1"
    assert render(webhook(*disks(1), *disks(119, severity="warning"), disk(200, resolved=True))).subject == (
        "[FIRING:1 critical, 119 more, 1 ok] DiskAlmostFull prod-eu1")
    assert render(webhook(*disks(2), group={})).subject == "[FIRING:2 critical] DiskAlmostFull"
    assert render(webhook(disk(1), bare(2), group={})).subject == "[FIRING:1 critical, 1 more] Alerts for operations"
    assert render(webhook(disk(1), disk(2, resolved=True))).subject == "[FIRING:1 critical, 1 ok] DiskAlmostFull prod-eu1"
    assert render(webhook(disk(1, resolved=True))).subject == "[RESOLVED] DiskAlmostFull prod-eu1"


# --- the text part, and both parts together

def columns(line):
    return sum(0 if unicodedata.combining(letter) or unicodedata.category(letter) in ("Mn", "Me", "Cf") else
               2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in line)


def test_lines_have_80_columns_but_links_are_whole(mails):
    for name, mail in mails.items():
        for line in mail.text.splitlines():
            assert columns(line) <= 80 or re.fullmatch(r" *(\w+: )?https?://\S+", line), (name, line)


def test_a_link_in_a_description_has_a_line_of_its_own(render):
    url = "https://wiki.example.org/" + "long-path/" * 10
    mail = render(webhook(disk(1, description=f"Read {url} before you do anything about this one.")))
    assert f"\n   {url}\n" in mail.text


def test_the_text_has_no_html(mails):
    for name, mail in mails.items():
        if name != "hostile":
            assert not re.search(r"<[a-z/!]|&[a-z#]+;", mail.text), name


def listed(text):
    return set(re.findall(r"host-\d{4}", text))


@pytest.mark.parametrize("firing, resolved, count", [
    (1, 0, 1), (5, 0, 5), (6, 0, 6), (50, 0, 50), (51, 0, 50), (500, 0, 50), (0, 1, 1), (0, 3, 3), (0, 4, 4), (0, 50, 50),
    (0, 51, 50), (1, 20, 21), (5, 21, 25), (6, 10, 16), (40, 11, 50), (41, 1, 41), (60, 60, 50)])
def test_both_parts_list_the_same_alerts(render, firing, resolved, count):
    alerts = disks(firing) + [disk(number, resolved=True) for number in range(firing, firing + resolved)]
    mail = render(webhook(*alerts))
    assert listed(mail.page.text) == listed(mail.text)
    assert len(listed(mail.text)) == count


def test_both_parts_list_the_same_alerts_when_there_is_no_room_for_details(mails):
    assert listed(mails["hostile"].page.text) == listed(mails["hostile"].text)
    assert len(listed(mails["hostile"].text)) == 50


def test_the_text_alone_says_what_is_broken_how_badly_since_when_and_what_to_do(mails):
    text = mails["one"].text
    assert text.startswith("FIRING: 1 critical\nDiskAlmostFull · prod-eu1\nSince ")
    assert "28 min at sending\n" in text
    for part in ("1. Less than 5% space left on host-0001\n", "   Value: 3.4%\n", "   Runbook: https://", "   Graph: http://",
                 "   Silence: https://", "team=platform", "the receiver operations"):
        assert part in text


def test_what_resolved_alerts_said_is_headed_while_it_fired(mails):
    for part in (mails["resolved"].page.text, mails["resolved"].text):
        assert re.search(r"While it fired:\s+Less than 5%", part)
    for part in (mails["mixed"].page.text, mails["mixed"].text):
        assert part.count("While it fired: Less than 5%") == 2


def test_differing_labels_come_before_common_ones_and_nothing_is_said_twice(render):
    for part in (lambda mail: mail.page.text, lambda mail: mail.text):
        text = part(render(webhook(*severities(3))))
        assert text.index("mountpoint") < text.index("nvme0n1p2")
        assert text.count("nvme0n1p2") - text.count("%2fdev%2fnvme0n1p2") == 1
        assert text.count("prod-eu1") - text.count("%22prod-eu1%22") == 2  # the group, the common labels


def test_the_preview_text_begins_with_the_state(mails):
    for name, mail in mails.items():
        preview = re.search(r"mso-hide:all\">(.*?)</div>", mail.html, re.S)[1]
        assert re.match(r"Firing since [-0-9: ]+UTC|Resolved after ", preview), name
        assert len(html.unescape(preview)) <= 140
    assert len(re.search(r"mso-hide:all\">(.*?)</div>", mails["one"].html)[1]) >= 90


# --- mark-up

def test_the_language_and_every_role_are_told(mails):
    for name, mail in mails.items():
        assert mail.html.startswith('<!DOCTYPE html>\n<html lang="en">'), name
        assert ("h1" in [tag for tag, _ in mail.page.all("h1")]) and len(mail.page.all("h1")) == 1
        assert [one for _, one in mail.page.all("div") if one.get("role") == "article" and one.get("lang") == "en"]
        for tag, attributes, inside in mail.page.elements:
            if tag == "th":
                assert attributes["scope"] in ("row", "col"), name
            if tag == "table":
                assert attributes.get("role", "presentation") == "presentation", name


def test_layout_tables_are_presentation_and_only_data_tables_have_heads(mails):
    for mail in mails.values():
        tables, stack = [], []
        for part in re.findall(r"<table[^>]*>|</table>|<th\b", mail.html):
            if part == "</table>":
                tables.append(stack.pop())
            elif part == "<th":
                stack[-1]["heads"] += 1
            else:
                stack.append({"presentation": 'role="presentation"' in part, "heads": 0})
        assert tables and not stack
        assert all(table["presentation"] == (table["heads"] == 0) for table in tables)


def test_it_needs_neither_scripts_images_comments_nor_the_network(mails):
    for name, mail in mails.items():
        assert not mail.page.all("script", "img", "link", "iframe", "object", "svg", "form"), name
        assert "<!--" not in mail.html and "url(" not in mail.html, name
        assert not [one for one in mail.page.elements if any(key.startswith("on") for key in one[1])], name
        style = re.search(r"<style>(.*?)</style>", mail.html, re.S)[1]
        assert len(style) <= 16_000 and mail.html.index("<style>") < mail.html.index("</head>"), name


def test_what_the_sender_wrote_has_its_own_direction(mails):
    for value in (mail_cases.ARABIC[0] + " host-0002", mail_cases.ARABIC[1], mail_cases.ARABIC[2]):
        places = [match.start() for match in re.finditer(re.escape(value), mails["arabic"].html)]
        body = mails["arabic"].html.index("<h1")
        assert [at for at in places if at > body]
        assert all(mails["arabic"].html[:at].endswith('<span dir="auto">') for at in places if at > body)


def test_values_stay_text(mails, render):
    value = "</td></tr></table><script>alert(1)</script><a href=x onclick=y>{{ .Labels }}"
    alert = harness.alert({"alertname": value, "instance": value, value: value}, annotations={"summary": value, value: value})
    mail = render(webhook(alert, group={"alertname": value, value: value}))
    clean = render(webhook(harness.alert({"alertname": "a", "instance": "b", "c": "d"}, annotations={"summary": "e", "f": "g"}),
                           group={"alertname": "a", "c": "d"}))
    assert [one[0] for one in mail.page.elements] == [one[0] for one in clean.page.elements]
    assert value in mail.page.text


# --- overriding

def test_users_replace_parts_of_it_and_use_its_helpers(render):
    (render.folder / "own.tmpl").write_text(
        '{{ define "__subject" }}{{ .Status }} in {{ .GroupLabels.cluster }}{{ end }}'
        '{{ define "__alertmanagerURL" }}https://karma.example.org/?q=a&b={{ .Receiver | urlquery }}{{ end }}'
        '{{ define "own.html" }}<a href="{{ template "__alertmanagerURL" . }}">{{ template "__subject" . }}</a>'
        '<pre>{{ template "__text_alert_list" .Alerts.Firing }}</pre>{{ end }}')
    config = CONFIG.replace("global:", f"templates: ['{render.folder}/own.tmpl']\nglobal:")
    mail = render(webhook(disk(1)), config)
    assert mail.subject == "firing in prod-eu1"
    assert mail.link("View in Alertmanager") == "https://karma.example.org/?q=a&b=operations"
    assert "Alertmanager: https://karma.example.org/?q=a&b=operations\n" in mail.text
    own = render(webhook(disk(1)), config.replace("send_resolved: true", "html: '{{ template \"own.html\" . }}'"))
    assert own.page.links == [["https://karma.example.org/?q=a&b=operations", "firing in prod-eu1"]]
    assert "Labels:\n - alertname = DiskAlmostFull\n - cluster = prod-eu1\n" in own.page.text
    assert f"Source: {mail_cases.URL}\n" in own.page.text
