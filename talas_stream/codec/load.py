"""A codec worker's governor, as its thread feeds it and the loop reads it.

Does:        pass on what was measured; say in the log what the governor decided, and at most once a
             second how many source frames were left out.
Never:       measures or decides.
Guarantees:  may be called from the worker's thread and from the loop at once.
From / to:   workers.py  <->  here  <->  stages.govern
"""

from __future__ import annotations

import threading

import msgspec

from talas_core.telemetry.logs import logger
from talas_stream.stages.govern import Governor, Step

TOLD_SECONDS = 1.0

log = logger("codec")


class Load(msgspec.Struct, frozen=True):
    """How a worker is doing. `busy` is a share, `quantum` and `late` are seconds; `complexity` is
    Opus's and `coder` AAC's; `shed` counts the source frames left out so far."""

    jobs: int
    busy: float
    late: float
    quantum: float
    complexity: int
    coder: str
    full: bool
    shed: int


class Warden:
    """The governor of worker `number`, and what is to be told of it."""

    def __init__(self, number: int, governor: Governor) -> None:
        self._number = number
        self._governor = governor
        self._lock = threading.Lock()
        self._shed = 0
        self._told = 0
        self._told_at = float("-inf")

    @property
    def step(self) -> Step:
        """How to work now."""
        with self._lock:
            return self._governor.step

    @property
    def eased(self) -> bool:
        """Whether it is short of time."""
        with self._lock:
            return self._governor.place > 0

    @property
    def full(self) -> bool:
        """Whether one rendition more would be too many."""
        with self._lock:
            return self._governor.full

    def load(self, jobs: int) -> Load:
        """How the worker is doing, with so many jobs."""
        with self._lock:
            governor = self._governor
            step, busy, late, full = governor.step, governor.busy, governor.late, governor.full
        care = step.care
        return Load(jobs, busy, late, step.quantum, care.complexity, care.coder, full, self._shed)

    def admit(self) -> None:
        """A rendition was let in."""
        with self._lock:
            self._governor.admit()

    def note(self, work: float, span: float, late: float) -> None:
        """One quantum, see Governor."""
        governor = self._governor
        with self._lock:
            before = governor.place
            changed = governor.note(work, span, late)
            step, busy, eased = governor.step, governor.busy, governor.place > before
        if changed:
            log.info(
                "codec work eased" if eased else "codec work restored",
                worker=self._number,
                quantum_ms=round(step.quantum * 1000),
                opus_complexity=step.care.complexity,
                aac_coder=step.care.coder,
                busy=round(busy, 2),
            )

    def shed(self, frames: int) -> None:
        """So many source frames were left out."""
        self._shed += frames

    def tell(self, now: float) -> None:
        """Log what was left out since the last time, if that was long enough ago."""
        if self._shed > self._told and now - self._told_at >= TOLD_SECONDS:
            log.warning(
                "source frames left out", worker=self._number, number=self._shed - self._told
            )
            self._told, self._told_at = self._shed, now
