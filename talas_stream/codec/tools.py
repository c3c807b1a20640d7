"""What this process has for its encoders: libopus, and a moment on a single processor.

Does:        find the libopus that is loaded already; show a thread one processor, and all again.
Never:       loads a second libopus: it gives the one that libavcodec runs on.
Guarantees:  what was found once is kept, since a confined worker can look for nothing any more.
From / to:   codec/__main__.py, codec/work.py, playout/player.py  ->  here  ->  stages.tools
"""

from __future__ import annotations

import ctypes
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import av  # noqa: F401 - loads libavcodec, and with it libopus

from talas_stream.codec.stages.tools import Tools
from talas_stream.kernels import Kernels

_FILE = re.compile(r"/.*/libopus(?:-\w+)?\.so.*")


def tools(kernels: Kernels) -> Tools:
    """All of it, with the native AAC encoder if `kernels` has one."""
    return Tools(one_cpu, opus_library(), kernels.aac_encoder)


@cache
def opus_library() -> ctypes.CDLL | None:
    """The libopus that this process has loaded. None if libavcodec came without one, or has it
    built in."""
    try:
        maps = Path("/proc/self/maps").read_text(errors="surrogateescape")
        opus = ctypes.CDLL(_FILE.findall(maps)[0])
    except (IndexError, OSError):
        return None
    return opus if hasattr(opus, "opus_encode_float") else None


@contextmanager
def one_cpu() -> Iterator[None]:
    """Show this thread a single processor for a moment.

    PyAV puts a filter graph before every encoder, and FFmpeg sizes that graph's thread pool by the
    processors the thread may use when the first frame arrives. With one it makes no pool. Only the
    calling thread is touched, and other threads run on as they were.
    """
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(allowed)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, allowed)
