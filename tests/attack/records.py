"""What the probes wrote down, read while they write, and asked about a time."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from pathlib import Path

import msgspec

LATE_SECONDS = 1.0
"""A gap that every player's buffer may not cover."""

GOOD = ("200", "ack")
"""What polls and messages come back with."""


class Quantiles(msgspec.Struct, frozen=True):
    """Of so many milliseconds."""

    p50: float
    p99: float
    worst: float


class Records:
    """The lines of one probe."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read = 0
        self._lines: list[tuple[float, float, str]] = []

    def between(self, start: float, end: float) -> list[tuple[float, float, str]]:
        """(at, figure, result) of what happened, or began, in that time."""
        self._catch_up()
        return [line for line in self._lines if start <= line[0] <= end]

    def gap(self, start: float, end: float) -> float:
        """Of a listener: the longest time without audio, in seconds, within that time."""
        return max(self._gaps(start, end))

    def gaps(self, start: float, end: float) -> int:
        """Of a listener: how many such times were too long."""
        return sum(gap > LATE_SECONDS for gap in self._gaps(start, end))

    def bytes(self, start: float, end: float) -> int:
        """Of a listener: what it was given."""
        return int(sum(size for _, size, _ in self.between(start, end)))

    def unanswered(self, start: float, end: float) -> int:
        """Of polls and messages: how many were lost, or refused."""
        return sum(result not in GOOD for _, _, result in self.between(start, end))

    def _gaps(self, start: float, end: float) -> list[float]:
        self._catch_up()
        before = max((at for at, _, _ in self._lines if at < start), default=start)
        times = [before, *(at for at, _, _ in self.between(start, end)), end]
        return [later - earlier for earlier, later in itertools.pairwise(times)]

    def _catch_up(self) -> None:
        with self._path.open("rb") as file:
            file.seek(self._read)
            data = file.read()
        whole = data[: data.rfind(b"\n") + 1]
        self._read += len(whole)
        for line in whole.decode().splitlines():
            at, figure, *result = line.split(" ")
            self._lines.append((float(at), float(figure), result[0] if result else ""))


def quantiles(figures: Sequence[float]) -> Quantiles:
    """Of any number of figures; endless where there are none."""
    ordered = sorted(figures) or [math.inf]
    last = len(ordered) - 1
    return Quantiles(ordered[last // 2], ordered[math.ceil(last * 0.99)], ordered[last])
