"""Looking at processes from outside."""

from __future__ import annotations

from collections.abc import Callable

import psutil


def gone(pid: int) -> bool:
    """Whether the process has ended, reaped or not."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def newcomers() -> Callable[[], list[psutil.Process]]:
    """Ask it later for the children that this process has got since now, zombies not counted."""
    me = psutil.Process()
    before = {child.pid for child in me.children()}
    return lambda: [child for child in me.children()
                    if child.pid not in before and not gone(child.pid)]  # fmt: skip


def family(process: psutil.Process) -> list[psutil.Process]:
    """A process and all that come from it."""
    return [process, *process.children(recursive=True)]


def cpu_seconds(process: psutil.Process) -> float:
    """Processor time that it and its family have used so far."""
    return sum(sum(each.cpu_times()[:2]) for each in family(process))
