"""PCM samples: 16-bit integers to floats and back, limiting, and a gain that moves.

Does:        map -32768..32767 to -1..1 and back, limiting what is louder and silencing what is not
             a number; change the loudness without a step.
Never:       changes an array it was given, or mixes channels.
Guarantees:  integer -> float -> integer gives the same integers.
Twin:        these functions define what native/samples.c does, to the bit.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Int16s = NDArray[np.int16]
Floats = NDArray[np.float32]
Limit = Callable[[Sequence[Any], int], Floats]

MAX_GAIN = 1000.0  # 60 dB
_SCALE = np.float32(32768)


def int16_to_float(samples: Int16s) -> Floats:
    """Samples of any shape, divided by 32768. Raises ValueError for another type than int16."""
    _require(samples, np.int16)
    return samples * (np.float32(1) / _SCALE)


def float_to_int16(samples: Floats) -> Int16s:
    """Samples of any shape times 32768, halves rounded to the even neighbour, limited to 16 bits.

    What is not a number becomes 0. Raises ValueError for another type than float32.
    """
    _require(samples, np.float32)
    with np.errstate(over="ignore", invalid="ignore"):
        scaled = np.where(np.isnan(samples), np.float32(0), samples * _SCALE)
    limited: Int16s = np.rint(np.clip(scaled, -32768, 32767)).astype(np.int16)
    return limited


def limit_planes(planes: Sequence[Any], count: int) -> Floats:
    """The first `count` float32 samples of each plane, limited to [-1, 1]: shape (planes, count).

    A plane is anything with a contiguous buffer, such as one channel of a decoder's frame. What is
    not a number becomes 0. Raises ValueError for a plane that holds fewer samples.
    """
    out = np.empty((len(planes), count), np.float32)
    for row, plane in zip(out, planes, strict=True):
        if memoryview(plane).nbytes < 4 * count:
            raise ValueError("the run must lie within the data")
        np.clip(np.frombuffer(plane, np.float32, count), -1.0, 1.0, out=row)
        row[np.isnan(row)] = 0.0
    return out


def gain_ramp(samples: Floats, start: float, end: float) -> Floats:
    """Samples times a gain that moves evenly along the last axis, so planes of channels fit.

    Sample i of n gets `start + i * (end - start) / n`: the next block begins at exactly `end`.
    Raises ValueError for another type than float32, and for gains that are no numbers or over 60
    dB.
    """
    if not (abs(start) <= MAX_GAIN and abs(end) <= MAX_GAIN):
        raise ValueError("a gain must be a number between -1000 and 1000")
    _require(samples, np.float32)
    count = samples.shape[-1]
    gains = start + np.arange(count) * ((end - start) / max(count, 1))
    with np.errstate(over="ignore", invalid="ignore"):
        louder: Floats = (samples * gains).astype(np.float32)
    return louder


def _require(samples: NDArray[Any], kind: type[np.generic]) -> None:
    if samples.dtype != kind:
        raise ValueError(f"samples are of type {samples.dtype}, not {np.dtype(kind)}")
