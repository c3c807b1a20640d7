"""A codec worker's governor, and what is to be told of it.

Does:        pass on what was measured; say in the log what the governor decided, and at most once a
             second how many source frames were left out.
Never:       measures time, or decides.
Guarantees:  a load is a value: it may travel.
From / to:   worker.py  <->  here  <->  stages.govern
"""

from __future__ import annotations

import resource

import msgspec

from talas_core.telemetry.logs import logger
from talas_stream.codec.stages.govern import Governor, Step

TOLD_SECONDS = 1.0

SIZED_SECONDS = 1.0
"""Between two looks at the process's size: the kernel adds up every thread's account for it."""

log = logger("codec")


class Load(msgspec.Struct, frozen=True, array_like=True):
    """How a worker is doing. `busy` is a share, `quantum` and `late` are seconds; `complexity` is
    Opus's; `room` is for so many renditions more; `shed` counts the source frames left out so far;
    `size` is the most memory that it ever had resident, in whole MiB as bytes."""

    busy: float
    late: float
    quantum: float
    complexity: int
    room: int
    shed: int
    size: int


class LoggedGovernor:
    """The governor of worker `number`, whose decisions it logs."""

    def __init__(self, number: int, governor: Governor) -> None:
        self._number = number
        self._governor = governor
        self._shed = 0
        self._told = 0
        self._told_at = float("-inf")
        self._size = _most_bytes()
        self._sized_at = float("-inf")

    @property
    def step(self) -> Step:
        """How to work now."""
        return self._governor.step

    @property
    def eased(self) -> bool:
        """Whether it is short of time."""
        return self._governor.at > 0

    @property
    def load(self) -> Load:
        """How the worker is doing."""
        governor = self._governor
        step, effort = governor.step, governor.step.effort
        return Load(
            governor.busy, governor.late, step.quantum, effort.complexity,
            governor.room, self._shed, self._size,
        )  # fmt: skip

    def admit(self) -> None:
        """A rendition was let in."""
        self._governor.admit()

    def note(self, work: float, span: float, late: float) -> None:
        """One quantum, see Governor."""
        governor = self._governor
        before = governor.at
        if not governor.note(work, span, late):
            return
        effort = governor.step.effort
        log.info(
            "codec work eased" if governor.at > before else "codec work restored",
            worker=self._number,
            quantum_ms=round(governor.step.quantum * 1000),
            opus_complexity=effort.complexity,
            busy=round(governor.busy, 2),
        )

    def shed(self, frames: int) -> None:
        """So many source frames were left out."""
        self._shed += frames

    def tell(self, now: float) -> None:
        """Log what was left out since the last time, and see how large the process has grown, each
        if that was long enough ago."""
        if now - self._sized_at >= SIZED_SECONDS:
            self._size, self._sized_at = _most_bytes(), now
        if self._shed > self._told and now - self._told_at >= TOLD_SECONDS:
            log.warning(
                "source frames left out", worker=self._number, number=self._shed - self._told
            )
            self._told, self._told_at = self._shed, now


def _most_bytes() -> int:
    """The most that this process ever had resident: a confined one can ask for nothing else."""
    kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return kib >> 10 << 20
