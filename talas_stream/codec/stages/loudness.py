"""Loudness over a long time: what is too soft left out, in memory that does not grow.

Does:        keep how many blocks of a programme were how loud, in bins of 0.1 LU; answer with the
             loudness of those that pass both gates (ITU-R BS.1770), and with their range (EBU Tech
             3342).
Never:       keeps a block, so that a programme of months costs what one of minutes does.
Guarantees:  a bin keeps the power of its blocks, so only the relative gate is rounded: to the edge
             of a bin, 0.05 LU away at most.
From / to:   stages.meter  ->  here  ->  stages.meter
"""

from __future__ import annotations

import math

import numpy as np

FLOOR = -70.0
"""LUFS: what is no louder counts for nothing (ITU-R BS.1770's absolute gate)."""

_BINS_A_UNIT = 10
_BINS = 80 * _BINS_A_UNIT
"""Up to 10 LUFS: a full square wave has less. What is louder goes to the last."""


def level(power: float) -> float:
    """The loudness in LUFS of weighted samples: their mean square, summed over the channels."""
    return 10 * math.log10(power) - 0.691 if power > 0 else -math.inf


class Gated:
    """Blocks of a programme above the absolute gate, and those of them that are at most so many LU
    softer than all of them together are."""

    def __init__(self, relative_gate: float) -> None:
        self._relative_gate = relative_gate
        self._count = 0
        self._power = 0.0
        self._counts = np.zeros(_BINS, np.int64)
        self._powers = np.zeros(_BINS)

    def add(self, power: float, loudness: float) -> None:
        """A block of that mean power, whose `level` is `loudness`."""
        if loudness > FLOOR:
            index = min(int((loudness - FLOOR) * _BINS_A_UNIT), _BINS - 1)
            self._counts[index] += 1
            self._powers[index] += power
            self._count += 1
            self._power += power

    def loudness(self) -> float | None:
        """Of the blocks that pass, in LUFS. None: there are none."""
        if not self._count:
            return None
        first = self._first()
        return level(float(self._powers[first:].sum()) / int(self._counts[first:].sum()))

    def range(self) -> float | None:
        """From the loudness that a tenth of the blocks that pass do not reach to that which a
        twentieth of them exceed, in LU. None: there are none."""
        if not self._count:
            return None
        first = self._first()
        reached = self._counts[first:].cumsum()
        last = int(reached[-1]) - 1
        low, high = first + reached.searchsorted((round(last * 0.10), round(last * 0.95)), "right")
        return self._level_in(int(high)) - self._level_in(int(low))

    def _first(self) -> int:
        """The first bin that passes the relative gate; one that holds blocks always does."""
        gate = level(self._power / self._count) - self._relative_gate
        return min(max(round((gate - FLOOR) * _BINS_A_UNIT), 0), _BINS - 1)

    def _level_in(self, index: int) -> float:
        return level(float(self._powers[index]) / int(self._counts[index]))
