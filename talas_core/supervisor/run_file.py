"""What a running Talas leaves for other commands on the same data directory: its addresses.

Does:        write `<data_dir>/run.json` while the databases are up, remove it after a clean stop.
Never:       is readable by anyone else: it holds passwords.
Guarantees:  a reader sees nothing or all; a file left by a killed Talas is known by its dead pid.
"""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from talas_core import secrets
from talas_core.settings import Settings

NAME = "run.json"


class Run(msgspec.Struct, frozen=True):
    """The supervisor's pid and the addresses its services use."""

    pid: int
    database_url: str
    nats_url: str


def write(data_dir: Path, run: Run) -> None:
    """Publish `run`, in place of what was there."""
    secrets.write(data_dir / NAME, msgspec.json.encode(run).decode())


def read(data_dir: Path) -> Run | None:
    """What the running Talas published; None where none runs."""
    try:
        run = msgspec.json.decode((data_dir / NAME).read_bytes(), type=Run)
    except (OSError, msgspec.MsgspecError):
        return None
    return run if Path(f"/proc/{run.pid}").exists() else None


def nats_url(settings: Settings) -> str:
    """Where NATS is now, for a service: where the Talas that started it says, else the setting. A
    server of ours whose port was taken while it was down comes back on another."""
    run = read(settings.data_dir)
    return run.nats_url if run is not None and run.pid == os.getppid() else settings.nats_url


def remove(data_dir: Path) -> None:
    """Take it back."""
    (data_dir / NAME).unlink(missing_ok=True)


def left_behind(data_dir: Path) -> bool:
    """Whether the last Talas here was cut off. Only the lock's holder may conclude that."""
    return (data_dir / NAME).exists()
