"""PCM samples as floats, limited.

Does:        limit what is louder than full scale, and silence what is not a number.
Never:       changes an array it was given, or mixes channels.
Twin:        this function defines what native/samples.c does, to the bit.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Limit = Callable[[Sequence[Any], int], Floats]


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
