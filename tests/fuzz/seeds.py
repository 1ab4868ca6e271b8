#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""tests/fuzz/seeds.py FOLDER: writes a first corpus for each fuzz target into FOLDER/TARGET,
from the recorded cases of the template language and their payloads."""

import hashlib
import json
import pathlib
import re
import sys

CONFORMANCE = pathlib.Path(__file__).resolve().parents[1] / "conformance"


def case_texts():
    """Each case's templates as one text."""
    for path in sorted(CONFORMANCE.glob("*.json")):
        for case in json.loads(path.read_text())["cases"]:
            for template in case.get("templates", [case]):
                yield template["text"].encode("utf-8", "surrogatepass")


def markup():
    """The cases' templates as fuzz_escape takes them: an action is a byte 1, and so on."""
    for text in case_texts():
        for pattern, byte in ((rb"{{-?\s*(if|with)\b.*?}}", b"\2"), (rb"{{-?\s*else\s*-?}}", b"\3"), (rb"{{-?\s*end\s*-?}}", b"\4"),
                              (rb"{{.*?}}", b"\1")):
            text = re.sub(pattern, byte, text, flags=re.S)
        for value in HOSTILE:
            yield text.replace(b"\0", b"") + b"\0" + value


def payloads():
    for path in sorted((CONFORMANCE / "data").glob("*.json")):
        yield path.read_bytes()


# As fuzz_formats.c counts its sources: six types, Alertmanager, those of config/examples/json.yml.
SOURCES = ("grafana", "github", "gitlab", "jenkins", "flux", "tekton", "alertmanager", "argocd", "woodpecker", "uptime-kuma",
           "script")


def webhooks():
    """Each payload behind the number of its source, and all headers but that of a form."""
    for path in sorted((CONFORMANCE.parent / "data" / "payloads").glob("*.json")):
        number = next(i for i, name in enumerate(SOURCES) if path.name.startswith(name))
        yield bytes([number, 0x0F]) + path.read_bytes()


def credentials():
    """Every way to log in, right and nearly right."""
    secret = b"8f41c0a2b7d3e695"
    signed = b"webhook-id: i\nwebhook-timestamp:1614265330\nwebhook-signature: v1,AAAA v1,"
    for lines in (b"Authorization:Bearer " + secret, b"Authorization:Bearer wrong", b"Authorization:Basic dTo4ZjQxYzBhMmI3ZDNlNjk1",
                  b"Authorization:Basic dTp3cm9uZw==", b"X-Token:" + secret, b"X-Token:", signed + b"AAAA",
                  b"X-Hub-Signature-256:sha256=00\nT:1614265330\nI:1"):
        yield lines + b"\n\n{}"


def headers():
    """Lengths that are said once, twice and oddly, and paths."""
    for lines in (b"Host: a\nContent-Length: 3", b"Content-Length: 3\nTransfer-Encoding: chunked", b"Transfer-Encoding : chunked",
                  b"Content-Length: 3\ncontent-length: 4", b"Transfer-Encoding: gzip, chunked", b"X: a\rHost: b", b"/a%00b%2f%"):
        yield lines


CORPORA = {
    "fuzz_framing": headers,
    "fuzz_auth": credentials,
    "fuzz_formats": webhooks,
    "fuzz_template": case_texts,
    "fuzz_escape": markup,
    "fuzz_payload": payloads,
}

HOSTILE = (b"javascript:alert(1)//\"'><b x=y>", b"/*</style><i onclick=1>{}url(x:y)\\")


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    for target, seeds in CORPORA.items():
        folder = pathlib.Path(sys.argv[1]) / target
        folder.mkdir(parents=True, exist_ok=True)
        for seed in seeds():
            (folder / hashlib.sha256(seed).hexdigest()[:16]).write_bytes(seed)


main()
