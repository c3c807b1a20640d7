"""How late things are because the machine is short of processors, which is not the fault of Talas.

Does:        measure how late this process's own loop is, which is what anything it times may be
             late, too; and how long processes of Talas were ready to run and waited for a
             processor, by the kernel's count (0 where the kernel does not count).
Never:       counts the time in which a process stands still: that one does not wait.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Mapping

import msgspec

from support.stopwatch import wait_seconds

TICK_SECONDS = 0.1
SECOND = 10
"""Ticks in a second."""
KEPT_SECONDS = 120.0


class _Tick(msgspec.Struct):
    """`late` is this loop's lateness, `waits` the seconds each process waited since the last."""

    at: float
    late: float
    waits: dict[int, float]


class Lateness:
    """The last two minutes. `roles` are those of the processes to look at, by pid."""

    def __init__(self) -> None:
        self.roles: Mapping[int, str] = {}
        self.longest = 0.0
        self._ticks: deque[_Tick] = deque(maxlen=int(KEPT_SECONDS / TICK_SECONDS))
        self._waited: dict[int, float] = {}

    async def measure(self) -> None:
        """Without an end."""
        while True:
            before = time.monotonic()
            await asyncio.sleep(TICK_SECONDS)
            after = time.monotonic()
            self._ticks.append(_Tick(after, after - before - TICK_SECONDS, self._look()))
            self.longest = max(self.longest, self._ticks[-1].late)

    def worst(self, seconds: float, *roles: str) -> float:
        """What may be taken off a time of so many seconds that has just ended, and that processes
        of these roles were to keep: the longest lateness here, and the most that one of them
        waited in any one second."""
        since = time.monotonic() - seconds - 2 * TICK_SECONDS
        ticks = [tick for tick in self._ticks if tick.at >= since]
        waits = [sum(tick.waits.get(pid, 0.0) for tick in ticks[begin : begin + SECOND])
                 for pid, role in self.roles.items() if role in roles
                 for begin in range(max(1, len(ticks) - SECOND + 1))]  # fmt: skip
        return max((tick.late for tick in ticks), default=0.0) + max(waits, default=0.0)

    def _look(self) -> dict[int, float]:
        waits = {}
        for pid in self.roles:
            waited = wait_seconds(pid)
            waits[pid] = waited - self._waited.get(pid, waited)
            self._waited[pid] = waited
        return waits
