"""The file that locust loads."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from loadtests.fresh import inherited

ROOT = Path(__file__).parents[2]


def locust(*arguments: str) -> subprocess.CompletedProcess[str]:
    environment = inherited()
    environment.pop("LOCUST_SKIP_MONKEY_PATCH", None)
    return subprocess.run(
        [sys.executable, "-m", "locust", "-f", "loadtests/locustfile.py", *arguments], cwd=ROOT,
        env=environment, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def test_locust_finds_the_users() -> None:
    listed = locust("--list")
    assert listed.stdout.split()[-4:] == [
        "ApiUser", "ChatUser", "ListenerUser", "SourceUser",
    ]  # fmt: skip


def test_another_machine_is_refused_before_anything_is_sent() -> None:
    refused = locust("--headless", "--users=1", "--run-time=1s", "--stream-url=http://192.0.2.1:1")
    assert refused.returncode == 2
    assert "192.0.2.1 is not this machine" in refused.stderr
