# SPDX-License-Identifier: MIT
"""Starts peers for a test and ends them whatever the test does."""

import pytest

import harness


@pytest.fixture
def start(tmp_path):
    """start(Class, ...) makes a process in a folder of the test that is ended with it."""
    running = []

    def begin(kind, *arguments, folder=None, **options):
        process = kind(folder or tmp_path / f"{kind.__name__.lower()}{len(running)}", *arguments, **options)
        running.append(process)
        return process

    yield begin
    for process in reversed(running):
        if process.running():
            process.child.kill()
            process.child.wait()
        process.log.close()
