"""What users find out, on its way to locust's table and to the verdict.

Does:        carry one measured moment (`Result`); add up what is no moment (`Tally`).
Never:       knows locust, a socket or a clock.
Guarantees:  tallies of several processes, merged in any order, are the tally of the whole.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec


class Result(msgspec.Struct, frozen=True):
    """One row's worth for locust's table: `ms` milliseconds, `size` bytes, and why it failed."""

    name: str
    ms: float
    size: int = 0
    problem: str = ""


class Snapshot(msgspec.Struct, frozen=True):
    """A tally at one moment, fit for sending."""

    sums: dict[str, float]
    highs: dict[str, float]
    lows: dict[str, float]


class Tally:
    """Named sums, highest and lowest values of one process."""

    def __init__(self) -> None:
        self._sums: dict[str, float] = {}
        self._highs: dict[str, float] = {}
        self._lows: dict[str, float] = {}

    def add(self, name: str, amount: float = 1) -> None:
        """Count `amount` more of something."""
        self._sums[name] = self._sums.get(name, 0) + amount

    def add_all(self, amounts: Mapping[str, float]) -> None:
        """Count several things."""
        for name, amount in amounts.items():
            self.add(name, amount)

    def high(self, name: str, value: float) -> None:
        """Keep the value if there was no higher one."""
        self._highs[name] = max(self._highs.get(name, value), value)

    def low(self, name: str, value: float) -> None:
        """Keep the value if there was no lower one."""
        self._lows[name] = min(self._lows.get(name, value), value)

    def snapshot(self) -> Snapshot:
        """All of it, now."""
        return Snapshot(dict(self._sums), dict(self._highs), dict(self._lows))

    def take(self) -> Snapshot:
        """All of it, and begin anew: what a worker sends must not be counted twice."""
        taken = self.snapshot()
        self.clear()
        return taken

    def clear(self) -> None:
        """Begin anew."""
        for table in (self._sums, self._highs, self._lows):
            table.clear()

    def merge(self, other: Snapshot) -> None:
        """Take in what another process found."""
        kept: tuple[tuple[dict[str, float], Callable[[str, float], None]], ...] = (
            (other.sums, self.add),
            (other.highs, self.high),
            (other.lows, self.low),
        )
        for values, keep in kept:
            for name, value in values.items():
                keep(name, value)
