"""The job that a worker is at, seen from outside it."""

import os

import pytest

from talas_stream.codec.mark import Mark, memory


def test_mark_set_at_one_end_is_read_at_the_other_and_cannot_be_shrunk() -> None:
    descriptor = memory()
    here, there = Mark(descriptor), Mark(descriptor)
    assert there.job == 0
    here.job = 1 << 40
    assert there.job == 1 << 40
    for size in (0, 4096):
        with pytest.raises(PermissionError):
            os.truncate(descriptor, size)
    os.close(descriptor)
    here.job = 7
    assert there.job == 7


def test_mark_outlives_the_process_that_set_it() -> None:
    descriptor = memory()
    mark = Mark(descriptor)
    child = os.fork()
    if not child:
        mark.job = 5
        os._exit(0)
    os.waitpid(child, 0)
    assert mark.job == 5
    os.close(descriptor)
