"""What a family of processes uses."""

from __future__ import annotations

import os
import subprocess
import sys

import psutil
import pytest

from loadtests.usage import ServerUsage, part_name
from support.wait import until


def test_usage_sees_this_process_and_its_child() -> None:
    usage = ServerUsage(os.getpid())
    child = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        process = psutil.Process(child.pid)
        until(lambda: process.cpu_times().user > 0)
        name = process.name()
        rows = usage.used()
    finally:
        child.kill()
        child.wait()
    parts = {name: (percent, mib) for name, percent, mib in rows}
    assert parts[name][0] > 0
    assert rows[-1][0].startswith("the whole machine")
    assert all(mib > 0 for _, _, mib in rows)


def test_a_process_that_is_gone_uses_nothing() -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    assert len(ServerUsage(child.pid).used()) == 1


@pytest.mark.parametrize(
    ("command", "name"),
    [
        (["python", "-P", "-m", "talas_api", "serve"], "talas_api"),
        (["postgres", "-D", "x"], "program"),
        (["x", "-m"], "program"),
        ([], "program"),
    ],
)
def test_usage_names_parts_for_what_they_run(command: list[str], name: str) -> None:
    assert part_name("program", command) == name
