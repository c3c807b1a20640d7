"""What encoders use of the process that they run in, handed to them as a value.

Does:        name it.
Never:       looks for any of it: codec/tools.py does.
From / to:   codec/tools.py  ->  here  ->  stages.encode, stages.pipeline
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

import msgspec

from talas_stream.codec.stages.libopus import OpusLibrary
from talas_stream.kernels import AacEncoder


class Tools(msgspec.Struct, frozen=True):
    """`one_cpu` shows the calling thread a single processor while it is entered; `opus` is libopus,
    as this process has loaded it, or None; `aac` opens the native AAC encoder at a bit rate, or is
    None. PyAV encodes what those two do not."""

    one_cpu: Callable[[], AbstractContextManager[None]]
    opus: OpusLibrary | None = None
    aac: Callable[[int], AacEncoder] | None = None
