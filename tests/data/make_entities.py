#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes rules/template/entity_table.inc, the named character references of HTML.

    python3 tests/data/make_entities.py > rules/template/entity_table.inc
"""
import html.entities


def literal(text):
    return "".join(f"\\{byte:03o}" if byte > 126 or byte < 32 or chr(byte) in '"\\?' else chr(byte)
                   for byte in text.encode())


print("/* SPDX-License-Identifier: MIT */")
print("/* Made by tests/data/make_entities.py: HTML's named character references, sorted. */")
print("/* clang-format off */")
line = ""
for name, text in sorted(html.entities.html5.items(), key=lambda item: item[0].encode()):
    row = f'{{"{name}", "{literal(text)}"}},'
    if len(line) + len(row) + 1 > 88:
        print(line)
        line = ""
    line += (" " if line else "") + row
print(line)
print("/* clang-format on */")
