#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Checks the tree's structure: include arrows between folders, no include circles, one home
for each external library, the top-level entries, a README in every main folder."""

import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]

# A folder may include from itself and from these.
ARROWS = {"rules": set(), "config": {"rules"}, "bridge": {"config", "rules"}}

# Header prefix of an external library -> the places (files or folders) that may include it.
HOMES = {
    "pcre2": ["rules/regexp.c"],
    "yaml.h": ["config/yaml.c"],
    "idn2": ["config/domain.c"],
    "cjson/": ["bridge/json.c"],
    "openssl/": ["bridge/crypto.c"],
    "sqlite3": ["bridge/outbox/store_sqlite.h"],
    "microhttpd": ["bridge/intake/server.c", "bridge/intake/exchange.c", "bridge/intake/exchange.h"],
    "curl/": ["bridge/delivery/smtp/session_inside.h", "bridge/delivery/smtp/session_options.c", "bridge/fetch.c",
              "bridge/tls_options.c"],
    "gnutls/": ["bridge/tls_server.c"],
    "crypt.h": ["bridge/password.c"],
    "gmime/": ["bridge/compose/"],
}

TOP = {"bridge", "rules", "config", "tests", "deploy", "CMakeLists.txt", "README.md", "LICENSE",
       "CHANGELOG.md", "CONTRIBUTING.md"}


def includes(path):
    return re.findall(r'^\s*#\s*include\s+([<"])([^>"]+)[>"]', path.read_text(), re.M)


def check_arrows(sources):
    for path in sources:
        folder = path.parts[0]
        for kind, name in includes(ROOT / path):
            if kind == "<":
                continue
            target = name.split("/")[0]
            if not (ROOT / name).exists():
                yield f'{path}: includes "{name}": not a path from the top of the tree'
            elif target != folder and target not in ARROWS[folder]:
                yield f'{path}: includes "{name}": {folder} may not know {target}'


def check_homes(sources):
    for path in sources:
        for kind, name in includes(ROOT / path):
            for prefix, homes in HOMES.items():
                if kind == "<" and name.startswith(prefix) and not any(
                        str(path) == home or (home.endswith("/") and str(path).startswith(home)) for home in homes):
                    yield f"{path}: includes <{name}>: its home is {' or '.join(homes)}"


def check_circles(sources):
    edges = {}
    for path in sources:
        edges[str(path)] = {name for kind, name in includes(ROOT / path) if kind == '"'}

    done, trail = set(), []

    def visit(node):
        if node in trail:
            yield "circle: " + " -> ".join(trail[trail.index(node):] + [node])
            return
        if node in done:
            return
        trail.append(node)
        for target in sorted(edges.get(node, ())):
            yield from visit(target)
        trail.pop()
        done.add(node)

    for node in sorted(edges):
        yield from visit(node)


def check_top(files):
    for name in sorted({path.parts[0] for path in files}):
        if name not in TOP and not name.startswith("."):
            yield f"{name}: not one of the top-level entries"
    for folder in ("bridge", "rules", "config", "tests", "deploy"):
        if not (ROOT / folder / "README.md").exists():
            yield f"{folder}/README.md: missing"


def main():
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode == 0:
        files = [pathlib.Path(line) for line in listed.stdout.splitlines()]
    else:  # an export without history
        files = [path.relative_to(ROOT) for path in ROOT.rglob("*")
                 if path.is_file() and path.relative_to(ROOT).parts[0] not in ("build", ".git")]
    sources = [path for path in files if path.parts[0] in ARROWS and path.suffix in (".c", ".h")
               and (ROOT / path).exists()]
    found = [*check_arrows(sources), *check_homes(sources), *check_circles(sources), *check_top(files)]
    print("\n".join(found) or f"{len(sources)} sources keep to the layout")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
