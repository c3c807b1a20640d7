"""What the server used while it was under load, and what the whole machine did.

Does:        add up the processor time and memory of every process under one.
Never:       touches them.
Guarantees:  a process that came or went in between counts for the time it was seen.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator

import psutil  # type: ignore[import-untyped]

_MIB = 1024 * 1024


class ServerUsage:
    """The family of process `pid`, from now on."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._began = time.monotonic()
        self._busy = _machine_seconds()
        self._before = {process.pid: _seconds(process) for process in self._family()}

    def used(self) -> list[tuple[str, float, float]]:
        """Name, per cent of a core and resident MiB of each part, the busiest first; then the whole
        machine: where that is full, slow answers say little about the server."""
        clock = max(0.001, time.monotonic() - self._began)
        parts: dict[str, tuple[float, float]] = {}
        for process in self._family():
            with contextlib.suppress(psutil.Error):
                seconds = _seconds(process) - self._before.get(process.pid, 0.0)
                memory = process.memory_info().rss / _MIB
                name = part_name(process.name(), process.cmdline())
                before = parts.get(name, (0.0, 0.0))
                parts[name] = (before[0] + seconds, before[1] + memory)
        rows = [(name, 100 * seconds / clock, memory) for name, (seconds, memory) in parts.items()]
        busy = 100 * (_machine_seconds() - self._busy) / clock
        memory = psutil.virtual_memory().used / _MIB
        machine = f"the whole machine, {psutil.cpu_count()} cores"
        return [*sorted(rows, key=lambda row: -row[1]), (machine, busy, memory)]

    def _family(self) -> Iterator[psutil.Process]:
        with contextlib.suppress(psutil.Error):
            head = psutil.Process(self._pid)
            yield head
            yield from head.children(recursive=True)


def part_name(name: str, command: list[str]) -> str:
    """A process by the module it runs, else by its program: `talas_stream`, `postgres`."""
    if "-m" in command[:-1]:
        return command[command.index("-m") + 1]
    return name


def _machine_seconds() -> float:
    times = psutil.cpu_times()
    return float(sum(times) - times.idle - getattr(times, "iowait", 0.0)
                 - getattr(times, "guest", 0.0) - getattr(times, "guest_nice", 0.0))  # fmt: skip


def _seconds(process: psutil.Process) -> float:
    with contextlib.suppress(psutil.Error):
        times = process.cpu_times()
        return float(times.user + times.system)
    return 0.0
