"""Which job a codec worker is at, so that it can be told when the worker has died of it.

Does:        keep one number in memory that a worker and the service share.
Never:       waits, or asks the kernel anything once it is there: it is set for every job's turn.
Guarantees:  whatever becomes of the worker, the number can be read; its size cannot be changed, so
             that reading it is safe.
From / to:   worker.py  ->  here  ->  link.py
"""

from __future__ import annotations

import fcntl
import mmap
import os

_BYTES = 8


class Mark:
    """The number, over a descriptor of its memory; `job` is 0 while no job is worked on."""

    def __init__(self, descriptor: int) -> None:
        self._memory = mmap.mmap(descriptor, _BYTES)
        self._numbers = memoryview(self._memory).cast("Q")

    @property
    def job(self) -> int:
        """The job that is worked on."""
        return self._numbers[0]

    @job.setter
    def job(self, number: int) -> None:
        self._numbers[0] = number


def memory() -> int:
    """A descriptor of memory for a mark. Raises OSError."""
    descriptor = os.memfd_create("talas-codec-mark", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    os.truncate(descriptor, _BYTES)
    fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW)
    return descriptor
