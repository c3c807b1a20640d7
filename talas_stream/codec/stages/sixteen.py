"""Floats to 16 bits, with dither where bits are lost.

Does:        add noise of two steps, triangular in its distribution, before rounding: what is lost
             then is a hiss of its own at -93 dB, not a distortion of the sound.
Never:       touches a block that 16 bits hold as it is: a 16-bit source stays what it was to the
             bit, and silence stays silence.
Guarantees:  the noise is that of the media time, whatever the blocks: encoders of the same sound
             make the same of it. It comes again every SPAN ticks.
Source:      Lipshitz, Wannamaker, Vanderkooy: Quantization and Dither, JAES 40 (1992).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from talas_stream.media import Samples

Int16s = NDArray[np.int16]

SPAN = 1 << 16
_BLOCK = 1 << 12
_STEPS = np.float32(32768)


def _noise() -> Samples:
    rng = np.random.default_rng(1)
    first, second = rng.random((2, 2, SPAN), np.float32)
    return np.pad(first - second, [(0, 0), (0, _BLOCK)], mode="wrap")


_NOISE = _noise()


def sixteen(samples: Samples, at: int) -> Int16s:
    """`samples`, float32 of shape (2, n) which begin at tick `at`, times 32768, limited. They must
    be numbers."""
    scaled = samples * _STEPS
    rounded = np.rint(scaled)
    if not np.array_equal(scaled, rounded):
        for start in range(0, scaled.shape[1], _BLOCK):
            part = scaled[:, start : start + _BLOCK]
            offset = (at + start) % SPAN
            part += _NOISE[:, offset : offset + part.shape[1]]
        np.rint(scaled, out=rounded)
    np.clip(rounded, -32768, 32767, out=rounded)
    limited: Int16s = rounded.astype(np.int16)
    return limited
