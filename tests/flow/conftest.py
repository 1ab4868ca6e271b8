# SPDX-License-Identifier: MIT
"""Starts peers for a test and ends them whatever the test does."""

import shutil

import pytest

import harness


@pytest.fixture
def start(tmp_path):
    """start(Class, ...) makes a process in a folder of the test that is ended with it."""
    running = []

    def begin(kind, *arguments, folder=None, **options):
        process = kind.__new__(kind)  # known before it starts, in case that fails
        running.append(process)
        process.__init__(folder or tmp_path / f"{kind.__name__.lower()}{len(running) - 1}", *arguments, **options)
        return process

    yield begin
    for process in reversed(running):
        if not hasattr(process, "child"):
            continue
        if process.running():
            process.kill()
        process.log.close()
        print(f"--- {type(process).__name__}\n{process.output()[-3000:]}")  # shown if the test failed


@pytest.fixture(scope="session", autouse=True)
def folders(request, tmp_path_factory):
    """The folders of the tests stay only if there is something to look at in them."""
    yield
    if not request.session.testsfailed:
        shutil.rmtree(tmp_path_factory.getbasetemp(), ignore_errors=True)
