"""What is dear to make, made once a run for all its workers."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest


def shared_by_workers(factory: pytest.TempPathFactory) -> Path:
    """A folder that all workers of this run know, and no other run."""
    base = factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "made-once"
    folder.mkdir(exist_ok=True)
    return folder


def made_once(folder: Path, name: str, make: Callable[[Path], object]) -> Path:
    """The folder `folder/name`; `make` fills it, unless a worker has done so before. Whoever comes
    meanwhile waits. Where `make` fails, the next tries again."""
    done, part = folder / name, folder / f"{name}.part"
    with (folder / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            shutil.rmtree(part, ignore_errors=True)
            part.mkdir(mode=0o700)
            make(part)
            part.rename(done)
    return done
