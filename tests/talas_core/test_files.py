"""Room for sockets, under limits of a child process's own."""

from __future__ import annotations

import resource
import subprocess
import sys

import pytest

from support.serve import ROOT

PROGRAM = """
import resource, sys
from talas_core.files import room_for
from talas_core.telemetry import logs

logs.configure("json", "trial")
soft, hard, sockets = map(int, sys.argv[1:])
resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
print(room_for(sockets, "TALAS_MAX_CONNECTIONS"), *resource.getrlimit(resource.RLIMIT_NOFILE))
"""


@pytest.mark.parametrize(
    ("limits", "sockets", "told"),
    [
        ((1000, 9000), 5000, "5000 5256 9000"),
        ((8000, 9000), 5000, "5000 8000 9000"),
        ((1000, 4000), 5000, "3744 4000 4000"),
        ((100, 200), 5000, "1 200 200"),
    ],
)
def test_soft_limit_of_open_files_rises_as_far_as_it_may(
    limits: tuple[int, int], sockets: int, told: str
) -> None:
    command = [sys.executable, "-c", PROGRAM, *map(str, (*limits, sockets))]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True, timeout=60)
    assert done.stdout.split() == told.split()
    assert ("TALAS_MAX_CONNECTIONS" in done.stderr) == (
        str(sockets) not in told.split(maxsplit=1)[0]
    )


def test_open_files_without_a_limit_have_room_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    from talas_core import files

    endless = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
    monkeypatch.setattr(resource, "getrlimit", lambda _: endless)
    assert files.room_for(10_000_000, "TALAS_MAX_CONNECTIONS") == 10_000_000
