"""What sound is in this package.

Does:        name the rate and the shape of samples.
Never:       computes.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

RATE = 48_000
"""Samples a second."""

Samples: TypeAlias = npt.NDArray[np.float32]
"""Shape (channels, n), or (n,) of one channel; around [-1, 1]."""
