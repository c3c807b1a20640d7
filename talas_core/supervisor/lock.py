"""Who owns a data directory: the holder of one lock.

Does:        take the flock on `<data_dir>/lock`, making the directory where it is missing.
Never:       believes a pid it reads: the number in the file only makes the refusal readable.
Guarantees:  at most one holder; the kernel frees the lock when the holder dies, however it dies.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
from pathlib import Path

from talas_core import poll
from talas_core.data_dir import LOCK
from talas_core.errors import SettingError, UsageError

NAME = LOCK
PATIENCE_SECONDS = 5.0
"""How long a dying holder is waited for: a child not yet past its exec keeps the lock too."""


class Lock:
    """The right to work in a data directory, until `release`."""

    def __init__(self, handle: int) -> None:
        self._handle = handle

    def release(self) -> None:
        """Give the directory up. Releasing twice is harmless."""
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1


async def acquire(data_dir: Path, seconds: float = PATIENCE_SECONDS) -> Lock:
    """The lock, waited for if it is taken. Raises UsageError naming the holder after `seconds`."""
    try:
        async with asyncio.timeout(seconds):
            return await poll.until(lambda: attempt(data_dir))
    except TimeoutError:
        raise UsageError(
            f"TALAS_DATA_DIR: {data_dir} is in use by another Talas{_holder(data_dir)}; stop it, "
            "or give this one a directory of its own"
        ) from None


def attempt(data_dir: Path) -> Lock | None:
    """The lock, or None while another process has it.

    Raises SettingError where the directory cannot be made or written.
    """
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(data_dir / NAME, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise _unusable(data_dir, error.strerror) from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        return None
    if not os.access(data_dir, os.W_OK | os.X_OK):
        os.close(handle)
        raise _unusable(data_dir, "Permission denied")
    os.ftruncate(handle, 0)
    os.write(handle, f"{os.getpid()}\n".encode())
    return Lock(handle)


def _unusable(data_dir: Path, why: str | None) -> SettingError:
    return SettingError("TALAS_DATA_DIR", f"cannot write in {data_dir}: {why}")


def _holder(data_dir: Path) -> str:
    try:
        pid = (data_dir / NAME).read_text().strip()
    except OSError:
        return ""
    return f" (process {pid})" if pid else ""
