"""What a resampler makes louder than full scale, turned down softly.

Does:        turn sound down for a moment around samples over CEILING: a resampler draws the curve
             between samples, and that of a square or of a master limited to full scale goes over
             it, by 2 dB and more.
Never:       touches sound without such a sample near; looks between samples.
Guarantees:  nothing over CEILING comes out, and as many samples as went in, AHEAD later; both
             channels turn down alike, so that nothing moves between the speakers; how the sound is
             cut into pieces makes no difference.
From / to:   stages.normalise  ->  here  ->  stages.normalise
"""

from __future__ import annotations

import numpy as np

from talas_stream.media import Samples

CEILING = np.float32(0.9998)
"""A step of 16 bits and its dither below full scale."""

REACH = 16
"""Samples in which the gain falls before a peak, and in which it rises after it."""

AHEAD = 2 * REACH
"""Samples that are held back."""

_ONE = 1 << 24
_NOTHING = np.zeros((2, 0), np.float32)


class Guard:
    """Of one stream in stereo."""

    def __init__(self) -> None:
        # The last AHEAD samples that went out, on which the gain of the next ones depends, and the
        # AHEAD that are held back; at first, there was silence.
        self._kept = np.zeros((2, AHEAD), np.float32)

    def feed(self, samples: Samples) -> Samples:
        """The samples that came AHEAD before the end of `samples`, shape (2, n)."""
        known = np.concatenate([self._kept, samples], axis=1)
        end = known.shape[1] - AHEAD
        self._kept = known[:, max(end - AHEAD, 0) :].copy()
        if end <= AHEAD:
            return _NOTHING
        due = known[:, AHEAD:end]
        return due * _gains(known) if max(known.max(), -known.min()) > CEILING else due

    def flush(self) -> Samples:
        """What is held back. Feed nothing afterwards."""
        return self.feed(np.zeros((2, AHEAD), np.float32))


def _gains(known: Samples) -> Samples:
    """Of the samples that have AHEAD others before them and AHEAD after."""
    lowest = CEILING / np.maximum(np.abs(known).max(axis=0), CEILING)
    # The least of 2 * REACH neighbours and of itself, from those of half as many.
    width = 1
    while width < AHEAD:
        lowest = np.minimum(lowest[:-width], lowest[width:])
        width *= 2
    lowest = np.minimum(lowest[:-1], lowest[1:])
    # Their mean over as many: none of them is over what a peak allows. Whole numbers have the same
    # sum, however the sound is cut.
    sums = np.cumsum(np.floor(lowest * _ONE).astype(np.int64))
    sums[AHEAD + 1 :] -= sums[: -AHEAD - 1].copy()
    return (sums[AHEAD:] * (1 / (_ONE * (AHEAD + 1)))).astype(np.float32)
