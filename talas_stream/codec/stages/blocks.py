"""Blocks of one size, as coders take them, out of runs of any.

Does:        fill a block that stays where it is, and say each time it is full.
Never:       keeps a sample twice: a full block is overwritten by what comes next.
Guarantees:  every sample is in one block, in order; media time goes on without a step.
From / to:   stages.libopus, stages.aac
"""

from __future__ import annotations

from collections.abc import Iterator

from talas_stream.media import Samples


class Blocks:
    """Fills the rows `left` and `right` of a caller's array, both as long as a block."""

    def __init__(self, left: Samples, right: Samples) -> None:
        # Copied into one by one: numpy takes three times as long over both in one go.
        self._left, self._right = left, right
        self._size = int(left.shape[0])
        self._filled = 0

    def fill(self, samples: Samples) -> Iterator[None]:
        """Take `samples`, shape (2, n); stop whenever the block is full, for the caller to use."""
        taken, count = 0, samples.shape[1]
        while taken < count:
            filled = self._filled
            part = min(self._size - filled, count - taken)
            self._left[filled : filled + part] = samples[0, taken : taken + part]
            self._right[filled : filled + part] = samples[1, taken : taken + part]
            taken += part
            self._filled = filled + part
            if self._filled == self._size:
                self._filled = 0
                yield

    def pad(self) -> None:
        """Fill what is left of the block with silence; the next begins afterwards."""
        self._left[self._filled :] = self._right[self._filled :] = 0
        self._filled = 0
