"""How a service process starts, drains and ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from support.serve import ROOT
from support.wait import PATIENCE, until

BODIES = {
    "drains": "await drain.wait()",
    "hangs": "await drain.wait()\n    await asyncio.sleep(1000)",
    "is stuck": "await drain.wait()\n    time.sleep(1000)",
    "returns": "pass",
    "fails": "raise ValueError('a reason')",
    "refuses": "raise UsageError('cannot do\\nthat')",
}
PROGRAM = """
import asyncio, pathlib, sys, time
from talas_core.errors import UsageError
from talas_core.service import run

async def serve(settings, drain):
    pathlib.Path(sys.argv[1]).touch()
    BODY

run("trial", serve, needs=("database_url", "nats_url"))
"""
URLS = {"TALAS_DATABASE_URL": "postgresql://x", "TALAS_NATS_URL": "nats://x"}


class Trial:
    """A service whose `serve` is one of BODIES."""

    def __init__(self, folder: Path, body: str, env: dict[str, str]) -> None:
        script = folder / "trial.py"
        script.write_text(PROGRAM.replace("BODY", BODIES[body]))
        self._up = folder / "up"
        clean = {name: value for name, value in os.environ.items() if not name.startswith("TALAS_")}
        self.process = subprocess.Popen(
            (sys.executable, script, self._up), env={**clean, "PYTHONPATH": str(ROOT), **env},
            stderr=subprocess.PIPE, text=True, cwd=folder,
        )  # fmt: skip

    def send(self, number: int) -> None:
        until(self._up.exists)
        self.process.send_signal(number)

    def end(self) -> tuple[int, str]:
        """Exit status and what was written to standard error."""
        _, text = self.process.communicate(timeout=PATIENCE)
        return self.process.returncode, text


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_drains_a_service(number: int, tmp_path: Path) -> None:
    trial = Trial(tmp_path, "drains", URLS)
    trial.send(number)
    assert trial.end() == (0, "")


def test_a_service_may_end_by_itself(tmp_path: Path) -> None:
    assert Trial(tmp_path, "returns", URLS).end() == (0, "")


def test_a_drain_that_hangs_is_cut(tmp_path: Path) -> None:
    trial = Trial(tmp_path, "hangs", {**URLS, "TALAS_SHUTDOWN_SECONDS": "0.3"})
    trial.send(signal.SIGTERM)
    status, text = trial.end()
    assert status == 1
    assert json.loads(text)["event"] == "drain cut"


def test_a_loop_that_is_stuck_is_cut_and_shows_where(tmp_path: Path) -> None:
    trial = Trial(tmp_path, "is stuck", {**URLS, "TALAS_SHUTDOWN_SECONDS": "0.1"})
    trial.send(signal.SIGTERM)
    status, text = trial.end()
    assert status == 1
    assert "in serve" in text


def test_a_second_signal_ends_at_once(tmp_path: Path) -> None:
    trial = Trial(tmp_path, "hangs", {**URLS, "TALAS_SHUTDOWN_SECONDS": "600"})
    trial.send(signal.SIGTERM)
    until(lambda: trial.process.poll() is not None or trial.send(signal.SIGTERM), every=0.1)
    assert trial.end()[0] == 128 + signal.SIGTERM


def test_failure_of_a_service_is_logged_with_its_reason(tmp_path: Path) -> None:
    status, text = Trial(tmp_path, "fails", URLS).end()
    assert status == 1
    row = json.loads(text)
    assert row["service"] == "trial"
    assert "a reason" in row["exception"]


def test_refusal_of_a_service_is_one_line(tmp_path: Path) -> None:
    assert Trial(tmp_path, "refuses", URLS).end() == (2, "talas: cannot do that\n")


@pytest.mark.parametrize(
    ("env", "names"),
    [
        ({}, "TALAS_DATABASE_URL and TALAS_NATS_URL"),
        ({"TALAS_NATS_URL": "nats://x"}, "TALAS_DATABASE_URL must"),
        ({**URLS, "TALAS_API_PORT": "x"}, "TALAS_API_PORT"),
        ({**URLS, "TALAS_NO_SUCH": "x"}, "TALAS_NO_SUCH"),
    ],
)
def test_service_started_alone_says_what_it_lacks(
    env: dict[str, str], names: str, tmp_path: Path
) -> None:
    status, text = Trial(tmp_path, "drains", env).end()
    assert status == 2
    assert text.startswith("talas: ")
    assert names in text
    assert text.count("\n") == 1
