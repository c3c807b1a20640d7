"""Time as what is tested is answerable for it: a machine that is busy with something else is not.

Does:        measure how long something took, less what the processes that do it waited for a
             processor, by the kernel's count (nothing where the kernel does not count).
Never:       takes off the time in which a process stands still or waits for another.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterable
from pathlib import Path

import psutil


def wait_seconds(pid: int) -> float:
    """How long a process's first thread has waited for a processor in its life."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        return int(Path(f"/proc/{pid}/schedstat").read_text().split()[1]) / 1e9
    return 0.0


class Stopwatch:
    """Runs from when it is made. `processes` are those that do what is measured; this one, which
    looks, is among them."""

    def __init__(self, processes: Iterable[psutil.Process]) -> None:
        pids = [os.getpid(), *(one.pid for one in processes)]
        self._waited = {pid: wait_seconds(pid) for pid in pids}
        self._began = time.monotonic()

    @property
    def seconds(self) -> float:
        """So far."""
        return time.monotonic() - self._began - self.waited

    @property
    def waited(self) -> float:
        """What was taken off: all that each waited, for one may have waited for another's work."""
        return sum(max(0.0, wait_seconds(pid) - was) for pid, was in self._waited.items())
