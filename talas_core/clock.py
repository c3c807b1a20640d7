"""Time, as a port: the one place that asks the machine what time it is.

Does:        give a monotonic reading for durations and a UTC one for people.
Never:       sleeps, and never lets a wall-clock step reach a duration.
Guarantees:  `FakeClock` moves only when told to, so pacing is tested without waiting.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """What a consumer may ask of time."""

    def monotonic(self) -> float:
        """Seconds from an arbitrary start; never goes back."""
        ...

    def now(self) -> datetime:
        """The present moment, in UTC, with its zone."""
        ...


class SystemClock:
    """The machine's own clocks."""

    def monotonic(self) -> float:
        return time.monotonic()

    def now(self) -> datetime:
        return datetime.now(UTC)


class FakeClock:
    """A clock that stands still until `advance`."""

    def __init__(self, monotonic: float = 1000.0, now: datetime | None = None) -> None:
        self._monotonic = monotonic
        self._now = now or datetime(2030, 1, 1, tzinfo=UTC)

    def monotonic(self) -> float:
        return self._monotonic

    def now(self) -> datetime:
        return self._now

    def advance(self, seconds: float) -> None:
        """Move both readings forward. Raises ValueError for a negative step."""
        if seconds < 0:
            raise ValueError("time does not go back")
        self._monotonic += seconds
        self._now += timedelta(seconds=seconds)
