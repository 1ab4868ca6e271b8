# SPDX-License-Identifier: MIT
"""Webhooks for which the built-in mail must look right.  Every alert has one host-NNNN of its own."""

import harness

WORDS = ("quick", "brown", "lazy", "small", "large")
URL = "http://prometheus.example.org/graph?g0.expr=node_filesystem_avail_bytes+%2F+node_filesystem_size_bytes+%3C+0.05&g0.tab=1"


def host(number):
    return f"host-{number:04}"


def disk(number, severity="critical", resolved=False, age=1680, summary=None, description=None, **labels):
    """A usual alert: ten labels, four annotations."""
    name = host(number)
    return harness.alert(
        {"alertname": "DiskAlmostFull", "cluster": "prod-eu1", "device": "/dev/nvme0n1p2", "env": "production",
         "fstype": "ext4", "instance": name, "job": "node", "mountpoint": ("/var", "/data", "/srv")[number % 3],
         "severity": severity, "team": "platform", **labels},
        "resolved" if resolved else "firing", harness.moment(age),
        {"summary": summary or f"Less than 5% space left on {name}",
         "description": description or f"A filesystem on {name} has 3.4% space left and is filling up; at the present "
                                       "rate it is full in 2 h. Delete old journals or grow the volume.",
         "runbook_url": "https://runbooks.example.org/disk-almost-full", "value": "3.4%"},
        generatorURL=URL)


def bare(number, alertname="Down", **labels):
    """An alert without annotations."""
    return harness.alert({"alertname": alertname, "instance": host(number), **labels}, generatorURL="")


def same(dictionaries):
    return {key: value for key, value in dictionaries[0].items()
            if all(other.get(key) == value for other in dictionaries)} if dictionaries else {}


def webhook(*alerts, group=None, **more):
    """A body with the common labels and annotations that Alertmanager would compute."""
    return harness.payload(*alerts, **{
        "groupLabels": {"alertname": "DiskAlmostFull", "cluster": "prod-eu1"} if group is None else group,
        "commonLabels": same([one["labels"] for one in alerts]),
        "commonAnnotations": same([one["annotations"] for one in alerts]),
        "externalURL": "https://alertmanager.example.org", **more})


def disks(count, **options):
    return [disk(number, age=1000 + 7 * number, **options) for number in range(count)]


def severities(count, age=1000):
    return [disk(number, ("critical", "warning", "info", "page")[number % 4], age=age + 2500 * number)
            for number in range(count)]


def foreign(summary, description, alertname, count, **options):
    return [disk(number, alertname=alertname, team=alertname, summary=f"{summary} {host(number)}",
                 description=description, **options) for number in range(count)]


CHINESE = ("磁盘空间不足百分之五，请立即处理", "文件系统的剩余空间只有3.4%，按照目前的速度将在两小时内用完。请删除旧日志或者扩展存储卷。" * 2,
           "磁盘空间不足")
ARABIC = ("مساحة القرص أقل من خمسة في المئة على", "نظام الملفات على وشك الامتلاء. احذف السجلات القديمة أو وسّع وحدة التخزين.",
          "القرص ممتلئ")
# Each takes the most bytes in its own way: escaped, in UTF-8, in an encoding.
EXPENSIVE = {"escaped": "&<>\"'+", "wide": "磁", "astral": "\U0001f525", "marks": "e\u0301\u0302\u0303", "equals": "=\u00e9x"}


def huge(count, labels, value, **options):
    """Alerts in which all is too much."""
    return [harness.alert({"alertname": value, "instance": host(number),
                           **{f"label_{i:03}": f"{value}{number}" for i in range(labels)}},
                          annotations={"summary": f"{value}{number}", "description": f"{number}{value}",
                                       **{f"note_{i:03}": f"{value}{number}" for i in range(30)}},
                          generatorURL=f"https://example.org/?q={number}" + "&" * 1900, **options)
            for number in range(count)]


def looks():
    """The cases that are looked at."""
    return {
        "one": webhook(disk(1)),
        "five": webhook(*severities(5)),
        "fifty": webhook(*severities(50)),
        "five-hundred": webhook(*disks(500), truncatedAlerts=120),
        "resolved": webhook(disk(1, resolved=True)),
        "resolved-many": webhook(*disks(70, resolved=True)),
        "mixed": webhook(*severities(4), disk(4, resolved=True), disk(5, "warning", resolved=True)),
        "mixed-many": webhook(*severities(60), *[disk(number, resolved=True) for number in range(60, 90)]),
        "chinese": webhook(*foreign(*CHINESE, 8), group={"alertname": CHINESE[2]}),
        "arabic": webhook(*foreign(*ARABIC, 3, severity="warning"), group={"alertname": ARABIC[2]}),
        "long-label": webhook(disk(1, "warning", image="registry.example.org/" + "a1b2c3d4e5" * 18),
                              disk(2, "warning", image="registry.example.org/" + "f6a7b8c9d0" * 18)),
        "no-annotations": webhook(bare(1), group={"alertname": "Down"}, externalURL=""),
        "no-annotations-many": webhook(*[bare(number, ("Down", "Late")[number % 2]) for number in range(7)], group={}),
        "hostile": webhook(*huge(60, 40, EXPENSIVE["escaped"] * 500)),
    }
